"""Forwarding entries of a tunnel's device: which host has a MAC, and which hosts get what is for all. By rtnetlink(7), one
message per entry; a MAC is known to the device (where to send) and to its bridge (that it is to be sent there) at once."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from boxship.core import errors
from boxship.drivers.linux import netlink, programs
from boxship.drivers.linux.interface import Address
from boxship.drivers.linux.link import Link
from boxship.drivers.linux.netlink import attribute

_NEW, _DELETE = 28, 29
_DESTINATION, _MAC = 1, 2
_SELF, _MASTER = 2, 4
_REACHABLE, _NOARP, _PERMANENT = 0x02, 0x40, 0x80
_STATIC = _NOARP | _REACHABLE
_APPEND = 0x800
_HEAD = struct.Struct("=BxxxiHBB")
_EVERYBODY = "00:00:00:00:00:00"


@dataclass(slots=True)
class Entries:
    """What a device has: hosts that get what is for all, and the host of each MAC."""

    peers: set[Address] = field(default_factory=set)
    hosts: dict[str, Address] = field(default_factory=dict)


def read(where: str) -> dict[str, Entries]:
    """The entries of all tunnels' devices of a namespace, by device (bridge(8))."""
    found: dict[str, Entries] = {}
    for entry in json.loads(programs.run(where, ["bridge", "-json", "fdb", "show"]) or "[]"):
        if "dst" not in entry:
            continue
        entries, host = found.setdefault(entry["ifname"], Entries()), ip_address(entry["dst"])
        if entry["mac"] == _EVERYBODY:
            entries.peers.add(host)
        else:
            entries.hosts[entry["mac"]] = host
    return found


class Forwarding:
    """The entries of one device; use it with ``with``. Every verb is repeatable."""

    def __init__(self, where: str, device: Link) -> None:
        self._kernel = netlink.Netlink(where)
        self._index = device.index

    def __enter__(self) -> Forwarding:
        return self

    def __exit__(self, *error: object) -> None:
        self._kernel.__exit__(None, None, None)

    def put(self, hosts: Mapping[str, Address]) -> None:
        """Send what is for these MACs to these hosts, wherever it went before."""
        for mac, host in hosts.items():
            body = self._entry(_STATIC, _SELF | _MASTER, mac, host)
            self._kernel.ask(_NEW, body, netlink.CREATE | netlink.REPLACE)

    def drop(self, hosts: Mapping[str, Address]) -> None:
        """Forget these MACs. The bridge may have seen one here meanwhile: then it stays known as that."""
        for mac, host in hosts.items():
            for place in (_MASTER, _SELF):
                with contextlib.suppress(errors.Absent):
                    self._kernel.ask(_DELETE, self._entry(0, place, mac, host))

    def add_peer(self, host: Address) -> None:
        self._kernel.ask(_NEW, self._entry(_PERMANENT, _SELF, _EVERYBODY, host), netlink.CREATE | _APPEND)

    def drop_peer(self, host: Address) -> None:
        with contextlib.suppress(errors.Absent):
            self._kernel.ask(_DELETE, self._entry(0, _SELF, _EVERYBODY, host))

    def _entry(self, state: int, place: int, mac: str, host: Address) -> bytes:
        head = _HEAD.pack(socket.AF_BRIDGE, self._index, state, place, 0)
        where = attribute(_DESTINATION, host.packed) if place & _SELF else b""
        return head + attribute(_MAC, bytes.fromhex(mac.replace(":", ""))) + where
