"""Figures of the data plane: what networks, routers and tunnels with their filters cost, against the same made by hand without.

What is plain has bridges as the kernel makes them here, and no rules. Both are measured in turns, a moment each and ahead of
other processes, so that whatever else the machine does meets both alike; a figure is the median of the ratios of neighbours.
Throughput is one TCP stream of iperf3(1), latency a byte to and fro over TCP, with either end on a processor of its own. No
program runs, and no database: the fabric is told what to make.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path

from bench import table
from bench.table import Figure
from boxship.drivers.linux import namespace, programs
from boxship.drivers.linux.interface import GroupSpec, NetworkSpec, RouterPort, RouterSpec, RuleSpec
from tests.conformance.fabric.hosts import Site
from tests.conformance.fabric.world import mac

_ROUNDS = 25
_TRIPS = 2500
_BYTES = "256M"
_TRIES = 5
_GROUP = "c0000000-0000-4000-8000-0000000000b1"
_RULES = (RuleSpec("egress", 4), RuleSpec("egress", 6), RuleSpec("ingress", 4, remote_group=_GROUP))
_DEADLINE = 30.0
_TUNNEL = 1450
"""The MTU of a network on hosts whose own is 1,500."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A way from one network namespace to another, where servers listen at ``address``."""

    client: str
    server: str
    address: str


def figures() -> list[Figure]:
    """All of them; what is made for it is gone afterwards."""
    return asyncio.run(_figures())


async def _figures() -> list[Figure]:
    ours, plain = Site(2), Site(2)
    with ExitStack() as stack:
        await ours.open()
        try:
            group = GroupSpec(_GROUP, _RULES, tuple(ip_interface(f"10.0.{n}.11").ip for n in range(4)))
            for host in ours.hosts:
                await host.fabric.ensure_group(group)
            found = _compare("one network", await _network(ours, group), stack.enter_context(_bridge()), 0.95)
            found += _compare("a router", await _router(ours, group), stack.enter_context(_routed()), 0.9)
            found += _compare("two hosts", await _tunnel(ours, group), stack.enter_context(_by_hand(plain)), 0.95)
        finally:
            await ours.remove()
            await plain.remove()
    return found


# Ours: guarded ports with a group whose members are let in.


async def _network(site: Site, group: GroupSpec) -> Wire:
    one, network = site.hosts[0], await site.network(mtu=1500)
    for sandbox, address in (("a", "10.0.0.11/24"), ("b", "10.0.0.12/24")):
        await site.port(one, network, sandbox, address, groups=(group,))
    return Wire(one.space("a"), one.space("b"), "10.0.0.12")


async def _router(site: Site, group: GroupSpec) -> Wire:
    one, legs = site.hosts[0], []
    for sandbox, number in (("c", 1), ("d", 2)):
        network, router = await site.network(mtu=1500), f"10.0.{number}.1"
        await site.port(one, network, sandbox, f"10.0.{number}.11/24", groups=(group,), via=router)
        legs.append(RouterPort(str(uuid.uuid4()), network.id, mac(), (ip_interface(f"{router}/24"),)))
    await one.fabric.ensure_router(RouterSpec(str(uuid.uuid4()), tuple(legs)))
    return Wire(one.space("c"), one.space("d"), "10.0.2.11")


async def _tunnel(site: Site, group: GroupSpec) -> Wire:
    one, two = site.hosts
    network: NetworkSpec = await site.network(mtu=_TUNNEL)
    await site.port(one, network, "e", "10.0.3.11/24", groups=(group,))
    await site.port(two, network, "f", "10.0.3.12/24", groups=(group,))
    await site.join(network)
    return Wire(one.space("e"), two.space("f"), "10.0.3.12")


# The same by hand: no filters, no tracking of flows.


@contextmanager
def _spaces(*names: str) -> Iterator[list[str]]:
    made = [f"bxbench-{secrets.token_hex(3)}-{name}" for name in names]
    try:
        for name in made:
            namespace.create(name)
        yield made
    finally:
        for name in made:
            namespace.remove(name)


def _bridge_in(switch: str, bridge: str, *ends: tuple[str, str]) -> None:
    """A bridge with a cable to each of the namespaces, where it has the address."""
    programs.ip(switch, [f"link add {bridge} type bridge stp_state 0 forward_delay 0", f"link set {bridge} up"])
    for number, (where, address) in enumerate(ends):
        near, far = f"{bridge}-{number}", f"to-{bridge}"
        programs.ip(
            switch, [f"link add {near} type veth peer name {far} netns {where}", f"link set {near} master {bridge} up"]
        )
        programs.ip(where, [f"address add {address} dev {far}", f"link set {far} up"])


@contextmanager
def _bridge() -> Iterator[Wire]:
    with _spaces("switch", "a", "b") as (switch, a, b):
        _bridge_in(switch, "br0", (a, "10.0.0.11/24"), (b, "10.0.0.12/24"))
        yield Wire(a, b, "10.0.0.12")


