"""Capsules on a real engine: what their containers share, in which order they begin, and that nothing of them is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.system import audit
from tests.system.api import Session, address
from tests.system.clients import Clients
from tests.system.engine import Engine
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

CAPSULES = "/container/v1/capsules"
IDLE = "trap exit TERM; while true; do sleep 1; done"


def part(command: str, **wish: Any) -> dict[str, Any]:
    """A container of a capsule that runs a shell command."""
    requests = {"requests": {"cpu": 0.1, "memory": 32}}
    return {"image": "busybox", "command": ["sh", "-c", command], "resources": requests, **wish}


def create(session: Session, name: str, *parts: dict[str, Any], **spec: Any) -> dict[str, Any]:
    template = {"kind": "capsule", "metadata": {"name": name}, "spec": {"containers": list(parts), **spec}}
    return dict(session.ask("POST", CAPSULES, {"template": template}))


def becomes(session: Session, capsule: str, status: str) -> dict[str, Any]:
    def reached() -> dict[str, Any] | None:
        shown = session.ask("GET", f"{CAPSULES}/{capsule}")
        return shown if shown["status"] == status else None

    return until(reached, f"capsule {capsule} is {status}", 20) or {}


def delete(session: Session, capsule: str) -> None:
    session.ask("DELETE", f"{CAPSULES}/{capsule}")
    session.gone(f"{CAPSULES}/{capsule}")


@pytest.fixture
def session(cloud: Installation) -> Session:
    made = cloud.session("podder")
    if not made.ask("GET", "/network/v2.0/networks?name=pods")["networks"]:
        made.network("pods", "10.77.0.0/24")
    return made


def inside(cloud: Installation, engine: Engine, container: dict[str, Any], command: str) -> str:
    """What a shell command in a container of a capsule prints; only the engine reaches in there."""
    return engine.docker("exec", f"boxship-{cloud.mark}-{container['uuid']}", "sh", "-c", command)


def test_containers_share_addresses_and_ipc(cloud: Installation, engine: Engine, session: Session) -> None:
    made = create(
        session,
        "pair",
        part("mkdir /www; echo shared > /www/index.html; exec httpd -f -p 8080 -h /www"),
        part(IDLE),
    )
    other = create(session, "other", part(IDLE))
    shown = becomes(session, made["uuid"], "Running")
    first, second = shown["containers"]
    until(lambda: "shared" in inside(cloud, engine, second, "wget -qO- http://127.0.0.1:8080/ || true"), "it is served")
    assert address(shown) in inside(cloud, engine, second, "ip -o -4 addr show dev eth0")
    inside(cloud, engine, first, "echo word > /dev/shm/word")
    assert inside(cloud, engine, second, "cat /dev/shm/word") == "word"
    stranger = becomes(session, other["uuid"], "Running")["containers"][0]
    assert inside(cloud, engine, stranger, "ls /dev/shm") == "", "another capsule sees nothing of it"
    assert inside(cloud, engine, first, "readlink /proc/1/ns/ipc") == inside(
        cloud, engine, second, "readlink /proc/1/ns/ipc"
    )
    audit.assert_sound(cloud)
    delete(session, made["uuid"])
    delete(session, other["uuid"])
    audit.assert_sound(cloud)


def test_init_containers_run_in_order_before_the_others(cloud: Installation, engine: Engine, session: Session) -> None:
    mounts = [{"name": "work", "mountPath": "/work"}]
    made = create(
        session,
        "ordered",
        part(f"cp /work/log /tmp/log; {IDLE}", volumeMounts=[{"name": "work", "mountPath": "/work", "readOnly": True}]),
        initContainers=[
            part("sleep 1; echo one >> /work/log", volumeMounts=mounts),
            part("echo two >> /work/log", volumeMounts=mounts),
        ],
        volumes=[{"name": "work", "cinder": {"size": 1, "autoRemove": True}}],
    )
    shown = becomes(session, made["uuid"], "Running")
    assert [each["status"] for each in shown["init_containers"]] == ["Stopped", "Stopped"]
    (main,) = shown["containers"]
    assert inside(cloud, engine, main, "cat /tmp/log").split() == ["one", "two"]
    assert inside(cloud, engine, main, "echo x > /work/x 2>/dev/null || echo refused") == "refused"
    delete(session, made["uuid"])
    volumes = f"/volume/v3/{session.project_id}/volumes"
    until(lambda: session.ask("GET", volumes)["volumes"] == [], "the volume went with it")
    audit.assert_sound(cloud)


@pytest.mark.parametrize(("command", "status"), [("exit 0", "Succeeded"), ("exit 3", "Failed")])
def test_how_a_capsule_ends(session: Session, command: str, status: str) -> None:
    made = create(session, "ends", part(command), part("exit 0"), restartPolicy="Never")
    shown = becomes(session, made["uuid"], status)
    assert status == "Succeeded" or "exit code 3" in shown["status_reason"]
    delete(session, made["uuid"])


def test_an_init_container_that_fails_for_good_stops_the_rest(session: Session) -> None:
    made = create(session, "stillborn", part(IDLE), initContainers=[part("exit 7")], restartPolicy="Never")
    shown = becomes(session, made["uuid"], "Failed")
    assert "exit code 7" in shown["status_reason"]
    assert shown["containers"][0]["status"] == "Creating"
    delete(session, made["uuid"])


def test_deletion_ends_on_bad_days(cloud: Installation, engine: Engine, session: Session) -> None:
    """In the middle of creation, and when somebody else removed a container at the engine."""
    early = create(session, "early", part(IDLE), part(IDLE), volumes=[{"name": "data", "cinder": {"size": 1}}])
    delete(session, early["uuid"])
    robbed = create(session, "robbed", part(IDLE), part(IDLE))
    shown = becomes(session, robbed["uuid"], "Running")
    engine.docker("rm", "--force", f"boxship-{cloud.mark}-{shown['containers'][0]['uuid']}")
    shown = becomes(session, robbed["uuid"], "Failed")
    assert "removed from the engine" in shown["status_reason"]
    delete(session, robbed["uuid"])
    volumes = f"/volume/v3/{session.project_id}/volumes"
    for volume in session.ask("GET", volumes)["volumes"]:
        session.ask("DELETE", f"{volumes}/{volume['id']}")
    audit.assert_sound(cloud)


def test_a_volume_that_was_there_stays(cloud: Installation, engine: Engine, session: Session) -> None:
    """Two containers see what the other writes; ``autoRemove`` is only about volumes that the capsule made."""
    volumes = f"/volume/v3/{session.project_id}/volumes"
    kept = session.ask("POST", volumes, {"volume": {"size": 1, "name": "kept"}})["volume"]["id"]

    def is_now(status: str) -> None:
        until(lambda: session.ask("GET", f"{volumes}/{kept}")["volume"]["status"] == status, f"it is {status}", 20)

    is_now("available")
    mounts = [{"name": "data", "mountPath": "/data"}]
    wish = [{"name": "data", "cinder": {"volumeID": kept, "autoRemove": True}}]
    for said in ("written", "and kept"):
        made = create(session, "keeper", part(IDLE, volumeMounts=mounts), part(IDLE, volumeMounts=mounts), volumes=wish)
        first, second = becomes(session, made["uuid"], "Running")["containers"]
        is_now("in-use")
        inside(cloud, engine, first, f"echo {said} >> /data/word")
        assert said in inside(cloud, engine, second, "cat /data/word")
        last = inside(cloud, engine, first, "cat /data/word")
        delete(session, made["uuid"])
        is_now("available")
    assert last.splitlines() == ["written", "and kept"]
    session.ask("DELETE", f"{volumes}/{kept}")
    audit.assert_sound(cloud)


def test_init_containers_that_somebody_tidied_away(cloud: Installation, engine: Engine, session: Session) -> None:
    """What ``docker container prune`` does to a capsule that runs: nothing."""
    made = create(session, "tidied", part(IDLE), initContainers=[part("true")])
    shown = becomes(session, made["uuid"], "Running")
    engine.docker("rm", f"boxship-{cloud.mark}-{shown['init_containers'][0]['uuid']}")
    witness = create(session, "witness", part("true"), restartPolicy="Never")
    becomes(session, witness["uuid"], "Succeeded")
    assert becomes(session, made["uuid"], "Running")["init_containers"][0]["status"] == "Stopped"
    delete(session, made["uuid"])
    delete(session, witness["uuid"])
    audit.assert_sound(cloud)


@pytest.mark.parametrize("moment", ["in the middle of creation", "while it runs", "in the middle of deletion"])
def test_deletion_ends_though_the_program_was_killed(own_cloud: Installation, moment: str) -> None:
    """All that the capsule is made of is found again, and taken away, by a program that remembers nothing."""
    own_cloud.start()
    own_cloud.answers()
    session = own_cloud.session("podder")
    session.network("pods", "10.78.0.0/24")
    made = create(
        session,
        "cut",
        part(IDLE),
        part(IDLE),
        initContainers=[part("true")],
        volumes=[{"name": "work", "cinder": {"size": 1, "autoRemove": True}}],
    )
    if moment != "in the middle of creation":
        becomes(session, made["uuid"], "Running")
    if moment == "in the middle of deletion":
        session.ask("DELETE", f"{CAPSULES}/{made['uuid']}")
    own_cloud.kill()
    own_cloud.start()
    own_cloud.answers()
    if moment != "in the middle of deletion":
        becomes(session, made["uuid"], "Running")
        audit.assert_sound(own_cloud)
        session.ask("DELETE", f"{CAPSULES}/{made['uuid']}")
    session.gone(f"{CAPSULES}/{made['uuid']}")
    audit.assert_sound(own_cloud)
    assert session.ask("GET", f"/volume/v3/{session.project_id}/volumes")["volumes"] == []


def test_official_clients(cloud: Installation, openstack: Clients, tmp_path: Path) -> None:
    """Every ``openstack capsule`` command: create, list, show, delete."""
    office = openstack.json("network", "create", "capsule-office")["id"]
    openstack.run("subnet", "create", "capsule-desks", "--network", office, "--subnet-range", "10.79.0.0/24")
    wish = {
        "kind": "capsule",
        "capsuleVersion": "beta",
        "metadata": {"name": "brief", "labels": {"tier": "front"}},
        "spec": {"containers": [part(IDLE)], "restartPolicy": "Always"},
        "nets": [{"network": office}],
    }
    template = tmp_path / "capsule.yaml"
    template.write_text(json.dumps(wish))
    made = openstack.json("capsule", "create", "--file", str(template))
    assert (made["name"], made["labels"], made["status"]) == ("brief", {"tier": "front"}, "Pending")
    shown = until(lambda: _shown_running(openstack, "brief"), "it runs", 20) or {}
    assert shown["uuid"] == made["uuid"] and shown["restart_policy"]["Name"] == "always"
    assert shown["addresses"].startswith("10.79.0.")
    (listed,) = [one for one in openstack.json("capsule", "list") if one["uuid"] == made["uuid"]]
    assert (listed["name"], listed["status"], listed["addresses"]) == ("brief", "Running", shown["addresses"])
    paged = openstack.json("capsule", "list", "--limit", "1", "--sort-key", "uuid", "--sort-dir", "desc")
    assert len(paged) == 1
    everywhere = openstack.json("capsule", "list", "--all-projects", cloud="boxship-admin")
    assert made["uuid"] in [one["uuid"] for one in everywhere]
    assert "403" in openstack.end("capsule", "list", "--all-projects").errors
    assert "accepted" in openstack.run("capsule", "delete", "brief")
    until(lambda: openstack.end("capsule", "show", "brief").code != 0, "it is gone", 20)
    openstack.run("network", "delete", office)
    audit.assert_sound(cloud)


def _shown_running(openstack: Clients, name: str) -> dict[str, Any] | None:
    shown = openstack.json("capsule", "show", name)
    return dict(shown) if shown["status"] == "Running" else None
