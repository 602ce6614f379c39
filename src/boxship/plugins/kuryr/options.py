"""The options ``neutron.*`` of networks (``-o``) and of ranges (``--ipam-opt``): read and checked; looks nothing up."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from boxship.core import errors
from boxship.plugins.kuryr import protocol

_KNOWN = frozenset(
    (
        "neutron.net.uuid", "neutron.net.name", "neutron.net.shared", "neutron.subnet.uuid", "neutron.subnet.name",
        "neutron.subnet.v6.uuid", "neutron.subnet.v6.name", "neutron.pool.uuid", "neutron.pool.name",
        "neutron.pool.v6.uuid", "neutron.pool.v6.name",
    )
)  # fmt: skip
_YES, _NO = frozenset(("true", "1", "yes", "on")), frozenset(("false", "0", "no", "off"))


class Choice(msgspec.Struct, frozen=True):
    """Something of the cloud that the user named, by id or else by name."""

    id: str = ""
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.id or self.name)


class Options(msgspec.Struct, frozen=True):
    """What the user said of one IP version. ``shared`` and ``mtu`` None: nothing."""

    network: Choice
    subnet: Choice
    pool: Choice
    shared: bool | None
    mtu: int | None


def read(given: Mapping[str, object] | None, *, v6: bool) -> Options:
    """The options for a version. BadRequest: one that begins with ``neutron.`` and is none, or a value that is none."""
    words = {name: str(value) for name, value in (given or {}).items()}
    unknown = sorted(name for name in words if name.startswith("neutron.") and name not in _KNOWN)
    if unknown:
        known = ", ".join(sorted(_KNOWN))
        raise errors.BadRequest(f"{unknown[0]} is not an option; there are {known}.", field=unknown[0])
    middle = ".v6" if v6 else ""
    return Options(
        network=_choice(words, "neutron.net"),
        subnet=_choice(words, f"neutron.subnet{middle}"),
        pool=_choice(words, f"neutron.pool{middle}"),
        shared=_flag(words, "neutron.net.shared"),
        mtu=_mtu(words),
    )


def _choice(words: Mapping[str, str], name: str) -> Choice:
    return Choice(words.get(f"{name}.uuid", ""), words.get(f"{name}.name", ""))


def _flag(words: Mapping[str, str], name: str) -> bool | None:
    text = words.get(name, "").lower()
    if text not in {"", *_YES, *_NO}:
        raise errors.BadRequest(f"{name} is true or false, not {text!r}.", field=name)
    return text in _YES if text else None


def _mtu(words: Mapping[str, str]) -> int | None:
    text = words.get(protocol.MTU, "")
    if not text:
        return None
    if not text.isdecimal() or not 68 <= int(text) <= 65535:
        raise errors.BadRequest(
            f"{protocol.MTU} is a number of bytes from 68 to 65535, not {text!r}.", field=protocol.MTU
        )
    return int(text)