@contextmanager
def _routed() -> Iterator[Wire]:
    with _spaces("switch", "router", "a", "b") as (switch, router, a, b):
        namespace.inside(router, lambda: Path("/proc/sys/net/ipv4/ip_forward").write_text("1"))
        for number, end in enumerate((a, b), 1):
            _bridge_in(switch, f"br{number}", (router, f"10.0.{number}.1/24"), (end, f"10.0.{number}.11/24"))
            programs.ip(end, [f"route add default via 10.0.{number}.1"])
        yield Wire(a, b, "10.0.2.11")


@contextmanager
def _by_hand(site: Site) -> Iterator[Wire]:
    with _spaces("a", "b") as ends:
        for host, other, end in zip(site.hosts, reversed(site.hosts), ends, strict=True):
            _bridge_in(host.name, "br0", (end, f"10.0.3.1{host.number}/24"))
            tunnel = f"vxlan id 7 local {host.address} remote {other.address} dstport 4789"
            programs.ip(host.name, [f"link add vx mtu {_TUNNEL} type {tunnel}", "link set vx master br0 up"])
            programs.ip(end, [f"link set to-br0 mtu {_TUNNEL}"])
        yield Wire(ends[0], ends[1], "10.0.3.12")


# Measuring.


def _compare(what: str, ours: Wire, plain: Wire, bar: float) -> list[Figure]:
    with _first(), _serving(ours), _serving(plain), _echoing(ours) as mine, _echoing(plain) as theirs:
        rates = _ratios(lambda: _rate(ours), lambda: _rate(plain))
        trips = _ratios(lambda: 1 / _trip(mine), lambda: 1 / _trip(theirs))
    return [
        Figure(f"throughput by {what}, to plain", rates.ratio, "x", at_least=bar),
        Figure(f"throughput by {what}", rates.ours, "Gbit/s"),
        Figure(f"round trips by {what}, to plain", trips.ratio, "x", at_least=bar),
        Figure(f"round trips by {what}", trips.ours, "/s"),
    ]


@contextmanager
def _first() -> Iterator[None]:
    """Before other processes, and on the first processor, with what is started meanwhile."""
    processors = os.sched_getaffinity(0)
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    os.sched_setaffinity(0, {min(processors)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, processors)
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@dataclass(frozen=True, slots=True)
class _Ratio:
    ratio: float
    ours: float


def _ratios(ours: Callable[[], float], plain: Callable[[], float]) -> _Ratio:
    """In turns, and each first in every other round; the first round warms up."""
    pairs = []
    for at in range(_ROUNDS + 1):
        first, second = (ours, plain) if at % 2 else (plain, ours)
        values = first(), second()
        pairs.append(values if at % 2 else values[::-1])
    del pairs[0]
    return _Ratio(statistics.median(a / b for a, b in pairs), statistics.median(a for a, _ in pairs))


@contextmanager
def _serving(wire: Wire) -> Iterator[None]:
    """iperf3's server."""

    def start() -> subprocess.Popen[bytes]:
        _apart()
        command = ["iperf3", "--server", "--bind", wire.address, "--forceflush"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    server = namespace.inside(wire.server, start)
    try:
        assert server.stdout is not None
        while b"listening" not in server.stdout.readline():
            continue
        threading.Thread(target=server.stdout.read, daemon=True).start()
        yield
    finally:
        server.terminate()
        server.wait()


def _apart() -> None:
    """Be (in this thread or process) on the last processor, where servers are."""
    os.sched_setaffinity(0, {(os.cpu_count() or 1) - 1})


def _rate(wire: Wire) -> float:
    """Gbit/s of one TCP stream."""
    command = ["iperf3", "--client", wire.address, "--bytes", _BYTES, "--json"]
    for _ in range(_TRIES):  # now and then iperf3 ends without a word on what was received
        received = json.loads(programs.run(wire.client, command))["end"].get("sum_received")
        if received:
            return float(received["bits_per_second"]) / 1e9
    raise SystemExit("iperf3 does not tell what was received.")


@contextmanager
def _echoing(wire: Wire) -> Iterator[socket.socket]:
    """A connection to a process that sends each byte back."""
    listener = namespace.inside(wire.server, lambda: socket.create_server((wire.address, 7)))
    with closing(listener):
        child = os.fork()
        if not child:
            _echo(listener)
        try:
            client = namespace.inside(wire.client, lambda: socket.create_connection((wire.address, 7), _DEADLINE))
            with closing(client):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.settimeout(None)
                yield client
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _echo(listener: socket.socket) -> None:
    """All that the child does, until it is killed."""
    _apart()
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while byte := connection.recv(1):
        connection.send(byte)
    os._exit(0)


def _trip(client: socket.socket) -> float:
    """Seconds of a round trip."""
    started = time.perf_counter()
    for _ in range(_TRIPS):
        client.send(b".")
        client.recv(1)
    return (time.perf_counter() - started) / _TRIPS


def main() -> int:
    """These figures alone: `python -m bench.wires`."""
    found = figures()
    table.show(found)
    return 1 if any(figure.verdict == "missed" for figure in found) else 0


if __name__ == "__main__":
    sys.exit(main())
