"""Hosts within this host, a network namespace each with a fabric of its own, on a wire that tests can listen to.

A fabric takes the namespace that its work runs in for its host; so the work is done in threads inside of it. Names of
namespaces are those of the one host that all this runs on: a test enters the sandboxes of any of them directly.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

from boxship.drivers.linux import namespace, programs
from boxship.drivers.linux.interface import Address, GroupSpec, Neighbour, NetworkSpec, PortSpec, RuleSpec, TunnelSpec
from boxship.drivers.linux.kernel import KernelFabric
from tests.conformance.fabric.leftovers import leftovers
from tests.conformance.fabric.world import World

T = TypeVar("T")

DEVICE = "eth0"
"""Each host's end of the wire."""


class _FabricInside(KernelFabric):
    """A fabric whose host is a namespace."""

    def __init__(self, mark: str, run: Path, host: str) -> None:
        super().__init__(mark, run)
        self._host = host

    async def _do(self, lock: str, work: Callable[[], T]) -> T:
        async with self._locks.setdefault(lock, asyncio.Lock()):
            return await asyncio.to_thread(namespace.inside, self._host, work)


class Host(World):
    """A host; ``number`` is the last part of its addresses on the wire."""

    def __init__(self, number: int, tag: str) -> None:
        mark = secrets.token_hex(2)
        super().__init__(mark, Path(f"/run/boxship-test-{mark}"))
        self.number, self.name = number, f"bxhost-{tag}-{number}"
        self.restarted()

    def restarted(self) -> None:
        self.fabric = _FabricInside(self.mark, self.run, self.name)

    @property
    def address(self) -> str:
        return f"198.18.7.{self.number}"

    @property
    def address6(self) -> str:
        return f"fd98::{self.number}"

    def here(self, function: Callable[[], T]) -> T:
        """Run something on the host."""
        return namespace.inside(self.name, function)

    def said(self, *command: str) -> str:
        return programs.run(self.name, command)

    def forwarding(self) -> list[str]:
        """The forwarding entries that the tunnels of the host have."""
        shown = programs.run(self.fabric._naming.fabric, ["bridge", "fdb", "show"])
        return sorted(line.strip() for line in shown.splitlines() if " dev vx-" in line)

    def left(self) -> list[str]:
        return self.here(lambda: leftovers(self.mark, self.run))


