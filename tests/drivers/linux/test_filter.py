"""What of a port goes into the sets of the filters, and what the names of its chains are."""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from boxship.drivers.linux import filter as texts
from boxship.drivers.linux.interface import AddressPair, PortSpec
from boxship.drivers.linux.nfnetlink import Element

CHAIN = texts.shared(64, texts.policy(("c0",), stateless=False))
NUMBER = texts.mark(0x304, CHAIN)
BRIDGE = "br-a0000000000"
MARK = struct.pack("=I", NUMBER)
PORT = PortSpec(
    id="b0000000-0000-4000-8000-000000000001",
    network_id="a0000000-0000-4000-8000-000000000001",
    mac="fa:16:3e:00:00:01",
    addresses=(ip_interface("10.0.0.5/24"), ip_interface("fd00::5/64")),
    sandbox="box",
    interface="eth0",
    groups=("c0",),
)
MAC = bytes.fromhex("fa163e0000010000")
OTHER = "fa:16:3e:00:00:02"


def elements(spec: PortSpec, *, stateless: bool = False) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for element in texts.elements(spec, NUMBER, BRIDGE, stateless=stateless):
        found.setdefault(element.target, []).append(element)
    return found


def test_a_port_is_some_elements() -> None:
    found = elements(PORT)
    address, local = ip_address("10.0.0.5").packed, texts.link_local(PORT.mac).packed
    assert [element.key for element in found["bridge sources4"]] == [MARK + MAC + address]
    assert [element.key for element in found["bridge own4"]] == [MARK + address, MARK + ip_address("10.0.0.255").packed]
    assert {element.key for element in found["bridge targets6"]} == {MARK + local, MARK + ip_address("fd00::5").packed}
    assert found["bridge ports"] == [Element("bridge ports", b"tapb0000000000\0\0", value=MARK)]
    assert found["inet stations"] == [Element("inet stations", b"br-a0000000000\0\0" + MAC)]


def test_a_port_without_guard_has_none() -> None:
    assert not elements(replace(PORT, guarded=False))


def test_nothing_is_named_twice() -> None:
    pair = AddressPair(PORT.mac, ip_network("10.0.0.5/32"))
    found = texts.elements(replace(PORT, pairs=(pair, pair)), NUMBER, BRIDGE, stateless=False)
    assert len(found) == len(set(found))
    assert texts.elements(PORT, NUMBER, BRIDGE, stateless=False) == found


def test_a_pair_of_one_address_is_no_range() -> None:
    found = elements(replace(PORT, pairs=(AddressPair(OTHER, ip_network("10.0.1.1/32")),)))
    assert not any("ranges" in target for target in found)
    assert Element("bridge own4", MARK + ip_address("10.0.1.1").packed) in found["bridge own4"]


def test_ranges_that_overlap_are_merged() -> None:
    """The kernel refuses ranges of a set that overlap."""
    wide = AddressPair(PORT.mac, ip_network("10.0.0.0/16"))
    narrow = AddressPair(PORT.mac, ip_network("10.0.4.0/24"))
    others = AddressPair(OTHER, ip_network("10.0.5.0/24"))
    found = elements(replace(PORT, pairs=(narrow, wide, others)))
    mark = struct.pack("!I", NUMBER)
    first, last = ip_address("10.0.0.0").packed, ip_address("10.0.255.255").packed
    assert found["bridge own_ranges4"] == [Element("bridge own_ranges4", mark + first, end=mark + last)]
    assert len(found["bridge source_ranges4"]) == 2, "one for each MAC"


def test_a_stateless_port_is_known_as_such() -> None:
    assert "inet stateless" in elements(PORT, stateless=True)
    assert "inet stations" not in elements(PORT, stateless=True)


def test_ports_with_the_same_groups_share_their_chains() -> None:
    first = texts.policy(("c0", "c1"), stateless=False)
    assert first == texts.policy(("c1", "c0"), stateless=False)
    assert first != texts.policy(("c0",), stateless=False)
    assert first != texts.policy(("c0", "c1"), stateless=True)


def test_a_shared_chain_tells_its_way_by_its_name() -> None:
    for stateless, way in ((False, ""), (True, "_alone")):
        policy = texts.policy(("c0",), stateless=stateless)
        chain = texts.shared(0x2ABC, policy)
        assert texts.policy_of(chain) == (0x2ABC, policy)
        assert len(f"{chain}_out") < 32, "longer names are not possible on all kernels"
        assert texts.is_of_ports(f"{chain}_in")
        key = struct.pack("=I", 0x2ABC << 18)
        assert [(one.target, one.key) for one in texts.ways(chain)] == [
            (f"inet sends{way}", key),
            (f"inet gets{way}", key),
        ]


def test_a_mark_is_a_number_and_the_groups() -> None:
    assert NUMBER == 64 << 18 | 0x304
    assert (NUMBER & texts.NUMBERS, NUMBER >> 18) == (0x304, 64)
    found = elements(PORT)
    assert [element.key for element in found["inet owners"]] == [struct.pack("=II", 0x304, NUMBER)]
    assert [element.chain for element in found["inet begun"]] == [texts.counter(0x304)]


@pytest.mark.parametrize(
    ("mac", "address"),
    [("fa:16:3e:00:00:01", "fe80::f816:3eff:fe00:1"), ("00:00:5e:00:01:07", "fe80::200:5eff:fe00:107")],
)
def test_the_link_local_address_of_a_mac(mac: str, address: str) -> None:
    assert texts.link_local(mac) == ip_address(address)


def test_the_base_may_be_applied_again() -> None:
    """Chains are flushed between their declaration and their rules; sets and maps are never emptied by it."""
    text = texts.base()
    for chain in ("bridge boxship source", "inet boxship egress", "inet boxship ingress", "inet boxship input"):
        assert f"flush chain {chain}\n" in text
    assert "flush set" not in text
    assert "flush table" not in text
    assert "delete" not in text


def test_forgetting_empties_all_but_the_zones() -> None:
    text = texts.forget_ports(["p_1_in"])
    assert "flush map bridge boxship ports\n" in text
    assert "flush map inet boxship begun\n" in text
    assert "zones" not in text
    assert text.endswith("flush chain inet boxship p_1_in\ndelete chain inet boxship p_1_in\n")


def test_tables_of_another_version_are_known() -> None:
    assert texts.is_current([])
    assert texts.is_current(["ingress", f"version_{texts.VERSION}"])
    assert not texts.is_current(["ingress", "version_0"])
