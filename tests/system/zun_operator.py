"""A check per command of ``openstack appcontainer`` about hosts, quotas, registries and images."""

from __future__ import annotations

import json
from typing import Any

from tests.system import registry
from tests.system.archives import busybox
from tests.system.waiting import until
from tests.system.zun_scene import ADMIN, HOST, ONE, Scene

# What the operator sees.


def availability_zone_list(scene: Scene) -> None:
    assert [row["availability_zone"] for row in scene.shown("availability", "zone", "list")] == ["nova"]


def host_list(scene: Scene) -> None:
    assert [row["hostname"] for row in scene.shown("host", "list", cloud=ADMIN)] == [HOST]


def host_show(scene: Scene) -> None:
    assert scene.shown("host", "show", HOST, cloud=ADMIN)["hostname"] == HOST


def service_list(scene: Scene) -> None:
    (row,) = scene.shown("service", "list", cloud=ADMIN)
    assert (row["host"], row["binary"], row["state"]) == (HOST, "zun-compute", "up")


def service_disable(scene: Scene) -> None:
    try:
        scene.run("service", "disable", HOST, "zun-compute", "--reason", "tests", cloud=ADMIN)
        answer = scene.session.http.post(ONE, json={"image": "busybox", "nets": [{"network": scene.network}]})
        assert answer.status_code == 409 and "disabled" in answer.text
    finally:
        scene.run("service", "enable", HOST, "zun-compute", cloud=ADMIN)


def service_enable(scene: Scene) -> None:
    scene.run("service", "disable", HOST, "zun-compute", cloud=ADMIN)
    scene.run("service", "enable", HOST, "zun-compute", cloud=ADMIN)
    (row,) = scene.shown("service", "list", cloud=ADMIN)
    assert row["disabled"] is False
    scene.container(run=False)


def service_forcedown(scene: Scene) -> None:
    try:
        scene.run("service", "forcedown", HOST, "zun-compute", cloud=ADMIN)
        assert scene.shown("service", "list", cloud=ADMIN)[0]["state"] == "down"
    finally:
        scene.run("service", "forcedown", HOST, "zun-compute", "--unset", cloud=ADMIN)
    until(lambda: scene.shown("service", "list", cloud=ADMIN)[0]["state"] == "up", "it is up again")


def service_delete(scene: Scene) -> None:
    """Of a host that is there it is refused or made again at once: what runs here is never forgotten."""
    scene.client.end("appcontainer", "service", "delete", HOST, "zun-compute", cloud=ADMIN)
    until(lambda: [row["host"] for row in scene.shown("service", "list", cloud=ADMIN)] == [HOST], "it is there", 60)


def quota_default(scene: Scene) -> None:
    assert scene.shown("quota", "default", scene.session.project_id)["containers"] == -1


def quota_get(scene: Scene) -> None:
    shown = json.dumps(scene.shown("quota", "get", "--usages", scene.session.project_id))
    assert "in_use" in shown


def quota_update(scene: Scene) -> None:
    project = scene.session.project_id
    scene.run("quota", "update", "--containers", "7", project, cloud=ADMIN)
    assert scene.session.ask("GET", f"/container/v1/quotas/{project}")["containers"] == 7
    scene.run("quota", "delete", project, cloud=ADMIN)


def quota_delete(scene: Scene) -> None:
    project = scene.session.project_id
    scene.run("quota", "update", "--containers", "7", project, cloud=ADMIN)
    scene.run("quota", "delete", project, cloud=ADMIN)
    assert scene.session.ask("GET", f"/container/v1/quotas/{project}")["containers"] == -1


def quota_class_get(scene: Scene) -> None:
    assert "containers" in scene.shown("quota", "class", "get", "default", cloud=ADMIN)


def quota_class_update(scene: Scene) -> None:
    try:
        scene.run("quota", "class", "update", "--containers", "77", "default", cloud=ADMIN)
        assert scene.shown("quota", "class", "get", "default", cloud=ADMIN)["containers"] == 77
    finally:
        scene.run("quota", "class", "update", "--containers", "-1", "default", cloud=ADMIN)


def _registry(scene: Scene, name: str) -> None:
    words = ("--name", name, "--username", "me", "--password", "hidden-word", "--domain", "registry.invalid:5000")
    assert "hidden-word" not in scene.run("registry", "create", *words)


def registry_create(scene: Scene) -> None:
    _registry(scene, "reg-create")
    (found,) = [
        r for r in scene.session.ask("GET", "/container/v1/registries")["registries"] if r["name"] == "reg-create"
    ]
    assert (found["domain"], found["username"]) == ("registry.invalid:5000", "me")


def registry_list(scene: Scene) -> None:
    _registry(scene, "reg-list")
    assert "reg-list" in {row["name"] for row in scene.shown("registry", "list")}


def registry_show(scene: Scene) -> None:
    _registry(scene, "reg-show")
    shown = scene.shown("registry", "show", "reg-show")
    assert shown["name"] == "reg-show" and "hidden-word" not in json.dumps(shown)


def registry_update(scene: Scene) -> None:
    _registry(scene, "reg-update")
    scene.run("registry", "update", "reg-update", "--username", "you")
    assert scene.shown("registry", "show", "reg-update")["username"] == "you"


def registry_delete(scene: Scene) -> None:
    _registry(scene, "reg-delete")
    scene.run("registry", "delete", "reg-delete")
    assert "reg-delete" not in {row["name"] for row in scene.shown("registry", "list")}


# Images.


def _pulled(scene: Scene) -> dict[str, Any]:
    """An image that a registry on loopback gave."""
    with registry.serving() as here:
        name = here.image
        scene.run("image", "pull", name, HOST, cloud=ADMIN)
        admin = scene.cloud.session("admin")

        def there() -> dict[str, Any] | None:
            rows = admin.ask("GET", "/container/v1/images")["images"]
            found = [row for row in rows if f"{row['repo']}:{row['tag']}" == name and row["size"]]
            return found[0] if found else None

        found = until(there, "the image was pulled", 30)
    assert found
    return found


def image_pull(scene: Scene) -> None:
    assert _pulled(scene)["host"] == HOST


def image_list(scene: Scene) -> None:
    image = _pulled(scene)
    assert image["uuid"] in {row["uuid"] for row in scene.shown("image", "list", cloud=ADMIN)}


def image_show(scene: Scene) -> None:
    image = _pulled(scene)
    assert scene.shown("image", "show", image["uuid"], cloud=ADMIN)["repo"] == image["repo"]


def image_delete(scene: Scene) -> None:
    image = _pulled(scene)
    scene.run("image", "delete", image["uuid"], cloud=ADMIN)
    scene.cloud.session("admin").gone(f"/container/v1/images/{image['uuid']}")


def image_search(scene: Scene) -> None:
    archive = busybox(scene.directory / "searched.tar", "searched:1")
    words = ("--container-format", "docker", "--disk-format", "raw", "--file", str(archive), "searched-image")
    scene.client.run("image", "create", *words)
    assert "searched-image" in scene.run("image", "search", "--image-driver", "glance", "searched-image")
