"""Links, addresses and routes of a namespace, by rtnetlink(7): one function per change, each repeatable."""

from __future__ import annotations

import contextlib
import socket
import struct
from dataclasses import dataclass

from boxship.core import errors
from boxship.drivers.linux import namespace, netlink
from boxship.drivers.linux.interface import Interface, Route
from boxship.drivers.linux.netlink import attribute

_NEW_LINK, _DELETE_LINK, _GET_LINK, _SET_LINK = 16, 17, 18, 19
_NEW_ADDRESS, _DELETE_ADDRESS, _NEW_ROUTE, _DELETE_ROUTE = 20, 21, 24, 25
_MAC, _NAME, _MTU, _MASTER, _INFO, _ALIAS, _NAMESPACE, _EXT_MASK = 1, 3, 4, 10, 18, 20, 28, 29
_SKIP_STATISTICS = 1 << 3
_KIND, _DATA, _PEER = 1, 2, 1
_ADDRESS, _LOCAL = 1, 2
_DESTINATION, _DEVICE, _GATEWAY = 1, 4, 5
_UP = 1
_NO_DUPLICATE_DETECTION = 2
_TABLE_MAIN, _STATIC, _UNICAST, _ON_LINK = 254, 4, 1, 4
_BROADCAST = b"\xff" * 6
_LINK = struct.Struct("=BBHiII")


@dataclass(frozen=True, slots=True)
class Link:
    """A link as the kernel has it; ``master`` is the index of its bridge or 0."""

    index: int
    master: int
    mtu: int


@dataclass(frozen=True, slots=True)
class Peer:
    """The far end of a new cable: where it is put, and how it is named there."""

    where: str
    name: str
    mac: str


class Links:
    """The links of one namespace; use it with ``with``. Absent: there is no such namespace."""

    def __init__(self, where: str) -> None:
        self._kernel = netlink.Netlink(where)

    def __enter__(self) -> Links:
        return self

    def __exit__(self, *error: object) -> None:
        self._kernel.__exit__(None, None, None)

    def find(self, name: str) -> Link | None:
        """The link of this name, if there is one."""
        body = _link() + attribute(_NAME, name) + attribute(_EXT_MASK, _SKIP_STATISTICS)
        try:
            answer = self._kernel.ask(_GET_LINK, body)
        except errors.Absent:
            return None
        found = dict(netlink.attributes(answer[_LINK.size :]))
        master, mtu = (struct.unpack("=I", found.get(kind, bytes(4)))[0] for kind in (_MASTER, _MTU))
        return Link(_LINK.unpack_from(answer)[3], master, mtu)

    def need(self, name: str) -> Link:
        """The link of this name. Absent: there is none."""
        found = self.find(name)
        if found is None:
            raise errors.Absent(f"The link {name} is not in the kernel.")
        return found

    def add_cable(self, name: str, mtu: int, peer: Peer) -> Link:
        """A veth pair, both ends down: one here, the other made in its place at once with its name and MAC."""
        with namespace.opened(peer.where) as handle:
            far = _link() + attribute(_NAME, peer.name) + attribute(_MAC, _octets(peer.mac)) + attribute(_MTU, mtu)
            far += attribute(_NAMESPACE, handle)
            data = attribute(_DATA, attribute(_PEER, far))
            body = _link() + attribute(_NAME, name) + attribute(_MTU, mtu)
            body += attribute(_INFO, attribute(_KIND, "veth") + data)
            self._kernel.ask(_NEW_LINK, body, netlink.CREATE | netlink.EXCLUSIVE)
        return self.need(name)

    def mark(self, link: Link, alias: str) -> None:
        self._kernel.ask(_SET_LINK, _link(link.index) + attribute(_ALIAS, alias.encode()))

    def set_size(self, link: Link, mtu: int) -> None:
        self._kernel.ask(_SET_LINK, _link(link.index) + attribute(_MTU, mtu))

    def set_mac(self, link: Link, mac: str) -> None:
        self._kernel.ask(_SET_LINK, _link(link.index) + attribute(_MAC, _octets(mac)))

    def raise_up(self, link: Link, bridge: Link | None = None) -> None:
        """Set it up; and put it on the bridge first, unless it is there."""
        if bridge is not None and link.master != bridge.index:
            self._kernel.ask(_SET_LINK, _link(link.index) + attribute(_MASTER, bridge.index))
        self._kernel.ask(_SET_LINK, _LINK.pack(0, 0, 0, link.index, _UP, _UP))

    def settle(self, name: str) -> None:
        """Let packets pass a cable whose ends are both up. The kernel takes notice of a carrier late, up to a second, and a
        bridge port or queue drops everything until then; being asked about the link makes it look at once (seen on 6.18).
        """
        self.find(name)

    def delete(self, name: str) -> None:
        """Remove the link; the other end of a cable goes with it. Repeatable."""
        with contextlib.suppress(errors.Absent):
            self._kernel.ask(_DELETE_LINK, _link() + attribute(_NAME, name))

    def add_address(self, link: Link, address: Interface) -> None:
        """Without duplicate detection: addresses are unique by allocation, and work at once."""
        self._kernel.ask(_NEW_ADDRESS, _address(link, address), netlink.CREATE | netlink.REPLACE)

    def delete_address(self, link: Link, address: Interface) -> None:
        with contextlib.suppress(errors.DriverError):  # the container may have done it
            self._kernel.ask(_DELETE_ADDRESS, _address(link, address))

    def add_route(self, link: Link, route: Route, *, on_link: bool) -> None:
        """``on_link``: the next hop is reached directly, though it is in no subnet of the link."""
        body = _route(link, route, _ON_LINK if on_link else 0)
        self._kernel.ask(_NEW_ROUTE, body, netlink.CREATE | netlink.REPLACE)

    def delete_route(self, link: Link, route: Route) -> None:
        with contextlib.suppress(errors.DriverError):  # it went with its address, or by the container
            self._kernel.ask(_DELETE_ROUTE, _route(link, route, 0))


def announce(where: str, device: str, mac: str, addresses: list[str]) -> None:
    """Tell the neighbours on the device's link where these IPv4 addresses are now (gratuitous ARP, RFC 5227)."""

    def send() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((device, 0x0806))
            for address in addresses:
                who = _octets(mac) + socket.inet_aton(address)
                body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + who + bytes(6) + socket.inet_aton(address)
                raw.send(_BROADCAST + _octets(mac) + struct.pack("!H", 0x0806) + body)

    with contextlib.suppress(OSError):  # the device is down: nobody is there to be told
        namespace.inside(where, send)


def _link(index: int = 0) -> bytes:
    return _LINK.pack(0, 0, 0, index, 0, 0)


def _octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def _family(version: int) -> int:
    return socket.AF_INET if version == 4 else socket.AF_INET6


def _address(link: Link, address: Interface) -> bytes:
    flags = 0 if address.version == 4 else _NO_DUPLICATE_DETECTION
    head = struct.pack("=BBBBI", _family(address.version), address.network.prefixlen, flags, 0, link.index)
    return head + attribute(_LOCAL, address.packed) + attribute(_ADDRESS, address.packed)


def _route(link: Link, route: Route, flags: int) -> bytes:
    target = route.destination
    family, length = _family(target.version), target.prefixlen
    head = struct.pack("=BBBBBBBBI", family, length, 0, 0, _TABLE_MAIN, _STATIC, 0, _UNICAST, flags)
    where = attribute(_DESTINATION, target.network_address.packed) if length else b""
    return head + where + attribute(_GATEWAY, route.via.packed) + attribute(_DEVICE, link.index)
