"""Docker's networks in the cloud: made with what was asked for, and removed with all that was made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from boxship.plugins.kuryr import marks
from tests.plugins.caller import Refused
from tests.plugins.kuryr.world import Docker, World, docker_id


@pytest.mark.parametrize("release_first", [True, False])
def test_a_network_comes_and_goes(world: World, release_first: bool) -> None:
    network = world.docker.create("10.9.0.0/24")
    (made,) = world.all("networks")
    assert made["name"] == f"kuryr-net-{network.id}"
    assert sorted(made["tags"]) == [f"kuryr.net.uuid.lh:{network.id[:32]}", f"kuryr.net.uuid.uh:{network.id[32:]}"]
    (subnet,) = world.all("subnets")
    assert (subnet["name"], subnet["cidr"]) == ("kuryr-subnet-10.9.0.0/24", "10.9.0.0/24")
    assert (subnet["gateway_ip"], subnet["enable_dhcp"]) == ("10.9.0.1", True)
    (pool,) = world.all("subnetpools")
    assert (pool["name"], pool["prefixes"]) == ("kuryrPool-10.9.0.0/24", ["10.9.0.0/24"])
    assert subnet["subnetpool_id"] == pool["id"]
    network.remove(release_first=release_first)
    assert world.nothing_left()


def test_both_ip_versions(world: World) -> None:
    network = world.docker.create("10.9.0.0/24", "fd09::/64")
    found = {subnet["cidr"]: subnet for subnet in world.all("subnets")}
    assert {cidr: subnet["gateway_ip"] for cidr, subnet in found.items()} == {
        "10.9.0.0/24": "10.9.0.1",
        "fd09::/64": "fd09::1",
    }
    assert len({subnet["network_id"] for subnet in found.values()}) == 1
    endpoint = network.run()
    assert [ip["ip_address"] for ip in world.port(endpoint)["fixed_ips"]] == endpoint.ips
    assert endpoint.joined["GatewayIPv6"] == "fd09::1"
    endpoint.stop()
    network.remove()
    assert world.nothing_left()


def test_only_ipv6(world: World) -> None:
    network = world.docker.create("fd09::/64")
    endpoint = network.run()
    assert (endpoint.joined["Gateway"], endpoint.joined["GatewayIPv6"]) == ("", "fd09::1")
    endpoint.stop()
    network.remove()
    assert world.nothing_left()


def test_the_gateway_is_what_docker_was_told(world: World) -> None:
    network = world.docker.create("10.9.0.0/24", gateway="10.9.0.254")
    assert world.all("subnets")[0]["gateway_ip"] == "10.9.0.254"
    endpoint = network.run()
    assert endpoint.joined["Gateway"] == "10.9.0.254"


def test_an_internal_network_leads_nowhere(world: World) -> None:
    network = world.docker.create("10.9.0.0/24", internal=True)
    assert world.all("subnets")[0]["gateway_ip"] is None
    assert network.run().joined["Gateway"] == ""


def test_only_a_part_of_the_range_is_given_out(world: World) -> None:
    """--ip-range, --aux-address and the gateway; an address of the rest can still be asked for."""
    network = world.docker.create(
        "10.9.0.0/16", part="10.9.5.0/29", gateway="10.9.5.1", auxiliary={"printer": "10.9.5.3", "far": "10.9.9.9"}
    )
    assert world.all("subnets")[0]["allocation_pools"] == [
        {"start": "10.9.5.0", "end": "10.9.5.0"},
        {"start": "10.9.5.2", "end": "10.9.5.2"},
        {"start": "10.9.5.4", "end": "10.9.5.7"},
    ]
    assert network.run("10.9.200.1").ips == ["10.9.200.1"]
    for _ in range(3):
        assert network.run().ips[0] not in {"10.9.5.1", "10.9.5.3"}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"part": "10.8.0.0/24"}, "10.8.0.0/24 is not in 10.9.0.0/24"),
        ({"gateway": "10.8.0.1"}, "The gateway 10.8.0.1 is not in 10.9.0.0/24"),
        ({"auxiliary": {"x": "10.8.0.1"}}, "10.8.0.1 is not in 10.9.0.0/24"),
        ({"options": {"neutron.net.nmae": "x"}}, "neutron.net.nmae is not an option"),
        ({"options": {"neutron.net.shared": "perhaps"}}, "neutron.net.shared is true or false"),
        ({"options": {"com.docker.network.driver.mtu": "tiny"}}, "is a number of bytes"),
        ({"options": {"neutron.net.uuid": "no-such"}}, "no network with the id no-such"),
        ({"options": {"neutron.net.name": "no-such"}}, "no network with the name no-such"),
        ({"options": {"neutron.subnet.name": "no-such"}}, "no subnet with the name no-such"),
        ({"options": {"neutron.pool.name": "no-such"}}, "no subnet pool with the name no-such"),
        ({"ipam": {"neutron.pool.uuid": "no-such"}}, "no subnet pool with the id no-such"),
        ({"ipam": {"neutron.subnet.uuid": "no-such"}}, "no subnet with the id no-such"),
        ({"options": {"neutron.net.shared": "true"}}, "policy"),
    ],
)
def test_what_does_not_fit_is_said_and_leaves_nothing(world: World, wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        world.docker.create("10.9.0.0/24", **wrong)  # type: ignore[arg-type]  # a table of options
    assert reason in refusal.value.sentence
    assert 400 <= refusal.value.status < 500
    assert world.nothing_left()
    world.docker.create("10.9.0.0/24").remove()


def test_the_size_of_packets(world: World) -> None:
    world.docker.create("10.9.0.0/24", options={"com.docker.network.driver.mtu": "1400"})
    assert world.all("networks")[0]["mtu"] == 1400


def test_a_range_is_found_where_none_is_said(world: World) -> None:
    world.make("subnet", network_id=world.make("network")["id"], ip_version=4, cidr="10.201.0.0/24")
    first, second = world.docker.create(""), world.docker.create("", v6=True)
    assert first.ranges[0]["Pool"] == "10.201.1.0/24"
    assert second.ranges[0]["Pool"] == "fd6b:7572:7972::/64"


def test_a_range_of_the_pool_for_that(world: World) -> None:
    pool = world.make("subnetpool", name="kuryr", prefixes=["10.60.0.0/16"], default_prefixlen=26)
    ranges = [world.docker.create("").ranges[0]["Pool"] for _ in range(2)]
    assert ranges == ["10.60.0.0/26", "10.60.0.64/26"]
    assert {subnet["subnetpool_id"] for subnet in world.all("subnets")} == {pool["id"]}


@pytest.mark.parametrize("said", ["both", "ipam"])
@pytest.mark.parametrize("by", ["uuid", "name"])
def test_a_range_of_a_pool_that_was_there(world: World, by: str, said: str) -> None:
    pool = world.make("subnetpool", name="mine", prefixes=["10.60.0.0/16"], default_prefixlen=24)
    option = {f"neutron.pool.{by}": pool["id"] if by == "uuid" else "mine"}
    network = world.docker.create("10.60.7.0/24", ipam=option, options=option if said == "both" else {})
    assert world.all("subnets")[0]["subnetpool_id"] == pool["id"]
    network.run().stop()
    network.remove()
    assert world.all("subnetpools") == [pool]
    assert world.all("networks") == []


def test_a_range_that_is_not_in_the_pool(world: World) -> None:
    world.make("subnetpool", name="mine", prefixes=["10.60.0.0/16"], default_prefixlen=24)
    with pytest.raises(Refused, match=r"10\.61\.0\.0/24 is not in the subnet pool"):
        world.docker.create("10.61.0.0/24", ipam={"neutron.pool.name": "mine"})


def test_a_pool_without_room(world: World) -> None:
    world.make("subnetpool", name="mine", prefixes=["10.60.0.0/24"], default_prefixlen=24)
    world.docker.create("", ipam={"neutron.pool.name": "mine"})
    with pytest.raises(Refused, match="no range of /24 left") as refusal:
        world.docker.create("", ipam={"neutron.pool.name": "mine"})
    assert refusal.value.status == 409


def test_names_that_several_have_are_told_with_their_ids(world: World) -> None:
    ids = [world.make("network", name="twin")["id"] for _ in range(2)]
    with pytest.raises(Refused, match="Several networks have the name twin") as refusal:
        world.docker.create("10.9.0.0/24", options={"neutron.net.name": "twin"})
    assert all(id in refusal.value.sentence for id in ids)
    assert "neutron.net.uuid" in refusal.value.sentence


def test_the_same_range_twice(world: World) -> None:
    one, two = world.docker.create("10.9.0.0/24"), world.docker.create("10.9.0.0/24")
    first, second = one.run("10.9.0.9"), two.run("10.9.0.9")
    assert world.port(first)["network_id"] != world.port(second)["network_id"]
    for endpoint, network in ((first, one), (second, two)):
        endpoint.stop()
        network.remove()
    assert world.nothing_left()


def test_everything_may_be_said_again(world: World) -> None:
    network = world.docker.create("10.9.0.0/24")
    body: dict[str, object] = {"NetworkID": network.id, "IPv4Data": network.ranges, "IPv6Data": None}
    world.docker.call("NetworkDriver.CreateNetwork", body)
    assert len(world.all("networks")) == len(world.all("subnets")) == 1
    for _ in range(2):
        network.remove()
    assert world.nothing_left()


def test_a_network_that_others_use_is_not_removed(world: World) -> None:
    network = world.docker.create("10.9.0.0/24")
    port = world.make("port", network_id=world.all("networks")[0]["id"])
    with pytest.raises(Refused) as refusal:
        network.remove()
    assert refusal.value.status == 409
    world.ask("DELETE", f"/ports/{port['id']}", user="alice")
    network.remove()
    assert world.nothing_left()


def test_what_docker_forgot_does_not_hinder_the_end(world: World) -> None:
    """Docker was killed between an address and its endpoint, and between a range and its network."""
    lost = world.docker.pool("10.9.0.0/24")["PoolID"]
    world.docker.call("IpamDriver.ReleasePool", {"PoolID": lost})
    network = world.docker.create("10.9.0.0/24")
    world.docker.address(network.pools[0], "02:42:00:00:00:01")
    network.remove()
    assert world.nothing_left()


def test_another_ipam_driver(world: World) -> None:
    """Docker's own gave range and addresses: the port goes with the endpoint."""
    id, endpoint = docker_id(), docker_id()
    data = [{"AddressSpace": "LocalDefault", "Pool": "172.20.0.0/16", "Gateway": "172.20.0.1/16", "AuxAddresses": None}]
    world.docker.call("NetworkDriver.CreateNetwork", {"NetworkID": id, "Options": {}, "IPv4Data": data, "IPv6Data": []})
    named = {"NetworkID": id, "EndpointID": endpoint}
    interface = {"Address": "172.20.0.2/16", "AddressIPv6": "", "MacAddress": ""}
    answer = world.docker.call("NetworkDriver.CreateEndpoint", named | {"Interface": interface, "Options": None})
    (port,) = world.all("ports", device_id=endpoint)
    assert answer == {"Interface": {"MacAddress": port["mac_address"]}}
    world.docker.call("NetworkDriver.DeleteEndpoint", named)
    world.docker.call("NetworkDriver.DeleteNetwork", {"NetworkID": id})
    assert world.nothing_left()


