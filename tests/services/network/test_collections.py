"""Every collection: pages in both directions, orders, chosen fields; what is made at once is made whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.services.network.world import World


@dataclass(frozen=True)
class Collection:
    """A collection, and what three of its members are made of; ``order``: the field that tells them apart."""

    path: str
    members: tuple[dict[str, Any], ...]
    bad: dict[str, Any]
    order: str = "name"
    needs: str = ""

    @property
    def name(self) -> str:
        """Its key in a body."""
        return self.path.strip("/").replace("-", "_")


_NAMES = ({"name": "bb"}, {"name": "cc"}, {"name": "aa"})
_PORTS = tuple({**fields, "fixed_ips": []} for fields in _NAMES)
_SUBNETS = tuple(
    {**fields, "cidr": f"10.{number}.0.0/24", "ip_version": 4} for number, fields in enumerate(_NAMES, start=1)
)
_POOLS = tuple({**fields, "prefixes": [f"10.{number}.0.0/16"]} for number, fields in enumerate(_NAMES, start=1))
_TCP: tuple[dict[str, Any], ...] = tuple(
    {"direction": "ingress", "protocol": "tcp", "description": entry["name"]} for entry in _NAMES
)
_RULES = tuple({**rule, "port_range_min": at, "port_range_max": at} for at, rule in enumerate(_TCP, start=80))

COLLECTIONS = [
    Collection("/networks", _NAMES, {"mtu": 3}),
    Collection("/subnets", _SUBNETS, {"cidr": "10.1.0.0/24", "ip_version": 4}, needs="network_id"),
    Collection("/subnetpools", _POOLS, {"name": "dd", "prefixes": ["::/0", "10.0.0.0/8"]}),
    Collection("/ports", _PORTS, {"fixed_ips": [{"ip_address": "10.0.0.77"}]}, needs="network_id"),
    Collection("/routers", _NAMES, {"external_gateway_info": {"network_id": "none"}}),
    Collection("/security-groups", _NAMES, {"name": "default"}),
    Collection("/security-group-rules", _RULES, {**_RULES[0]}, "description", "security_group_id"),
]


@pytest.fixture(params=COLLECTIONS, ids=lambda collection: collection.path)
def collection(request: pytest.FixtureRequest) -> Collection:
    found: Collection = request.param
    return found


async def _owner(world: World, collection: Collection) -> dict[str, str]:
    """What members have to belong to."""
    if collection.needs == "network_id":
        return {"network_id": (await world.made("alice", "/networks", name="owner"))["id"]}
    if collection.needs == "security_group_id":
        return {"security_group_id": (await world.made("alice", "/security-groups", name="owner"))["id"]}
    return {}


async def _bulk(world: World, collection: Collection, *wishes: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    answer = await world.request("alice", "POST", collection.path, {collection.name: list(wishes)})
    return answer.status_code, answer.json().get(collection.name, [])


async def _list(world: World, collection: Collection, query: str) -> dict[str, Any]:
    answer = await world.request("alice", "GET", f"{collection.path}?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _three(world: World, collection: Collection) -> str:
    """Make three members at once; the filter that finds them and nothing else."""
    owner = await _owner(world, collection)
    status, made = await _bulk(world, collection, *({**wish, **owner} for wish in collection.members))
    assert status == 201
    wanted = [wish[collection.order] for wish in collection.members]
    assert [entry[collection.order] for entry in made] == wanted
    return "&".join(f"{collection.order}={text}" for text in wanted)


async def test_members_are_made_together_or_not_at_all(world: World, collection: Collection) -> None:
    owner = await _owner(world, collection)
    wishes = [{**wish, **owner} for wish in (*collection.members, collection.bad)]
    before = await _list(world, collection, "")
    status, _ = await _bulk(world, collection, *wishes)
    assert 400 <= status < 500
    assert await _list(world, collection, "") == before


async def test_pages_lead_to_the_end_and_back(world: World, collection: Collection) -> None:
    mine = await _three(world, collection)
    order = f"sort_key={collection.order}&sort_dir=desc"
    first = await _list(world, collection, f"{mine}&{order}&limit=2")
    links = {link["rel"]: link["href"].partition("?")[2] for link in first[f"{collection.name}_links"]}
    assert set(links) == {"next", "previous"}, "as upstream"
    second = await _list(world, collection, links["next"])
    both = [entry[collection.order] for entry in first[collection.name] + second[collection.name]]
    assert both == ["cc", "bb", "aa"]
    links = {link["rel"]: link["href"].partition("?")[2] for link in second[f"{collection.name}_links"]}
    assert set(links) == {"previous"}
    assert (await _list(world, collection, links["previous"]))[collection.name] == first[collection.name]


async def test_several_keys_order_and_fields_are_chosen(world: World, collection: Collection) -> None:
    mine = await _three(world, collection)
    query = f"{mine}&sort_key=project_id&sort_dir=desc&sort_key={collection.order}&sort_dir=asc"
    chosen = await _list(world, collection, f"{query}&fields=id&fields={collection.order}")
    assert [entry[collection.order] for entry in chosen[collection.name]] == ["aa", "bb", "cc"]
    assert all(set(entry) == {"id", collection.order} for entry in chosen[collection.name])
    by_tenant = await _list(world, collection, f"{mine}&tenant_id={'a' * 32}")
    assert len(by_tenant[collection.name]) == 3
    assert (await _list(world, collection, f"{mine}&tenant_id={'b' * 32}"))[collection.name] == []


async def test_what_no_list_understands_is_refused(world: World, collection: Collection) -> None:
    for query in ("sort_key=colour", "sort_dir=up&sort_key=id", "limit=-1", "limit=x", "marker=none", "colour=red"):
        answer = await world.request("alice", "GET", f"{collection.path}?{query}")
        assert answer.status_code == 400, answer.text
        assert answer.json()["NeutronError"]["message"]


async def test_what_members_have_in_common_filters(world: World, collection: Collection) -> None:
    mine = await _three(world, collection)
    for entry in (await _list(world, collection, mine))[collection.name]:
        for name in ("id", "project_id", "description", "revision_number"):
            if entry.get(name) in {None, ""}:
                continue
            found = await _list(world, collection, f"{mine}&{name}={entry[name]}")
            assert entry["id"] in [other["id"] for other in found[collection.name]], name
