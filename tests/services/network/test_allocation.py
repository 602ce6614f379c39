"""Addresses, for all pools and all orders of taking and giving back: never twice, never outside, freed ones again."""

from __future__ import annotations

import asyncio
import ipaddress
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxship.core import errors as core
from boxship.core.db.database import Transaction
from boxship.services.network import errors, model
from boxship.services.network.operations import allocation, checks, subnets
from boxship.services.network.schemas.networks import SubnetCreate
from boxship.services.network.schemas.ports import FixedIpWish
from boxship.services.network.store import addresses, rows, tables
from tests.services.network.world import World
from tests.services.network.world import world as worlds

Body = Callable[[World, Transaction], Awaitable[None]]


def _in_a_world(body: Body) -> None:
    """Hypothesis calls functions, so each example has a loop and a database of its own."""

    async def run() -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with worlds(Path(directory)) as world, world.database.write() as transaction:
                await body(world, transaction)

    asyncio.run(run())


async def _subnet(world: World, transaction: Transaction, wish: SubnetCreate) -> model.Subnet:
    caller = await world.caller("admin")
    return await subnets.create_subnet(transaction, caller, world.settings, wish)


async def _free(transaction: Transaction, subnet_id: str) -> list[tuple[int, int]]:
    ranges = tables.ranges
    rows_ = await transaction.rows(ranges.select().where(ranges.c.subnet_id == subnet_id).order_by(ranges.c.first))
    return [(int(row.first, 16), int(row.last, 16)) for row in rows_]


_POOL = st.tuples(st.integers(2, 40), st.integers(0, 12))


@st.composite
def _pools(draw: st.DrawFn) -> tuple[model.Pool, ...]:
    """One to three pools apart from each other in 10.0.0.0/24."""
    at, found = 1, []
    for gap, width in draw(st.lists(_POOL, min_size=1, max_size=3)):
        found.append(model.Pool(f"10.0.0.{at + gap}", f"10.0.0.{at + gap + width}"))
        at += gap + width
    return tuple(found)


_STEP = st.one_of(
    st.just(("take", 0)),
    st.tuples(st.just("drop"), st.integers(0, 50)),
    st.tuples(st.just("certain"), st.integers(1, 254)),
)


@settings(max_examples=40, deadline=None)
@given(pools=_pools(), steps=st.lists(_STEP, max_size=60))
def test_never_twice_never_outside_and_freed_ones_again(
    pools: tuple[model.Pool, ...], steps: list[tuple[str, int]]
) -> None:
    allowed = {
        number
        for pool in pools
        for number in range(int(ipaddress.ip_address(pool.start)), int(ipaddress.ip_address(pool.end)) + 1)
    }
    base = int(ipaddress.ip_address("10.0.0.0"))

    async def body(world: World, transaction: Transaction) -> None:
        network_id, made = await _made(world, transaction, pools)
        had: list[int] = []
        for step, value in steps:
            subnet = await rows.get(transaction, tables.subnets, model.Subnet, made.id)
            assert subnet is not None
            await _take(transaction, network_id, subnet, (step, value), had)
            assert len(set(had)) == len(had)
            free = await _free(transaction, made.id)
            assert {n for first, last in free for n in range(first, last + 1)} == allowed - set(had)
            assert all(free[at][0] > free[at - 1][1] + 1 for at in range(1, len(free))), "ranges are joined"

    async def _take(
        transaction: Transaction, network_id: str, subnet: model.Subnet, step: tuple[str, int], had: list[int]
    ) -> None:
        verb, value = step
        if verb == "drop":
            if had:
                number = had.pop(value % len(had))
                await addresses.give_back(transaction, subnet.id, subnet.allocation_pools, f"{number:08x}")
            return
        if verb == "take":
            if allowed <= set(had):
                with pytest.raises(errors.IpAddressGenerationFailure):
                    await allocation.choose(transaction, [subnet], "")
                return
            ((_, key),) = await allocation.choose(transaction, [subnet], "")
            assert int(key, 16) in allowed - set(had)
        elif base + value in had:
            return
        else:
            ip = str(ipaddress.ip_address(base + value))
            ((_, key),) = await allocation.honour(transaction, [subnet], [FixedIpWish(ip_address=ip)], "", network_id)
        had.append(int(key, 16))

    _in_a_world(body)


