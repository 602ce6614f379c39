"""The plan and the states of a volume, as tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from boxship.drivers.storage.interface import SnapshotSight, VolumeSight
from boxship.services.volume import plan, states
from boxship.services.volume.model import GIB, Snapshot, Volume

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Step, State = plan.Step, states.State


def row(**values: Any) -> Volume:
    """A volume that was made and that nobody needs."""
    defaults: dict[str, Any] = {
        "id": "v",
        "project_id": "p",
        "user_id": "u",
        "size": 1,
        "type_id": "t",
        "availability_zone": "nova",
        "multiattach": False,
        "created_at": NOW,
        "name": None,
        "description": None,
        "deleting": False,
        "attached": False,
        "condemned": False,
        "generation": 1,
        "observed": 1,
        "made": True,
        "made_size": 1,
        "path": None,
        "fault": None,
        "status": "",
        "updated_at": None,
    }
    return Volume(**(defaults | values))


REST = VolumeSight("v", GIB)
BOUND = VolumeSight("v", GIB, device=Path("/dev/loop1"))
UP = VolumeSight("v", GIB, device=Path("/dev/loop1"), path=Path("/mounts/v"))
GONE = {"deleting": True}
NEEDED = {"attached": True, "mounted": True}
LENT = {"attached": True}
LARGER = {"size": 2}
BACK = {"revert_to": "s", "revert_asked": 1}


@pytest.mark.parametrize(
    ("wish", "sight", "held", "step"),
    [
        ({"made": False}, None, False, Step.CREATE),
        ({"made": False}, REST, False, Step.SETTLED),
        ({}, None, False, Step.LOST),
        ({}, REST, False, Step.SETTLED),
        ({}, BOUND, False, Step.DETACH),
        ({}, UP, False, Step.UNMOUNT),
        (NEEDED, None, True, Step.LOST),
        (NEEDED | {"made": False}, None, True, Step.CREATE),
        (NEEDED, REST, True, Step.MOUNT),
        (NEEDED, BOUND, True, Step.MOUNT),
        (NEEDED, UP, True, Step.SETTLED),
        (GONE, None, False, Step.FORGET),
        (GONE, REST, False, Step.REMOVE),
        (GONE, BOUND, False, Step.DETACH),
        (GONE, UP, False, Step.UNMOUNT),
        (GONE, REST, True, Step.WAIT),
        (GONE, UP, True, Step.WAIT),
        (GONE | {"made": False}, None, False, Step.FORGET),
        (GONE | NEEDED, REST, True, Step.MOUNT),
        (GONE | NEEDED, UP, True, Step.SETTLED),
        (LENT, REST, False, Step.ATTACH),
        (LENT, BOUND, False, Step.SETTLED),
        (LENT, UP, False, Step.LOOSEN),
        (LARGER, REST, False, Step.EXTEND),
        (LARGER | NEEDED, UP, True, Step.EXTEND),
        (LARGER | GONE, REST, False, Step.REMOVE),
        (BACK, REST, False, Step.REVERT),
        (BACK, BOUND, False, Step.DETACH),
        (BACK, UP, False, Step.UNMOUNT),
        (BACK | {"reverted": 1}, REST, False, Step.SETTLED),
    ],
)
def test_the_next_step(wish: dict[str, Any], sight: VolumeSight | None, held: bool, step: plan.Step) -> None:
    assert plan.next_step(row(**wish), sight, held=held) == step


def test_what_is_still_being_copied_is_removed_before_it_is_forgotten() -> None:
    assert plan.next_step(row(**GONE, made=False), None, held=False, copying=True) == Step.REMOVE


def snapshot(**values: Any) -> Snapshot:
    """A snapshot that was taken."""
    defaults: dict[str, Any] = {"made": True, "observed": 1}
    return Snapshot("s", "v", "p", "u", 1, NOW, "host", None, None, **(defaults | values))


TAKEN = SnapshotSight("s", "v", GIB)


@pytest.mark.parametrize(
    ("wish", "sight", "held", "copying", "step"),
    [
        ({"made": False}, None, False, False, Step.CREATE),
        ({"made": False}, TAKEN, False, False, Step.SETTLED),
        ({}, TAKEN, True, False, Step.SETTLED),
        ({}, None, False, False, Step.LOST),
        (GONE, TAKEN, True, False, Step.WAIT),
        (GONE, TAKEN, False, False, Step.REMOVE),
        (GONE, None, False, True, Step.REMOVE),
        (GONE, None, False, False, Step.FORGET),
        (GONE, None, True, False, Step.WAIT),
    ],
)
def test_the_next_step_of_a_snapshot(
    wish: dict[str, Any], sight: SnapshotSight | None, held: bool, copying: bool, step: plan.Step
) -> None:
    assert plan.next_snapshot_step(snapshot(**wish), sight, held=held, copying=copying) == step


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"made": False}, states.SnapshotState.CREATING),
        ({"made": False, "fault": "full"}, states.SnapshotState.ERROR),
        ({}, states.SnapshotState.AVAILABLE),
        ({"condemned": True}, states.SnapshotState.ERROR),
        (GONE, states.SnapshotState.DELETING),
        (GONE | {"fault": "no"}, states.SnapshotState.ERROR_DELETING),
        (GONE | {"fault": "no", "generation": 2}, states.SnapshotState.DELETING),
    ],
)
def test_the_state_of_a_snapshot_follows(values: dict[str, Any], state: states.SnapshotState) -> None:
    assert states.snapshot_shown(snapshot(**values)) == state


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"made": False}, State.CREATING),
        ({"made": False, "fault": "full"}, State.ERROR),
        ({"made": False, "fault": "full", "generation": 2}, State.CREATING),
        ({}, State.AVAILABLE),
        (NEEDED, State.RESERVED),
        (NEEDED | {"path": "/m"}, State.IN_USE),
        (NEEDED | {"device": "/dev/loop1"}, State.RESERVED),
        (LENT | {"device": "/dev/loop1"}, State.IN_USE),
        ({"device": "/dev/loop1"}, State.DETACHING),
        (LARGER, State.EXTENDING),
        (LARGER | {"fault": "full"}, State.ERROR),
        (BACK, State.REVERTING),
        (BACK | {"reverted": 1}, State.AVAILABLE),
        (NEEDED | {"fault": "no"}, State.ERROR),
        ({"path": "/m"}, State.DETACHING),
        ({"condemned": True}, State.ERROR),
        (GONE, State.DELETING),
        (GONE | {"fault": "no"}, State.ERROR_DELETING),
        (GONE | {"fault": "no", "generation": 2}, State.DELETING),
        (GONE | {"condemned": True}, State.DELETING),
    ],
)
def test_the_state_follows_from_wish_and_sight(values: dict[str, Any], state: states.State) -> None:
    assert states.shown(row(**values)) == state
