"""Routers, their legs and routes, and floating IPs through the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.network.world import World


async def _external(world: World) -> str:
    found = (await world.request("alice", "GET", "/networks?router:external=True")).json()["networks"]
    id: str = found[0]["id"]
    return id


async def _routed(world: World) -> tuple[str, str, dict[str, Any]]:
    """A network behind a router with a gateway; the ids of network and subnet, and the router."""
    network_id, subnet_id = await world.net()
    gateway = {"network_id": await _external(world)}
    router = await world.made("alice", "/routers", name="r", external_gateway_info=gateway)
    response = await world.request(
        "alice", "PUT", f"/routers/{router['id']}/add_router_interface", {"subnet_id": subnet_id}
    )
    assert response.status_code == 200, response.text
    return network_id, subnet_id, router


async def test_a_router_from_create_to_delete(world: World) -> None:
    network_id, subnet_id, router = await _routed(world)
    path = f"/routers/{router['id']}"
    gateway = (await world.shown("alice", path))["external_gateway_info"]
    assert gateway["enable_snat"] is True
    assert gateway["external_fixed_ips"][0]["ip_address"] == "172.24.4.2"
    legs = (await world.request("alice", "GET", f"/ports?device_id={router['id']}")).json()["ports"]
    assert [leg["fixed_ips"][0]["ip_address"] for leg in legs] == ["10.0.0.1"]
    await world.refused("alice", f"DELETE {path}", None, (409, "RouterInUse"))
    await world.refused("alice", f"DELETE /ports/{legs[0]['id']}", None, (409, "ServicePortInUse"))
    await world.refused("alice", f"DELETE /networks/{network_id}", None, (409, "NetworkInUse"))
    body = {"subnet_id": subnet_id}
    removed = (await world.request("alice", "PUT", f"{path}/remove_router_interface", body)).json()
    assert (removed["id"], removed["subnet_id"], removed["port_id"]) == (router["id"], subnet_id, legs[0]["id"])
    kind = "RouterInterfaceNotFoundForSubnet"
    await world.refused("alice", f"PUT {path}/remove_router_interface", body, (404, kind))
    assert (await world.request("alice", "DELETE", path)).status_code == 204
    assert (await world.request("alice", "DELETE", f"/networks/{network_id}")).status_code == 204
    assert (await world.request("admin", "GET", "/ports")).json() == {"ports": []}


async def test_bad_legs(world: World) -> None:
    network_id, subnet_id, router = await _routed(world)
    add = f"/routers/{router['id']}/add_router_interface"
    await world.refused("alice", f"PUT {add}", {"subnet_id": subnet_id}, (400, "InvalidInput"))
    await world.refused("alice", f"PUT {add}", {}, (400, "InvalidInput"))
    _, same = await world.net()
    assert "overlaps" in await world.refused("alice", f"PUT {add}", {"subnet_id": same}, (400, "InvalidInput"))
    _, closed = await world.net(cidr="10.7.0.0/24", gateway_ip=None)
    await world.refused("alice", f"PUT {add}", {"subnet_id": closed}, (400, "InvalidInput"))
    _, foreign = await world.net("bob", "10.8.0.0/24")
    await world.refused("alice", f"PUT {add}", {"subnet_id": foreign}, (404, "SubnetNotFound"))
    await world.refused("bob", f"PUT {add}", {"subnet_id": foreign}, (404, "RouterNotFound"))
    port = await world.made("alice", "/ports", network_id=network_id, device_id="x")
    await world.refused("alice", f"PUT {add}", {"port_id": port["id"]}, (409, "PortInUse"))


async def test_a_leg_by_port(world: World) -> None:
    network_id, _ = await world.net()
    router = await world.made("alice", "/routers", name="r")
    port = await world.made("alice", "/ports", network_id=network_id)
    path = f"/routers/{router['id']}"
    body = {"port_id": port["id"]}
    assert (await world.request("alice", "PUT", f"{path}/add_router_interface", body)).status_code == 200
    assert (await world.shown("alice", f"/ports/{port['id']}"))["device_owner"] == "network:router_interface"
    await world.refused("alice", f"PUT {path}/add_router_interface", body, (409, "PortInUse"))
    assert (await world.request("alice", "PUT", f"{path}/remove_router_interface", body)).status_code == 200
    assert (await world.request("alice", "GET", f"/ports/{port['id']}")).status_code == 404


async def test_nobody_forges_a_leg(world: World) -> None:
    """device_id and device_owner are the tenant's to write; what a router is made of is not."""
    network_id, _ = await world.net("bob")
    router = await world.made("alice", "/routers", name="r")
    port = await world.made("bob", "/ports", network_id=network_id, device_id=router["id"])
    body = {"port": {"device_owner": "network:router_interface"}}
    await world.refused("bob", f"PUT /ports/{port['id']}", body, (403, "PolicyNotAuthorized"))
    await world.settle()
    assert world.kernel.routers[router["id"]].legs == ()


