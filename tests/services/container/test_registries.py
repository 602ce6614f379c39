"""Private registries: what they ask for is sealed, shown to nobody, and given to that registry only; an image that was
had with a password is not had without one."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography import fernet

from boxship.core import errors
from boxship.core.vault import Vault
from boxship.drivers.engine.interface import Credentials, ImageSight
from boxship.services.container import model
from boxship.services.container.operations import registries
from tests import cloud

PASSWORD = "the-rabbit-hole"
DOMAIN = "registry.example:5000"
REGISTRIES = "/container/v1/registries"


async def kept(running: cloud.Cloud, user: str = "alice", **wish: Any) -> str:
    registry = {"name": "ours", "domain": DOMAIN, "username": "alice", "password": PASSWORD, **wish}
    answer = await running.request(user, "POST", REGISTRIES, json={"registry": registry})
    assert answer.status_code == 201, answer.text
    assert PASSWORD not in answer.text
    return str(answer.json()["registry"]["uuid"])


async def test_the_password_is_nowhere_in_the_clear(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with cloud.running(tmp_path) as running:
        id = await kept(running)
        for user in ("alice", "reader", "admin"):
            for path in (REGISTRIES, f"{REGISTRIES}/{id}", f"{REGISTRIES}?all_projects=1&name=ours"):
                assert PASSWORD not in (await running.request(user, "GET", path)).text
        refused = await running.request(
            "alice", "POST", REGISTRIES, json={"registry": {"domain": 7, "password": PASSWORD}}
        )
        assert refused.status_code == 400
        assert PASSWORD not in refused.text
        answer = await running.request(
            "alice", "PATCH", f"{REGISTRIES}/{id}", json={"registry": {"password": PASSWORD * 2000}}
        )
        assert answer.status_code == 400
        assert PASSWORD not in answer.text
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes(), file
    assert PASSWORD not in "".join(capfd.readouterr())


async def credentials(running: cloud.Cloud, id: str, image: str) -> registries.Login | None:
    vault = Vault(running.program.settings.state_dir / "keys" / "vault")
    async with running.program.database.read() as transaction:
        return await registries.credentials(transaction, vault, id, image)


async def test_a_password_is_for_its_own_registry(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        id = await kept(running)
        assert await credentials(running, id, f"{DOMAIN}/app:v1") == registries.Login("alice", PASSWORD)
        assert PASSWORD not in repr(await credentials(running, id, f"{DOMAIN}/app:v1"))
        for other in ("evil.example/app:v1", "app:v1", "registry.example/app", f"evil.example/{DOMAIN}/app"):
            assert await credentials(running, id, other) is None, other
        hub = await kept(running, name="hub", domain="index.docker.io")
        assert await credentials(running, hub, "alice/app:v1") is not None
        assert await credentials(running, hub, "docker.io/alice/app") is not None
        without = await kept(running, name="open", username="nobody", password=PASSWORD)
        await running.request("alice", "DELETE", f"{REGISTRIES}/{without}")
        assert await credentials(running, without, f"{DOMAIN}/app") is None


async def test_keys_can_be_changed(tmp_path: Path) -> None:
    keys = tmp_path / "keys" / "vault"
    async with cloud.running(tmp_path, start=False) as running:
        id = await kept(running)
    (keys / "1").write_bytes(fernet.Fernet.generate_key())
    async with cloud.running(tmp_path, start=False) as running:
        assert await credentials(running, id, f"{DOMAIN}/app") is not None
        await running.request("alice", "PATCH", f"{REGISTRIES}/{id}", json={"registry": {"password": "new"}})
    (keys / "0").unlink()
    async with cloud.running(tmp_path, start=False) as running:
        assert await credentials(running, id, f"{DOMAIN}/app") == registries.Login("alice", "new")


async def test_a_key_that_is_gone_is_the_reason_of_the_container(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        id = await kept(running)
        (tmp_path / "keys" / "vault" / "0").write_bytes(fernet.Fernet.generate_key())
    async with cloud.running(tmp_path) as running:
        found = await ended(running, "alice", await container(running, "alice", "app", registry=id))
        assert found["status"] == "Error"
        assert "set the secret again" in found["status_reason"]


@pytest.mark.parametrize(
    ("image", "host", "repository"),
    [
        ("busybox", "docker.io", "docker.io/busybox"),
        ("busybox:1.36", "docker.io", "docker.io/busybox"),
        ("docker.io/library/busybox", "docker.io", "docker.io/busybox"),
        ("index.docker.io/alice/app:v1", "docker.io", "docker.io/alice/app"),
        ("alice/app@sha256:" + "0" * 64, "docker.io", "docker.io/alice/app"),
        ("registry.example:5000/app", "registry.example:5000", "registry.example:5000/app"),
        ("registry.example:5000/team/app:v2", "registry.example:5000", "registry.example:5000/team/app"),
        ("registry.example/app:v2@sha256:" + "0" * 64, "registry.example", "registry.example/app"),
        ("localhost/app", "localhost", "localhost/app"),
    ],
)
def test_names_of_images(image: str, host: str, repository: str) -> None:
    assert registries.host(image) == host
    assert registries.repository(image) == repository


def test_the_domain_goes_before_names_without_one() -> None:
    row = registry("registry.example")
    assert registries.located(row, "team/app:v1") == "registry.example/team/app:v1"
    assert registries.located(row, "other.example/app") == "other.example/app"
    assert registries.located(None, "app") == "app"


def registry(domain: str) -> model.Registry:
    from boxship.core import clock

    return model.Registry(id="1", project_id="p", user_id="u", created_at=clock.now(), name=None, domain=domain)


class Guarded:
    """A registry that gives ``app`` for a password and ``public`` to everybody, in front of the fake engine."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.pull = engine, engine.pull
        self.asked: list[tuple[str, bool]] = []
        engine.pull = self

    async def __call__(
        self, reference: str, progress: Any = None, credentials: Credentials | None = None
    ) -> ImageSight:
        self.asked.append((reference, credentials is not None))
        if "/app" in reference and (credentials is None or credentials.password != PASSWORD):
            raise errors.Refused(f"There is no image {reference}, or it may not be pulled.")
        sight: ImageSight = await self.pull(reference, progress, credentials)
        return sight


