"""A network with a few ports whose groups, pairs and guards change from case to case, and a wire at each: what is sent
at one, and what of it comes in at another. The containers themselves are silent."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import select
import socket
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_interface
from pathlib import Path
from typing import Any, TypeVar

from boxship.drivers.linux import programs
from boxship.drivers.linux.interface import GroupSpec, PortSpec
from tests.conformance.fabric.leftovers import leftovers
from tests.conformance.fabric.world import World, arp, ethernet

T = TypeVar("T")

LONG = os.environ.get("BOXSHIP_CHAOS") == "long"
"""More cases, and others each time; else always the same."""

PATIENCE = 2.0
"""How long something that must arrive may take, in seconds; a case that fails is tried many times over."""

NAMES = ("a", "b", "c")
_SILENT = """
table inet silent {
  chain input { type filter hook prerouting priority -400; policy drop; }
  chain output { type filter hook output priority -400; policy drop; }
}
"""
_BROADCAST, _NOBODY = "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"


@dataclass(frozen=True)
class Sent:
    """A frame from one port to another, and what it is known by."""

    sender: str
    receiver: str
    frame: bytes
    token: bytes


class Field:
    """Three ports on one network, in sandboxes named as they are."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop, ports: Sequence[PortSpec]) -> None:
        self.world = world
        self._loop = loop
        self.ports = {port.sandbox: port for port in ports}
        self._tokens = itertools.count(1)
        self._wires = {name: self._wire(name) for name in self.ports}

    def _wire(self, name: str) -> socket.socket:
        everything = socket.htons(0x0003)
        wire = self.world.inside(name, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, everything))
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        wire.bind(("eth0", 0))
        wire.setblocking(False)
        return wire

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def token(self) -> bytes:
        return b"<%08x>" % next(self._tokens)

    def become(self, ports: Sequence[PortSpec], groups: Mapping[str, GroupSpec]) -> None:
        """Make ports and groups like this, with no flows under way."""
        for port in self.ports.values():  # groups in use stay of the kind they are
            self.do(self.world.fabric.ensure_port(replace(port, groups=())))
        for group in groups.values():
            self.do(self.world.fabric.ensure_group(group))
        for port in ports:
            self.do(self.world.fabric.ensure_port(port))
            self.ports[port.sandbox] = port
        programs.run(self.world.fabric._naming.fabric, ["conntrack", "-F"], check=False)
        self.arrived([])

    def arrived(self, frames: Sequence[Sent], expected: frozenset[bytes] = frozenset()) -> set[tuple[str, bytes]]:
        """The tokens of frames that came in, and where. What is expected is waited for; what is not has had its time when
        a marker that was sent after it, on the same way, is there."""
        for sent in frames:
            self._wires[sent.sender].send(sent.frame)
        markers = {self._mark(sender, receiver) for sender in NAMES for receiver in NAMES if sender != receiver}
        wanted = expected | markers
        tokens = {sent.token for sent in frames} | markers
        found: set[tuple[str, bytes]] = set()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not wanted <= {token for _, token in found}:
            ready = select.select(list(self._wires.values()), [], [], 0.2)[0]
            for name, wire in self._wires.items():
                if wire in ready:
                    found |= self._drain(name, wire, tokens)
        for name, wire in self._wires.items():
            found |= self._drain(name, wire, tokens)
        assert markers <= {token for _, token in found}, "the wires are dead"
        return {(name, token) for name, token in found if token not in markers}

    def _mark(self, sender: str, receiver: str) -> bytes:
        """An honest ARP request, which every port may send to any; something to know it by is behind it."""
        token, port = self.token(), self.ports[sender]
        asked = arp(1, (port.mac, str(port.addresses[0].ip)), (_NOBODY, str(self.ports[receiver].addresses[0].ip)))
        self._wires[sender].send(ethernet(self.ports[receiver].mac, port.mac, 0x0806, asked + token))
        return token

    def _drain(self, name: str, wire: socket.socket, tokens: set[bytes]) -> set[tuple[str, bytes]]:
        found: set[tuple[str, bytes]] = set()
        while True:
            try:
                frame, place = wire.recvfrom(4096)
            except BlockingIOError:
                return found
            if place[2] != socket.PACKET_OUTGOING and (start := frame.find(b"<")) >= 0:
                found |= {(name, token) for token in _tokens(frame, start) if token in tokens}

    def close(self) -> None:
        for wire in self._wires.values():
            wire.close()


def _tokens(frame: bytes, start: int) -> Iterator[bytes]:
    while start >= 0:
        yield frame[start : start + 10]
        start = frame.find(b"<", start + 1)


@contextmanager
def made() -> Iterator[Field]:
    """A field on a fabric of its own: one for all cases, since making one takes longer than some hundred of them."""
    mark = secrets.token_hex(2)
    run = Path(f"/run/boxship-test-{mark}")
    loop = asyncio.new_event_loop()
    world = World(mark, run)
    loop.run_until_complete(world.fabric.open())
    try:
        field = Field(world, loop, loop.run_until_complete(_ports(world)))
        try:
            yield field
        finally:
            field.close()
    finally:
        loop.run_until_complete(world.fabric.destroy())
        loop.close()
    assert leftovers(mark, run) == []


async def _ports(world: World) -> list[PortSpec]:
    network, ports = await world.network(), []
    for number, name in enumerate(NAMES, 11):
        port = PortSpec(
            id=f"{secrets.token_hex(4)}-0000-4000-8000-{secrets.token_hex(6)}",
            network_id=network.id,
            mac=f"fa:16:3e:00:00:{number}",
            addresses=(ip_interface(f"10.0.0.{number}/24"), ip_interface(f"fd00::{number}/64")),
            sandbox=name,
            interface="eth0",
        )
        await world.fabric.ensure_port(port)
        programs.run(world.space(name), ["nft", "-f", "-"], _SILENT)
        ports.append(port)
    return ports
