"""Every command of unmodified python-zunclient, on real containers: not that it ends well, but that what it says was done.

``zun_containers`` and ``zun_operator`` have a function per command; a test asks the client itself for its commands, so that
none is left out.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from inspect import signature

import pytest

from tests.system import zun_containers, zun_operator
from tests.system.clients import Clients
from tests.system.installation import Installation
from tests.system.waiting import until
from tests.system.zun_scene import IDLE, ONE, Scene

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("zunclient"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def scene(cloud: Installation, openstack: Clients, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    session = cloud.session("demo")
    network = session.network("zunclient", "10.66.0.0/24")
    made = Scene(cloud, openstack, tmp_path_factory.mktemp("zunclient"), session, network["id"], network["subnet_id"])
    yield made
    admin = cloud.session("admin")
    for container in session.ask("GET", ONE)["containers"]:
        admin.ask("DELETE", f"{ONE}/{container['uuid']}?force=true&all_projects=true")


COMMANDS = {
    name.strip("_").replace("_", " "): check
    for checks in (zun_containers, zun_operator)
    for name, check in vars(checks).items()
    if inspect.isfunction(check)
    and check.__module__ == checks.__name__
    and list(signature(check).parameters) == ["scene"]
    if not name.startswith("_")
}


def test_every_command_has_a_test(openstack: Clients) -> None:
    listed = json.loads(openstack.run("command", "list", "--group", "openstack.container.v1", "-f", "json"))
    names = {name for group in listed for name in group["Commands"]}
    expected = {f"appcontainer {name}" for name in COMMANDS} | {f"capsule {verb}" for verb in CAPSULE_VERBS}
    assert names == expected


@pytest.mark.parametrize("name", list(COMMANDS))
def test_appcontainer(scene: Scene, name: str) -> None:
    COMMANDS[name](scene)


CAPSULE_VERBS = ("create", "show", "list", "delete")


def test_capsule(scene: Scene) -> None:
    """All four commands, in the life of one capsule."""
    template = {
        "kind": "capsule",
        "capsuleVersion": "beta",
        "metadata": {"name": "zcapsule"},
        "spec": {"containers": [{"image": "busybox", "command": list(IDLE)}]},
        "restartPolicy": "Always",
    }
    file = scene.directory / "capsule.json"
    file.write_text(json.dumps(template))
    scene.client.run("capsule", "create", "--file", str(file))
    until(lambda: "Running" in scene.client.run("capsule", "show", "zcapsule"), "it runs")
    assert "zcapsule" in scene.client.run("capsule", "list")
    scene.client.run("capsule", "delete", "zcapsule")
    until(lambda: "zcapsule" not in scene.client.run("capsule", "list"), "it is gone")
