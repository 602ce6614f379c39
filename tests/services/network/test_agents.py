"""Agents and availability zones: told from the hosts that live, and never more than what is true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from boxship.config import Settings
from boxship.core.hosts import Hosts
from tests.services.network import world as worlds
from tests.services.network.world import World

OTHER = "b.example"
TYPES = {"Linux bridge agent", "DHCP agent", "L3 agent"}


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[World]:
    """A world of two hosts: this one in the zone ``east``, the other in ``west``."""
    settings = {"database": "postgresql://unused@127.0.0.1/unused", "host": "a.example", "availability_zone": "east"}
    async with worlds.world(tmp_path, **settings) as world:
        other = Settings(
            state_dir=tmp_path,
            host=OTHER,
            availability_zone="west",
            tunnel_address="192.0.2.2",
            database=settings["database"],
        )
        for chosen in (world.settings, other):
            await Hosts(world.database, chosen).begin()
        yield world


async def _aged(world: World, host: str, seconds: int) -> None:
    """The host's last sign of life was longer ago by so much."""
    async with world.database.write() as transaction:
        text = "UPDATE hosts SET seen = seen - :age, started = started - :age WHERE name = :name"
        await transaction.execute(sa.text(text).bindparams(age=seconds, name=host))


async def _agents(world: World, query: str = "") -> list[dict[str, Any]]:
    answer = await world.request("admin", "GET", f"/agents{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["agents"]
    return found


async def _zones(world: World, query: str = "") -> set[tuple[str, str, str]]:
    answer = await world.request("alice", "GET", f"/availability_zones{query}")
    assert answer.status_code == 200, answer.text
    return {(found["name"], found["resource"], found["state"]) for found in answer.json()["availability_zones"]}


async def test_one_host_alone_has_its_three_agents(world: World) -> None:
    found = await _agents(world)
    assert {agent["agent_type"] for agent in found} == TYPES
    assert all(agent["alive"] and agent["admin_state_up"] for agent in found)
    assert {agent["host"] for agent in found} == {world.settings.host_name}
    assert [agent["id"] for agent in await _agents(world)] == [agent["id"] for agent in found], "ids stay"


async def test_figures_are_those_of_the_rows(world: World) -> None:
    network_id, subnet_id = await world.net()
    port = await world.made("alice", "/ports", network_id=network_id)
    await world.made("alice", "/ports", network_id=network_id)
    await world.bind(port["id"])
    router = await world.made("alice", "/routers")
    body = {"subnet_id": subnet_id}
    answer = await world.request("alice", "PUT", f"/routers/{router['id']}/add_router_interface", body)
    assert answer.status_code == 200, answer.text
    said = {agent["agent_type"]: agent["configurations"] for agent in await _agents(world)}
    assert said["Linux bridge agent"]["devices"] == 1
    assert (said["L3 agent"]["routers"], said["L3 agent"]["interfaces"], said["L3 agent"]["ex_gw_ports"]) == (1, 1, 0)
    assert (said["DHCP agent"]["networks"], said["DHCP agent"]["subnets"], said["DHCP agent"]["ports"]) == (1, 1, 4)


async def test_a_host_that_gives_no_sign_is_dead(two: World) -> None:
    await _aged(two, OTHER, 1000)
    dead = await _agents(two, "?alive=false")
    assert {(agent["host"], agent["agent_type"]) for agent in dead} == {(OTHER, kind) for kind in TYPES}
    assert {agent["host"] for agent in await _agents(two, "?alive=true")} == {"a.example"}


async def test_a_dead_agent_is_removed_and_comes_back(two: World) -> None:
    (agent,) = await _agents(two, f"?host={OTHER}&agent_type=L3%20agent")
    await two.refused("admin", f"DELETE /agents/{agent['id']}", None, (409, "AgentInUse"))
    await _aged(two, OTHER, 1000)
    assert (await two.request("admin", "DELETE", f"/agents/{agent['id']}")).status_code == 204
    assert {found["agent_type"] for found in await _agents(two, f"?host={OTHER}")} == TYPES - {"L3 agent"}
    await two.refused("admin", f"DELETE /agents/{agent['id']}", None, (404, "AgentNotFound"))
    await _aged(two, OTHER, -2000)
    assert {found["agent_type"] for found in await _agents(two, f"?host={OTHER}")} == TYPES


async def test_an_agent_is_described_and_never_switched_off(world: World) -> None:
    agent = (await _agents(world))[0]
    path = f"PUT /agents/{agent['id']}"
    answer = await world.request("admin", "PUT", f"/agents/{agent['id']}", {"agent": {"description": "rack 3"}})
    assert answer.json()["agent"]["description"] == "rack 3"
    answer = await world.request("admin", "PUT", f"/agents/{agent['id']}", {"agent": {"admin_state_up": True}})
    assert (answer.status_code, answer.json()["agent"]["description"]) == (200, "rack 3")
    await world.refused("admin", path, {"agent": {"admin_state_up": False}}, (400, "InvalidInput"))
    await world.refused("admin", "PUT /agents/none", {"agent": {}}, (404, "AgentNotFound"))


async def test_agents_are_sorted_and_paged(two: World) -> None:
    everything = [agent["id"] for agent in await _agents(two, "?sort_key=host&sort_dir=desc")]
    first = await _agents(two, "?sort_key=host&sort_dir=desc&limit=4&fields=id&fields=host")
    assert [agent["id"] for agent in first] == everything[:4]
    assert [agent["host"] for agent in first] == [OTHER] * 3 + ["a.example"]
    rest = await _agents(two, f"?sort_key=host&sort_dir=desc&limit=4&marker={everything[3]}")
    assert [agent["id"] for agent in rest] == everything[4:]
    for query in ("?marker=none", "?colour=red", "?sort_key=colour"):
        assert (await two.request("admin", "GET", f"/agents{query}")).status_code == 400


@pytest.mark.parametrize("user", ["alice", "reader"])
async def test_agents_are_for_admins(world: World, user: str) -> None:
    assert (await world.request(user, "GET", "/agents")).json() == {"agents": []}
    for method, path in (("GET", "/agents/x"), ("PUT", "/agents/x"), ("DELETE", "/agents/x")):
        body: dict[str, Any] | None = {"agent": {}} if method == "PUT" else None
        assert (await world.request(user, method, path, body)).status_code == 403, path


async def test_zones_are_those_of_the_hosts(two: World) -> None:
    await _aged(two, OTHER, 1000)
    assert await _zones(two) == {
        ("east", "network", "available"),
        ("east", "router", "available"),
        ("west", "network", "unavailable"),
        ("west", "router", "unavailable"),
    }
    assert await _zones(two, "?resource=router&state=available") == {("east", "router", "available")}
    assert await _zones(two, "?name=west&resource=network") == {("west", "network", "unavailable")}


async def test_hints_are_kept_and_must_be_zones(two: World) -> None:
    for path, member in (("/networks", "network"), ("/routers", "router")):
        made = await two.made("alice", path, availability_zone_hints=["west", "east", "west"])
        assert made["availability_zone_hints"] == ["west", "east"]
        assert (await two.shown("alice", f"{path}/{made['id']}"))["availability_zone_hints"] == ["west", "east"]
        body = {member: {"availability_zone_hints": ["east", "moon"]}}
        sentence = await two.refused("alice", f"POST {path}", body, (404, "AvailabilityZoneNotFound"))
        assert "moon" in sentence


async def test_what_is_on_a_host_is_in_its_zone(two: World) -> None:
    network_id, _ = await two.net()
    router = await two.made("alice", "/routers")
    assert (await two.shown("alice", f"/networks/{network_id}"))["availability_zones"] == []
    async with two.database.write() as transaction:
        await transaction.execute(sa.text("UPDATE network_names SET host = :host").bindparams(host=OTHER))
        await transaction.execute(sa.text("UPDATE routers SET host = 'a.example'"))
    assert (await two.shown("alice", f"/networks/{network_id}"))["availability_zones"] == ["west"]
    assert (await two.shown("alice", f"/routers/{router['id']}"))["availability_zones"] == ["east"]
    listed = (await two.request("alice", "GET", f"/networks?id={network_id}")).json()["networks"]
    assert listed[0]["availability_zones"] == ["west"]


async def test_on_one_host_all_is_in_its_zone(world: World) -> None:
    network_id, _ = await world.net()
    bare = await world.made("alice", "/networks")
    router = await world.made("alice", "/routers")
    zone = [world.settings.availability_zone]
    assert (await world.shown("alice", f"/networks/{network_id}"))["availability_zones"] == zone
    assert (await world.shown("alice", f"/networks/{bare['id']}"))["availability_zones"] == []
    assert (await world.shown("alice", f"/routers/{router['id']}"))["availability_zones"] == zone


async def test_hints_say_where_routers_and_name_services_go(two: World) -> None:
    here: Any = two.reconcilers[0]
    await here.hosts.begin()
    made = {}
    for zone in ("east", "west"):
        network = await two.made("alice", "/networks", availability_zone_hints=[zone])
        await two.made("alice", "/subnets", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
        router = await two.made("alice", "/routers", availability_zone_hints=[zone])
        made[zone] = (f"/networks/{network['id']}", f"/routers/{router['id']}")
    for one in two.reconcilers:
        for id in list(await one.due()):
            await one.reconcile(id)
    for path in made["east"]:
        assert (await two.shown("alice", path))["availability_zones"] == ["east"]
    for path in made["west"]:
        assert (await two.shown("alice", path))["availability_zones"] == [], "it is the other host's to take"
