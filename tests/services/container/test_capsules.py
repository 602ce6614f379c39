"""How a capsule is, and whose turn it is, as tables over the rows of its containers."""

from __future__ import annotations

from typing import Any

import pytest

from boxship.services.container import model, plan, states
from tests.services.container.test_plan import row

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
