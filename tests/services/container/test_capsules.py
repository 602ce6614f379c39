"""How a capsule is, whose turn it is, and which templates are read, as tables; and what a sweep takes away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec import structs

from boxship.core import errors
from boxship.services.container import model, plan, states
from boxship.services.container.schemas import capsules as schemas
from tests import cloud as clouds
from tests.services.container.containers import made
from tests.services.container.test_plan import NONE, row, seen

Status, Capsule, Role = states.Status, states.CapsuleStatus, model.Role


def one(role: model.Role, status: states.Status, code: int | None = None, **values: Any) -> model.Container:
    """A container of a capsule as it was seen last."""
    return row(**{"role": role, "status": status, "exit_code": code, "observed": 1, "capsule_id": "k"} | values)


def init(status: states.Status, code: int | None = None, **values: Any) -> model.Container:
    return one(Role.INIT, status, code, **values)


def main(status: states.Status, code: int | None = None, **values: Any) -> model.Container:
    return one(Role.MAIN, status, code, **values)


TABLE = [
    ("nothing is made yet", [main(Status.CREATING, observed=0)], Capsule.PENDING),
    ("one is made, another is not", [main(Status.RUNNING), main(Status.CREATED)], Capsule.PENDING),
    ("init containers are at work", [init(Status.RUNNING), main(Status.CREATING, observed=0)], Capsule.PENDING),
    ("one is tried again", [init(Status.RESTARTING, 1), main(Status.CREATING, observed=0)], Capsule.PENDING),
    ("all run", [init(Status.STOPPED, 0), main(Status.RUNNING), main(Status.RUNNING)], Capsule.RUNNING),
    ("one runs, one has ended", [main(Status.RUNNING), main(Status.STOPPED, 1)], Capsule.RUNNING),
    ("one is about to run again", [main(Status.RESTARTING, 1)], Capsule.RUNNING),
    ("all have ended well", [main(Status.STOPPED, 0), main(Status.STOPPED, 0)], Capsule.SUCCEEDED),
    ("one has ended badly", [main(Status.STOPPED, 0), main(Status.STOPPED, 1)], Capsule.FAILED),
    ("an init container has", [init(Status.STOPPED, 1), main(Status.CREATING, observed=0)], Capsule.FAILED),
    ("one could not be made", [main(Status.RUNNING), main(Status.ERROR)], Capsule.FAILED),
    ("nobody knows", [main(Status.UNKNOWN)], Capsule.UNKNOWN),
]


@pytest.mark.parametrize(("containers", "expected"), [case[1:] for case in TABLE], ids=[case[0] for case in TABLE])
def test_the_status_of_a_capsule(containers: list[model.Container], expected: states.CapsuleStatus) -> None:
    status, reason = plan.capsule_status(containers)
    assert status is expected
    assert (reason is not None) is (expected in {Capsule.FAILED, Capsule.UNKNOWN})


TURNS = [
    ("the first has it at once", init(Status.CREATING, position=0), [], True),
    ("the next one waits", init(Status.CREATING, position=1), [init(Status.RUNNING, position=0)], False),
    ("until the one before ended well", init(Status.CREATING, position=1), [init(Status.STOPPED, 0, position=0)], True),
    ("not badly", init(Status.CREATING, position=1), [init(Status.STOPPED, 1, position=0)], False),
    (
        "main ones wait for all of them",
        main(Status.CREATING, position=2),
        [init(Status.STOPPED, 0, position=0), init(Status.CREATING, position=1)],
        False,
    ),
    ("not for each other", main(Status.CREATING, position=1), [main(Status.CREATING, position=0)], True),
]


@pytest.mark.parametrize(("container", "siblings", "expected"), [case[1:] for case in TURNS], ids=[c[0] for c in TURNS])
def test_whose_turn_it_is(container: model.Container, siblings: list[model.Container], *, expected: bool) -> None:
    assert plan.has_turn(container, siblings) is expected


DONE = {"role": Role.INIT, "engine_id": "e1", "observed": 1}
TIDIED = [
    ("what has done its part may be tidied away", row(status=Status.STOPPED, exit_code=0, **DONE), plan.Step.NOTHING),
    ("what has not may not", row(status=Status.STOPPED, exit_code=1, started=1, **DONE), plan.Step.VANISHED),
    ("nor what was at work", row(status=Status.RUNNING, started=1, **DONE), plan.Step.VANISHED),
]


@pytest.mark.parametrize(("container", "expected"), [case[1:] for case in TIDIED], ids=[case[0] for case in TIDIED])
def test_an_init_container_that_somebody_removed(container: model.Container, expected: plan.Step) -> None:
    assert plan.next_step(container, seen(NONE)) is expected


def template(part: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A template of one container, with what differs."""
    spec = {"containers": [{"image": "nginx", **(part or {})}], **fields.pop("spec", {})}
    return {"kind": "capsule", "metadata": {}, "spec": spec, **fields}


def read(wish: object) -> schemas.Template:
    return schemas.read(json.dumps({"template": wish}).encode())