async def container(running: cloud.Cloud, user: str, image: str, **wish: Any) -> str:
    net = await running.request(user, "POST", "/network/v2.0/networks", json={"network": {"name": "net"}})
    id = net.json()["network"]["id"]
    subnet = {"network_id": id, "ip_version": 4, "cidr": "10.0.0.0/24"}
    await running.request(user, "POST", "/network/v2.0/subnets", json={"subnet": subnet})
    body = {"image": image, "nets": [{"network": id}], **wish}
    headers = {"OpenStack-API-Version": "container 1.40"}
    answer = await running.request(user, "POST", "/container/v1/containers", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["uuid"])


async def ended(running: cloud.Cloud, user: str, id: str) -> Any:
    async def settled() -> Any:
        found = (await running.request(user, "GET", f"/container/v1/containers/{id}")).json()
        return found if found["status"] in {"Created", "Error"} else None

    return await running.until(settled, "the container is made, or will not be")


async def test_a_private_image_is_not_had_by_others(tmp_path: Path) -> None:
    """It is on the host by then; by name, by another tag of the same name and with any policy it stays alice's."""
    async with cloud.running(tmp_path) as running:
        guarded = Guarded(running.program.drivers.engine)
        id = await kept(running)
        mine = await ended(running, "alice", await container(running, "alice", "app:v1", registry=id))
        assert (mine["status"], mine["image"]) == ("Created", f"{DOMAIN}/app:v1")
        assert guarded.asked == [(f"{DOMAIN}/app:v1", False), (f"{DOMAIN}/app:v1", True)]
        theirs = await ended(running, "bob", await container(running, "bob", f"{DOMAIN}/app:v1"))
        assert theirs["status"] == "Error"
        assert "may not be pulled" in theirs["status_reason"]
        own = await kept(running, "bob", password="guessed")
        theirs = await ended(running, "bob", await container(running, "bob", "app:v1", registry=own))
        assert theirs["status"] == "Error"
        again = await ended(running, "alice", await container(running, "alice", "app:v1", registry=id))
        assert again["status"] == "Created"


async def test_it_stays_so_when_the_program_starts_again(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        Guarded(running.program.drivers.engine)
        await ended(running, "alice", await container(running, "alice", "app:v1", registry=await kept(running)))
    async with cloud.running(tmp_path) as running:
        Guarded(running.program.drivers.engine)
        theirs = await ended(running, "bob", await container(running, "bob", f"{DOMAIN}/app:v1"))
        assert theirs["status"] == "Error"


async def test_what_everybody_may_have_depends_on_no_password(tmp_path: Path) -> None:
    """A tenant that has a password for a registry makes nobody else's containers ask it."""
    async with cloud.running(tmp_path) as running:
        guarded = Guarded(running.program.drivers.engine)
        id = await kept(running)
        await ended(running, "alice", await container(running, "alice", "public", registry=id))
        theirs = await ended(running, "bob", await container(running, "bob", f"{DOMAIN}/public"))
        assert theirs["status"] == "Created"
        assert guarded.asked == [(f"{DOMAIN}/public:latest", False)]
    rows = sqlite3.connect(tmp_path / "boxship.db").execute("SELECT * FROM container_private_repositories").fetchall()
    assert rows == []


async def test_a_project_keeps_so_many_and_no_more(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False, quota_registries=1) as running:
        await kept(running)
        answer = await running.request("alice", "POST", REGISTRIES, json={"registry": {"domain": DOMAIN}})
        assert answer.status_code == 403
        assert "registries" in answer.text
        await kept(running, "bob")


async def test_a_name_is_changed_to_a_free_one_only(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, start=False) as running:
        first, second = await kept(running), await kept(running, name="second")
        answer = await running.request("alice", "PATCH", f"{REGISTRIES}/{second}", json={"registry": {"name": "ours"}})
        assert answer.status_code == 409
        answer = await running.request("alice", "PATCH", f"{REGISTRIES}/{first}", json={"registry": {"name": "ours"}})
        assert answer.status_code == 200
