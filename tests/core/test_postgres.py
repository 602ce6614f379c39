"""The program on PostgreSQL: the schema, a container from creation to deletion, and what several do at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext import asyncio as sa_async

from boxship import migrations
from boxship.core.db.types import metadata
from tests import cloud as clouds
from tests import postgres
from tests.services.orchestration.stacks import Stacks, template

LATEST = {"OpenStack-API-Version": "container latest"}


async def test_the_newest_schema_is_what_the_services_declare(url: str) -> None:
    await migrations.upgrade(url)
    assert await _differences(url) == []


async def test_several_programs_may_upgrade_at_once(url: str) -> None:
    await asyncio.gather(*(migrations.upgrade(url) for _ in range(4)))
    assert await _differences(url) == []


async def _differences(url: str) -> list[Any]:
    engine = sa_async.create_async_engine(sa.make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        found: list[Any] = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    await engine.dispose()
    return found


async def post(cloud: clouds.Cloud, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a POST by alice, which must be taken."""
    answer = await cloud.request("alice", "POST", path, json=body, headers=LATEST)
    assert answer.status_code < 300, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def network_with_subnet(cloud: clouds.Cloud, cidr: str = "10.0.0.0/24") -> str:
    """The id of a new network of alice."""
    network = await post(cloud, "/network/v2.0/networks", {"network": {"name": "net"}})
    id = str(network["network"]["id"])
    subnet = {"network_id": id, "ip_version": 4, "cidr": cidr}
    await post(cloud, "/network/v2.0/subnets", {"subnet": subnet})
    return id


async def test_a_container_from_creation_to_deletion(url: str, tmp_path: Path) -> None:
    async with postgres.cloud_on(url, tmp_path / "state") as cloud:
        network = await network_with_subnet(cloud)
        wish = {"volume": {"size": 1, "name": "data"}}
        volume = (await post(cloud, f"/volume/v3/{clouds.PROJECTS['alice']}/volumes", wish))["volume"]["id"]
        body = {
            "image": "busybox",
            "nets": [{"network": network}],
            "mounts": [{"source": volume, "destination": "/data"}],
        }
        id = (await post(cloud, "/container/v1/containers?run=true", body))["uuid"]
        path = f"/container/v1/containers/{id}"

        async def status() -> str | None:
            answer = await cloud.request("alice", "GET", path)
            return str(answer.json()["status"]) if answer.status_code == 200 else None

        async def is_running() -> bool:
            found = await status()
            assert found != "Error"
            return found == "Running"

        async def is_gone() -> bool:
            return await status() is None

        await cloud.until(is_running, "the container runs")
        assert (await cloud.request("bob", "GET", path)).status_code == 404
        assert (await cloud.request("alice", "DELETE", f"{path}?stop=true", headers=LATEST)).status_code == 204
        await cloud.until(is_gone, "the container is gone")
        assert (await cloud.request("alice", "DELETE", f"/network/v2.0/networks/{network}")).status_code == 204


async def test_a_stack_from_creation_to_deletion(url: str, tmp_path: Path) -> None:
    def wanted(members: int, **properties: Any) -> dict[str, Any]:
        network, subnet = {"get_resource": "net"}, {"network": {"get_resource": "net"}, "cidr": "10.0.0.0/24"}
        member = {"image": "busybox", "networks": [{"network": network}], **properties}
        definition = {"type": "OS::Zun::Container", "properties": member}
        group = {"count": members, "resource_def": definition}
        return template(
            {
                "net": {"type": "OS::Neutron::Net"},
                "subnet": {"type": "OS::Neutron::Subnet", "properties": subnet},
                "group": {"type": "OS::Heat::ResourceGroup", "depends_on": "subnet", "properties": group},
                **{f"text{at}": {"type": "OS::Heat::RandomString"} for at in range(20)},
            }
        )

    async with postgres.cloud_on(url, tmp_path / "state") as cloud:
        stacks = Stacks(cloud)
        assert (await stacks.create("shop", wanted(2)))["stack_status"] == "CREATE_COMPLETE"
        changed = await asyncio.gather(
            stacks.update("shop", wanted(3, command="sleep 9")), stacks.create("other", wanted(1))
        )
        assert [stack["stack_status"] for stack in changed] == ["UPDATE_COMPLETE", "CREATE_COMPLETE"]
        assert len((await stacks.ask("GET", "/container/v1/containers"))["containers"]) == 4
        gone = await asyncio.gather(stacks.delete("shop"), stacks.delete("other"))
        assert [stack["stack_status"] for stack in gone] == ["DELETE_COMPLETE", "DELETE_COMPLETE"]
        assert (await stacks.ask("GET", "/container/v1/containers"))["containers"] == []