def test_what_is_read_of_a_template() -> None:
    volumes = [{"name": "work", "cinder": {"size": "2", "autoRemove": "true"}}]
    ports = [{"containerPort": 80, "hostPort": 80}, {"containerPort": "53", "protocol": "UDP"}]
    wish = template(
        {"ports": ports, "resources": {"requests": {"cpu": "0.5", "memory": "64"}}},
        spec={"restartPolicy": "Never", "initContainers": None, "volumes": volumes},
        metadata={"name": "web", "namespace": "default"},
    )
    for form in (wish, json.dumps(wish)):
        found = read(form)
        assert (found.metadata.name, found.spec.restart_policy) == ("web", "Never")
        assert [port.exposed for port in found.spec.containers[0].ports or ()] == ["80/tcp", "53/udp"]


REFUSED = [
    (template({"image": 5}), "template.spec.containers[0].image"),
    (template({"env": {"A": 1}}), "template.spec.containers[0].env[...]"),
    (template({"imagePullPolicy": "sometimes"}), "template.spec.containers[0].imagePullPolicy"),
    (template({"resources": {"limits": {}}}), "template.spec.containers[0].resources.limits"),
    (template({"resources": {"requests": {"cpu": 17}}}), "template.spec.containers[0].resources.requests.cpu"),
    (template({"ports": [{"containerPort": 65536}]}), "template.spec.containers[0].ports[0].containerPort"),
    (template({"volumeMounts": [{"name": "work"}]}), "template.spec.containers[0].volumeMounts[0].mountPath"),
    (template(spec={"restartPolicy": "always"}), "template.spec.restartPolicy"),
    (template(spec={"initContaners": []}), "template.spec.initContaners"),
    (template(spec={"volumes": [{"name": "work"}]}), "template.spec.volumes[0].cinder"),
    (template(metadata={"name": "-"}), "template.metadata.name"),
    (template(kind="pod"), "template.kind"),
    (template(capsuleVersion="v1"), "template.capsuleVersion"),
    ({"kind": "capsule", "metadata": {}}, "template.spec"),
    ({"kind": "capsule", "spec": {"containers": [{"image": "nginx"}]}}, "template.metadata"),
    (None, "template"),
    ("[", "template"),
    ("\ud800", "body"),
]


@pytest.mark.parametrize(("wish", "field"), REFUSED, ids=[f"{at} {case[1]}" for at, case in enumerate(REFUSED)])
def test_what_is_wrong_with_a_template_is_named(wish: object, field: str) -> None:
    with pytest.raises(errors.BadRequest) as refused:
        read(wish)
    assert refused.value.field == field


def test_a_port_that_comes_as_text_is_a_port() -> None:
    (part,) = read(template({"ports": [{"containerPort": "70000"}]})).spec.containers
    with pytest.raises(errors.BadRequest, match="containerPort"):
        assert part.ports and part.ports[0].exposed


def test_a_capsule_that_is_wanted_gone_is_shown_as_going() -> None:
    capsule = model.Capsule(
        id="k",
        project_id="p",
        user_id="u",
        created_at=row().created_at,
        name=None,
        labels={},
        annotations={},
        restart_policy="no",
        availability_zone=None,
        cpu=1.0,
        memory=64,
        host="here",
        status=Capsule.RUNNING,
    )
    assert capsule.shown_status == "Running"
    assert structs.replace(capsule, wish=states.Wish.GONE).shown_status == "Deleting"


async def test_a_sweep_takes_what_no_capsule_has(tmp_path: Path) -> None:
    """And leaves the sandboxes and pods of capsules alone, though these are no containers."""
    async with clouds.running(tmp_path) as running:
        await made(running)  # its network is the one that the capsule is on
        answer = await running.request("alice", "POST", "/container/v1/capsules", json={"template": template()})
        assert answer.status_code == 202, answer.text
        id, drivers, orphan = answer.json()["uuid"], running.program.drivers, str(uuid4())

        async def runs() -> bool:
            shown = await running.request("alice", "GET", f"/container/v1/capsules/{id}")
            return bool(shown.json()["status"] == "Running")

        await running.until(runs, "the capsule runs")
        await drivers.engine.ensure_pod(orphan)
        await drivers.fabric.ensure_sandbox(orphan)
        for reconciler in running.service("container").reconcilers:
            await reconciler.sweep()
        assert await drivers.engine.pods() == {id}
        sandboxes = (await drivers.fabric.sight()).sandboxes
        assert id in sandboxes and orphan not in sandboxes
        assert await runs()
        assert (await running.request("alice", "DELETE", f"/container/v1/capsules/{id}")).status_code == 204

        async def forgotten() -> bool:
            gone = (await running.request("alice", "GET", f"/container/v1/capsules/{id}")).status_code == 404
            left = (await drivers.fabric.sight()).sandboxes
            return gone and not await drivers.engine.pods() and id not in left

        await running.until(forgotten, "nothing of the capsule is left")
