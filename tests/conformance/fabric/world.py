"""A small world on a fabric of the real kernel: networks, groups and ports by short names, sockets inside of sandboxes.

Sockets are opened in a sandbox's namespace and used from here, so a test sees both ends of the wire. What must not arrive
is always followed by something that must, sent the same way: when the second is there, the first never comes.
"""

from __future__ import annotations

import errno
import secrets
import socket
import struct
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import TypeVar

from boxship.drivers.linux import namespace, programs
from boxship.drivers.linux.interface import (
    GroupSpec,
    NetworkSpec,
    PortSpec,
    Route,
    RuleSpec,
)
from boxship.drivers.linux.kernel import KernelFabric

T = TypeVar("T")

DEADLINE = 10.0
"""How long something that must happen may take on a busy machine, in seconds."""
PATIENCE = 0.4
"""How long to wait for a connection that must not come about, in seconds."""

EVERYTHING_OUT = (RuleSpec("egress", 4), RuleSpec("egress", 6))
EVERYTHING = (*EVERYTHING_OUT, RuleSpec("ingress", 4), RuleSpec("ingress", 6))


class World:
    """One fabric and what a test made on it."""

    def __init__(self, mark: str, run: Path) -> None:
        self.mark, self.run = mark, run
        self.fabric = KernelFabric(mark, run)
        self._segment = 0

    def restarted(self) -> None:
        """The driver of a restarted program: the same kernel, no memory."""
        self.fabric = KernelFabric(self.mark, self.run)

    async def network(self, mtu: int = 1500) -> NetworkSpec:
        self._segment += 1
        spec = NetworkSpec(str(uuid.uuid4()), self._segment, mtu)
        await self.fabric.ensure_network(spec)
        return spec

    async def group(self, *rules: RuleSpec, members: tuple[str, ...] = ()) -> GroupSpec:
        spec = GroupSpec(str(uuid.uuid4()), rules, tuple(ip_address(member) for member in members))
        await self.fabric.ensure_group(spec)
        return spec

    async def port(
        self, network: NetworkSpec, sandbox: str, *addresses: str, groups: tuple[GroupSpec, ...] = (), via: str = ""
    ) -> PortSpec:
        """A guarded port with a random MAC; ``via``: the default route."""
        routes = (Route(ip_network("::/0" if ":" in via else "0.0.0.0/0"), ip_address(via)),) if via else ()
        spec = PortSpec(
            id=str(uuid.uuid4()),
            network_id=network.id,
            mac=mac(),
            addresses=tuple(ip_interface(address) for address in addresses),
            sandbox=sandbox,
            interface="eth0",
            routes=routes,
            mtu=network.mtu,
            groups=tuple(group.id for group in groups),
        )
        await self.fabric.ensure_port(spec)
        return spec

    async def pair(self, network: NetworkSpec, *groups: GroupSpec) -> tuple[PortSpec, PortSpec]:
        """Ports in the sandboxes ``a`` (10.0.0.11, fd00::11) and ``b`` (10.0.0.12, fd00::12)."""
        first = await self.port(network, "a", "10.0.0.11/24", "fd00::11/64", groups=groups)
        second = await self.port(network, "b", "10.0.0.12/24", "fd00::12/64", groups=groups)
        return first, second

    def space(self, sandbox: str) -> str:
        """The namespace of a sandbox; the empty name is the host's own."""
        return self.fabric.sandbox_path(sandbox).name if sandbox else programs.HOST

    def inside(self, sandbox: str, function: Callable[[], T]) -> T:
        return namespace.inside(self.space(sandbox), function) if sandbox else function()

    def output(self, sandbox: str, *command: str) -> str:
        """What a program says that runs in a sandbox (or in the host's namespace)."""
        return programs.run(self.space(sandbox), command)

    def links(self) -> str:
        return programs.run(self.fabric._naming.fabric, ["ip", "link", "show"])

    def rules(self) -> str:
        return programs.run(self.fabric._naming.fabric, ["nft", "list", "ruleset"])

    def endpoint(self, sandbox: str, kind: socket.SocketKind, address: str = "", port: int = 0) -> socket.socket:
        """A socket in a sandbox, bound to an address there."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = self.inside(sandbox, lambda: socket.socket(family, kind))
        made.settimeout(DEADLINE)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address:
            made.bind((address, port))
        return made

    @contextmanager
    def listening(self, sandbox: str, address: str, port: int) -> Iterator[socket.socket]:
        """A TCP server; connections come about without its help."""
        with closing(self.endpoint(sandbox, socket.SOCK_STREAM, address, port)) as server:
            server.listen()
            yield server

    def connects(self, sandbox: str, address: str, port: int) -> bool:
        """Whether a TCP connection comes about. A refusal by the other side is an answer, and an error of the test."""
        with closing(self.connection(sandbox, address, PATIENCE)) as client:
            try:
                client.connect((address, port))
            except TimeoutError:
                return False
            except OSError as error:
                if error.errno not in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
                    raise
                return False
        return True

    def connection(self, sandbox: str, address: str, timeout: float = DEADLINE) -> socket.socket:
        """A TCP socket that is not connected yet."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = self.inside(sandbox, lambda: socket.socket(family, socket.SOCK_STREAM))
        made.settimeout(timeout)
        return made

    def reaches(self, sandbox: str, other: str, address: str, port: int = 80) -> bool:
        """Whether a sandbox can open a TCP connection to an address of another one."""
        with self.listening(other, address, port):
            return self.connects(sandbox, address, port)


