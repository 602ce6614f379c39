"""Random frames from a privileged container: only what its MAC, addresses and pairs allow it to say arrives.

The receiver has no guard, so that what is seen is the sender's guard alone. ``may_send`` says what the API promises; each
frame is a case, and the usual round has some thousand. ``BOXSHIP_CHAOS=long`` takes other ones, and more.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boxship.drivers.linux import filter as texts
from boxship.drivers.linux.interface import Address, AddressPair, GroupSpec, PortSpec, RuleSpec
from tests.conformance.fabric import semantics
from tests.conformance.fabric.field import LONG, Field, Sent, made
from tests.conformance.fabric.world import arp, checksum, ethernet, icmpv6, ip, octets, udp

pytestmark = [pytest.mark.xdist_group("field"), pytest.mark.timeout(3000 if LONG else 300)]

ROUNDS = settings(
    max_examples=2000 if LONG else 120,
    derandomize=not LONG,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
GROUP = "f0000000-0000-4000-8000-000000000009"
EVERYTHING = tuple(RuleSpec(way, family) for way in ("ingress", "egress") for family in (4, 6))
VIRTUAL, STRANGE = "00:00:5e:00:01:07", "fa:16:3e:77:77:77"
OWN, VICTIM = "own", "victim"
"""The attacker's MAC and the receiver's, until they are known."""
PAIRS = [
    (OWN, "10.0.0.50/32"),
    (VIRTUAL, "10.0.0.60/32"),
    (OWN, "10.0.1.0/24"),
    (VIRTUAL, "10.0.1.128/25"),
    (OWN, "fd00::50/128"),
    (VIRTUAL, "fd00::60/128"),
    (OWN, "fd01::/64"),
    (VIRTUAL, "::/0"),
]
MACS = st.sampled_from([OWN, OWN, OWN, OWN, VIRTUAL, VIRTUAL, STRANGE, VICTIM, "01:00:5e:00:00:01"])
_NOWHERE4 = "0.0.0.0"  # noqa: S104 (a source address, bound to nothing)
ADDRESSES = {
    4: ["10.0.0.11"] * 2
    + ["10.0.0.12", "10.0.0.13", "10.0.0.50", "10.0.0.60", "10.0.1.7", "10.0.1.200", _NOWHERE4, "8.8.8.8"],
    6: ["fd00::11"] * 2
    + ["fd00::12", "fd00::13", "fd00::50", "fd00::60", "fd01::7", "2001:db8::1", "fe80::1", "::", OWN, VIRTUAL],
}
DHCP = {67: 68, 547: 546}
SOLICIT, ADVERT, ROUTER_SOLICIT, ROUTER_ADVERT, REDIRECT, REPORT = 135, 136, 133, 134, 137, 131
KINDS = ["arp", "udp4", "udp6", "nd", "nd", "dhcp", "pieces4", "pieces6", "hidden", "other"]
IN_PIECES = {"pieces4", "pieces6", "hidden"}
ETHERTYPES = [0x8100, 0x88A8, 0x8847, 0x88CC, 0x8035, 0x1234, 0x0026]


@dataclass(frozen=True)
class Frame:
    """What the sender says: its MAC on the wire (``mac``), and in ARP (``said``); the address it says it has."""

    kind: str
    mac: str
    said: str
    source: str
    target: str
    number: int


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    kind = draw(st.sampled_from(KINDS))
    family = 4 if kind in {"arp", "udp4", "pieces4"} else 6
    numbers: dict[str, list[int]] = {
        "arp": [1, 2],
        "udp4": [1024, 68, 67],
        "udp6": [1024, 546, 547],
        "pieces4": [1024, 67],
        "pieces6": [1024, 547],
        "nd": [SOLICIT, ADVERT, ADVERT, ROUTER_SOLICIT, ROUTER_ADVERT, REDIRECT, REPORT],
        "hidden": [ROUTER_ADVERT, REDIRECT, ADVERT, SOLICIT],
        "dhcp": [4, 6],
        "other": ETHERTYPES,
    }
    return Frame(
        kind,
        draw(MACS),
        draw(MACS),
        draw(st.sampled_from(ADDRESSES[family])),
        draw(st.sampled_from(ADDRESSES[6])),
        draw(st.sampled_from(numbers[kind])),
    )


class Speech:
    """A frame as this sender would make it, and whether it may."""

    def __init__(self, sender: PortSpec, receiver: PortSpec, frame: Frame) -> None:
        self._sender, self._receiver, self._frame = sender, receiver, frame
        self.mac, self.said = self._mac(frame.mac), self._mac(frame.said)
        self.source, self.target = self._address(frame.source), self._address(frame.target)

    def _mac(self, name: str) -> str:
        return {OWN: self._sender.mac, VICTIM: self._receiver.mac}.get(name, name)

    def _address(self, name: str) -> Address:
        return texts.link_local(self._mac(name)) if name in {OWN, VIRTUAL} else ip_address(name)

    def may_send(self) -> bool:
        """What the API promises the others on the network."""
        frame, number = self._frame, self._frame.number
        if frame.kind in {"other", "hidden"} or self.mac not in self._macs():
            return False
        if frame.kind == "arp":
            return semantics.speaks_as(self._sender, self.said, self.source)
        if frame.kind == "dhcp":
            return True
        if frame.kind in {"udp4", "udp6", "pieces4", "pieces6"}:
            return number not in DHCP and self._is_own(self.source)
        return self._may_discover(number, self.source)

    def _macs(self) -> set[str]:
        return {self._sender.mac, *(pair.mac for pair in self._sender.pairs)}

    def _is_own(self, address: Address) -> bool:
        """With the MAC on the wire: own, by a pair, or the link-local address that follows from it."""
        local = address == texts.link_local(self.mac)
        return local or semantics.speaks_as(self._sender, self.mac, address)

    def _may_discover(self, kind: int, source: Address) -> bool:
        if kind in {ROUTER_ADVERT, REDIRECT}:
            return False
        if kind == ADVERT and not any(
            self.target == texts.link_local(mac) or semantics.speaks_as(self._sender, mac, self.target)
            for mac in self._macs()
        ):
            return False
        return source == IPv6Address("::") or self._is_own(source)

    def frame(self, token: bytes) -> bytes:
        to = self._receiver.mac
        kind, number = self._frame.kind, self._frame.number
        source, other = str(self.source), "10.0.0.13" if self.source.version == 4 else "fd00::13"
        if kind == "arp":
            return ethernet(to, self.mac, 0x0806, arp(number, (self.said, source), (to, other)) + token)
        if kind == "other":
            return ethernet(to, self.mac, number, udp("10.0.0.11", "10.0.0.13", token))
        if kind == "dhcp" and number == 4:
            packet = udp(_NOWHERE4, "255.255.255.255", token, (68, 67))
            return ethernet("ff:ff:ff:ff:ff:ff", self.mac, 0x0800, packet)
        if kind == "dhcp":
            local = str(texts.link_local(self.mac))
            return ethernet("33:33:00:01:00:02", self.mac, 0x86DD, udp(local, "ff02::1:2", token, (546, 547)))
        if kind in {"udp4", "udp6"}:
            packet = udp(source, other, token, (number, DHCP.get(number, 5000)))
            return ethernet(to, self.mac, 0x0800 if kind == "udp4" else 0x86DD, packet)
        if kind == "nd":
            return ethernet(to, self.mac, 0x86DD, self._discovery(other, token))
        raise AssertionError(kind)

    def fragments(self, token: bytes, identification: int) -> list[bytes]:
        """The same in pieces, the token in each."""
        if self._frame.kind == "pieces4":
            packet = udp(str(self.source), "10.0.0.13", token * 8, (self._frame.number, 68))
            return [self._framed(0x0800, part) for part in _split4(packet, identification)]
        if self._frame.kind == "pieces6":
            packet = udp(str(self.source), "fd00::13", token * 8, (self._frame.number, 546))
            return [self._framed(0x86DD, part) for part in _split6(packet, 40, identification)]
        # The first fragment has nothing but an options header: what the packet is, is only in the second (RFC 7112).
        options = bytes([58, 1, 1, 12]) + token + bytes(2)
        packet = ip(str(self.source), "fd00::13", 60, options + self._discovery("fd00::13", token)[40:])
        return [self._framed(0x86DD, part) for part in _split6(packet, len(options), identification)]

    def _framed(self, kind: int, packet: bytes) -> bytes:
        return ethernet(self._receiver.mac, self.mac, kind, packet)

    def _discovery(self, other: str, token: bytes) -> bytes:
        """A message of neighbour discovery, the token in an option that nobody knows (RFC 4861)."""
        kind = self._frame.number
        bodies = {
            ROUTER_SOLICIT: bytes(4),
            ROUTER_ADVERT: struct.pack("!BBHII", 64, 0, 1800, 0, 0),
            SOLICIT: bytes(4) + self.target.packed,
            ADVERT: struct.pack("!I", 0x20000000) + self.target.packed,
            REDIRECT: bytes(4) + self.target.packed + octets("fd00::13"),
            REPORT: bytes(4) + octets("ff02::fb"),
        }
        option = bytes([253, 2]) + token.ljust(14, b"\0")
        return icmpv6(str(self.source), other, bytes([kind, 0, 0, 0]) + bodies[kind] + option)


def _split4(packet: bytes, identification: int) -> list[bytes]:
    """An IPv4 packet in two fragments of which the first has 40 bytes."""
    source, target = (str(ip_address(packet[at : at + 4])) for at in (12, 16))
    parts = []
    for at, piece, more in ((20, packet[20:60], 0x2000), (60, packet[60:], 0)):
        whole = bytearray(ip(source, target, packet[9], piece))
        struct.pack_into("!HH", whole, 4, identification & 0xFFFF, more | (at - 20) // 8)
        whole[10:12] = bytes(2)
        whole[10:12] = checksum(bytes(whole[:20])).to_bytes(2, "big")
        parts.append(bytes(whole))
    return parts


def _split6(packet: bytes, cut: int, identification: int) -> list[bytes]:
    """An IPv6 packet in two fragments of which the first has ``cut`` bytes after the header."""
    source, target = (str(ip_address(packet[at : at + 16])) for at in (8, 24))
    heads = [struct.pack("!BBHI", packet[6], 0, where, identification) for where in (1, cut)]
    pieces = (packet[40 : 40 + cut], packet[40 + cut :])
    return [ip(source, target, 44, head + piece) for head, piece in zip(heads, pieces, strict=True)]


@pytest.fixture(scope="module")
def field() -> Iterator[Field]:
    with made() as one:
        yield one


def test_nobody_says_what_is_not_his(field: Field) -> None:
    count = {True: 0, False: 0}
    identification = iter(range(1, 1 << 31))

    @ROUNDS
    @given(
        pairs=st.lists(st.sampled_from(PAIRS), unique=True, max_size=4),
        stateful=st.booleans(),
        said=st.lists(frames(), min_size=12, max_size=24),
    )
    def every(pairs: list[tuple[str, str]], said: list[Frame], *, stateful: bool) -> None:
        sender, receiver = _roles(field, pairs, stateful=stateful)
        sent, wanted = [], {}
        for frame in said:
            speech, token = Speech(sender, receiver, frame), field.token()
            wanted[token] = (frame, speech.may_send())
            whole = frame.kind not in IN_PIECES
            pieces = [speech.frame(token)] if whole else speech.fragments(token, next(identification))
            sent += [Sent("a", "c", piece, token) for piece in pieces]
        expected = frozenset(token for token, (_, may) in wanted.items() if may)
        came = {token for name, token in field.arrived(sent, expected) if name == "c"}
        wrong = [(frame, may) for token, (frame, may) in wanted.items() if may != (token in came)]
        assert not wrong, f"frames, and whether they were to arrive: {wrong}"
        for _, may in wanted.values():
            count[may] += 1

    every()
    print(f"{count[True]} arrived, {count[False]} did not")  # noqa: T201 (what the round was worth)
    assert sum(count.values()) >= 500
    assert min(count.values()) >= 100


def _roles(field: Field, pairs: list[tuple[str, str]], *, stateful: bool) -> tuple[PortSpec, PortSpec]:
    """The sender with these pairs and everything open, and a receiver without a guard."""
    plain, receiver = field.ports["a"], replace(field.ports["c"], guarded=False)
    own = tuple(AddressPair(plain.mac if mac == OWN else mac, ip_network(network)) for mac, network in pairs)
    sender = replace(plain, pairs=own, groups=(GROUP,), guarded=True)
    field.become([sender, receiver], {GROUP: GroupSpec(GROUP, EVERYTHING, stateful=stateful)})
    return sender, receiver