class Site:
    """Hosts on one wire, and what a test placed on them."""

    def __init__(self, count: int, mtu: int = 1500) -> None:
        self._tag, self._segments = secrets.token_hex(3), 0
        self._wire = f"bxwire-{self._tag}"
        self._placed: dict[str, list[tuple[Host, str]]] = {}
        self.hosts = [Host(number, self._tag) for number in range(1, count + 1)]
        self._lay(mtu)

    def _lay(self, mtu: int) -> None:
        for name in (self._wire, *(host.name for host in self.hosts)):
            namespace.create(name)
        programs.ip(self._wire, ["link add br0 type bridge stp_state 0 forward_delay 0", "link set br0 up"])
        for host in self.hosts:
            port = f"port{host.number}"
            programs.ip(
                self._wire, [f"link add {port} mtu {mtu} type veth peer name {DEVICE} mtu {mtu} netns {host.name}"]
            )
            programs.ip(self._wire, [f"link set {port} master br0 up"])
            lines = [
                f"address add {host.address}/24 dev {DEVICE}",
                f"address add {host.address6}/64 dev {DEVICE} nodad",
            ]
            programs.ip(host.name, [*lines, f"link set {DEVICE} up", f"link show {DEVICE}"])
            programs.ip(self._wire, [f"link show {port}"])

    def mac(self, host: Host) -> str:
        """The MAC of a host on the wire."""
        return next(str(link["address"]) for link in programs.links(host.name) if link["ifname"] == DEVICE)

    async def open(self) -> None:
        for host in self.hosts:
            await host.fabric.open()

    async def remove(self) -> None:
        for host in self.hosts:
            await host.fabric.destroy()
        found = [left for host in self.hosts for left in host.left()]
        for name in (self._wire, *(host.name for host in self.hosts)):
            namespace.remove(name)
        assert found == []

    async def network(self, mtu: int = 1450) -> NetworkSpec:
        """A network on all hosts, not joined yet."""
        self._segments += 1
        spec = NetworkSpec(f"{secrets.token_hex(4)}-0000-4000-8000-{secrets.token_hex(6)}", self._segments, mtu)
        for host in self.hosts:
            await host.fabric.ensure_network(spec)
        self._placed[spec.id] = []
        return spec

    async def groups(self, *rules: RuleSpec, members: tuple[str, ...] = ()) -> GroupSpec:
        """A security group on all hosts."""
        spec = await self.hosts[0].group(*rules, members=members)
        for host in self.hosts[1:]:
            await host.fabric.ensure_group(spec)
        return spec

    async def pair(self, network: NetworkSpec, *groups: GroupSpec) -> tuple[PortSpec, PortSpec]:
        """``a`` (10.0.0.11, fd00::11) on the first host, ``b`` (10.0.0.12, fd00::12) on the second, joined."""
        one, two = self.hosts[:2]
        first = await self.port(one, network, "a", "10.0.0.11/24", "fd00::11/64", groups=groups)
        second = await self.port(two, network, "b", "10.0.0.12/24", "fd00::12/64", groups=groups)
        await self.join(network)
        return first, second

    async def port(
        self,
        host: Host,
        network: NetworkSpec,
        sandbox: str,
        *addresses: str,
        groups: tuple[GroupSpec, ...] = (),
        via: str = "",
    ) -> PortSpec:
        """A port on a host (``World.port``), which the tunnels to come lead to."""
        spec = await host.port(network, sandbox, *addresses, groups=groups, via=via)
        self.place(host, network, spec.mac)
        return spec

    def place(self, host: Host, network: NetworkSpec, mac: str) -> None:
        """Let the tunnels to come lead to a station: it is on this host now, wherever it was before."""
        self.take_away(network, mac)
        self._placed[network.id].append((host, mac))

    def take_away(self, network: NetworkSpec, mac: str) -> None:
        """The station is nowhere any more."""
        self._placed[network.id] = [(there, other) for there, other in self._placed[network.id] if other != mac]

    def tunnel(self, host: Host, network: NetworkSpec, *, six: bool = False) -> TunnelSpec:
        """The host's tunnel to where the network's other stations are."""

        def at(other: Host) -> Address:
            return ip_address(other.address6 if six else other.address)

        others = [(at(other), mac) for other, mac in self._placed[network.id] if other is not host]
        return TunnelSpec(
            network_id=network.id,
            vni=network.segment,
            local=at(host),
            peers=tuple(dict.fromkeys(peer for peer, _ in others)),
            neighbours=tuple(Neighbour(mac, peer) for peer, mac in others),
        )

    async def join(self, network: NetworkSpec, *, six: bool = False) -> None:
        """Make the tunnels of all hosts as the ports are placed."""
        for host in self.hosts:
            await host.fabric.ensure_tunnel(self.tunnel(host, network, six=six))

    def listen(self, host: Host) -> Underlay:
        return Underlay(host)


class Underlay:
    """What passes a host's end of the wire, both ways."""

    def __init__(self, host: Host) -> None:
        everything = socket.htons(0x0003)
        self._socket = host.here(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, everything))
        self._socket.bind((DEVICE, 0))
        self._socket.settimeout(10)

    def close(self) -> None:
        self._socket.close()

    def send(self, frame: bytes) -> None:
        self._socket.send(frame)

    def until(self, marker: bytes) -> list[bytes]:
        """The frames before one that contains the marker."""
        found: list[bytes] = []
        end = time.monotonic() + 10
        while time.monotonic() < end:
            frame = self._socket.recv(1 << 16)
            if marker in frame:
                return found
            found.append(frame)
        raise AssertionError("what must pass did not")
