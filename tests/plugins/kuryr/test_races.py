"""Two at once: each ends right, and nothing of the one who came second is left (PITFALLS 3 of the originals)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tests.plugins.caller import Refused
from tests.plugins.kuryr.world import Network, World, docker_id, docker_mac


def at_once(*steps: Callable[[], Any]) -> list[Any]:
    """What each step gives, or how it was refused, when all begin at the same moment."""
    begin = threading.Barrier(len(steps))
    found: list[Any] = [None] * len(steps)

    def take(at: int) -> None:
        begin.wait()
        try:
            found[at] = steps[at]()
        except Refused as refusal:
            found[at] = refusal

    threads = [threading.Thread(target=take, args=(at,)) for at in range(len(steps))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_two_networks_with_one_range(world: World) -> None:
    """Also on one plugin each gets the range that it asked for: an address of the one is never in the other."""
    networks = at_once(*[lambda: world.docker.create("10.9.0.0/24") for _ in range(3)])
    assert all(isinstance(network, Network) for network in networks)
    endpoints = at_once(*[lambda network=network: network.run("10.9.0.9") for network in networks])
    ports = [world.port(endpoint) for endpoint in endpoints]
    assert len({port["network_id"] for port in ports}) == 3
    for endpoint, network in zip(endpoints, networks, strict=True):
        endpoint.stop()
        network.remove()
    assert world.nothing_left()


def test_two_networks_without_a_range(world: World) -> None:
    networks = at_once(*[lambda: world.docker.create("") for _ in range(3)])
    assert len({network.ranges[0]["Pool"] for network in networks}) == 3


def test_one_network_on_two_hosts(world: World) -> None:
    """Scope global: Docker says the same network, with the same range, to the plugins of all hosts."""
    hosts = [world.docker, world.plugin(scope="global"), world.plugin(scope="global")]
    pool = hosts[0].pool("10.9.0.0/24")
    gateway = hosts[0].gateway(pool["PoolID"])
    id = docker_id()
    body = {"NetworkID": id, "IPv4Data": [{"Pool": "10.9.0.0/24", "Gateway": gateway}], "Options": {}}
    answers = at_once(*[lambda host=host: host.call("NetworkDriver.CreateNetwork", body) for host in hosts])
    assert answers == [{}, {}, {}]
    (network,) = world.all("networks")
    (subnet,) = world.all("subnets")
    assert (network["name"], subnet["network_id"]) == (f"kuryr-net-{id}", network["id"])
    for host in hosts:
        address = host.address(pool["PoolID"], mac := docker_mac())
        interface = {"Address": address, "AddressIPv6": "", "MacAddress": mac}
        named = {"NetworkID": id, "EndpointID": docker_id()}
        host.call("NetworkDriver.CreateEndpoint", named | {"Interface": interface})
        assert host.call("NetworkDriver.Join", named)["InterfaceName"]["SrcName"].startswith("bxp")


def test_one_network_on_two_hosts_without_our_ipam(world: World) -> None:
    hosts = [world.docker, world.plugin()]
    id = docker_id()
    body = {"NetworkID": id, "IPv4Data": [{"Pool": "172.20.0.0/16", "Gateway": "172.20.0.1/16"}], "Options": {}}
    answers = at_once(*[lambda host=host: host.call("NetworkDriver.CreateNetwork", body) for host in hosts])
    assert answers == [{}, {}]
    assert len(world.all("networks")) == len(world.all("subnets")) == 1


def test_two_that_take_one_network(world: World) -> None:
    """With a subnet that neither finds and one makes first."""
    id = world.make("network", name="mine")["id"]
    before = world.ask("GET", f"/networks/{id}")["network"]["tags"]
    create = lambda: world.docker.create("10.8.0.0/24", options={"neutron.net.uuid": id})  # noqa: E731 (twice below)
    other = world.plugin()
    one, two = at_once(create, lambda: other.create("10.8.0.0/24", options={"neutron.net.uuid": id}))
    assert len(world.all("subnets")) == 1
    first, second = one.run(), two.run()
    assert world.port(first)["network_id"] == world.port(second)["network_id"] == id
    for endpoint, network in ((first, one), (second, two)):
        endpoint.stop()
        network.remove()
    assert world.ask("GET", f"/networks/{id}")["network"]["tags"] == before
    assert world.all("subnets") == world.all("subnetpools") == []


def test_many_containers(world: World) -> None:
    network = world.docker.create("10.9.0.0/24", "fd09::/64")
    endpoints = at_once(*[network.run for _ in range(6)])
    assert len({ip for endpoint in endpoints for ip in endpoint.ips}) == 12
    at_once(*[endpoint.stop for endpoint in endpoints])
    network.remove()
    assert world.nothing_left()


def test_two_containers_that_want_one_address(world: World) -> None:
    network = world.docker.create("10.9.0.0/24")
    ended = at_once(*[lambda: network.run("10.9.0.9") for _ in range(2)])
    (refusal,) = [one for one in ended if isinstance(one, Refused)]
    (endpoint,) = [one for one in ended if not isinstance(one, Refused)]
    assert refusal.status == 409
    assert world.port(endpoint)["status"] == "ACTIVE"
    endpoint.stop()
    network.remove()
    assert world.nothing_left()


def test_two_containers_that_want_one_port(world: World) -> None:
    id = world.make("network", name="mine")["id"]
    world.make("subnet", network_id=id, ip_version=4, cidr="10.9.0.0/24")
    port = world.make("port", network_id=id, fixed_ips=[{"ip_address": "10.9.0.50"}])
    network = world.docker.create("10.9.0.0/24", options={"neutron.net.uuid": id})
    ended = at_once(*[lambda: network.run("10.9.0.50") for _ in range(2)])
    (endpoint,) = [one for one in ended if not isinstance(one, Refused)]
    assert world.port(endpoint)["id"] == port["id"]
    endpoint.stop()
    after = world.ask("GET", f"/ports/{port['id']}")["port"]
    assert (after["mac_address"], after["tags"], after["device_id"]) == (port["mac_address"], [], "")


def test_a_late_release_does_not_take_anothers_address(world: World) -> None:
    network = world.docker.create("10.9.0.0/24")
    first = network.run("10.9.0.9")
    first.stop()
    second = network.run("10.9.0.9")
    first.release()
    assert world.port(second)["status"] == "ACTIVE"


def test_an_address_that_docker_forgot_can_be_asked_for(world: World) -> None:
    """Docker was killed before the endpoint came: the port that waits is the next one's."""
    network = world.docker.create("10.9.0.0/24")
    world.docker.address(network.pools[0], docker_mac(), "10.9.0.9")
    endpoint = network.run("10.9.0.9")
    assert world.port(endpoint)["mac_address"] == endpoint.mac
    endpoint.stop()
    network.remove()
    assert world.nothing_left()
