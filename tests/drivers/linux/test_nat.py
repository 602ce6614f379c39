"""What a router is to have, from its spec."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_interface, ip_network

from boxship.drivers.linux import naming, nat
from boxship.drivers.linux.interface import FloatingSpec, ForwardingSpec, Route, RouterPort, RouterSpec

LEG = RouterPort("e0000000-0000-4000-8000-000000000001", "net", "fa:16:3e:00:00:01", (ip_interface("10.0.0.1/24"),))
GATEWAY = RouterPort(
    "e1000000-0000-4000-8000-000000000001", "ext", "fa:16:3e:00:00:02", (ip_interface("198.18.0.2/24"),)
)
INNER = RouterSpec("d0", (LEG,))
FLOATING = FloatingSpec("f0", IPv4Address("198.18.0.9"), IPv4Address("10.0.0.5"))
OUTER = RouterSpec("d0", (LEG,), GATEWAY, (ip_address("198.18.0.1"),), floating=(FLOATING,))
DEVICE = naming.leg(GATEWAY.port_id)


def test_without_a_gateway_nothing_is_translated() -> None:
    text = nat.table(INNER)
    assert "nat" not in text
    assert nat.routes(INNER) == []


def test_floating_ips_are_maps_both_ways() -> None:
    text = nat.table(OUTER)
    assert "elements = { 198.18.0.9 : 10.0.0.5 }" in text
    assert "elements = { 10.0.0.5 : 198.18.0.9 }" in text
    assert nat.addresses(OUTER)[DEVICE] == [ip_interface("198.18.0.2/24"), ip_address("198.18.0.9")]


def test_forwarded_ports_are_entries_of_maps() -> None:
    other = IPv4Address("198.18.0.8")
    spec = replace(
        OUTER,
        forwardings=(
            ForwardingSpec(FLOATING.floating, "tcp", (80, 80), FLOATING.fixed, (8080, 8080)),
            ForwardingSpec(other, "udp", (10, 19), FLOATING.fixed, (53, 53)),
            ForwardingSpec(other, "udp", (20, 29), FLOATING.fixed, (20, 29)),
            ForwardingSpec(other, "udp", (30, 31), FLOATING.fixed, (40, 41)),
        ),
    )
    assert nat.forwarded(spec) == {
        ("198.18.0.9", "tcp", 80, 80): ("10.0.0.5", 8080),
        ("198.18.0.8", "udp", 10, 19): ("10.0.0.5", 53),
        ("198.18.0.8", "udp", 20, 29): ("10.0.0.5", 0),
        ("198.18.0.8", "udp", 30, 30): ("10.0.0.5", 40),
        ("198.18.0.8", "udp", 31, 31): ("10.0.0.5", 41),
    }
    text = nat.table(spec)
    assert "198.18.0.9 . tcp . 80 : 10.0.0.5 . 8080" in text
    assert "198.18.0.8 . udp . 20-29 : 10.0.0.5 }" in text
    assert nat.addresses(spec)[DEVICE] == [ip_interface("198.18.0.2/24"), FLOATING.floating, other]


def test_inside_addresses_leave_under_the_gateways_own_after_the_floating_ones() -> None:
    lines = nat.table(OUTER).splitlines()
    one = next(at for at, line in enumerate(lines) if "snat ip to ip saddr map @out" in line)
    all_others = next(at for at, line in enumerate(lines) if "snat ip to 198.18.0.2" in line)
    assert one < all_others


def test_from_outside_only_translated_and_answers_come_in() -> None:
    text = nat.table(OUTER)
    assert f'iifname "{DEVICE}" drop' in text
    assert f'iifname "{DEVICE}" drop' not in nat.table(replace(OUTER, snat=False))


def test_the_table_is_replaced_in_one_transaction() -> None:
    assert nat.table(OUTER).startswith("table inet boxship {\n}\ndelete table inet boxship\ntable inet boxship {\n")


def test_default_routes_by_version_then_the_extra_ones() -> None:
    extra = Route(ip_network("192.0.2.0/24"), ip_address("10.0.0.9"))
    spec = replace(OUTER, next_hops=(ip_address("198.18.0.1"), ip_address("fd00::1")), routes=(extra,))
    assert nat.routes(spec) == [
        Route(ip_network("0.0.0.0/0"), ip_address("198.18.0.1")),
        Route(ip_network("::/0"), ip_address("fd00::1")),
        extra,
    ]


def test_other_elements_are_all_that_changes() -> None:
    other = FloatingSpec("f1", IPv4Address("198.18.0.10"), FLOATING.fixed)
    port = ForwardingSpec(IPv4Address("198.18.0.8"), "tcp", (80, 80), FLOATING.fixed, (8080, 8080))
    text = nat.change(OUTER, replace(OUTER, floating=(other,), forwardings=(port,)))
    assert text is not None
    assert text.splitlines() == [
        "delete element inet boxship into { 198.18.0.9 }",
        "delete element inet boxship out { 10.0.0.5 }",
        "add element inet boxship into { 198.18.0.10 : 10.0.0.5 }",
        "add element inet boxship out { 10.0.0.5 : 198.18.0.10 }",
        "add element inet boxship forward { 198.18.0.8 . tcp . 80 : 10.0.0.5 . 8080 }",
    ]
    assert nat.change(OUTER, OUTER) == ""
    assert nat.change(OUTER, replace(OUTER, snat=False)) is None
    assert nat.change(INNER, OUTER) is None
