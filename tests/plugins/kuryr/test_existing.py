"""What a user brought is the user's: networks, subnets and ports that were there are used, and are as before at the end
(PITFALLS 3, 5 and 6 of the originals)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.caller import Refused
from tests.plugins.kuryr.world import World, docker_mac

CHANGING = {"updated_at", "revision_number", "status"}


def as_it_is(world: World, kind: str, id: str) -> dict[str, Any]:
    """A resource without what counts changes."""
    found = world.ask("GET", f"/{kind}/{id}", user="admin")[kind.removesuffix("s")]
    return {name: value for name, value in found.items() if name not in CHANGING}


def network_with(world: World, *cidrs: str, **values: object) -> tuple[str, list[str]]:
    network = world.make("network", name="mine")
    subnets = [
        world.make(
            "subnet", network_id=network["id"], ip_version=6 if ":" in cidr else 4, cidr=cidr, name=cidr, **values
        )
        for cidr in cidrs
    ]
    return network["id"], [subnet["id"] for subnet in subnets]


@pytest.mark.parametrize(
    "option", ["neutron.net.uuid", "neutron.net.name", "neutron.subnet.uuid", "neutron.subnet.name"]
)
@pytest.mark.parametrize("said", ["both", "network", "ipam"])
def test_a_network_that_was_there(world: World, option: str, said: str) -> None:
    id, (subnet,) = network_with(world, "10.9.0.0/24")
    before = as_it_is(world, "networks", id), as_it_is(world, "subnets", subnet)
    values = {
        "neutron.net.uuid": id, "neutron.net.name": "mine",
        "neutron.subnet.uuid": subnet, "neutron.subnet.name": "10.9.0.0/24",
    }  # fmt: skip
    chosen = {option: values[option]}
    network = world.docker.create(
        "10.9.0.0/24", options=chosen if said != "ipam" else {}, ipam=chosen if said != "network" else {}
    )
    if said != "ipam" or "subnet" in option:
        assert len(world.all("networks")) == 1
    endpoint = network.run()
    assert endpoint.joined["Gateway"] == "10.9.0.1"
    endpoint.stop()
    network.remove()
    assert (as_it_is(world, "networks", id), as_it_is(world, "subnets", subnet)) == before
    assert world.all("subnetpools") == []
    assert [row["id"] for row in world.all("networks")] == [id]


def test_its_range_need_not_be_said(world: World) -> None:
    id, subnets = network_with(world, "10.9.0.0/24", "fd09::/64")
    chosen = {"neutron.net.uuid": id}
    network = world.docker.create("", options=chosen, ipam=chosen)
    assert network.ranges[0]["Pool"] == "10.9.0.0/24"
    both = {"neutron.subnet.uuid": subnets[0], "neutron.subnet.v6.uuid": subnets[1]}
    second = world.docker.create("10.9.0.0/24", "fd09::/64", options=both, ipam=both)
    endpoint = second.run()
    assert len(world.port(endpoint)["fixed_ips"]) == 2


def test_another_range_or_version_than_the_subnets(world: World) -> None:
    _, (subnet,) = network_with(world, "10.9.0.0/24")
    with pytest.raises(Refused, match=r"has the range 10\.9\.0\.0/24, not 10\.8\.0\.0/24"):
        world.docker.create("10.8.0.0/24", ipam={"neutron.subnet.uuid": subnet})
    with pytest.raises(Refused, match="has IPv4, not IPv6"):
        world.docker.create("fd09::/64", ipam={"neutron.subnet.v6.uuid": subnet})
    with pytest.raises(Refused, match="leave --ip-range out"):
        world.docker.create("10.9.0.0/24", part="10.9.0.0/25", ipam={"neutron.subnet.uuid": subnet})


def test_a_subnet_without_gateway(world: World) -> None:
    _, (subnet,) = network_with(world, "10.9.0.0/24", gateway_ip=None)
    network = world.docker.create("", options={"neutron.subnet.uuid": subnet}, ipam={"neutron.subnet.uuid": subnet})
    endpoint = network.run()
    assert endpoint.joined["Gateway"] == ""
    endpoint.stop()
    network.remove()
    assert world.all("subnets")[0]["gateway_ip"] is None


@pytest.mark.parametrize("ipam", [True, False])
def test_another_gateway_than_the_subnets(world: World, ipam: bool) -> None:
    id, (subnet,) = network_with(world, "10.9.0.0/24")
    before = as_it_is(world, "networks", id)
    chosen = {"neutron.subnet.uuid": subnet}
    with pytest.raises(Refused, match=r"gateway .*10\.9\.0\.1, not 10\.9\.0\.7"):
        world.docker.create("10.9.0.0/24", gateway="10.9.0.7", options=chosen, ipam=chosen if ipam else {})
    assert as_it_is(world, "networks", id) == before
    assert world.all("subnetpools") == []


def test_its_own_gateway_counts_where_nobody_said_one(world: World) -> None:
    id, _ = network_with(world, "10.9.0.0/24", gateway_ip="10.9.0.99")
    network = world.docker.create("10.9.0.0/24", options={"neutron.net.uuid": id})
    assert network.run().joined["Gateway"] == "10.9.0.99"


def test_routes_of_hosts(world: World) -> None:
    route = {"destination": "192.168.7.0/24", "nexthop": "10.9.0.5"}
    id, _ = network_with(world, "10.9.0.0/24", host_routes=[route])
    endpoint = world.docker.create("10.9.0.0/24", options={"neutron.net.uuid": id}).run()
    assert endpoint.joined["StaticRoutes"] == [{"Destination": "192.168.7.0/24", "NextHop": "10.9.0.5", "RouteType": 0}]


def test_another_sharing_than_the_networks(world: World) -> None:
    id, _ = network_with(world, "10.9.0.0/24")
    with pytest.raises(Refused, match=r"has shared=false; neutron\.net\.shared=true was asked for") as refusal:
        world.docker.create("10.9.0.0/24", options={"neutron.net.uuid": id, "neutron.net.shared": "true"})
    assert refusal.value.status == 409
    assert as_it_is(world, "networks", id)["tags"] == []


def test_a_network_of_another_project(world: World) -> None:
    """Who may not tag it remembers it in the own project."""
    foreign = world.make("network", "admin", name="theirs", shared=True)["id"]
    subnet = world.make("subnet", "admin", network_id=foreign, ip_version=4, cidr="10.9.0.0/24")["id"]
    before = as_it_is(world, "networks", foreign), as_it_is(world, "subnets", subnet)
    network = world.docker.create("10.9.0.0/24", options={"neutron.net.name": "theirs", "neutron.net.shared": "true"})
    endpoint = network.run("10.9.0.44")
    assert world.port(endpoint)["network_id"] == foreign
    endpoint.stop()
    network.remove()
    assert (as_it_is(world, "networks", foreign), as_it_is(world, "subnets", subnet)) == before
    assert world.nothing_left()
    with pytest.raises(Refused) as refusal:
        world.docker.create("10.8.0.0/24", options={"neutron.net.name": "theirs"})
    assert refusal.value.status == 403
    assert world.nothing_left()


def test_options_that_name_two_networks(world: World) -> None:
    id, _ = network_with(world, "10.9.0.0/24")
    other = world.make("network")["id"]
    subnet = world.make("subnet", network_id=other, ip_version=4, cidr="10.9.0.0/24")["id"]
    with pytest.raises(Refused, match="The options name several networks"):
        world.docker.create("10.9.0.0/24", options={"neutron.net.uuid": id, "neutron.subnet.uuid": subnet})


def test_a_subnet_in_a_network_that_was_there(world: World) -> None:
    """It is ours, and goes when the last Docker network that stands for the network does."""
    id, _ = network_with(world, "10.9.0.0/24")
    before = as_it_is(world, "networks", id)
    one = world.docker.create("10.8.0.0/24", options={"neutron.net.uuid": id})
    two = world.docker.create("10.8.0.0/24", options={"neutron.net.uuid": id})
    one.run().stop()
    one.remove()
    assert sorted(subnet["cidr"] for subnet in world.all("subnets")) == ["10.8.0.0/24", "10.9.0.0/24"]
    two.run().stop()
    two.remove()
    assert as_it_is(world, "networks", id) == before
    assert world.all("subnetpools") == []


def test_a_range_that_overlaps_one_of_the_network(world: World) -> None:
    id, _ = network_with(world, "10.9.0.0/24")
    before = as_it_is(world, "networks", id)
    with pytest.raises(Refused, match="overlap"):
        world.docker.create("10.9.0.0/16", options={"neutron.net.uuid": id})
    assert as_it_is(world, "networks", id) == before
    assert world.all("subnetpools") == []


# Ports.


def port_with(world: World, network: str, *ips: str, **values: object) -> str:
    fixed = [{"ip_address": ip} for ip in ips]
    return str(world.make("port", network_id=network, name="my port", fixed_ips=fixed, **values)["id"])


def ports_before(world: World, id: str) -> dict[str, Any]:
    return as_it_is(world, "ports", id)


@pytest.mark.parametrize("mac", ["of the port", "of Docker"])
def test_a_port_that_was_there_time_after_time(world: World, mac: str) -> None:
    id, _ = network_with(world, "10.9.0.0/24")
    port = port_with(world, id, "10.9.0.50", tags=["blue"])
    before = ports_before(world, port)
    network = world.docker.create("10.9.0.0/24", options={"neutron.net.uuid": id})
    for _ in range(2):
        endpoint = network.run(
            "10.9.0.50", mac=before["mac_address"] if mac == "of the port" else "", exposed=((6, 80),)
        )
        used = world.port(endpoint)
        assert (used["id"], used["name"], used["status"]) == (port, "my port", "ACTIVE")
        assert used["mac_address"] == endpoint.mac
        assert {"blue", "kuryr.port.existing"} <= set(used["tags"])
        assert set(before["security_groups"]) < set(used["security_groups"])
        endpoint.stop()
        assert ports_before(world, port) == before
    network.remove()
    assert ports_before(world, port) == before


def test_a_port_with_both_versions_that_was_there(world: World) -> None:
    id, _ = network_with(world, "10.9.0.0/24", "fd09::/64")
    port = port_with(world, id, "10.9.0.50", "fd09::50")
    before = ports_before(world, port)
    network = world.docker.create("10.9.0.0/24", "fd09::/64", options={"neutron.net.uuid": id})
    for ips in (("10.9.0.50", "fd09::50"), ("10.9.0.50",)):
        endpoint = network.run(*ips)
        assert endpoint.ips == ["10.9.0.50", "fd09::50"]
        assert world.port(endpoint)["id"] == port
        endpoint.stop()
        assert ports_before(world, port) == before


def test_a_port_with_one_version_on_a_network_with_both(world: World) -> None:
    id, _ = network_with(world, "10.9.0.0/24", "fd09::/64")
    port = port_with(world, id, "10.9.0.50")
    before = ports_before(world, port)
    network = world.docker.create("10.9.0.0/24", "fd09::/64", options={"neutron.net.uuid": id})
    for _ in range(2):
        endpoint = network.run("10.9.0.50")
        assert world.port(endpoint)["id"] == port
        assert len(world.port(endpoint)["fixed_ips"]) == 2
        endpoint.stop()
        assert ports_before(world, port) == before


def test_a_port_that_is_found_by_its_mac(world: World) -> None:
    id, _ = network_with(world, "10.9.0.0/24")
    port = port_with(world, id, "10.9.0.50")
    before = ports_before(world, port)
    network = world.docker.create("10.9.0.0/24", options={"neutron.net.uuid": id})
    endpoint = network.run(mac=before["mac_address"])
    assert endpoint.ips == ["10.9.0.50"]
    endpoint.stop()
    assert ports_before(world, port) == before


def test_a_port_without_security(world: World) -> None:
    id, _ = network_with(world, "10.9.0.0/24")
    port = port_with(world, id, "10.9.0.50", port_security_enabled=False, security_groups=[])
    before = ports_before(world, port)
    network = world.docker.create("10.9.0.0/24", options={"neutron.net.uuid": id})
    endpoint = network.run("10.9.0.50", exposed=((6, 80),))
    assert world.port(endpoint)["security_groups"] == []
    endpoint.stop()
    assert ports_before(world, port) == before


def test_a_port_that_somebody_uses(world: World) -> None:
    id, _ = network_with(world, "10.9.0.0/24")
    port = port_with(world, id, "10.9.0.50", device_id="server-1", device_owner="compute:nova")
    before = ports_before(world, port)
    network = world.docker.create("10.9.0.0/24", options={"neutron.net.uuid": id})
    with pytest.raises(Refused, match=r"10\.9\.0\.50\) is in use by compute:nova server-1") as refusal:
        network.run("10.9.0.50")
    assert refusal.value.status == 409
    assert ports_before(world, port) == before


def test_docker_gives_up_after_the_address(world: World) -> None:
    """The container could not be made: the port is as before, though it never had an endpoint."""
    id, _ = network_with(world, "10.9.0.0/24")
    port = port_with(world, id, "10.9.0.50")
    before = ports_before(world, port)
    network = world.docker.create("10.9.0.0/24", options={"neutron.net.uuid": id})
    world.docker.address(network.pools[0], docker_mac(), "10.9.0.50")
    assert ports_before(world, port) != before
    world.docker.call("IpamDriver.ReleaseAddress", {"PoolID": network.pools[0], "Address": "10.9.0.50"})
    assert ports_before(world, port) == before


def test_a_port_that_its_user_deletes_while_it_is_used(world: World) -> None:
    id, _ = network_with(world, "10.9.0.0/24")
    port = port_with(world, id, "10.9.0.50")
    network = world.docker.create("10.9.0.0/24", options={"neutron.net.uuid": id})
    endpoint = network.run("10.9.0.50", exposed=((6, 80),))
    world.ask("DELETE", f"/ports/{port}", user="alice")
    endpoint.stop()
    network.remove()
    assert [group["name"] for group in world.all("security-groups")] == ["default"]


def test_an_auxiliary_address_in_a_network_that_was_there(world: World) -> None:
    _, (subnet,) = network_with(world, "10.9.0.0/29", gateway_ip=None)
    chosen = {"neutron.subnet.uuid": subnet}
    network = world.docker.create("", options=chosen, ipam=chosen, auxiliary={"printer": "10.9.0.2"})
    (kept,) = world.all("ports", name="kuryr-reserved-port")
    assert [ip["ip_address"] for ip in kept["fixed_ips"]] == ["10.9.0.2"]
    with pytest.raises(Refused, match="is kept as an auxiliary address"):
        network.run("10.9.0.2")
    network.remove()
    assert [port["name"] for port in world.all("ports", name="kuryr-reserved-port")] == []