async def test_routes(world: World) -> None:
    _, subnet_id, router = await _routed(world)
    path = f"/routers/{router['id']}"
    routes = [{"destination": "192.168.0.0/24", "nexthop": "10.0.0.9"}]
    changed = (await world.request("alice", "PUT", path, {"router": {"routes": routes}})).json()["router"]
    assert changed["routes"] == routes
    more = [{"destination": "192.168.1.0/24", "nexthop": "10.0.0.9"}]
    changed = (await world.request("alice", "PUT", f"{path}/add_extraroutes", {"router": {"routes": more}})).json()
    assert changed["router"]["routes"] == routes + more
    changed = (await world.request("alice", "PUT", f"{path}/remove_extraroutes", {"router": {"routes": routes}})).json()
    assert changed["router"]["routes"] == more
    for nexthop in ("10.9.0.1", "10.0.0.1"):
        bad = {"router": {"routes": [{"destination": "192.168.0.0/24", "nexthop": nexthop}]}}
        await world.refused("alice", f"PUT {path}", bad, (400, "InvalidRoutes"))
    body = {"subnet_id": subnet_id}
    await world.refused("alice", f"PUT {path}/remove_router_interface", body, (409, "RouterInterfaceInUseByRoute"))


async def test_a_floating_ip_from_create_to_delete(world: World) -> None:
    network_id, subnet_id, router = await _routed(world)
    external = await _external(world)
    port = await world.made("alice", "/ports", network_id=network_id)
    made = await world.made("alice", "/floatingips", floating_network_id=external)
    assert (made["status"], made["floating_ip_address"], made["port_id"]) == ("DOWN", "172.24.4.3", None)
    path = f"/floatingips/{made['id']}"
    body = {"floatingip": {"port_id": port["id"]}}
    led = (await world.request("alice", "PUT", path, body)).json()["floatingip"]
    assert (led["router_id"], led["fixed_ip_address"]) == (router["id"], "10.0.0.3")
    assert led["port_details"]["network_id"] == network_id
    await world.settle()
    assert (await world.shown("alice", path))["status"] == "ACTIVE"
    assert [str(entry.fixed) for entry in world.kernel.routers[router["id"]].floating] == ["10.0.0.3"]
    second = {"floatingip": {"floating_network_id": external, "port_id": port["id"]}}
    await world.refused("alice", "POST /floatingips", second, (409, "FloatingIPPortAlreadyAssociated"))
    remove = f"/routers/{router['id']}/remove_router_interface"
    await world.refused("alice", f"PUT {remove}", {"subnet_id": subnet_id}, (409, "RouterInterfaceInUseByFloatingIP"))
    gateway: dict[str, Any] = {"router": {"external_gateway_info": {}}}
    kind = "RouterExternalGatewayInUseByFloatingIp"
    await world.refused("alice", f"PUT /routers/{router['id']}", gateway, (409, kind))
    freed = (await world.request("alice", "PUT", path, {"floatingip": {"port_id": None}})).json()["floatingip"]
    assert (freed["status"], freed["port_id"], freed["router_id"]) == ("DOWN", None, None)
    await world.settle()
    assert world.kernel.routers[router["id"]].floating == ()
    assert (await world.request("alice", "DELETE", path)).status_code == 204
    assert (await world.request("alice", "GET", path)).status_code == 404


async def test_a_port_that_goes_leaves_its_floating_ip_behind(world: World) -> None:
    network_id, _, _ = await _routed(world)
    port = await world.made("alice", "/ports", network_id=network_id)
    fields = {"floating_network_id": await _external(world), "port_id": port["id"]}
    made = await world.made("alice", "/floatingips", **fields)
    await world.settle()
    assert (await world.request("alice", "DELETE", f"/ports/{port['id']}")).status_code == 204
    assert (await world.shown("alice", f"/floatingips/{made['id']}"))["status"] == "DOWN"


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        ({"floating_network_id": "inside"}, 400, "InvalidInput"),
        ({"floating_network_id": "nowhere"}, 404, "NetworkNotFound"),
        ({"port_id": "nowhere"}, 404, "PortNotFound"),
        ({"port_id": "unrouted"}, 404, "ExternalGatewayForFloatingIPNotFound"),
        ({"port_id": "foreign"}, 404, "PortNotFound"),
        ({"port_id": "unrouted", "fixed_ip_address": "10.0.0.99"}, 400, "InvalidInput"),
        ({"fixed_ip_address": "10.0.0.3"}, 400, "InvalidInput"),
        ({"floating_ip_address": "172.24.4.9"}, 403, "PolicyNotAuthorized"),
        ({"subnet_id": "nowhere"}, 400, "ExternalIpAddressExhausted"),
    ],
)
async def test_bad_floating_ips(world: World, fields: dict[str, str], status: int, kind: str) -> None:
    inside, _ = await world.net()
    foreign, _ = await world.net("bob")
    ids = {
        "inside": inside,
        "unrouted": (await world.made("alice", "/ports", network_id=inside))["id"],
        "foreign": (await world.made("bob", "/ports", network_id=foreign))["id"],
    }
    body = {"floating_network_id": await _external(world)} | {
        name: ids.get(value, value) for name, value in fields.items()
    }
    await world.refused("alice", "POST /floatingips", {"floatingip": body}, (status, kind))
    assert (await world.request("alice", "GET", "/floatingips")).json() == {"floatingips": []}
