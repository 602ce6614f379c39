"""Ports that end on a host: who may, what the kernel is told, and that what others do with the device is left to them."""

from __future__ import annotations

from typing import Any

import pytest

from boxship.services.network import errors
from tests.services.network.world import World

PLUG = {"binding:host_id": "here", "binding:profile": {"plug": "host"}}
LOOSE = {"binding:host_id": "", "device_id": ""}


async def plugged(world: World, network_id: str, **values: Any) -> dict[str, Any]:
    port = await world.made("kuryr", "/ports", network_id=network_id, device_id="e1", **PLUG, **values)
    await world.settle()
    return await world.shown("kuryr", f"/ports/{port['id']}")


async def test_a_plugged_port_ends_on_the_host(world: World) -> None:
    network_id, _ = await world.net()
    port = await plugged(world, network_id)
    spec = world.kernel.ports[port["id"]]
    assert (port["status"], port["binding:vif_type"]) == ("ACTIVE", "boxship")
    assert port["binding:vif_details"] == {"port_filter": True, "connectivity": "l2", "interface": spec.interface}
    assert (spec.sandbox, spec.mac, spec.guarded, len(spec.groups)) == ("", port["mac_address"], True, 1)
    assert [str(address.ip) for address in spec.addresses] == [ip["ip_address"] for ip in port["fixed_ips"]]


async def test_two_devices_never_have_one_name(world: World) -> None:
    network_id, _ = await world.net()
    ports = [await plugged(world, network_id) for _ in range(5)]
    assert len({world.kernel.ports[port["id"]].interface for port in ports}) == 5


async def test_unplugged_and_plugged_in_again_the_device_is_new(world: World) -> None:
    """Whoever had it may have left traces; also where it is plugged in before the old one is gone."""
    network_id, _ = await world.net()
    port = await plugged(world, network_id)
    path = f"/ports/{port['id']}"
    assert (await world.request("kuryr", "PUT", path, {"port": LOOSE})).status_code == 200
    world.kernel.calls.clear()
    again = {**PLUG, "mac_address": "fa:16:3e:00:00:99"}
    assert (await world.request("kuryr", "PUT", path, {"port": again})).status_code == 200
    await world.settle()
    calls = [call for call in world.kernel.calls if call.endswith("_port")]
    assert (calls[:2], calls.count("remove_port")) == (["remove_port", "ensure_port"], 1)
    assert world.kernel.ports[port["id"]].mac == "fa:16:3e:00:00:99"
    assert (await world.shown("kuryr", path))["status"] == "ACTIVE"


@pytest.mark.parametrize("end", ["unplugged", "deleted"])
async def test_the_device_goes(world: World, end: str) -> None:
    network_id, _ = await world.net()
    port = await plugged(world, network_id)
    path = f"/ports/{port['id']}"
    if end == "deleted":
        await world.request("kuryr", "DELETE", path)
    else:
        await world.request("kuryr", "PUT", path, {"port": LOOSE})
    await world.settle()
    assert world.kernel.ports == {}
    if end == "unplugged":
        found = await world.shown("kuryr", path)
        assert (found["status"], found["binding:vif_type"], found["binding:vif_details"]) == ("DOWN", "unbound", {})
    await world.scan()
    assert world.kernel.ports == {}


async def test_a_cable_that_is_there_is_left_alone(world: World) -> None:
    """Docker moves the free end: the fabric sees the other one, and nothing is made anew."""
    network_id, _ = await world.net()
    port = await plugged(world, network_id)
    world.kernel.calls.clear()
    for one in world.reconcilers:
        await one.sweep()
    await world.settle()
    assert [call for call in world.kernel.calls if call.endswith("_port")] == []
    world.kernel.fake.ports.clear()
    await world.scan()
    assert set(world.kernel.ports) == {port["id"]}


async def test_other_groups_follow(world: World) -> None:
    network_id, _ = await world.net()
    port = await plugged(world, network_id)
    await world.request("kuryr", "PUT", f"/ports/{port['id']}", {"port": {"security_groups": []}})
    await world.settle()
    assert world.kernel.ports[port["id"]].groups == ()


async def test_its_name_is_known_in_the_network(world: World) -> None:
    network_id, _ = await world.net()
    port = await plugged(world, network_id, dns_name="web")
    assert [name for name, _ in world.kernel.names[network_id].records] == ["web"]
    await world.request("kuryr", "PUT", f"/ports/{port['id']}", {"port": LOOSE})
    await world.settle()
    assert world.kernel.names[network_id].records == ()


async def test_tenants_do_not_plug(world: World) -> None:
    network_id, _ = await world.net()
    answer = (403, "PolicyNotAuthorized")
    for part in ({"binding:host_id": "here"}, {"binding:profile": {"plug": "host"}}, PLUG):
        await world.refused("alice", "POST /ports", {"port": {"network_id": network_id, **part}}, answer)
    port = await world.made("alice", "/ports", network_id=network_id)
    await world.refused("alice", f"PUT /ports/{port['id']}", {"port": PLUG}, answer)
    await world.settle()
    assert world.kernel.ports == {}


async def test_a_service_plugs_in_its_own_project_only(world: World) -> None:
    network_id, _ = await world.net("bob")
    await world.refused("kuryr", "POST /ports", {"port": {"network_id": network_id, **PLUG}}, (404, "NetworkNotFound"))
    port = await world.made("bob", "/ports", network_id=network_id)
    await world.refused("kuryr", f"PUT /ports/{port['id']}", {"port": PLUG}, (404, "PortNotFound"))


async def test_a_port_has_one_holder(world: World) -> None:
    network_id, _ = await world.net()
    port = await world.made("alice", "/ports", network_id=network_id)
    await world.bind(port["id"])
    said = await world.refused("kuryr", f"PUT /ports/{port['id']}", {"port": PLUG}, (409, "PortInUse"))
    assert "c1" in said
    mine = await plugged(world, network_id)
    await world.request("kuryr", "PUT", f"/ports/{mine['id']}", {"port": {"device_id": ""}})
    with pytest.raises(errors.PortInUse):
        await world.bind(mine["id"])


async def test_a_profile_that_says_something_else_plugs_nothing(world: World) -> None:
    network_id, _ = await world.net()
    for profile in ({}, {"plug": "guest"}, {"plug": ["host"]}, {"Plug": "host"}):
        said = {"network_id": network_id, "binding:host_id": "here", "binding:profile": profile}
        port = await world.made("kuryr", "/ports", **said)
        assert port["binding:vif_type"] == "bridge"
    await world.settle()
    assert world.kernel.ports == {}


async def test_on_a_shared_network_a_service_says_addresses_and_macs(world: World) -> None:
    """As upstream: it plugs in what has a MAC already; a member may not pose as another there."""
    network = await world.made("admin", "/networks", shared=True)
    await world.made("admin", "/subnets", network_id=network["id"], cidr="10.7.0.0/24", ip_version=4)
    said = {"mac_address": "02:42:00:00:00:07", "fixed_ips": [{"ip_address": "10.7.0.7"}]}
    body = {"port": {"network_id": network["id"], **said}}
    await world.refused("alice", "POST /ports", body, (403, "PolicyNotAuthorized"))
    port = await plugged(world, network["id"], **said)
    assert (port["mac_address"], port["status"]) == ("02:42:00:00:00:07", "ACTIVE")