def mac() -> str:
    return "fa:16:3e:" + ":".join(f"{octet:02x}" for octet in secrets.token_bytes(3))


def eventually(condition: Callable[[], T], what: str) -> T:
    """The first true answer of the condition, asked until the deadline."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"not within {DEADLINE:g} s: {what}")


class Wire:
    """A raw socket on a sandbox's interface: what a privileged container can send, and what really arrives."""

    def __init__(self, world: World, sandbox: str, interface: str = "eth0") -> None:
        everything = socket.htons(0x0003)
        self._socket = world.inside(sandbox, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, everything))
        self._socket.bind((interface, 0))
        self._socket.settimeout(DEADLINE)

    def close(self) -> None:
        self._socket.close()

    def send(self, frame: bytes) -> None:
        self._socket.send(frame)

    def until(self, marker: bytes) -> list[bytes]:
        """The frames that came in before one that contains the marker."""
        found: list[bytes] = []
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            frame, place = self._socket.recvfrom(4096)
            if place[2] == socket.PACKET_OUTGOING:
                continue
            if marker in frame:
                return found
            found.append(frame)
        raise AssertionError("the frame that must arrive did not")


def octets(address: str) -> bytes:
    """A MAC or an IP address as it is on the wire."""
    is_mac = len(address) == 17 and address[2::3] == ":::::"
    return bytes.fromhex(address.replace(":", "")) if is_mac else ip_address(address).packed


def ethernet(destination: str, source: str, kind: int, payload: bytes) -> bytes:
    return octets(destination) + octets(source) + struct.pack("!H", kind) + payload


def udp(source: str, destination: str, payload: bytes, ports: tuple[int, int] = (4000, 4000)) -> bytes:
    """An IP packet with a UDP datagram, checksums right."""
    length = 8 + len(payload)
    datagram = struct.pack("!HHHH", *ports, length, 0) + payload
    pseudo = octets(source) + octets(destination) + struct.pack("!BBH", 0, 17, length)
    datagram = datagram[:6] + (checksum(pseudo + datagram) or 0xFFFF).to_bytes(2, "big") + payload
    return ip(source, destination, 17, datagram)


def ip(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    """An IPv4 or IPv6 header in front of the payload; hop limit 255, as neighbour discovery wants it."""
    if ":" in source:
        return (
            struct.pack("!IHBB", 6 << 28, len(payload), protocol, 255) + octets(source) + octets(destination) + payload
        )
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    header += octets(source) + octets(destination)
    return header[:10] + checksum(header).to_bytes(2, "big") + header[12:] + payload


def arp(operation: int, sender: tuple[str, str], target: tuple[str, str]) -> bytes:
    """An ARP packet: request (1) or reply (2); sender and target as (MAC, address)."""
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + b"".join(octets(part) for part in (*sender, *target))


def icmpv6(source: str, destination: str, body: bytes) -> bytes:
    """An ICMPv6 packet; ``body`` begins with type and code and has zeros for the checksum."""
    pseudo = octets(source) + octets(destination) + struct.pack("!IBBBB", len(body), 0, 0, 0, 58)
    body = body[:2] + checksum(pseudo + body).to_bytes(2, "big") + body[4:]
    return ip(source, destination, 58, body)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
