"""Endpoints: ports that are bound and wired, what is exposed, and the end of it all."""

from __future__ import annotations

from typing import Any

import pytest

from boxship.plugins.kuryr import exposure
from boxship.plugins.kuryr.protocol import Exposed
from tests.plugins.caller import Refused
from tests.plugins.kuryr.world import World, docker_id
from tests.system.waiting import until


def groups(world: World) -> dict[str, dict[str, Any]]:
    return {group["name"]: group for group in world.all("security-groups") if group["name"] != "default"}


def test_a_container_comes_and_goes(world: World) -> None:
    network = world.docker.create("10.9.0.0/24")
    endpoint = network.run()
    port = world.port(endpoint)
    assert (port["status"], port["device_owner"]) == ("ACTIVE", "compute:kuryr")
    assert port["name"] == f"kuryr-port-{endpoint.id}"
    assert port["mac_address"] == endpoint.mac
    assert endpoint.answer == {"Interface": {}}
    device = port["binding:vif_details"]["interface"]
    assert endpoint.joined["InterfaceName"] == {"SrcName": device, "DstPrefix": "eth"}
    assert endpoint.joined["Gateway"] == "10.9.0.1"
    assert endpoint.joined["DisableGatewayService"] is True
    info = world.docker.call("NetworkDriver.EndpointOperInfo", endpoint.named())
    assert info == {"Value": {"status": "ACTIVE", "port_id": port["id"]}}
    endpoint.stop()
    assert world.all("ports", id=port["id"]) == []
    assert world.docker.call("NetworkDriver.EndpointOperInfo", endpoint.named()) == {"Value": {}}
    network.remove()
    assert world.nothing_left()


def test_the_end_may_be_said_again(world: World) -> None:
    network = world.docker.create("10.9.0.0/24")
    endpoint = network.run(exposed=((6, 80),))
    for _ in range(2):
        endpoint.stop()
    network.remove()
    endpoint.stop()
    assert world.nothing_left()


def test_addresses_and_macs_are_those_asked_for(world: World) -> None:
    network = world.docker.create("10.9.0.0/24", "fd09::/64")
    endpoint = network.run("10.9.0.44", "fd09::44", mac="02:42:aa:bb:cc:dd")
    port = world.port(endpoint)
    assert endpoint.ips == [ip["ip_address"] for ip in port["fixed_ips"]] == ["10.9.0.44", "fd09::44"]
    assert port["mac_address"] == "02:42:aa:bb:cc:dd"


def test_an_address_of_a_running_container(world: World) -> None:
    network = world.docker.create("10.9.0.0/24")
    network.run("10.9.0.44")
    with pytest.raises(Refused, match=r"10\.9\.0\.44\) is in use by compute:kuryr") as refusal:
        network.run("10.9.0.44")
    assert refusal.value.status == 409
    assert len(world.all("ports", device_owner="compute:kuryr")) == 1


def test_an_address_outside_of_the_range(world: World) -> None:
    network = world.docker.create("10.9.0.0/24")
    with pytest.raises(Refused, match=r"10\.8\.0\.4 is not in the subnet"):
        network.run("10.8.0.4")


def test_exposed_ports_are_open_while_the_container_is_there(world: World) -> None:
    network = world.docker.create("10.9.0.0/24")
    endpoint = network.run(exposed=((6, 80), (6, 81), (17, 53), (132, 9)))
    (name,) = groups(world)
    assert name == f"kuryr-expose-{endpoint.id}"
    group = groups(world)[name]
    opened = {
        (rule["ethertype"], rule["protocol"], rule["port_range_min"], rule["port_range_max"])
        for rule in group["security_group_rules"]
        if rule["direction"] == "ingress"
    }
    spans = {("tcp", 80, 81), ("udp", 53, 53), ("sctp", 9, 9)}
    assert opened == {(version, *span) for version in ("IPv4", "IPv6") for span in spans}
    assert len(world.port(endpoint)["security_groups"]) == 2
    world.docker.call("NetworkDriver.RevokeExternalConnectivity", endpoint.named())
    assert list(groups(world)) == [name]
    endpoint.stop()
    assert groups(world) == {}


def test_a_container_that_exposes_nothing_has_no_group_of_its_own(world: World) -> None:
    endpoint = world.docker.create("10.9.0.0/24").run()
    assert groups(world) == {}
    said = {"com.docker.network.endpoint.exposedports": [{"Proto": 6, "Port": 80}]}
    world.docker.call("NetworkDriver.ProgramExternalConnectivity", endpoint.named() | {"Options": said})
    assert list(groups(world)) == [f"kuryr-expose-{endpoint.id}"]
    assert len(world.port(endpoint)["security_groups"]) == 2
    endpoint.stop()
    assert groups(world) == {}


@pytest.mark.parametrize("wrong", [{"Proto": 200, "Port": 1}, {"Proto": 6, "Port": 65536}, {"Proto": "tcp"}, "80", 80])
def test_ports_that_are_none(world: World, wrong: object) -> None:
    network = world.docker.create("10.9.0.0/24")
    with pytest.raises(Refused) as refusal:
        network.run(options={"com.docker.network.endpoint.exposedports": [wrong]})
    assert refusal.value.status == 400
    network.remove()
    assert world.nothing_left()


def test_an_endpoint_that_cannot_be_made_leaves_nothing(world: World) -> None:
    """Here: the cloud does not know the host."""
    docker = world.plugin(name="no-such-host")
    network = docker.create("10.9.0.0/24")
    with pytest.raises(Refused, match="'no-such-host' is no host of this cloud"):
        network.run(exposed=((6, 80),))
    network.remove()
    assert world.nothing_left()


def test_an_endpoint_that_is_not_wired_in_time_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host of the network is too slow: the answer comes in time, and what was made goes."""
    monkeypatch.setattr(world.cloud.program.drivers.fabric, "ensure_port", _never)
    network = world.docker.create("10.9.0.0/24")
    network.docker = world.plugin(timeout=2.0)
    with pytest.raises(Refused, match="did not answer") as refusal:
        network.run(exposed=((6, 80),))
    assert refusal.value.status == 503
    until(lambda: not world.all("ports", device_owner="compute:kuryr"), "the endpoint is undone")
    network.docker = world.docker
    network.remove()
    until(world.nothing_left, "nothing is left")


async def _never(spec: object) -> None:
    from boxship.core.errors import Busy

    raise Busy("The kernel has no time.")


def test_who_may_not_plug_is_told(world: World) -> None:
    docker = world.plugin(user="alice")
    network = docker.create("10.9.0.0/24")
    with pytest.raises(Refused, match="binding:host_id") as refusal:
        network.run()
    assert refusal.value.status == 403
    network.remove()
    assert world.nothing_left()


def test_an_endpoint_of_no_network(world: World) -> None:
    body = {"NetworkID": docker_id(), "EndpointID": docker_id(), "Interface": {"Address": "10.9.0.2/24"}}
    for path in ("NetworkDriver.CreateEndpoint", "NetworkDriver.Join"):
        with pytest.raises(Refused) as refusal:
            world.docker.call(path, body)
        assert refusal.value.status == 404


def test_ports_side_by_side_are_one_rule() -> None:
    exposed = [Exposed(6, port) for port in (82, 80, 81, 90)] + [Exposed(17, 81), Exposed(6, 80)]
    assert exposure.spans(exposed) == [("tcp", 80, 82), ("tcp", 90, 90), ("udp", 81, 81)]
