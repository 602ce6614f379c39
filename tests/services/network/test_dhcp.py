"""What the DHCP service of a network is told, and when it is told again."""

from __future__ import annotations

from boxship.drivers.linux.interface import NamesSpec
from boxship.services.network import public
from tests.services.network.world import HOLDER, World


async def _told(world: World, network_id: str) -> NamesSpec:
    await world.settle()
    spec: NamesSpec = world.kernel.names[network_id]
    return spec


async def test_subnets_and_wired_ports(world: World) -> None:
    route = {"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}
    network_id, _ = await world.net(host_routes=[route])
    port = await world.made("alice", "/ports", network_id=network_id)
    assert (await _told(world, network_id)).stations == (), "nobody is plugged in"
    await world.bind(port["id"])
    spec = await _told(world, network_id)
    (entry,) = spec.ranges
    assert (str(entry.subnet), str(entry.gateway), entry.gives) == ("10.0.0.0/24", "10.0.0.1", True)
    assert [(str(route.destination), str(route.via)) for route in entry.routes] == [("10.9.0.0/16", "10.0.0.9")]
    (station,) = spec.stations
    assert (station.mac, station.name) == (port["mac_address"], "host-10-0-0-3")
    assert [str(ip) for ip in station.addresses] == ["10.0.0.3"]
    async with world.database.write() as transaction:
        await public.unbind_port(transaction, port["id"], HOLDER)
    assert (await _told(world, network_id)).stations == ()


async def test_what_changes_of_a_port_is_told(world: World) -> None:
    network_id, subnet_id = await world.net()
    port = await world.made("alice", "/ports", network_id=network_id)
    await world.bind(port["id"])
    change = {
        "dns_name": "web",
        "fixed_ips": [{"subnet_id": subnet_id, "ip_address": "10.0.0.77"}],
        "extra_dhcp_opts": [{"opt_name": "tftp-server", "opt_value": "10.0.0.9"}],
    }
    for name, value in change.items():
        answer = await world.request("alice", "PUT", f"/ports/{port['id']}", {"port": {name: value}})
        assert answer.status_code == 200, answer.text
        await world.settle()
    (station,) = world.kernel.names[network_id].stations
    assert (station.name, [str(ip) for ip in station.addresses]) == ("web", ["10.0.0.77"])
    assert [(option.name, option.value, option.version) for option in station.options] == [
        ("tftp-server", "10.0.0.9", 4)
    ]


async def test_modes_of_ipv6(world: World) -> None:
    """Addresses are given where they are not made by the client, and nobody is asked where routers tell all."""
    gives = {}
    for mode in ("dhcpv6-stateful", "dhcpv6-stateless", "slaac"):
        network_id, _ = await world.net(cidr="fd00::/64", ipv6_ra_mode=mode, ipv6_address_mode=mode)
        gives[mode] = [entry.gives for entry in (await _told(world, network_id)).ranges]
    assert gives == {"dhcpv6-stateful": [True], "dhcpv6-stateless": [False], "slaac": []}


async def test_names_are_in_the_networks_domain(world: World) -> None:
    network_id, _ = await world.net()
    assert (await _told(world, network_id)).domain == "openstacklocal"
    body = {"network": {"dns_domain": "example.org.", "mtu": 1400}}
    assert (await world.request("alice", "PUT", f"/networks/{network_id}", body)).status_code == 200
    spec = await _told(world, network_id)
    assert (spec.domain, spec.aliases, spec.mtu) == ("example.org", ("openstacklocal",), 1400)


async def test_without_dhcp_nobody_is_served(world: World) -> None:
    network_id, subnet_id = await world.net()
    await world.made("alice", "/subnets", network_id=network_id, cidr="10.5.0.0/24", ip_version=4, enable_dhcp=False)
    assert [str(entry.subnet) for entry in (await _told(world, network_id)).ranges] == ["10.0.0.0/24"]
    await world.request("alice", "PUT", f"/subnets/{subnet_id}", {"subnet": {"enable_dhcp": False}})
    await world.settle()
    assert network_id not in world.kernel.names
