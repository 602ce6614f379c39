"""Subnet pools: ranges of one pool never overlap, what is given back is given out again, and quotas hold."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.services.network import errors
from boxship.services.network.operations import subnetpools
from tests.services.network.world import World

PREFIXES = ("10.8.0.0/26", "10.9.0.0/27")


@given(st.lists(st.integers(min_value=26, max_value=32), max_size=40))
def test_ranges_are_inside_and_apart(lengths: list[int]) -> None:
    taken: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for length in lengths:
        try:
            found = subnetpools.first_free(PREFIXES, taken, length)
        except errors.SubnetAllocationError:
            continue
        assert found.prefixlen == length
        assert not any(found.overlaps(other) for other in taken)
        assert any(int(cidr[0]) <= int(found[0]) and int(found[-1]) <= int(cidr[-1]) for cidr in _ranges())
        taken.append(found)


def _ranges() -> list[ipaddress.IPv4Network]:
    return [ipaddress.IPv4Network(prefix) for prefix in PREFIXES]


def test_all_of_a_pool_is_given_out() -> None:
    taken: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for _ in range(6):
        taken.append(subnetpools.first_free(PREFIXES, taken, 28))
    assert [str(cidr) for cidr in taken] == [f"10.8.0.{at}/28" for at in (0, 16, 32, 48)] + [
        f"10.9.0.{at}/28" for at in (0, 16)
    ]
    with pytest.raises(errors.SubnetAllocationError, match="Insufficient prefix space"):
        subnetpools.first_free(PREFIXES, taken, 28)


def test_ipv6_ranges_are_ipv6() -> None:
    first = subnetpools.first_free(("::/48",), [], 64)
    assert str(first) == "::/64", "a small number is no IPv4 address here"
    assert str(subnetpools.first_free(("::/48",), [first], 64)) == "0:0:0:1::/64"


async def test_a_range_is_the_pools_again_when_its_subnet_is_gone(world: World) -> None:
    pool = await world.made("alice", "/subnetpools", name="p", prefixes=["10.11.0.0/24"], default_prefixlen=24)
    network = await world.made("alice", "/networks")
    wish = {"network_id": network["id"], "ip_version": 4, "subnetpool_id": pool["id"]}
    first = await world.made("alice", "/subnets", **wish)
    await world.refused("alice", "POST /subnets", {"subnet": wish}, (409, "SubnetAllocationError"))
    assert (await world.request("alice", "DELETE", f"/subnets/{first['id']}")).status_code == 204
    assert (await world.made("alice", "/subnets", **wish))["cidr"] == first["cidr"]


async def test_two_networks_of_a_pool_have_different_ranges(world: World) -> None:
    pool = await world.made("alice", "/subnetpools", name="p", prefixes=["2001:db8:3::/48"], min_prefixlen="64")
    found = []
    for _ in range(2):
        network = await world.made("alice", "/networks")
        wish = {"network_id": network["id"], "ip_version": 6, "subnetpool_id": pool["id"]}
        found.append((await world.made("alice", "/subnets", **wish))["cidr"])
    assert found == ["2001:db8:3::/64", "2001:db8:3:1::/64"]


async def test_the_quota_of_a_pool_is_per_project(world: World) -> None:
    pool = await world.made(
        "admin",
        "/subnetpools",
        name="p",
        prefixes=["10.11.0.0/16"],
        default_prefixlen=28,
        default_quota=16,
        shared=True,
    )
    for user in ("alice", "bob"):
        network = await world.made(user, "/networks")
        wish = {"network_id": network["id"], "ip_version": 4, "subnetpool_id": pool["id"]}
        await world.made(user, "/subnets", **wish)
        await world.refused(user, "POST /subnets", {"subnet": wish}, (409, "SubnetPoolQuotaExceeded"))
    await world.refused(
        "bob", f"PUT /subnetpools/{pool['id']}", {"subnetpool": {"name": "x"}}, (403, "PolicyNotAuthorized")
    )


async def test_one_pool_is_the_default_one(world: World) -> None:
    pool = await world.made("admin", "/subnetpools", name="p", prefixes=["10.11.0.0/16"], is_default=True, shared=True)
    second = {"subnetpool": {"name": "q", "prefixes": ["10.12.0.0/16"], "is_default": True}}
    await world.refused("admin", "POST /subnetpools", second, (400, "DefaultSubnetPoolExists"))
    network = await world.made("alice", "/networks")
    subnet = await world.made(
        "alice", "/subnets", network_id=network["id"], ip_version=4, use_default_subnetpool=True, prefixlen=24
    )
    assert (subnet["cidr"], subnet["subnetpool_id"]) == ("10.11.0.0/24", pool["id"])
