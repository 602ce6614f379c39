"""A check per command of ``openstack appcontainer`` about containers: that what it says was done."""

from __future__ import annotations

import json
from typing import Any

from tests.system.api import address
from tests.system.waiting import until
from tests.system.zun_scene import ADMIN, IDLE, ONE, Scene

# What containers are made, shown and ended with.


def create(scene: Scene) -> None:
    words = ("--name", "made", "--net", f"network={scene.network}", "--cpu", "0.2", "--memory", "64", "--label", "a=b")
    shown = scene.shown("create", *words, "--environment", "K=v", "busybox", *IDLE)
    container = scene.is_(shown["uuid"], "Created")
    assert (container["cpu"], container["memory"]) == (0.2, "64")
    assert (container["labels"], container["environment"]) == ({"a": "b"}, {"K": "v"})
    assert container["command"] == list(IDLE)


def run(scene: Scene) -> None:
    shown = scene.shown("run", "--name", "ran", "--net", f"network={scene.network}", "--wait", "busybox", *IDLE)
    assert scene.is_(shown["uuid"], "Running")["addresses"].keys() == {scene.network}


def show(scene: Scene) -> None:
    id = scene.container()
    assert scene.shown("show", id)["uuid"] == id


def list_(scene: Scene) -> None:
    id = scene.container()
    assert id in {row["uuid"] for row in scene.shown("list", "--status", "Running")}
    assert scene.shown("list", "--status", "Paused") == []
    assert id in {row["uuid"] for row in scene.shown("list", "--all-projects", cloud=ADMIN)}


def set_(scene: Scene) -> None:
    id = scene.container()
    scene.run("set", id, "--name", "renamed", "--cpu", "0.5", "--memory", "96")
    container = scene.is_(id, "Running")
    assert (container["name"], container["cpu"], container["memory"]) == ("renamed", 0.5, "96")
    assert scene.session.ask("GET", f"{ONE}/{id}/stats")["MEM LIMIT(MiB)"] == 96


def delete(scene: Scene) -> None:
    id = scene.container()
    scene.run("delete", "--stop", id)
    scene.session.gone(f"{ONE}/{id}")


def start(scene: Scene) -> None:
    id = scene.container(run=False)
    scene.run("start", id)
    scene.is_(id, "Running")


def stop(scene: Scene) -> None:
    id = scene.container()
    scene.run("stop", "--timeout", "1", id)
    scene.is_(id, "Stopped")


def restart(scene: Scene) -> None:
    id = scene.container()
    scene.session.execute(id, "touch /dev/shm/before")
    scene.run("restart", "--timeout", "1", id)
    scene.is_(id, "Running")
    assert scene.session.execute(id, "ls /dev/shm") == (0, "")


def pause(scene: Scene) -> None:
    id = scene.container()
    scene.run("pause", id)
    scene.is_(id, "Paused")


def unpause(scene: Scene) -> None:
    id = scene.container()
    scene.session.ask("POST", f"{ONE}/{id}/pause")
    scene.is_(id, "Paused")
    scene.run("unpause", id)
    scene.is_(id, "Running")


def kill(scene: Scene) -> None:
    id = scene.container()
    scene.run("kill", "--signal", "KILL", id)
    assert "137" in scene.is_(id, "Stopped")["status_detail"]


def rebuild(scene: Scene) -> None:
    id = scene.container()
    before = address(scene.session.show(id))
    scene.session.execute(id, "touch /proof")
    scene.run("rebuild", "--image", "busybox", id)
    assert address(scene.is_(id, "Running")) == before
    assert scene.session.execute(id, "test -e /proof")[0] == 1, "it was made anew"


def commit(scene: Scene) -> None:
    id = scene.container()
    scene.session.execute(id, "echo kept > /proof")
    scene.run("commit", id, "committed")

    def active() -> bool:
        images = scene.session.ask("GET", "/image/v2/images?name=committed")["images"]
        return bool(images) and images[0]["status"] == "active"

    until(active, "the image is there", 30)
    copy = scene.container(image="committed", image_driver="glance")
    assert scene.session.execute(copy, "cat /proof") == (0, "kept\n")


# What is inside of a container.


def exec_(scene: Scene) -> None:
    assert "from inside" in scene.run("exec", scene.container(), "echo", "from", "inside")


def logs(scene: Scene) -> None:
    id = scene.container()
    until(lambda: "ready" in scene.run("logs", id), "the log is there")
    assert "ready" not in scene.run("logs", "--tail", "0", id)


def top(scene: Scene) -> None:
    """The client gets the processes, and then cannot print them: its own mistake, in a print with ``%``."""
    id = scene.container()
    ended = scene.client.end("appcontainer", "top", id)
    assert "unsupported operand type(s) for %" in ended.output + ended.errors
    assert "sh -c" in json.dumps(scene.session.ask("GET", f"{ONE}/{id}/top"))


