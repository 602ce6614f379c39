"""The whole life of a container as a table: row and sight in, step out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from boxship.drivers.engine.interface import ContainerSight, EngineState
from boxship.services.container import model, plan, states

BOOT = "this-boot"
Step, Wish, Status = plan.Step, states.Wish, states.Status


def row(**values: Any) -> model.Container:
    """A container that is to run, just asked for."""
    defaults: dict[str, Any] = {
        "id": "c1",
        "project_id": "p",
        "user_id": "u",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "name": "web",
        "image": "busybox:latest",
        "image_driver": "docker",
        "image_id": None,
        "image_pull_policy": None,
        "command": None,
        "entrypoint": None,
        "environment": {},
        "labels": {},
        "workdir": None,
        "hostname": None,
        "cpu": 1.0,
        "memory": 512,
        "disk": 10,
        "restart_policy": None,
        "healthcheck": None,
        "interactive": False,
        "tty": False,
        "privileged": False,
        "auto_remove": False,
        "auto_heal": False,
        "availability_zone": None,
        "plugs": [model.Plug("port", "net")],
        "wish": Wish.RUNNING,
        "starts": 1,
    }
    return model.Container(**(defaults | values))


def settled(status: states.Status, **values: Any) -> model.Container:
    """A container whose wish was met."""
    return row(
        **{"status": status, "observed": 1, "started": 1, "engine_id": "e1", "boot_id": BOOT} | values,
    )


def seen(state: EngineState | None, **values: Any) -> plan.Seen:
    sight = ContainerSight("c1", "e1", state, None, "", None, None, None, 0) if state else None
    defaults: dict[str, Any] = {"image": True, "volumes": True, "wired": True, "boot_id": BOOT}
    return plan.Seen(container=sight, **(defaults | values))


NONE, CREATED, RUNNING, EXITED = None, EngineState.CREATED, EngineState.RUNNING, EngineState.EXITED
RESTARTING, PAUSED, DEAD = EngineState.RESTARTING, EngineState.PAUSED, EngineState.DEAD

TABLE = [
    ("a new one waits for its volumes", row(), seen(NONE, volumes=False), Step.WAIT),
    ("then for its image", row(), seen(NONE, image=False), Step.PULL),
    ("then it is made, wired or not", row(), seen(NONE, wired=False), Step.CREATE),
    ("it never starts before its ports are wired", row(), seen(CREATED, wired=False), Step.WAIT),
    ("nor before its volumes are there", row(), seen(CREATED, volumes=False), Step.WAIT),
    ("then it starts", row(), seen(CREATED), Step.START),
    ("then it is settled", row(), seen(RUNNING), Step.NOTHING),
    ("one that is only to be made is settled when made", row(wish=Wish.CREATED, starts=0), seen(CREATED), Step.NOTHING),
    ("a port that cannot be wired fails it", row(), seen(NONE, trouble="no"), Step.FAIL),
    ("also when it is made already", row(), seen(CREATED, trouble="no"), Step.FAIL),
    ("an error stays until something new is asked", settled(Status.ERROR), seen(CREATED), Step.NOTHING),
    ("a start after an error tries again", settled(Status.ERROR, starts=2, generation=2), seen(CREATED), Step.START),
    ("also from the beginning", settled(Status.ERROR, engine_id=None, starts=2, generation=2), seen(NONE), Step.CREATE),
    ("one that ended by itself stays stopped", settled(Status.RUNNING), seen(EXITED), Step.NOTHING),
    ("unless it is to be removed then", settled(Status.RUNNING, auto_remove=True), seen(EXITED), Step.DISMISS),
    (
        "one cut off by a reboot of the host starts again",
        settled(Status.RUNNING, boot_id="old"),
        seen(EXITED),
        Step.START,
    ),
    ("when it is wired again", settled(Status.RUNNING, boot_id="old"), seen(EXITED, wired=False), Step.WAIT),
    (
        "one that had ended before the reboot does not",
        settled(Status.STOPPED, boot_id="old"),
        seen(EXITED),
        Step.NOTHING,
    ),
    ("a stop stops", settled(Status.RUNNING, wish=Wish.STOPPED, generation=2), seen(RUNNING), Step.STOP),
    ("also a paused one", settled(Status.PAUSED, wish=Wish.STOPPED, generation=2), seen(PAUSED), Step.STOP),
    ("also one that the engine restarts", settled(Status.RUNNING, wish=Wish.STOPPED), seen(RESTARTING), Step.STOP),
    ("a stopped one is settled", settled(Status.RUNNING, wish=Wish.STOPPED, generation=2), seen(EXITED), Step.NOTHING),
    ("a start of a stopped one starts it", settled(Status.STOPPED, starts=2, generation=2), seen(EXITED), Step.START),
    ("a reboot stops first", settled(Status.RUNNING, reboots=1, generation=2), seen(RUNNING), Step.STOP),
    ("and then starts", settled(Status.RUNNING, reboots=1, generation=2), seen(EXITED), Step.START),
    (
        "a reboot of one that never ran starts it",
        settled(Status.CREATED, reboots=1, generation=2),
        seen(CREATED),
        Step.START,
    ),
    ("removed behind our back is an error", settled(Status.RUNNING), seen(NONE), Step.VANISHED),
    ("or is healed", settled(Status.RUNNING, auto_heal=True), seen(NONE), Step.CREATE),
    ("a healed one is started", settled(Status.RUNNING, auto_heal=True), seen(CREATED), Step.START),
    ("or goes, if it was to go anyway", settled(Status.RUNNING, auto_remove=True), seen(NONE), Step.DISMISS),
    (
        "removed behind our back and started: made again",
        settled(Status.ERROR, starts=2, generation=2),
        seen(NONE),
        Step.CREATE,
    ),
    ("deletion removes", settled(Status.STOPPED, wish=Wish.GONE, generation=2), seen(EXITED), Step.REMOVE),
    ("also a running one", settled(Status.RUNNING, wish=Wish.GONE, generation=2), seen(RUNNING), Step.REMOVE),
    ("also a dead one", settled(Status.DEAD, wish=Wish.GONE, generation=2), seen(DEAD), Step.REMOVE),
    (
        "with a stop before, if asked",
        settled(Status.RUNNING, wish=Wish.GONE, stop_first=True),
        seen(RUNNING),
        Step.STOP,
    ),
    ("then lets go of ports", settled(Status.RUNNING, wish=Wish.GONE), seen(NONE), Step.RELEASE),
    (
        "waits until they are unplugged",
        settled(Status.RUNNING, wish=Wish.GONE, plugs=[]),
        seen(NONE, plugged=True),
        Step.WAIT,
    ),
    ("and is forgotten", settled(Status.RUNNING, wish=Wish.GONE, plugs=[]), seen(NONE), Step.CLEAN),
    ("deletion works from an error", settled(Status.ERROR, wish=Wish.GONE, plugs=[]), seen(NONE), Step.CLEAN),
    ("and before anything was made", row(wish=Wish.GONE), seen(NONE), Step.RELEASE),
    ("and with ports that cannot be wired", row(wish=Wish.GONE), seen(CREATED, trouble="no"), Step.REMOVE),
]


@pytest.mark.parametrize(
    ("container", "sight", "expected"), [case[1:] for case in TABLE], ids=[case[0] for case in TABLE]
)
def test_next_step(container: model.Container, sight: plan.Seen, expected: plan.Step) -> None:
    assert plan.next_step(container, sight) is expected


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (row(), states.TaskState.CREATING),
        (row(pulling=True), states.TaskState.IMAGE_PULLING),
        (settled(Status.RUNNING), None),
        (settled(Status.ERROR), None),
        (settled(Status.RUNNING, wish=Wish.STOPPED, generation=2), states.TaskState.STOPPING),
        (settled(Status.STOPPED, starts=2, generation=2), states.TaskState.STARTING),
        (settled(Status.RUNNING, reboots=1, generation=2), states.TaskState.REBOOTING),
        (settled(Status.RUNNING, wish=Wish.GONE, generation=2), states.TaskState.DELETING),
    ],
)
def test_task_state_follows_from_wish_and_sight(container: model.Container, expected: states.TaskState | None) -> None:
    assert container.task_state is expected
