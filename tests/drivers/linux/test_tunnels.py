"""What can be no tunnel is refused before anything is made; the screen before tunnels names what it lets in; the fake agrees."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from boxship.core import errors
from boxship.drivers.linux import screen, tunnels
from boxship.drivers.linux.fake import FakeFabric
from boxship.drivers.linux.interface import Neighbour, NetworkSpec, TunnelSpec
from boxship.drivers.linux.naming import Naming

SPEC = TunnelSpec("a0000000-0000-4000-8000-0000000000f1", 7, ip_address("192.0.2.1"), (ip_address("192.0.2.2"),))
NAMES = Naming("abcd")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"vni": 0}, "no VXLAN network identifier"),
        ({"vni": 1 << 24}, "no VXLAN network identifier"),
        ({"port": 0}, "no UDP port"),
        ({"port": 70000}, "no UDP port"),
        ({"neighbours": (Neighbour("fa:16:3e:00:00", ip_address("192.0.2.2")),)}, "not the MAC address"),
        ({"neighbours": (Neighbour("01:00:5e:00:00:01", ip_address("192.0.2.2")),)}, "not the MAC address"),
        ({"neighbours": (Neighbour("fa:16:3e:00:00:01", ip_address("192.0.2.1")),)}, "own tunnel address"),
        ({"peers": (ip_address("2001:db8::2"),)}, "different IP versions"),
        ({"peers": (ip_address("192.0.2.1"),)}, "own tunnel address"),
        ({"peers": (ip_address("239.0.0.1"),)}, "not the tunnel address"),
        ({"local": ip_address("0.0.0.0")}, "not the tunnel address"),  # noqa: S104 (nothing is bound)
        ({"local": ip_address("127.0.0.1")}, "not the tunnel address"),
        ({"network_id": "a b"}, "cannot be part of a name"),
    ],
)
async def test_what_can_be_no_tunnel_is_refused(tmp_path: Path, changed: dict[str, object], reason: str) -> None:
    with pytest.raises(errors.Refused, match=reason):
        await FakeFabric(tmp_path).ensure_tunnel(replace(SPEC, **changed))  # type: ignore[arg-type]  # each of its field


def test_a_spec_that_is_right_is_not_refused() -> None:
    tunnels.check(replace(SPEC, neighbours=(Neighbour("FA:16:3E:00:00:01", SPEC.peers[0]),)))


def test_the_screen_has_each_network_with_its_own_peers() -> None:
    end = screen.End(7, SPEC.local, 4789)
    assert screen.elements(end, SPEC.peers) == {
        ("ours4", "192.0.2.1 . 4789 . 7"),
        ("peers4", "192.0.2.2 . 192.0.2.1 . 4789 . 7"),
        ("ports", "4789"),
    }
    assert screen.elements(replace(end, local=ip_address("2001:db8::1")), [ip_address("2001:db8::2")]) == {
        ("ours6", "2001:db8::1 . 4789 . 7"),
        ("peers6", "2001:db8::2 . 2001:db8::1 . 4789 . 7"),
        ("ports", "4789"),
    }


def test_a_change_of_the_screen_is_the_difference() -> None:
    end = screen.End(7, SPEC.local, 4789)
    before, after = (screen.elements(end, [ip_address(f"192.0.2.{last}")]) for last in (2, 3))
    assert screen.change(NAMES, before, before) == ""
    table, here = "inet boxship_abcd_tunnels", "192.0.2.1 . 4789 . 7"
    assert screen.change(NAMES, before, after).splitlines() == [
        f"delete element {table} peers4 {{ 192.0.2.2 . {here} }}",
        f"add element {table} peers4 {{ 192.0.2.3 . {here} }}",
    ]


async def test_the_fake_has_tunnels_where_it_has_networks(tmp_path: Path) -> None:
    fabric = FakeFabric(tmp_path)
    with pytest.raises(errors.Absent):
        await fabric.ensure_tunnel(SPEC)
    await fabric.ensure_network(NetworkSpec(SPEC.network_id, 7))
    await fabric.ensure_tunnel(SPEC)
    assert (await fabric.sight()).tunnels == {SPEC.network_id}
    await fabric.remove_network(SPEC.network_id)
    assert (await fabric.sight()).tunnels == frozenset()
