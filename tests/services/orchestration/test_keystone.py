"""OS::Keystone: people, groups, roles, and additions to the catalog, made, changed and removed by an admin's stacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import cloud
from tests.services.orchestration.stacks import Stacks, template

IDENTITY = "/identity/v3"


async def _find(stacks: Stacks, kind: str, name: str) -> dict[str, Any]:
    (found,) = (await stacks.ask("GET", f"{IDENTITY}/{kind}s?name={name}"))[f"{kind}s"]
    return dict(found)


async def _granted(stacks: Stacks, group: str) -> list[tuple[str, str]]:
    """Role and place of all that a group has."""
    path = f"{IDENTITY}/role_assignments?group.id={group}&include_names"
    rows = (await stacks.ask("GET", path))["role_assignments"]
    return sorted(
        (row["role"]["name"], next(iter(row["scope"].values())).get("name", "")) for row in rows if row["scope"]
    )


def _role(role: Any, **where: Any) -> dict[str, Any]:
    return {"role": role, **where}


def company(**user: Any) -> dict[str, Any]:
    def of(name: str) -> dict[str, str]:
        return {"get_resource": name}

    carol = {"name": "carol", "domain": of("domain"), "roles": [_role("member", project=of("project"))], **user}
    return template(
        {
            "domain": {"type": "OS::Keystone::Domain", "properties": {"name": "acme"}},
            "project": {"type": "OS::Keystone::Project", "properties": {"name": "shop", "domain": of("domain")}},
            "role": {"type": "OS::Keystone::Role", "properties": {"name": "cook"}},
            "user": {"type": "OS::Keystone::User", "properties": carol},
            "assignment": {
                "type": "OS::Keystone::UserRoleAssignment",
                "properties": {"user": of("user"), "roles": [_role(of("role"), domain=of("domain"))]},
            },
        }
    )


async def test_a_domain_with_all_that_is_in_it(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        stacks = Stacks(running, "admin")
        stack = await stacks.create("s", company(email="c@example.org"))
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        domain, project = await _find(stacks, "domain", "acme"), await _find(stacks, "project", "shop")
        user = await _find(stacks, "user", "carol")
        assert project["domain_id"] == user["domain_id"] == domain["id"]

        async def granted() -> list[tuple[str, str]]:
            path = f"{IDENTITY}/role_assignments?user.id={user['id']}&include_names"
            rows = (await stacks.ask("GET", path))["role_assignments"]
            return sorted((row["role"]["name"], next(iter(row["scope"].values()))["name"]) for row in rows)

        assert await granted() == [("cook", "acme"), ("member", "shop")]
        assert (await stacks.resource("s", "user"))["attributes"]["domain_id"] == domain["id"]
        stack = await stacks.update("s", company(roles=[], description="A cook"))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert (await _find(stacks, "user", "carol"))["description"] == "A cook"
        assert await granted() == [("cook", "acme")]
        stack = await stacks.delete("s")
        assert stack["stack_status"] == "DELETE_COMPLETE", stack["stack_status_reason"]
        assert (await stacks.ask("GET", f"{IDENTITY}/domains?name=acme"))["domains"] == []
        assert (await stacks.ask("GET", f"{IDENTITY}/roles?name=cook"))["roles"] == []


def people(*, roles: list[dict[str, Any]], groups: list[Any], **more: Any) -> dict[str, Any]:
    group = {"type": "OS::Keystone::Group", "properties": {"name": "cooks", "roles": roles, **more}}
    user = {"name": "carol", "password": "secret", "groups": groups}
    return template({"group": group, "user": {"type": "OS::Keystone::User", "properties": user}})


async def test_a_group_with_roles_and_a_member(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        stacks = Stacks(running, "admin")
        member, reader = _role("member", project="demo"), _role("reader", domain="default")
        stack = await stacks.create("s", people(roles=[member], groups=[{"get_resource": "group"}], description="Cook"))
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        group, user = await _find(stacks, "group", "cooks"), await _find(stacks, "user", "carol")
        assert (group["description"], group["domain_id"]) == ("Cook", "default")
        assert await _granted(stacks, group["id"]) == [("member", "demo")]
        groups = (await stacks.ask("GET", f"{IDENTITY}/users/{user['id']}/groups"))["groups"]
        assert [one["id"] for one in groups] == [group["id"]]
        await stacks.ask("POST", f"{IDENTITY}/groups", json={"group": {"name": "waiters"}})
        stack = await stacks.update("s", people(roles=[reader], groups=["waiters"], name="chefs"))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        renamed = await _find(stacks, "group", "chefs")
        assert (renamed["id"], renamed["description"]) == (group["id"], ""), "changed in place"
        assert await _granted(stacks, group["id"]) == [("reader", "Default")]
        groups = (await stacks.ask("GET", f"{IDENTITY}/users/{user['id']}/groups"))["groups"]
        assert [one["name"] for one in groups] == ["waiters"]
        assert (await stacks.delete("s"))["stack_status"] == "DELETE_COMPLETE"
        left = (await stacks.ask("GET", f"{IDENTITY}/groups"))["groups"]
        assert [one["name"] for one in left] == ["waiters"]


async def test_roles_of_groups_that_are_there(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        stacks = Stacks(running, "admin")
        ids = {}
        for name in ("cooks", "waiters"):
            ids[name] = (await stacks.ask("POST", f"{IDENTITY}/groups", json={"group": {"name": name}}))["group"]["id"]

        def document(group: str, *roles: dict[str, Any]) -> dict[str, Any]:
            properties = {"group": group, "roles": list(roles)}
            return template({"one": {"type": "OS::Keystone::GroupRoleAssignment", "properties": properties}})

        member, reader = _role("member", project="demo"), _role("reader", project="admin")
        stack = await stacks.create("s", document("cooks", member))
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        assert await _granted(stacks, ids["cooks"]) == [("member", "demo")]
        await stacks.update("s", document("cooks", member, reader))
        assert await _granted(stacks, ids["cooks"]) == [("member", "demo"), ("reader", "admin")]
        await stacks.update("s", document("waiters", reader))
        assert await _granted(stacks, ids["cooks"]) == []
        assert await _granted(stacks, ids["waiters"]) == [("reader", "admin")]
        assert (await stacks.delete("s"))["stack_status"] == "DELETE_COMPLETE"
        assert await _granted(stacks, ids["waiters"]) == []


def offers(url: str, *, region: str = "Mars Two", **service: Any) -> dict[str, Any]:
    return template(
        {
            "region": {"type": "OS::Keystone::Region", "properties": {"id": region, "parent_region": "RegionOne"}},
            "service": {
                "type": "OS::Keystone::Service",
                "properties": {"type": "dns", "name": "designate", "description": "Names", **service},
            },
            "endpoint": {
                "type": "OS::Keystone::Endpoint",
                "properties": {
                    "service": {"get_resource": "service"},
                    "region": {"get_resource": "region"},
                    "interface": "public",
                    "url": url,
                },
            },
        }
    )


async def test_a_service_that_the_catalog_lists(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        stacks = Stacks(running, "admin")
        before = (await stacks.ask("GET", f"{IDENTITY}/auth/catalog"))["catalog"]
        stack = await stacks.create("s", offers("http://dns.example/$(project_id)s"))
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        (entry,) = [
            entry
            for entry in (await stacks.ask("GET", f"{IDENTITY}/auth/catalog"))["catalog"]
            if entry["type"] == "dns"
        ]
        (endpoint,) = entry["endpoints"]
        assert (entry["name"], endpoint["region"]) == ("designate", "Mars%20Two")
        assert endpoint["url"] == f"http://dns.example/{cloud.PROJECTS['admin']}"
        ids = {name: (await stacks.resource("s", name))["physical_resource_id"] for name in ("service", "endpoint")}
        assert ids == {"service": entry["id"], "endpoint": endpoint["id"]}
        stack = await stacks.update("s", offers("http://dns.example/v2", name="names", description=None))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        service = (await stacks.ask("GET", f"{IDENTITY}/services/{ids['service']}"))["service"]
        assert (service["name"], service["description"]) == ("names", "")
        shown = (await stacks.ask("GET", f"{IDENTITY}/endpoints/{ids['endpoint']}"))["endpoint"]
        assert shown["url"] == "http://dns.example/v2"
        stack = await stacks.update("s", offers("http://dns.example/v2", region="Venus", enabled=False))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        regions = (await stacks.ask("GET", f"{IDENTITY}/regions"))["regions"]
        assert [region["id"] for region in regions] == ["RegionOne", "Venus"], "another id is another region"
        assert (await stacks.delete("s"))["stack_status"] == "DELETE_COMPLETE"
        assert (await stacks.ask("GET", f"{IDENTITY}/auth/catalog"))["catalog"] == before


async def test_an_endpoint_of_a_service_of_this_cloud(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        stacks = Stacks(running, "admin")
        properties = {"service": "glance", "interface": "internal", "url": "http://two.example/image"}
        document = template({"one": {"type": "OS::Keystone::Endpoint", "properties": properties}})
        stack = await stacks.create("s", document)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        assert (await stacks.delete("s"))["stack_status"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        ("Group", {"roles": [{"role": "member"}]}, "Either project or domain must be specified for role"),
        (
            "GroupRoleAssignment",
            {"group": "x", "roles": [{"role": "member", "project": "demo", "domain": "default"}]},
            "at the same time: project, domain",
        ),
        ("GroupRoleAssignment", {"roles": []}, "group"),
        ("Service", {"name": "designate"}, "type"),
        ("Endpoint", {"service": "glance", "interface": "secret", "url": "http://x/"}, "interface"),
        ("Endpoint", {"service": "glance", "interface": "public"}, "url"),
    ],
)
async def test_what_is_refused(tmp_path: Path, kind: str, properties: dict[str, Any], said: str) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        document = template({"one": {"type": f"OS::Keystone::{kind}", "properties": properties}})
        body = {"stack_name": "s", "template": document}
        answer = await running.request("admin", "POST", Stacks(running, "admin").path, json=body)
        assert (answer.status_code, said in answer.json()["error"]["message"]) == (400, True), answer.text


@pytest.mark.parametrize("kind", ["Group", "GroupRoleAssignment", "Service", "Endpoint", "Region"])
async def test_they_are_for_admins(tmp_path: Path, kind: str) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        for user, status in (("alice", {403, 404}), ("admin", {200})):
            path = f"/orchestration/v1/{cloud.PROJECTS[user]}/resource_types/OS::Keystone::{kind}"
            assert (await running.request(user, "GET", path)).status_code in status


async def test_what_the_identity_service_refuses_fails_the_stack(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        stacks = Stacks(running, "admin")
        region = {"type": "OS::Keystone::Region", "properties": {"id": "RegionOne"}}
        stack = await stacks.create("s", template({"one": region}))
        assert stack["stack_status"] == "CREATE_FAILED" and "Duplicate ID, RegionOne" in stack["stack_status_reason"]
        assert (await stacks.delete("s"))["stack_status"] == "DELETE_COMPLETE"
