"""The nft text of ports, groups and rules, from specs: tables of what goes in and what comes out."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from boxship.drivers.linux import filter as rules
from boxship.drivers.linux.interface import AddressPair, GroupSpec, PortSpec, RuleSpec

PORT = PortSpec(
    id="b0000000-0000-4000-8000-000000000001",
    network_id="a0000000-0000-4000-8000-000000000001",
    mac="fa:16:3e:00:00:01",
    addresses=(ip_interface("10.0.0.5/24"), ip_interface("fd00::5/64")),
    sandbox="box",
    interface="eth0",
    groups=("c0",),
)
GROUP = GroupSpec("c0", ())


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (RuleSpec("ingress", 4), "meta nfproto ipv4 accept"),
        (RuleSpec("egress", 6), "meta nfproto ipv6 accept"),
        (RuleSpec("ingress", 4, 6), "meta nfproto ipv4 ct original protocol 6 accept"),
        (
            RuleSpec("ingress", 4, 6, 80, 80),
            "meta nfproto ipv4 ct original protocol 6 ct original proto-dst 80 accept",
        ),
        (
            RuleSpec("ingress", 6, 17, 1, 65535),
            "meta nfproto ipv6 ct original protocol 17 ct original proto-dst 1-65535 accept",
        ),
        (RuleSpec("ingress", 4, 6, 22), "meta nfproto ipv4 ct original protocol 6 ct original proto-dst 22 accept"),
        (RuleSpec("ingress", 4, None, 80, 80), "meta nfproto ipv4 accept"),
        (
            RuleSpec("ingress", 4, 1, 8, 0),
            "meta nfproto ipv4 ct original protocol 1 ct original proto-dst 2048 accept",
        ),
        (
            RuleSpec("ingress", 6, 58, 128),
            "meta nfproto ipv6 ct original protocol 58 ct original proto-dst & 0xff00 == 32768 accept",
        ),
        (
            RuleSpec("ingress", 4, remote=ip_network("10.0.0.0/8")),
            "meta nfproto ipv4 ct original ip saddr 10.0.0.0/8 accept",
        ),
        (
            RuleSpec("egress", 6, remote=ip_network("fd00::/8")),
            "meta nfproto ipv6 ct original ip6 daddr fd00::/8 accept",
        ),
        (RuleSpec("egress", 4, remote=ip_network("0.0.0.0/0")), "meta nfproto ipv4 accept"),
        (RuleSpec("ingress", 4, remote_group="c0-1"), "meta nfproto ipv4 ct original ip saddr @m4_c0_1 accept"),
        (RuleSpec("egress", 6, remote_group="c0-1"), "meta nfproto ipv6 ct original ip6 daddr @m6_c0_1 accept"),
    ],
)
def test_a_rule(rule: RuleSpec, text: str) -> None:
    chain = f"g_c0_{'in' if rule.direction == 'ingress' else 'out'}"
    assert f"add rule inet boxship {chain} {text}" in rules.group(replace(GROUP, rules=(rule,))).splitlines()


def test_the_same_rule_twice_is_one() -> None:
    text = rules.group(replace(GROUP, rules=(RuleSpec("ingress", 4), RuleSpec("ingress", 4))))
    assert text.count("add rule") == 1


def test_a_group_is_replaced_as_a_whole() -> None:
    text = rules.group(replace(GROUP, members=(ip_address("10.0.0.5"), ip_address("fd00::5"), ip_address("10.0.0.4"))))
    for line in (
        "flush chain inet boxship g_c0_in",
        "flush chain inet boxship g_c0_out",
        "flush set inet boxship m4_c0",
        "add element inet boxship m4_c0 { 10.0.0.4, 10.0.0.5 }",
        "add element inet boxship m6_c0 { fd00::5 }",
    ):
        assert line in text.splitlines()


def test_members_alone_touch_no_rule() -> None:
    assert "chain" not in rules.members(replace(GROUP, members=(ip_address("10.0.0.5"),)))


def test_a_remote_group_that_is_not_there_yet_has_no_members() -> None:
    text = rules.group(replace(GROUP, rules=(RuleSpec("ingress", 4, remote_group="later"),)))
    assert "set m4_later { type ipv4_addr; }" in text
    assert "element inet boxship m4_later" not in text
    assert "flush set inet boxship m4_later" not in text, "it may be there, with members"


def test_a_port_ends_with_a_drop_in_both_directions() -> None:
    text = rules.port(PORT)
    assert text.count("jump g_c0_in\n    drop") == text.count("jump g_c0_out\n    drop") == 1
    assert rules.port(replace(PORT, groups=())).count("    drop\n  }") == 2


def test_a_port_without_guard_has_no_rules() -> None:
    open_port = replace(PORT, guarded=False)
    assert rules.port(open_port) == rules.no_elements(open_port) == ""


def test_what_is_added_for_a_port_is_taken_away_again() -> None:
    pairs = (
        AddressPair("fa:16:3e:00:00:02", ip_network("10.0.1.0/24")),
        AddressPair(PORT.mac, ip_network("fd01::/64")),
    )
    for spec in (PORT, replace(PORT, pairs=pairs), replace(PORT, addresses=())):
        added = {line.removeprefix("add ") for line in rules.port(spec).splitlines() if line.startswith("add element")}
        lines = rules.no_port(spec.id, [rules.no_elements(spec)]).splitlines()
        assert added == {line.removeprefix("delete ") for line in lines if line.startswith("delete element")}
        assert [line for line in lines if line.startswith("delete chain")] == [
            f"delete chain inet boxship p_{PORT.id.replace('-', '_')}_{way}" for way in ("in", "out")
        ]


def test_chains_go_after_all_that_leads_to_them() -> None:
    """Two wishes of one port may be there, if a program was killed between them."""
    other = replace(PORT, addresses=(ip_interface("10.0.0.6/24"),))
    lines = rules.no_port(PORT.id, [rules.no_elements(PORT), rules.no_elements(other)]).splitlines()
    last_element = max(at for at, line in enumerate(lines) if "element" in line)
    assert all(at > last_element for at, line in enumerate(lines) if line.startswith("delete chain"))


def test_the_text_of_a_port_does_not_grow_with_other_ports() -> None:
    """Its elements are its own, and the groups' chains are shared."""
    assert len(rules.port(PORT).splitlines()) < 40


def test_ports_mark_their_flows_apart() -> None:
    marks = set()
    for number in range(2000):
        text = rules.port(replace(PORT, id=f"b0000000-0000-4000-8000-{number:012d}"))
        marks.add(next(line.split()[-1] for line in text.splitlines() if "ct mark set" in line))
    assert len(marks) == 2000
    assert "0x0" not in marks


@pytest.mark.parametrize(
    ("mac", "address"),
    [("fa:16:3e:00:00:01", "fe80::f816:3eff:fe00:1"), ("00:00:5e:00:01:07", "fe80::200:5eff:fe00:107")],
)
def test_the_link_local_address_of_a_mac(mac: str, address: str) -> None:
    assert rules.link_local(mac) == ip_address(address)


def test_the_base_may_be_applied_again() -> None:
    """Chains are flushed between their declaration and their rules; sets and maps are never emptied by it."""
    text = rules.base()
    for chain in ("bridge boxship source", "inet boxship egress", "inet boxship ingress", "inet boxship input"):
        assert f"flush chain {chain}\n" in text
    assert "flush set" not in text
    assert "flush table" not in text
    assert "delete" not in text
