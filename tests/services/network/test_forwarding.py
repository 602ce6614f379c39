"""Port forwardings through the API, and what the kernel is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.network.test_routers import _external, _routed
from tests.services.network.world import World


async def _floating(world: World, **fields: Any) -> dict[str, Any]:
    return await world.made("alice", "/floatingips", floating_network_id=await _external(world), **fields)


async def _forward(world: World, floating: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {"port_forwarding": {"protocol": "tcp", "internal_port": 8080, "external_port": 80} | fields}
    response = await world.request("alice", "POST", f"/floatingips/{floating['id']}/port_forwardings", body)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()["port_forwarding"]
    return made


async def test_a_forwarding_from_create_to_delete(world: World) -> None:
    network_id, subnet_id, router = await _routed(world)
    port = await world.made("alice", "/ports", network_id=network_id)
    floating = await _floating(world)
    path = f"/floatingips/{floating['id']}"
    made = await _forward(world, floating, internal_port_id=port["id"], internal_ip_address="10.0.0.3", description="x")
    assert made == {
        "id": made["id"],
        "protocol": "tcp",
        "internal_port_id": port["id"],
        "internal_ip_address": "10.0.0.3",
        "internal_port": 8080,
        "internal_port_range": "8080:8080",
        "external_port": 80,
        "external_port_range": "80:80",
        "description": "x",
    }
    await world.settle()
    shown = await world.shown("alice", path)
    assert (shown["router_id"], shown["status"], shown["port_id"]) == (router["id"], "ACTIVE", None)
    assert [entry["internal_port_id"] for entry in shown["port_forwardings"]] == [port["id"]]
    (spec,) = world.kernel.routers[router["id"]].forwardings
    assert (str(spec.floating), spec.external, str(spec.fixed), spec.internal) == (
        shown["floating_ip_address"],
        (80, 80),
        "10.0.0.3",
        (8080, 8080),
    )
    await world.refused("alice", f"DELETE {path}", None, (409, "FipInUseByPortForwarding"))
    body: dict[str, Any] = {"floatingip": {"port_id": port["id"]}}
    await world.refused("alice", f"PUT {path}", body, (409, "FipInUseByPortForwarding"))
    remove = f"PUT /routers/{router['id']}/remove_router_interface"
    await world.refused("alice", remove, {"subnet_id": subnet_id}, (409, "RouterInterfaceInUseByFloatingIP"))
    ungated: dict[str, Any] = {"router": {"external_gateway_info": {}}}
    kind = "RouterExternalGatewayInUseByFloatingIp"
    await world.refused("alice", f"PUT /routers/{router['id']}", ungated, (409, kind))
    freed = await world.request("alice", "PUT", path, {"floatingip": {"port_id": None}})
    assert freed.json()["floatingip"]["router_id"] == router["id"], "its ports still lead somewhere"
    assert (await world.request("alice", "DELETE", f"{path}/port_forwardings/{made['id']}")).status_code == 204
    await world.settle()
    assert world.kernel.routers[router["id"]].forwardings == ()
    shown = await world.shown("alice", path)
    assert (shown["router_id"], shown["status"], shown["port_forwardings"]) == (None, "DOWN", [])
    assert (await world.request("alice", "DELETE", path)).status_code == 204


async def test_lists_are_filtered_and_belong_to_one_floating_ip(world: World) -> None:
    network_id, _, _ = await _routed(world)
    port = await world.made("alice", "/ports", network_id=network_id)
    first, second = await _floating(world), await _floating(world)
    one = await _forward(world, first, internal_port_id=port["id"])
    two = await _forward(world, first, internal_port_id=port["id"], protocol="udp", external_port=53, internal_port=53)
    other = await _forward(world, second, internal_port_id=port["id"], external_port=22, internal_port=22)

    async def ids(query: str) -> list[str]:
        answer = (await world.request("alice", "GET", f"/floatingips/{first['id']}/port_forwardings{query}")).json()
        return [entry["id"] for entry in answer["port_forwardings"]]

    assert await ids("") == [one["id"], two["id"]]
    assert await ids("?protocol=udp") == [two["id"]]
    assert await ids("?external_port=80") == [one["id"]]
    assert await ids("?external_port_range=53:53") == [two["id"]]
    assert await ids("?sort_key=external_port") == [two["id"], one["id"]]
    route = f"/floatingips/{first['id']}/port_forwardings"
    await world.refused("alice", f"GET {route}/{other['id']}", None, (404, "PortForwardingNotFound"))
    await world.refused("alice", f"GET {route}?internal_port=80", None, (400, "BadRequest"))
    await world.refused("bob", f"GET {route}", None, (404, "FloatingIPNotFound"))
    await world.refused("bob", f"DELETE {route}/{one['id']}", None, (404, "FloatingIPNotFound"))


async def test_ranges_lead_one_to_one_or_to_one(world: World) -> None:
    network_id, _, router = await _routed(world)
    port = await world.made("alice", "/ports", network_id=network_id)
    floating = await _floating(world)
    route = f"/floatingips/{floating['id']}/port_forwardings"
    wish = {"internal_port_id": port["id"], "protocol": "udp"}
    body = {"port_forwarding": wish | {"external_port_range": "100:109", "internal_port_range": "200:209"}}
    made = (await world.request("alice", "POST", route, body)).json()["port_forwarding"]
    assert "external_port" not in made
    body = {"port_forwarding": wish | {"external_port_range": "110:119", "internal_port": 53}}
    made = (await world.request("alice", "POST", route, body)).json()["port_forwarding"]
    assert (made["internal_port"], made["internal_port_range"]) == (53, "53:53")
    await world.settle()
    spans = {(spec.external, spec.internal) for spec in world.kernel.routers[router["id"]].forwardings}
    assert spans == {((100, 109), (200, 209)), ((110, 119), (53, 53))}


@pytest.mark.parametrize(
    "fields",
    [
        {"external_port": 80},
        {"external_port": None, "external_port_range": "70:90", "internal_port": 9},
        {"external_port": 81},
        {"external_port": 0},
        {"external_port": 65536},
        {"external_port": None},
        {"external_port": 81, "external_port_range": "82:82"},
        {"external_port": None, "external_port_range": "90:85", "internal_port": 9},
        {"external_port": None, "external_port_range": "90:95", "internal_port": None, "internal_port_range": "1:2"},
        {"external_port": None, "external_port_range": "1000:9000", "internal_port": None, "internal_port_range": "2000:10000"},
        {"protocol": "icmp"},
        {"internal_ip_address": "10.0.0.99", "external_port": 81, "internal_port": 9},
        {"internal_ip_address": "fd00::1", "external_port": 81, "internal_port": 9},
    ],
)  # fmt: skip
async def test_bad_forwardings(world: World, fields: dict[str, Any]) -> None:
    """The port is forwarded to already: from 80 to 8080."""
    network_id, _, _ = await _routed(world)
    port = await world.made("alice", "/ports", network_id=network_id)
    floating = await _floating(world)
    await _forward(world, floating, internal_port_id=port["id"])
    body = {"internal_port_id": port["id"], "protocol": "tcp", "internal_port": 8080, "external_port": 80} | fields
    route = f"/floatingips/{floating['id']}/port_forwardings"
    answer = await world.request("alice", "POST", route, {"port_forwarding": body})
    assert (answer.status_code, answer.json()["NeutronError"]["type"]) in {(400, "BadRequest"), (400, "InvalidInput")}
    assert len((await world.shown("alice", f"/floatingips/{floating['id']}"))["port_forwardings"]) == 1


async def test_where_a_forwarding_may_lead(world: World) -> None:
    network_id, _, _ = await _routed(world)
    unrouted, _ = await world.net(cidr="10.5.0.0/24")
    foreign, _ = await world.net("bob")
    ports = {
        "unrouted": (await world.made("alice", "/ports", network_id=unrouted))["id"],
        "foreign": (await world.made("bob", "/ports", network_id=foreign))["id"],
        "bound": (await world.made("alice", "/ports", network_id=network_id))["id"],
        "leg": (await world.request("alice", "GET", "/ports?device_owner=network:router_interface")).json()["ports"][0][
            "id"
        ],
    }
    floating = await _floating(world)
    bound = await _floating(world, port_id=ports["bound"])
    wish = {"protocol": "tcp", "internal_port": 80, "external_port": 80}
    route = f"POST /floatingips/{floating['id']}/port_forwardings"
    answers = {
        "unrouted": (400, "BadRequest"),
        "foreign": (404, "PortNotFound"),
        "bound": (409, "PortHasBindingFloatingIP"),
        "leg": (400, "BadRequest"),
    }
    for name, answer in answers.items():
        await world.refused("alice", route, {"port_forwarding": wish | {"internal_port_id": ports[name]}}, answer)
    free = await world.made("alice", "/ports", network_id=network_id)
    body = {"port_forwarding": wish | {"internal_port_id": free["id"]}}
    route = f"POST /floatingips/{bound['id']}/port_forwardings"
    await world.refused("alice", route, body, (409, "FloatingIPPortAlreadyAssociated"))


async def test_a_forwarding_changes(world: World) -> None:
    network_id, _, router = await _routed(world)
    port = await world.made("alice", "/ports", network_id=network_id)
    other = await world.made("alice", "/ports", network_id=network_id)
    floating = await _floating(world)
    made = await _forward(world, floating, internal_port_id=port["id"])
    path = f"/floatingips/{floating['id']}/port_forwardings/{made['id']}"
    body = {"port_forwarding": {"internal_port_id": other["id"], "internal_port": 90, "protocol": "udp"}}
    changed = (await world.request("alice", "PUT", path, body)).json()["port_forwarding"]
    assert (changed["internal_ip_address"], changed["internal_port"]) == ("10.0.0.4", 90)
    assert (changed["external_port"], changed["protocol"]) == (80, "udp")
    await world.settle()
    (spec,) = world.kernel.routers[router["id"]].forwardings
    assert (spec.protocol, str(spec.fixed), spec.internal) == ("udp", "10.0.0.4", (90, 90))
    await world.refused("alice", f"PUT {path}", {"port_forwarding": {"id": "x"}}, (400, "BadRequest"))


async def test_forwardings_end_with_their_port_and_its_address(world: World) -> None:
    network_id, subnet_id, router = await _routed(world)
    floating = await _floating(world)
    first = await world.made("alice", "/ports", network_id=network_id)
    second = await world.made("alice", "/ports", network_id=network_id)
    await _forward(world, floating, internal_port_id=first["id"])
    kept = await _forward(world, floating, internal_port_id=second["id"], external_port=81)
    moved = {"port": {"fixed_ips": [{"subnet_id": subnet_id, "ip_address": "10.0.0.50"}]}}
    assert (await world.request("alice", "PUT", f"/ports/{first['id']}", moved)).status_code == 200
    shown = await world.shown("alice", f"/floatingips/{floating['id']}")
    assert [entry["id"] for entry in shown["port_forwardings"]] == [kept["id"]]
    assert shown["router_id"] == router["id"]
    assert (await world.request("alice", "DELETE", f"/ports/{second['id']}")).status_code == 204
    shown = await world.shown("alice", f"/floatingips/{floating['id']}")
    assert (shown["port_forwardings"], shown["router_id"], shown["status"]) == ([], None, "DOWN")
    await world.settle()
    assert world.kernel.routers[router["id"]].forwardings == ()
