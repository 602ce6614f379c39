"""``ports`` of a service: what is reached from outside, in the short and in the long form."""

from __future__ import annotations

import re

from boxship.cli.compose.fields import Field, Notes
from boxship.cli.compose.model import Port

_SHORT = re.compile(
    r"(?:(?P<host>\[[0-9a-fA-F:.]+\]|[0-9]+(?:\.[0-9]+){3}):)?(?:(?P<outside>[0-9]+(?:-[0-9]+)?)?:)?(?P<inside>[0-9]+(?:-[0-9]+)?)"
    r"(?:/(?P<protocol>[a-z]+))?"
)
_MOST = 1000
_EVERYWHERE = {"", "0.0.0.0", "::", "[::]"}  # noqa: S104 (what a file may say, nothing is bound)


def read(given: Field | None, notes: Notes) -> tuple[Port, ...]:
    """The ports. Wrong: one is in no form that there is. What is for the host itself only is noted, and not published."""
    found: list[Port] = []
    for each in given.items() if given else ():
        found += _short(each, notes) if each.is_text() else _long(each, notes)
    return tuple(dict.fromkeys(found))


def _short(given: Field, notes: Notes) -> list[Port]:
    match = _SHORT.fullmatch(given.text())
    if match is None:
        raise given.wrong(
            f"{given.value!r} is not [address:][outside:]inside[/protocol], each a port or a range of ports."
        )
    return _ports(
        given, match["host"] or "", (match["outside"] or "", match["inside"]), match["protocol"] or "tcp", notes
    )


def _long(given: Field, notes: Notes) -> list[Port]:
    known = {"target", "published", "protocol", "host_ip", "name", "mode"}
    entry = given.map().checked(known, {"app_protocol": "the cloud knows tcp and udp only."}, notes)
    target, published, protocol, host = (entry.get(name) for name in ("target", "published", "protocol", "host_ip"))
    if target is None:
        raise given.wrong("it has no target.")
    spans = (published.text() if published else "", str(target.whole(1, 65535)))
    return _ports(given, host.text() if host else "", spans, protocol.text() if protocol else "tcp", notes)


def _ports(given: Field, host: str, spans: tuple[str, str], protocol: str, notes: Notes) -> list[Port]:
    if protocol not in {"tcp", "udp"}:
        notes.add(given.path, f"{protocol} is not published, only tcp and udp are.")
        return []
    if host.startswith("127.") or host in {"[::1]", "::1"}:
        notes.add(
            given.path, "it is for the host itself, and a floating IP is for everybody; the port is not published."
        )
        return []
    if host not in _EVERYWHERE:
        notes.add(given.path, f"the port is at the floating IP of the project, and not at {host}.")
    outside, inside = (_span(given, text) for text in spans)
    if len(inside) == 1:
        return [Port(given.path, inside[0], tuple(outside), protocol)]
    if not outside:
        return [Port(given.path, each, (), protocol) for each in inside]
    if len(outside) != len(inside):
        raise given.wrong("the two ranges have to be of one length.")
    return [Port(given.path, each, (outer,), protocol) for outer, each in zip(outside, inside, strict=True)]


def _span(given: Field, text: str) -> list[int]:
    if not text:
        return []
    if not re.fullmatch(r"[0-9]{1,5}(-[0-9]{1,5})?", text):
        raise given.wrong(f"{text!r} is no port and no range of ports.")
    first, _, last = text.partition("-")
    least, most = int(first), int(last or first)
    if not 0 < least <= most < 65536 or most - least >= _MOST:
        raise given.wrong(f"{text} is no port from 1 to 65535, and no range of up to {_MOST} of them.")
    return list(range(least, most + 1))