async def test_a_quota_holds_against_creations_at_once(url: str, tmp_path: Path) -> None:
    async with postgres.cloud_on(url, tmp_path / "state", start=False, quota_volumes=5) as cloud:
        path = f"/volume/v3/{clouds.PROJECTS['alice']}/volumes"
        wishes = [cloud.request("alice", "POST", path, json={"volume": {"size": 1}}) for _ in range(20)]
        answers = sorted(answer.status_code for answer in await asyncio.gather(*wishes))
        assert answers == [202] * 5 + [413] * 15
        listed = await cloud.request("alice", "GET", path)
        assert len(listed.json()["volumes"]) == 5


async def test_a_quota_of_containers_holds_against_creations_at_once(url: str, tmp_path: Path) -> None:
    async with postgres.cloud_on(url, tmp_path / "state", start=False, quota_containers=5) as cloud:
        body = {"image": "busybox", "nets": [{"network": await network_with_subnet(cloud)}]}
        wishes = [
            cloud.request("alice", "POST", "/container/v1/containers", json=body, headers=LATEST) for _ in range(20)
        ]
        answers = [answer.status_code for answer in await asyncio.gather(*wishes)]
        assert answers.count(403) == 15
        listed = await cloud.request("alice", "GET", "/container/v1/containers")
        assert len(listed.json()["containers"]) == 5


async def test_addresses_given_at_once_are_different(url: str, tmp_path: Path) -> None:
    async with postgres.cloud_on(url, tmp_path / "state", start=False) as cloud:
        wish = {"port": {"network_id": await network_with_subnet(cloud, "10.0.0.0/28")}}
        wishes = [cloud.request("alice", "POST", "/network/v2.0/ports", json=wish) for _ in range(20)]
        answers = await asyncio.gather(*wishes)
        given = [a.json()["port"]["fixed_ips"][0]["ip_address"] for a in answers if a.status_code == 201]
        assert len(given) == len(set(given)) == 12, "a /28 has 14 hosts; two are the gateway and the resolver"
        assert {answer.status_code for answer in answers} == {201, 409}


async def test_programs_that_start_at_once_on_a_new_database_fill_it_once(url: str, tmp_path: Path) -> None:
    async def started(name: str) -> dict[str, int]:
        async with postgres.cloud_on(url, tmp_path / name, start=False) as cloud:
            counts = {}
            for path in ("/identity/v3/projects", "/identity/v3/users", "/identity/v3/roles", "/network/v2.0/networks"):
                shown = (await cloud.request("admin", "GET", path)).json()
                kind = path.rpartition("/")[2]
                counts[kind] = len(shown[kind])
            return counts

    found = await asyncio.gather(*(started(name) for name in ("one", "two", "three")))
    assert found == [{"projects": 3, "users": 2, "roles": 5, "networks": 1}] * 3


async def test_members_roles_and_endpoints_at_once(url: str, tmp_path: Path) -> None:
    """What is given several times at once is there once; and nobody gets an endpoint of a service that is gone."""
    async with postgres.cloud_on(url, tmp_path / "state", start=False) as cloud:

        async def ask(method: str, path: str, body: Any = None) -> Any:
            answer = await cloud.request("admin", method, f"/identity/v3/{path}", json=body)
            return answer.status_code, answer.json() if answer.content else None

        ids = {"group": (await ask("POST", "groups", {"group": {"name": "cooks"}}))[1]["group"]["id"]}
        for kind, name in (("user", "demo"), ("project", "admin"), ("role", "reader")):
            ids[kind] = (await ask("GET", f"{kind}s?name={name}"))[1][f"{kind}s"][0]["id"]
        member = f"groups/{ids['group']}/users/{ids['user']}"
        grant = f"projects/{ids['project']}/groups/{ids['group']}/roles/{ids['role']}"
        given = await asyncio.gather(*(ask("PUT", path) for path in (member, grant) * 8))
        assert [status for status, _ in given] == [204] * 16
        rows = (await ask("GET", f"role_assignments?user.id={ids['user']}&effective"))[1]["role_assignments"]
        assert [row["scope"] for row in rows if "membership" in row["links"]] == [{"project": {"id": ids["project"]}}]
        assert [project["name"] for project in (await ask("GET", f"users/{ids['user']}/projects"))[1]["projects"]] == [
            "admin",
            "demo",
        ]
        taken = await asyncio.gather(*(ask("DELETE", member) for _ in range(4)))
        assert sorted(status for status, _ in taken) == [204, 404, 404, 404]
        service = (await ask("POST", "services", {"service": {"type": "dns"}}))[1]["service"]["id"]
        wish = {"endpoint": {"service_id": service, "interface": "public", "url": "http://x/", "region": "Mars"}}
        wishes = [ask("POST", "endpoints", wish) for _ in range(6)]
        await asyncio.gather(*wishes[:3], ask("DELETE", f"services/{service}"), *wishes[3:])
        assert (await ask("GET", f"endpoints?service_id={service}"))[1]["endpoints"] == []
        catalog = (await ask("GET", "auth/catalog"))[1]["catalog"]
        assert "dns" not in {entry["type"] for entry in catalog}
