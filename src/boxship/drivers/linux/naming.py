"""How what Boxship makes in the kernel is named and marked; pure.

Every name outside of our own namespaces carries the installation's mark. Links are named after the first eleven
digits of an id, much as Neutron does, and hold the full id in their alias: ``boxship:<mark>:<kind>:<id>``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from boxship.core import errors

_DIGITS = 11
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
_PLUG = re.compile(r"bxp[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of one installation; ``mark`` is four hexadecimal digits."""

    mark: str

    @property
    def prefix(self) -> str:
        """What the names of all our namespaces start with."""
        return f"boxship-{self.mark}-"

    @property
    def fabric(self) -> str:
        """The namespace that holds all bridges and filters."""
        return f"{self.prefix}fabric"

    @property
    def uplinks(self) -> str:
        """What the names of our devices in the host's own namespace start with."""
        return f"bs{self.mark}-"

    def uplink(self, network_id: str) -> str:
        """The device of an external network in the host's own namespace."""
        return f"{self.uplinks}{_short(network_id)[:5]}"

    @property
    def uplink_tables(self) -> str:
        """What the names of the uplinks' nft tables in the host's own namespace start with."""
        return f"boxship_{self.mark}_uplink_"

    def uplink_table(self, network_id: str) -> str:
        """The nft table of an uplink in the host's own namespace."""
        return f"{self.uplink_tables}{_short(network_id)[:5]}"

    @property
    def tunnels_table(self) -> str:
        """The nft table in the host's own namespace that says who may send to our tunnels."""
        return f"boxship_{self.mark}_tunnels"

    @property
    def mark_comment(self) -> str:
        """The comment of our rules in tables that are not ours."""
        return f"boxship:{self.mark}"

    def sandbox(self, name: str) -> str:
        return f"{self.prefix}sandbox-{name}"

    def router(self, id: str) -> str:
        return f"{self.prefix}router-{id}"

    def names(self, network_id: str) -> str:
        return f"{self.prefix}names-{network_id}"

    def alias(self, kind: str, id: str) -> str:
        return f"boxship:{self.mark}:{kind}:{id}"

    def aliased(self, alias: str, kind: str) -> str | None:
        """The id in an alias of this kind and installation, or None."""
        start = self.alias(kind, "")
        return alias[len(start) :] if alias.startswith(start) else None

    def named(self, namespaces: list[str], role: str) -> frozenset[str]:
        """The ids (or sandbox names) of the namespaces of a role."""
        start = f"{self.prefix}{role}-"
        return frozenset(name[len(start) :] for name in namespaces if name.startswith(start))


def check(*words: str) -> None:
    """Refused: an id or the name of a sandbox that cannot be part of a path, a command or a rule."""
    for word in words:
        if not _WORD.fullmatch(word):
            raise errors.Refused(f"{word[:80]!r} cannot be part of a name in the kernel.")


def check_port(mac: str, interface: str = "eth0") -> None:
    """Refused: what is no MAC of a single station, or no name of a device."""
    if not _MAC.fullmatch(mac) or int(mac[:2], 16) & 1:
        raise errors.Refused(f"{mac[:80]!r} is not the MAC address of a port.")
    if not _DEVICE.fullmatch(interface):
        raise errors.Refused(f"{interface[:80]!r} is not the name of a device.")


def check_plug(interface: str) -> None:
    """Refused: a device for the host's own namespace that could be one of the host's."""
    if not _PLUG.fullmatch(interface):
        raise errors.Refused(f"{interface[:80]!r} is not the name of a device that a port may have on the host.")


FURTHER = range(1, 10)
"""Numbers of a network's further bridges (``bridges``)."""


def bridge(network_id: str, number: int = 0) -> str:
    """A bridge of a network, in the fabric: the first (0), or a further one."""
    return f"br-{_short(network_id)}{number or ''}"


def is_further(bridge: str) -> bool:
    """Whether it is a further bridge of its network, by its name."""
    return len(bridge) > len("br-") + _DIGITS


def joint(network_id: str, number: int) -> tuple[str, str]:
    """The pair of devices between a network's first bridge and a further one."""
    return f"ja-{_short(network_id)}{number}", f"jb-{_short(network_id)}{number}"


def tunnel(network_id: str) -> str:
    """The device of a network's tunnel, in the fabric."""
    return f"vx-{_short(network_id)}"


def tap(port_id: str) -> str:
    """The fabric's end of a port's cable."""
    return f"tap{_short(port_id)}"


def leg(port_id: str) -> str:
    """The router's end of a leg."""
    return f"qr-{_short(port_id)}"


def token(id: str) -> str:
    """An id as nft allows it in the name of a chain or set."""
    return re.sub(r"[^0-9A-Za-z]", "_", id)


def _short(id: str) -> str:
    return id.replace("-", "")[:_DIGITS]