@pytest.mark.parametrize("again", [lambda world: world.docker, lambda world: world.plugin()])
def test_a_new_plugin_goes_on_where_the_old_one_was(world: World, again: Callable[[World], Docker]) -> None:
    network = world.docker.create("10.9.0.0/24", "fd09::/64")
    endpoint = network.run()
    network.docker = again(world)
    second = network.run()
    endpoint.stop()
    second.stop()
    network.remove()
    assert world.nothing_left()


def test_a_new_plugin_between_range_and_network(world: World) -> None:
    pool = world.docker.pool("10.9.0.0/24", SubPool="10.9.0.128/25")
    docker = world.plugin()
    data = [{"Pool": pool["Pool"], "Gateway": docker.gateway(pool["PoolID"])}]
    docker.call("NetworkDriver.CreateNetwork", {"NetworkID": docker_id(), "IPv4Data": data})
    (subnet,) = world.all("subnets")
    assert subnet["subnetpool_id"] == world.all("subnetpools")[0]["id"]
    assert subnet["allocation_pools"] == [{"start": "10.9.0.128", "end": "10.9.0.254"}]
    assert docker.address(pool["PoolID"], "02:42:00:00:00:01").startswith("10.9.0.")


def test_marks_are_read_as_they_are_written() -> None:
    note = marks.pool_note("a host", None, "s1")
    assert (marks.pool_host(note), marks.pool_part(note), marks.pool_subnet(note)) == ("a_host", None, "s1")
    assert marks.pool_host("something else") is None
