"""What routers advertise of IPv6 subnets."""

from __future__ import annotations

import pytest

from boxship.drivers.linux.interface import Advert
from tests.services.network.world import World


async def _adverts(world: World, router_id: str) -> tuple[Advert, ...]:
    await world.settle()
    found: tuple[Advert, ...] = world.kernel.routers[router_id].adverts
    return found


async def _leg(world: World, router_id: str, subnet_id: str) -> str:
    body = {"subnet_id": subnet_id}
    response = await world.request("alice", "PUT", f"/routers/{router_id}/add_router_interface", body)
    assert response.status_code == 200, response.text
    port_id: str = response.json()["port_id"]
    return port_id


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless", "dhcpv6-stateful"])
async def test_a_leg_advertises_as_its_subnet_says(world: World, mode: str) -> None:
    network_id, subnet_id = await world.net(cidr="fd00::/64", ipv6_ra_mode=mode, ipv6_address_mode=mode)
    router = await world.made("alice", "/routers", name="r")
    port_id = await _leg(world, router["id"], subnet_id)
    (advert,) = await _adverts(world, router["id"])
    assert (advert.port_id, str(advert.prefix), advert.mode) == (port_id, "fd00::/64", mode)
    assert [str(address.ip) for address in world.kernel.names[network_id].addresses] == [
        str(server) for server in advert.nameservers
    ]
    await world.request("alice", "PUT", f"/networks/{network_id}", {"network": {"mtu": 1400}})
    (advert,) = await _adverts(world, router["id"])
    assert advert.mtu == 1400


async def test_other_subnets_are_not_advertised(world: World) -> None:
    router = await world.made("alice", "/routers", name="r")
    for cidr in ("10.0.0.0/24", "fd01::/64"):
        _, subnet_id = await world.net(cidr=cidr)
        await _leg(world, router["id"], subnet_id)
    assert await _adverts(world, router["id"]) == ()
