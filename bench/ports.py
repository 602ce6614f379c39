"""Figures of many ports on one host: what the 500th costs beside the 10th, changes of rules among them, what is left after.

The real kernel, through the driver alone: API and database are measured elsewhere (``networks``). Run directories are in
memory, as /run is on a host.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from ipaddress import ip_interface
from pathlib import Path

from bench.table import Figure
from boxship.drivers.linux import naming, programs
from boxship.drivers.linux.interface import GroupSpec, NetworkSpec, PortSpec, RuleSpec
from boxship.drivers.linux.kernel import KernelFabric
from tests.conformance.fabric.leftovers import leftovers

PORTS, NETWORKS, ROUNDS = 500, 20, 5
EARLY = 10
_AGAIN = 25
"""How often the 10th and the 500th port of a round are made: what else the machine does shows in single ones."""
_CHANGES = 60


@dataclass
class Crowd:
    """Ports on networks, a group for each network whose members may reach each other; and how long each step took."""

    fabric: KernelFabric
    networks: list[NetworkSpec] = field(default_factory=list)
    groups: list[GroupSpec] = field(default_factory=list)
    ports: list[PortSpec] = field(default_factory=list)
    early: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    joined: list[float] = field(default_factory=list)
    ruled: list[float] = field(default_factory=list)
    filtered: list[float] = field(default_factory=list)
    removed: list[float] = field(default_factory=list)

    async def begin(self) -> None:
        for number in range(NETWORKS):
            self.networks.append(NetworkSpec(str(uuid.uuid4()), number + 1))
            id = str(uuid.uuid4())
            rules = [RuleSpec("egress", family) for family in (4, 6)]
            rules += [RuleSpec("ingress", family, remote_group=id) for family in (4, 6)]
            self.groups.append(GroupSpec(id, tuple(rules)))
            await self.fabric.ensure_network(self.networks[-1])
            await self.fabric.ensure_group(self.groups[-1])

    async def fill(self) -> None:
        """Wire the ports one after the other; each joins its group. The 10th and the 500th are made again and again."""
        for number in range(PORTS):
            at = number % NETWORKS
            port = self._port(number)
            await self.fabric.ensure_port(port)
            if number + 1 in {EARLY, PORTS}:
                await self._again(port, self.early if number < EARLY else self.late)
            self.ports.append(port)
            members = (*self.groups[at].members, *(address.ip for address in port.addresses))
            await self._regroup(at, replace(self.groups[at], members=members), self.joined)

    async def _again(self, port: PortSpec, times: list[float]) -> None:
        for _ in range(_AGAIN):
            await self.fabric.remove_port(port.id)
            await self.fabric.remove_sandbox(port.sandbox)
            times.append(await _timed(self.fabric.ensure_port(port)))

    def _port(self, number: int) -> PortSpec:
        at, host = number % NETWORKS, number // NETWORKS + 10
        return PortSpec(
            id=str(uuid.uuid4()),
            network_id=self.networks[at].id,
            mac=f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}",
            addresses=(ip_interface(f"10.0.0.{host}/24"), ip_interface(f"fd00::{host}/64")),
            sandbox=f"box-{number}",
            interface="eth0",
            groups=(self.groups[at].id,),
        )

    async def _regroup(self, at: int, group: GroupSpec, times: list[float]) -> None:
        self.groups[at] = group
        times.append(await _timed(self.fabric.ensure_group(group)))

    async def change(self) -> None:
        """Rules are added to groups, and ports get other groups, with all ports there."""
        for number in range(_CHANGES):
            at = number % NETWORKS
            rule = RuleSpec("ingress", 4, 6, 1000 + number, 1000 + number)
            await self._regroup(at, replace(self.groups[at], rules=(*self.groups[at].rules, rule)), self.ruled)
            port = self.ports[number * 7 % PORTS]
            other = replace(port, groups=(*port.groups, self.groups[(at + 1) % NETWORKS].id))
            if other.groups[0] != other.groups[-1]:
                self.filtered.append(await _timed(self.fabric.ensure_port(other)))

    async def empty(self) -> None:
        for port in self.ports:
            self.removed.append(await _timed(self.fabric.remove_port(port.id)))
            await self.fabric.remove_sandbox(port.sandbox)
        for group in self.groups:  # each names only itself
            await self.fabric.remove_group(group.id)
        for network in self.networks:
            await self.fabric.remove_network(network.id)


async def _timed(work: Awaitable[None]) -> float:
    """Milliseconds until the caller has its answer."""
    started = time.perf_counter()
    await work
    return (time.perf_counter() - started) * 1000


def many() -> list[Figure]:
    """Five rounds of 500 ports on 20 networks, each on a fabric of its own."""
    rounds = [asyncio.run(_round()) for _ in range(ROUNDS)]
    crowds = [crowd for crowd, _ in rounds]
    early = [statistics.median(crowd.early) for crowd in crowds]
    late = [statistics.median(crowd.late) for crowd in crowds]
    ratio = statistics.median(after / before for before, after in zip(early, late, strict=True))
    changes = [time for crowd in crowds for time in (*crowd.ruled, *crowd.filtered, *crowd.joined[-NETWORKS:])]
    return [
        Figure(f"port number {EARLY} wired", statistics.median(early), "ms"),
        Figure(f"port number {PORTS} wired", statistics.median(late), "ms"),
        Figure(f"port number {PORTS} / number {EARLY}", ratio, "x", at_most=1.2),
        Figure("rule added to a group", statistics.median(_all(crowds, "ruled")), "ms", at_most=20),
        Figure("member joins a remote group", statistics.median(_all(crowds, "joined")), "ms", at_most=20),
        Figure("a port's groups changed", statistics.median(_all(crowds, "filtered")), "ms", at_most=20),
        Figure("95 of 100 changes of rules within", statistics.quantiles(changes, n=20)[-1], "ms", at_most=20),
        Figure("slowest change of rules", max(changes), "ms"),
        Figure("port removed", statistics.median(_all(crowds, "removed")), "ms"),
        Figure("left in the kernel and in /run after deletion", sum(left for _, left in rounds), "", at_most=0),
    ]


def _all(crowds: list[Crowd], name: str) -> list[float]:
    return [time for crowd in crowds for time in getattr(crowd, name)]


async def _round() -> tuple[Crowd, int]:
    """The times, and how many lines of rules, links and files are there after that were not before."""
    mark = secrets.token_hex(2)
    with tempfile.TemporaryDirectory(prefix="boxship-bench-", dir="/dev/shm") as scratch:
        run = Path(scratch) / "run"
        crowd = Crowd(KernelFabric(mark, run))
        await crowd.fabric.open()
        try:
            before = _present(mark, run)
            await crowd.begin()
            await crowd.fill()
            await crowd.change()
            await crowd.empty()
            left = len(_present(mark, run) - before)
        finally:
            await crowd.fabric.destroy()
        return crowd, left + len(leftovers(mark, run))


def _present(mark: str, run: Path) -> set[str]:
    """Lines of the rules, links of the fabric, sandboxes and files."""
    names = naming.Naming(mark)
    rules = programs.run(names.fabric, ["nft", "list", "ruleset"]).splitlines()
    links = [link["ifname"] for link in programs.links(names.fabric)]
    spaces = [str(path) for path in Path("/run/netns").glob(f"{names.prefix}*")]
    return {*rules, *links, *spaces, *map(str, run.rglob("*"))}