def stats(scene: Scene) -> None:
    shown = scene.run("stats", scene.container())
    assert "CPU %" in shown and "64" in shown


def attach(scene: Scene) -> None:
    """What tests/system/test_sessions.py types on a pseudo-terminal works; this is what it says where nobody listens."""
    refused = scene.client.end("appcontainer", "attach", scene.container(interactive=False))
    assert refused.code != 0 and "interactive" in refused.output + refused.errors


def cp(scene: Scene) -> None:
    id = scene.container()
    (scene.directory / "sent").write_text("to and fro")
    scene.run("cp", str(scene.directory / "sent"), f"{id}:/tmp")
    assert scene.session.execute(id, "cat /tmp/sent") == (0, "to and fro")
    (scene.directory / "back").mkdir()
    scene.run("cp", f"{id}:/tmp/sent", str(scene.directory / "back"))
    assert (scene.directory / "back" / "sent").read_text() == "to and fro"


# Networks.


def network_attach(scene: Scene) -> None:
    id = scene.container()
    other = scene.session.network("zunclient-2", "10.67.0.0/24")["id"]
    scene.run("network", "attach", "--network", other, id)
    container = until(lambda: _wired(scene, id, other), "it is wired") or {}
    ip = address(container, other)
    until(lambda: ip in scene.session.execute(id, "ip addr show eth1")[1], "the interface is there")


def _wired(scene: Scene, id: str, network: str) -> dict[str, Any] | None:
    container = scene.session.show(id)
    return container if network in container["addresses"] and container["task_state"] is None else None


def network_detach(scene: Scene) -> None:
    id = scene.container()
    scene.run("network", "detach", "--network", scene.network, id)
    until(lambda: scene.session.show(id)["addresses"] == {}, "no address is left")
    until(lambda: "eth0" not in scene.session.execute(id, "ip -o link")[1], "nor an interface")


def network_list(scene: Scene) -> None:
    id = scene.container()
    ended = scene.client.end("appcontainer", "network", "list", id)
    assert "Invalid formatter provided" in ended.errors, "it gets the list, and cannot print it with today's osc-lib"
    (entry,) = scene.session.ask("GET", f"{ONE}/{id}/network_list")["networks"]
    assert (entry["net_id"], entry["fixed_ips"][0]["ip_address"]) == (scene.network, address(scene.session.show(id)))


def add_security_group(scene: Scene) -> None:
    id, group = scene.container(), scene.session.group("zunclient-in")
    scene.client.run("--os-container-api-version", "1.14", "appcontainer", "add", "security", "group", id, group)
    until(lambda: group in scene.session.show(id)["security_groups"], "it is in the group")


def remove_security_group(scene: Scene) -> None:
    group = scene.session.group("zunclient-out")
    id = scene.container(security_groups=[group])
    scene.client.run("--os-container-api-version", "1.14", "appcontainer", "remove", "security", "group", id, group)
    until(lambda: group not in scene.session.show(id)["security_groups"], "it is not in the group any more")


def add_floating_ip(scene: Scene) -> None:
    id, ip = scene.container(), _floating_ip(scene)
    scene.run("add", "floating", "ip", id, ip)
    (found,) = scene.session.ask("GET", f"/network/v2.0/floatingips?floating_ip_address={ip}")["floatingips"]
    assert found["fixed_ip_address"] == address(scene.session.show(id))


def remove_floating_ip(scene: Scene) -> None:
    id, ip = scene.container(), _floating_ip(scene)
    scene.run("add", "floating", "ip", id, ip)
    scene.run("remove", "floating", "ip", ip)
    (found,) = scene.session.ask("GET", f"/network/v2.0/floatingips?floating_ip_address={ip}")["floatingips"]
    assert found["port_id"] is None


def _floating_ip(scene: Scene) -> str:
    if not scene.session.ask("GET", "/network/v2.0/routers?name=zunclient")["routers"]:
        scene.session.router("zunclient", scene.subnet)
    public = scene.session.ask("GET", "/network/v2.0/networks?router:external=true")["networks"][0]["id"]
    wish = {"floatingip": {"floating_network_id": public}}
    return str(scene.session.ask("POST", "/network/v2.0/floatingips", wish)["floatingip"]["floating_ip_address"])


def action_list(scene: Scene) -> None:
    id = scene.container()
    assert [row["action"] for row in scene.shown("action", "list", id)] == ["create"]


def action_show(scene: Scene) -> None:
    id = scene.container()
    (row,) = scene.shown("action", "list", id)
    shown = scene.shown("action", "show", id, row["request_id"])
    assert shown["action"] == "create" and "compute__do_container_start" in json.dumps(shown["events"])
