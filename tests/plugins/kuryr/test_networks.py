"""Docker's networks in the cloud: made, taken, removed."""

from __future__ import annotations

from tests.plugins.kuryr.world import World


def test_a_network_comes_and_goes(world: World) -> None:
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
    network.remove()
    assert world.nothing_left()


def test_a_container_comes_and_goes(world: World) -> None:
    network = world.docker.create("10.9.0.0/24")
    endpoint = network.run()
    port = world.port(endpoint)
    assert (port["status"], port["device_owner"]) == ("ACTIVE", "compute:kuryr")
    assert port["name"] == f"kuryr-port-{endpoint.id}"
    assert endpoint.answer == {"Interface": {}}
    assert endpoint.joined["InterfaceName"] == {
        "SrcName": port["binding:vif_details"]["interface"],
        "DstPrefix": "eth",
    }
    assert endpoint.joined["Gateway"] == "10.9.0.1"
    assert endpoint.joined["DisableGatewayService"] is True
    endpoint.stop()
    assert [port for port in world.all("ports") if not port["device_owner"].startswith("network:")] == []
    network.remove()
    assert world.nothing_left()