async def _made(world: World, transaction: Transaction, pools: tuple[model.Pool, ...]) -> tuple[str, model.Subnet]:
    from boxship.services.network.operations import networks
    from boxship.services.network.schemas.networks import NetworkCreate

    network = await networks.insert(transaction, "f" * 32, NetworkCreate(name="n"))
    wish = SubnetCreate(
        network_id=network.id,
        ip_version=4,
        cidr="10.0.0.0/24",
        gateway_ip=None,
        allocation_pools=pools,
        enable_dhcp=False,
    )
    return network.id, await _subnet(world, transaction, wish)


@settings(max_examples=300, deadline=None)
@given(
    version=st.sampled_from([4, 6]),
    number=st.integers(0, 2**128 - 1),
    length=st.integers(0, 128),
)
def test_a_subnet_has_a_range_that_hosts_can_have_or_none(version: int, number: int, length: int) -> None:
    width = 32 if version == 4 else 128
    text = f"{ipaddress.ip_address(number % 2**32) if version == 4 else ipaddress.IPv6Address(number)}/{length % (width + 1)}"
    try:
        cidr = checks.subnet_cidr(text, version)
    except errors.InvalidInput as error:
        assert error.field == "cidr"
        return
    assert cidr.prefixlen > 0
    assert not (cidr.is_multicast or cidr.is_loopback or cidr.is_link_local)
    first, last = checks.usable(cidr)
    assert int(cidr.network_address) <= first <= last <= int(cidr.broadcast_address)
    for pool in checks.default_pools(cidr, cidr.network_address + (1 if cidr.num_addresses > 1 else 0)):
        assert checks.is_usable(ipaddress.ip_address(pool.start), cidr)
        assert checks.is_usable(ipaddress.ip_address(pool.end), cidr)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=40), version=st.sampled_from([4, 6]))
def test_no_text_is_more_than_refused(text: str, version: int) -> None:
    for check in (
        lambda: checks.subnet_cidr(text, version),
        lambda: checks.prefix(text, "x"),
        lambda: checks.address(text, "x", version),
        lambda: checks.mac(text),
        lambda: checks.dns_name(text),
        lambda: checks.dns_domain(text),
        lambda: checks.pools([model.Pool(text, "10.0.0.9")], ipaddress.ip_network("10.0.0.0/24"), None),
        lambda: checks.host_routes([model.HostRoute(text, text)], version, "x"),
    ):
        try:
            check()
        except core.RequestError as error:
            assert 400 <= error.status < 500


async def test_a_slash_eight_costs_what_a_slash_thirty_costs(world: World) -> None:
    network_id, subnet_id = await world.net(cidr="10.0.0.0/8")
    ports = [await world.made("alice", "/ports", network_id=network_id) for _ in range(3)]
    assert [port["fixed_ips"][0]["ip_address"] for port in ports] == ["10.0.0.3", "10.0.0.4", "10.0.0.5"]
    async with world.database.read() as transaction:
        assert len(await _free(transaction, subnet_id)) == 1


async def test_new_pools_keep_what_is_taken(world: World) -> None:
    network_id, subnet_id = await world.net()
    for ip in ("10.0.0.20", "10.0.0.30"):
        await world.made("alice", "/ports", network_id=network_id, fixed_ips=[{"ip_address": ip}])
    pools = [{"start": "10.0.0.19", "end": "10.0.0.21"}, {"start": "10.0.0.30", "end": "10.0.0.31"}]
    response = await world.request("alice", "PUT", f"/subnets/{subnet_id}", {"subnet": {"allocation_pools": pools}})
    assert response.json()["subnet"]["allocation_pools"] == pools
    made = [await world.made("alice", "/ports", network_id=network_id) for _ in range(3)]
    assert {port["fixed_ips"][0]["ip_address"] for port in made} == {"10.0.0.19", "10.0.0.21", "10.0.0.31"}
    body = {"port": {"network_id": network_id}}
    await world.refused("alice", "POST /ports", body, (409, "IpAddressGenerationFailure"))
