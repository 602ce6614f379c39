"""Packets as they are on the wire, with right checksums, each with a token to know it by."""

from __future__ import annotations

import struct

from tests.conformance.fabric.semantics import ICMP, Packet
from tests.conformance.fabric.world import checksum, ethernet, icmpv6, ip, octets, udp

TCP, UDP, SCTP = 6, 17, 132
_SYN, _SYN_ACK = 0x02, 0x12
_POLYNOMIAL = 0x82F63B78


def frame(packet: Packet, to: str, token: bytes, *, answer: bool = False) -> bytes:
    """The packet to the MAC ``to``; an ``answer`` of TCP acknowledges."""
    kind = 0x0800 if packet.family == 4 else 0x86DD
    return ethernet(to, packet.mac, kind, _network(packet, token, _SYN_ACK if answer else _SYN))


def _network(packet: Packet, token: bytes, flags: int) -> bytes:
    source, target = str(packet.source), str(packet.target)
    ports = (packet.source_port, packet.port)
    if packet.protocol == UDP:
        return udp(source, target, token, ports)
    if packet.protocol == TCP:
        return ip(source, target, TCP, _tcp(source, target, ports, token, flags))
    if packet.protocol == SCTP:
        return ip(source, target, SCTP, _sctp(ports, token))
    if packet.protocol not in ICMP:
        return ip(source, target, packet.protocol, token)
    body = bytes([packet.port, packet.code, 0, 0]) + struct.pack("!HH", packet.source_port, 1) + token
    if packet.family == 6:
        return icmpv6(source, target, body)
    return ip(source, target, 1, body[:2] + checksum(body).to_bytes(2, "big") + body[4:])


def _tcp(source: str, target: str, ports: tuple[int, int], content: bytes, flags: int) -> bytes:
    """A segment that begins or answers a connection (RFC 9293), with content."""
    acknowledged = 1 if flags == _SYN_ACK else 0
    segment = struct.pack("!HHIIBBHHH", *ports, 0, acknowledged, 5 << 4, flags, 8192, 0, 0) + content
    pseudo = octets(source) + octets(target) + len(segment).to_bytes(4, "big") + TCP.to_bytes(4, "big")
    return segment[:16] + checksum(pseudo + segment).to_bytes(2, "big") + segment[18:]


def _sctp(ports: tuple[int, int], token: bytes) -> bytes:
    """An INIT chunk (RFC 9260, 3.3.2), the token in a parameter that nobody knows."""
    parameter = struct.pack("!HH", 0xC0FF, 4 + len(token)) + token
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20 + len(parameter), 1, 1500, 1, 1, 1) + parameter
    head = struct.pack("!HHI", *ports, 0)
    return head + _crc32c(head + bytes(4) + chunk).to_bytes(4, "little") + chunk


def _crc32c(data: bytes) -> int:
    register = 0xFFFFFFFF
    for octet in data:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register ^ 0xFFFFFFFF
