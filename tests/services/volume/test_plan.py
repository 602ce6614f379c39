"""The plan and the states of a volume, as tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from boxship.drivers.storage.interface import VolumeSight
from boxship.services.volume import plan, states
from boxship.services.volume.model import Volume

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
        "path": None,
        "fault": None,
        "status": "",
        "updated_at": None,
    }
    return Volume(**(defaults | values))


REST = VolumeSight("v", 1)
BOUND = VolumeSight("v", 1, device=Path("/dev/loop1"))
UP = VolumeSight("v", 1, device=Path("/dev/loop1"), path=Path("/mounts/v"))
GONE = {"deleting": True}
NEEDED = {"attached": True}


@pytest.mark.parametrize(
    ("wish", "sight", "held", "step"),
    [
        ({"made": False}, None, False, Step.CREATE),
        ({"made": False}, REST, False, Step.SETTLED),
        ({}, None, False, Step.LOST),
        ({}, REST, False, Step.SETTLED),
        ({}, BOUND, False, Step.UNMOUNT),
        ({}, UP, False, Step.UNMOUNT),
        (NEEDED, None, True, Step.LOST),
        (NEEDED | {"made": False}, None, True, Step.CREATE),
        (NEEDED, REST, True, Step.MOUNT),
        (NEEDED, BOUND, True, Step.MOUNT),
        (NEEDED, UP, True, Step.SETTLED),
        (GONE, None, False, Step.FORGET),
        (GONE, REST, False, Step.REMOVE),
        (GONE, BOUND, False, Step.UNMOUNT),
        (GONE, UP, False, Step.UNMOUNT),
        (GONE, REST, True, Step.WAIT),
        (GONE, UP, True, Step.WAIT),
        (GONE | {"made": False}, None, False, Step.FORGET),
        (GONE | NEEDED, REST, True, Step.MOUNT),
        (GONE | NEEDED, UP, True, Step.SETTLED),
    ],
)
def test_the_next_step(wish: dict[str, Any], sight: VolumeSight | None, held: bool, step: plan.Step) -> None:
    assert plan.next_step(row(**wish), sight, held=held) == step


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"made": False}, State.CREATING),
        ({"made": False, "fault": "full"}, State.ERROR),
        ({"made": False, "fault": "full", "generation": 2}, State.CREATING),
        ({}, State.AVAILABLE),
        (NEEDED, State.RESERVED),
        (NEEDED | {"path": "/m"}, State.IN_USE),
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
