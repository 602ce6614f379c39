"""The catalog: what admins add beside what the program itself offers, and what urls are filled with."""

from __future__ import annotations

from typing import Any

import pytest

from boxship.services.identity import errors
from boxship.services.identity.operations import catalog
from tests.services.identity import world as worlds
from tests.services.identity.world import World, by_password

URL = "http://dns.example:9001"


async def _entries(world: World, token: str | None = None) -> dict[str, dict[str, Any]]:
    shown = (await world.ask("GET", "auth/catalog", token=token)).json()["catalog"]
    return {entry["type"]: entry for entry in shown}


async def _dns(world: World, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    service = await world.make("service", type="dns", name="designate")
    wish = {"service_id": service["id"], "interface": "public", "url": URL, "region_id": "RegionOne"}
    return service, await world.make("endpoint", **(wish | more))


# In tokens.


async def test_what_is_added_is_in_the_catalog_beside_the_program_s(world: World) -> None:
    before = await _entries(world)
    service, endpoint = await _dns(world)
    after = await _entries(world)
    assert after.pop("dns") == {
        "id": service["id"],
        "type": "dns",
        "name": "designate",
        "endpoints": [
            {"id": endpoint["id"], "interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": URL}
        ],
    }
    assert after == before
    issued = await world.log_in(by_password("demo", "demo-password"))
    assert "dns" in [entry["type"] for entry in issued.json()["token"]["catalog"]]
    shown = await world.cloud.request(
        world.admin, "GET", worlds.TOKENS, headers={"X-Subject-Token": issued.headers["X-Subject-Token"]}
    )
    assert shown.json() == issued.json()
    await world.change("endpoint", endpoint["id"], url=f"{URL}/v2")
    assert (await _entries(world))["dns"]["endpoints"][0]["url"] == f"{URL}/v2", "also in tokens that are there"
    assert (await world.ask("DELETE", f"services/{service['id']}")).status_code == 204
    assert await _entries(world) == before
    assert (await world.ask("GET", f"endpoints/{endpoint['id']}")).status_code == 404


async def test_a_catalog_with_additions_costs_no_more(world: World) -> None:
    await _dns(world)
    headers = {"X-Subject-Token": await world.token("demo")}
    await world.cloud.request(world.admin, "GET", worlds.TOKENS, headers=headers)
    with worlds.counted() as statements:
        answer = await world.cloud.request(world.admin, "GET", worlds.TOKENS, headers=headers)
    assert "dns" in answer.text and len(statements) == 2


async def test_what_is_disabled_is_not_in_it(world: World) -> None:
    service, endpoint = await _dns(world)
    await world.change("endpoint", endpoint["id"], enabled=False)
    assert (await _entries(world))["dns"]["endpoints"] == []
    await world.change("endpoint", endpoint["id"], enabled=True)
    await world.change("service", service["id"], enabled=False)
    assert "dns" not in await _entries(world)
    assert (await world.ask("GET", f"services/{service['id']}")).json()["service"]["enabled"] is False
    (listed,) = (await world.ask("GET", "services?enabled=false")).json()["services"]
    assert listed["id"] == service["id"]


async def test_urls_are_filled_for_who_asks(world: World) -> None:
    service, _ = await _dns(world, url=f"{URL}/$(tenant_id)s/%(project_id)s/$(user_id)s")
    await world.make("endpoint", service_id=service["id"], interface="internal", url=f"{URL}/of/$(user_id)s")
    demo, project = await world.find("user", "demo"), await world.find("project", "demo")
    found = (await _entries(world, await world.token("demo")))["dns"]["endpoints"]
    assert {endpoint["interface"]: endpoint["url"] for endpoint in found} == {
        "public": f"{URL}/{project['id']}/{project['id']}/{demo['id']}",
        "internal": f"{URL}/of/{demo['id']}",
    }
    system = await _entries(world, await world.token("admin", scope={"system": {"all": True}}))
    assert [endpoint["interface"] for endpoint in system["dns"]["endpoints"]] == ["internal"], "it has no project"
    assert "volumev3" not in system and "image" in system
    listed = (await world.ask("GET", f"endpoints?service_id={service['id']}&interface=public")).json()["endpoints"]
    assert listed[0]["url"].endswith("/$(tenant_id)s/%(project_id)s/$(user_id)s"), "lists show it as it was given"


FILLED: list[tuple[str, str | None]] = [
    ("http://a/", "http://a/"),
    ("http://a/$(project_id)s", "http://a/p"),
    ("http://a/AUTH_%(tenant_id)s/%%7E", "http://a/AUTH_p/%7E"),
    ("http://a/$(domain_id)s", None),
    ("http://a/$(project_id)", None),
    ("http://a/$(project_id)d", None),
    ("http://a/%(project_id)999999999s", None),
    ("http://a/%7E", None),
    ("http://a/$()s", None),
    ("http://a/$5", "http://a/$5"),
]


@pytest.mark.parametrize(("url", "expected"), FILLED)
def test_what_urls_may_be_filled_with(url: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(errors.InvalidUrl):
            catalog.check_url(url)
        return
    catalog.check_url(url)
    assert catalog.filled(url, {"project_id": "p", "tenant_id": "p", "user_id": "u"}) == expected


# The program's own.


async def test_the_program_s_own_parts_stay_as_they_are(world: World) -> None:
    before = await _entries(world)
    service = before["image"]["id"]
    endpoint = before["image"]["endpoints"][0]["id"]
    for path, kind in ((f"services/{service}", "service"), (f"endpoints/{endpoint}", "endpoint")):
        for verb in ("PATCH", "DELETE"):
            answer = await world.ask(verb, path, {kind: {"enabled": False}})
            assert answer.status_code == 403
            assert answer.json()["error"]["message"] == (
                f"The {kind} {path.partition('/')[2]} is of this cloud itself: it can be neither changed nor deleted."
            )
    for verb in ("PATCH", "DELETE"):
        answer = await world.ask(verb, "regions/RegionOne", {"region": {"description": "x"}})
        assert answer.status_code == 403 and "RegionOne is of this cloud itself" in answer.text
    assert await _entries(world) == before


async def test_the_program_s_services_may_be_elsewhere_too(world: World) -> None:
    """A second region: endpoints of the program's services behind its own ones."""
    image = (await _entries(world))["image"]
    await world.make("region", id="RegionTwo", parent_region_id="RegionOne")
    wish = {"service_id": image["id"], "interface": "public", "url": "http://two.example/image"}
    endpoint = await world.make("endpoint", region_id="RegionTwo", **wish)
    found = (await _entries(world))["image"]["endpoints"]
    assert [one["region"] for one in found] == ["RegionOne"] * 3 + ["RegionTwo"]
    assert (await world.ask("DELETE", "regions/RegionTwo")).status_code == 403
    assert (await world.ask("DELETE", f"endpoints/{endpoint['id']}")).status_code == 204
    assert (await world.ask("DELETE", "regions/RegionTwo")).status_code == 204
    assert (await _entries(world))["image"] == image


# What can be made.

WISHES: list[tuple[str, dict[str, Any], int, str]] = [
    ("service", {}, 400, "service.type"),
    ("service", {"type": ""}, 400, "service.type"),
    ("service", {"type": "x" * 256}, 400, "service.type"),
    ("service", {"type": "x", "name": "x" * 256}, 400, "service.name"),
    ("service", {"type": "x", "enabled": "yes"}, 400, "service.enabled"),
    ("service", {"type": "x", "colour": "red"}, 400, "service.colour"),
    ("service", {"type": "x", "description": None}, 201, '"name":""'),
    ("service", {"type": "x"}, 201, '"enabled":true'),
    ("region", {}, 201, '"description":""'),
    ("region", {"id": ""}, 201, '"parent_region_id":null'),
    ("region", {"id": "RegionOne"}, 409, "Duplicate ID, RegionOne."),
    ("region", {"id": "Mars", "description": None, "enabled": False}, 201, '"id":"Mars"'),
    ("region", {"id": "Mars"}, 409, "Duplicate ID, Mars."),
    ("region", {"id": "x" * 256}, 400, "region.id"),
    ("region", {"id": "Venus", "parent_region_id": "nowhere"}, 404, "Could not find region: nowhere."),
    ("endpoint", {"service_id": None}, 400, "endpoint.service_id"),
    ("endpoint", {"service_id": "nowhere"}, 400, "endpoint.service_id"),
    ("endpoint", {"interface": "secret"}, 400, "endpoint.interface"),
    ("endpoint", {"region_id": "nowhere"}, 400, "endpoint.region_id"),
    ("endpoint", {"url": "nowhere"}, 400, "endpoint.url"),
    ("endpoint", {"url": "http://" + "x" * 225}, 400, "endpoint.url"),
    ("endpoint", {"url": "http://x/$(password)s"}, 400, "invalid URL: http://x/$(password)s."),
    ("endpoint", {"region_id": None}, 201, '"region":null'),
    ("endpoint", {"region": "Pluto"}, 201, '"region_id":"Pluto"'),
    ("endpoint", {"region": "Pluto", "name": "dns", "description": "Names"}, 201, '"name":"dns"'),
]


async def test_what_can_be_made(world: World) -> None:
    service = await world.make("service", type="dns")
    for kind, fields, status, word in WISHES:
        wish = {"service_id": service["id"], "interface": "public", "url": URL} if kind == "endpoint" else {}
        answer = await world.ask("POST", f"{kind}s", {kind: wish | fields})
        assert answer.status_code == status and word in answer.text, (kind, fields, answer.text)
    for name in ("service_id", "interface", "url"):
        wish = {"service_id": service["id"], "interface": "public", "url": URL}
        del wish[name]
        answer = await world.ask("POST", "endpoints", {"endpoint": wish})
        assert answer.status_code == 400 and f"endpoint.{name}" in answer.text
    assert (await world.ask("GET", "regions/Pluto")).status_code == 200, "named the old way, it was made"


async def test_what_can_be_changed(world: World) -> None:
    service, endpoint = await _dns(world)
    await world.change("service", service["id"], type="names", name=None, description="Names")
    shown = (await world.ask("GET", f"services/{service['id']}")).json()["service"]
    assert (shown["type"], shown["name"], shown["description"]) == ("names", "", "Names")
    for field, value in (("service_id", "nowhere"), ("region_id", "nowhere"), ("url", "http://%s"), ("interface", "x")):
        answer = await world.ask("PATCH", f"endpoints/{endpoint['id']}", {"endpoint": {field: value}})
        assert answer.status_code == 400 and f"endpoint.{field}" in answer.text
    await world.change("endpoint", endpoint["id"], region_id=None, interface="admin")
    shown = (await world.ask("GET", f"endpoints/{endpoint['id']}")).json()["endpoint"]
    assert (shown["region_id"], shown["interface"], shown["url"]) == (None, "admin", URL)
    for path in ("services/nothere", "endpoints/nothere", "regions/nothere"):
        kind = path.partition("s/")[0]
        for verb in ("GET", "PATCH", "DELETE"):
            answer = await world.ask(verb, path, {kind: {"enabled": True}})
            assert answer.status_code == 404
            assert answer.json()["error"]["message"] == f"Could not find {kind}: nothere."


PUTS: list[tuple[str, dict[str, Any], int]] = [
    ("Mars", {}, 201),
    ("Mars", {}, 409),
    ("RegionOne", {}, 409),
    ("Venus", {"id": "Venus", "description": "Hot"}, 201),
    ("Pluto", {"id": "Venus"}, 400),
    ("x" * 256, {}, 400),
    ("%0a", {}, 400),
    ("Mars%20Two", {"parent_region_id": "Mars"}, 201),
]


async def test_a_region_with_its_id_in_the_path(world: World) -> None:
    for id, fields, status in PUTS:
        answer = await world.ask("PUT", f"regions/{id}", {"region": fields})
        assert answer.status_code == status, (id, answer.text)
    assert (await world.ask("GET", "regions/Mars%20Two")).json()["region"]["id"] == "Mars Two"


async def test_regions_below_regions(world: World) -> None:
    for id, parent in (("a", "RegionOne"), ("b", "a"), ("c", "b")):
        await world.make("region", id=id, parent_region_id=parent)
    below = (await world.ask("GET", "regions?parent_region_id=a")).json()["regions"]
    assert [region["id"] for region in below] == ["b"]
    for parent in ("a", "b", "c"):
        answer = await world.ask("PATCH", "regions/a", {"region": {"parent_region_id": parent}})
        assert answer.status_code == 400 and "circular region hierarchy" in answer.text
    assert (await world.ask("PATCH", "regions/a", {"region": {"id": "z"}})).status_code == 400
    assert (await world.ask("PATCH", "regions/a", {"region": {"parent_region_id": "x"}})).status_code == 404
    same = {"region": {"id": "a", "parent_region_id": None, "description": "A"}}
    assert (await world.ask("PATCH", "regions/a", same)).json()["region"]["description"] == "A"
    _, endpoint = await _dns(world, region_id="c")
    refused = await world.ask("DELETE", "regions/a")
    assert refused.status_code == 403 and "child regions have associated endpoints" in refused.text
    await world.ask("DELETE", f"endpoints/{endpoint['id']}")
    assert (await world.ask("DELETE", "regions/a")).status_code == 204
    left = (await world.ask("GET", "regions")).json()["regions"]
    assert [region["id"] for region in left] == ["RegionOne"], "those below went with it"


async def test_members_change_nothing(world: World) -> None:
    token = await world.token("demo")
    service, endpoint = await _dns(world)
    await world.make("region", id="Mars")
    for path in ("services", "endpoints", "regions"):
        assert (await world.ask("POST", path, {}, token=token)).status_code == 403
    for path in (f"services/{service['id']}", f"endpoints/{endpoint['id']}", "regions/Mars"):
        for verb in ("PATCH", "DELETE"):
            assert (await world.ask(verb, path, {}, token=token)).status_code == 403
