"""The plan and the states of shares, their rules and their snapshots, as tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from boxship.drivers.shares.interface import Access, Export
from boxship.drivers.storage.interface import SnapshotSight, VolumeSight
from boxship.services.share import plan, states
from boxship.services.share.model import GIB, Rule, Share, Snapshot

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Step, State, RuleState, SnapshotState = plan.Step, states.State, states.RuleState, states.SnapshotState


def row(**values: Any) -> Share:
    """A share that was made."""
    defaults: dict[str, Any] = {
        "id": "s",
        "project_id": "p",
        "user_id": "u",
        "type_id": "t",
        "share_proto": "NFS",
        "availability_zone": "nova",
        "created_at": NOW,
        "host": "host",
        "snapshot_id": None,
        "name": None,
        "description": None,
        "is_public": False,
        "size": 1,
        "observed": 1,
        "made": True,
        "made_size": 1,
    }
    return Share(**(defaults | values))


PATH = Path("/mounts/s")
REST = VolumeSight("s", GIB)
BOUND = VolumeSight("s", GIB, device=Path("/dev/loop1"))
UP = VolumeSight("s", GIB, device=Path("/dev/loop1"), path=PATH)
OPEN = Export("s", PATH, (Access("10.0.0.1", writable=True),))
CLOSER = Export("s", PATH, (Access("10.0.0.1", writable=False),))
NEW = {"made": False, "made_size": 0}
GONE = {"deleting": True}
LARGER = {"size": 2}
BACK = {"revert_to": "x", "revert_asked": 1}
BROKEN = {"condemned": True}
LARGE = VolumeSight("s", 2 * GIB)
LARGE_UP = VolumeSight("s", 2 * GIB, device=Path("/dev/loop1"), path=PATH)


@pytest.mark.parametrize(
    ("wish", "volume", "export", "wanted", "step"),
    [
        (NEW, None, None, None, Step.CREATE),
        (NEW | BROKEN, None, None, None, Step.WAIT),
        (NEW, REST, None, None, Step.MOUNT),
        ({}, None, None, None, Step.LOST),
        (BROKEN, None, None, None, Step.LOST),
        (BROKEN, REST, None, None, Step.MOUNT),
        ({}, REST, None, None, Step.MOUNT),
        ({}, BOUND, None, None, Step.MOUNT),
        ({}, UP, None, None, Step.SETTLED),
        ({}, UP, None, OPEN, Step.EXPORT),
        ({}, UP, OPEN, OPEN, Step.SETTLED),
        ({}, UP, OPEN, CLOSER, Step.EXPORT),
        ({}, UP, OPEN, None, Step.EXPORT),
        (LARGER, REST, None, None, Step.EXTEND),
        (LARGER, UP, OPEN, OPEN, Step.EXTEND),
        (LARGER, LARGE, None, None, Step.MOUNT),
        ({}, LARGE_UP, OPEN, OPEN, Step.WITHDRAW),
        ({}, LARGE_UP, None, OPEN, Step.UNMOUNT),
        ({}, LARGE, None, None, Step.SHRINK),
        (BACK, UP, OPEN, OPEN, Step.WITHDRAW),
        (BACK, UP, None, OPEN, Step.UNMOUNT),
        (BACK, BOUND, None, None, Step.UNMOUNT),
        (BACK, REST, None, None, Step.REVERT),
        (BACK | LARGER, REST, None, None, Step.REVERT),
        (BACK | {"reverted": 1}, UP, OPEN, OPEN, Step.SETTLED),
        (GONE, UP, OPEN, OPEN, Step.WITHDRAW),
        (GONE, UP, None, OPEN, Step.UNMOUNT),
        (GONE, BOUND, None, None, Step.UNMOUNT),
        (GONE, REST, OPEN, None, Step.WITHDRAW),
        (GONE, REST, None, None, Step.REMOVE),
        (GONE, None, OPEN, None, Step.WITHDRAW),
        (GONE, None, None, None, Step.FORGET),
        (GONE | NEW, None, None, None, Step.FORGET),
        (GONE | LARGER | BACK, REST, None, None, Step.REMOVE),
    ],
)
def test_the_next_step(
    wish: dict[str, Any], volume: VolumeSight | None, export: Export | None, wanted: Export | None, step: plan.Step
) -> None:
    assert plan.next_step(row(**wish), plan.Sight(volume, export), wanted, held=False) == step


@pytest.mark.parametrize("volume", [None, REST, UP])
def test_what_is_held_is_not_removed(volume: VolumeSight | None) -> None:
    assert plan.next_step(row(**GONE), plan.Sight(volume, OPEN), OPEN, held=True) == Step.WAIT
    assert plan.next_step(row(), plan.Sight(UP, OPEN), OPEN, held=True) == Step.SETTLED


def test_what_is_still_being_copied_is_removed_before_it_is_forgotten() -> None:
    assert plan.next_step(row(**GONE), plan.Sight(None, None, copying=True), None, held=False) == Step.REMOVE


def snapshot(**values: Any) -> Snapshot:
    """A snapshot that was taken."""
    defaults: dict[str, Any] = {"made": True, "observed": 1}
    return Snapshot("x", "s", "p", "u", 1, "NFS", NOW, "host", None, None, **(defaults | values))


TAKEN = SnapshotSight("x", "s", GIB)


@pytest.mark.parametrize(
    ("wish", "sight", "held", "copying", "step"),
    [
        ({"made": False}, None, False, False, Step.CREATE),
        ({"made": False}, TAKEN, False, False, Step.SETTLED),
        ({}, TAKEN, True, False, Step.SETTLED),
        ({}, None, False, False, Step.LOST),
        (GONE, TAKEN, True, False, Step.WAIT),
        (GONE, None, True, False, Step.WAIT),
        (GONE, TAKEN, False, False, Step.REMOVE),
        (GONE, None, False, True, Step.REMOVE),
        (GONE, None, False, False, Step.FORGET),
    ],
)
def test_the_next_step_of_a_snapshot(
    wish: dict[str, Any], sight: SnapshotSight | None, held: bool, copying: bool, step: plan.Step
) -> None:
    assert plan.next_snapshot_step(snapshot(**wish), sight, held=held, copying=copying) == step


FAILED = {"fault": "no"}
FORGIVEN = {"fault": "no", "generation": 2}


@pytest.mark.parametrize(
    ("values", "state"),
    [
        (NEW, State.CREATING),
        (NEW | {"snapshot_id": "x"}, State.FROM_SNAPSHOT),
        (NEW | FAILED, State.ERROR),
        (NEW | FORGIVEN, State.CREATING),
        (NEW | BROKEN, State.ERROR),
        ({}, State.AVAILABLE),
        ({"snapshot_id": "x"}, State.AVAILABLE),
        (FAILED, State.ERROR),
        (FORGIVEN, State.AVAILABLE),
        (BROKEN, State.ERROR),
        (LARGER, State.EXTENDING),
        (LARGER | FAILED, State.ERROR),
        ({"made_size": 2}, State.SHRINKING),
        (BACK, State.REVERTING),
        (BACK | {"made_size": 2}, State.REVERTING),
        (BACK | {"reverted": 1, "made_size": 2}, State.REVERTING),
        (BACK | {"reverted": 1}, State.REVERTING),
        (BACK | {"reverted": 1, "revert_to": None}, State.AVAILABLE),
        ({"declared": State.EXTENDING_ERROR}, State.EXTENDING_ERROR),
        ({"declared": State.SHRINKING_ERROR}, State.SHRINKING_ERROR),
        ({"declared": State.DATA_LOSS}, State.DATA_LOSS),
        ({"declared": State.REVERTING_ERROR}, State.REVERTING_ERROR),
        ({"declared": State.EXTENDING_ERROR} | LARGER, State.EXTENDING),
        ({"declared": "migrating"}, "migrating"),
        ({"declared": "migrating"} | FAILED, State.ERROR),
        (GONE, State.DELETING),
        (GONE | {"declared": State.EXTENDING_ERROR}, State.DELETING),
        (GONE | BROKEN, State.DELETING),
        (GONE | FAILED, State.ERROR_DELETING),
        (GONE | FORGIVEN, State.DELETING),
    ],
)
def test_the_state_follows_from_wish_and_sight(values: dict[str, Any], state: str) -> None:
    assert states.shown(row(**values)) == state


def test_every_step_and_every_state_has_a_line_above() -> None:
    lines = {
        test.pytestmark[0].args[0][-1]: {line[-1] for line in test.pytestmark[0].args[1]}
        for test in (test_the_next_step, test_the_state_follows_from_wish_and_sight)
    }
    assert lines["step"] == set(Step)
    assert lines["state"] >= set(State)


def rule(**values: Any) -> Rule:
    """A rule that was just asked for."""
    return Rule("r", "s", "ip", "10.0.0.1", "rw", NOW, **values)


ACTIVE = {"applied": True}
DENIED = {"deleting": True, "applied": True}


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, RuleState.APPLYING),
        (ACTIVE, RuleState.ACTIVE),
        (DENIED, RuleState.DENYING),
        ({"deleting": True}, RuleState.DENYING),
        (FAILED, RuleState.ERROR),
        (ACTIVE | FAILED, RuleState.ERROR),
        (DENIED | FAILED, RuleState.ERROR),
    ],
)
def test_the_state_of_a_rule_follows(values: dict[str, Any], state: states.RuleState) -> None:
    assert states.rule_shown(rule(**values)) == state


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ([], "active"),
        ([ACTIVE, ACTIVE], "active"),
        ([ACTIVE, {}], "syncing"),
        ([ACTIVE, DENIED], "syncing"),
        ([{}, FAILED], "error"),
        ([ACTIVE, FAILED], "error"),
    ],
)
def test_the_state_of_all_rules_together(rules: list[dict[str, Any]], state: str) -> None:
    assert states.rules_shown([rule(**values) for values in rules]) == state


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"made": False}, SnapshotState.CREATING),
        ({"made": False} | FAILED, SnapshotState.ERROR),
        ({"made": False} | FORGIVEN, SnapshotState.CREATING),
        ({}, SnapshotState.AVAILABLE),
        (BROKEN, SnapshotState.ERROR),
        ({"declared": "restoring"}, SnapshotState.RESTORING),
        ({"declared": "restoring"} | FAILED, SnapshotState.ERROR),
        (GONE, SnapshotState.DELETING),
        (GONE | BROKEN, SnapshotState.DELETING),
        (GONE | FAILED, SnapshotState.ERROR_DELETING),
        (GONE | FORGIVEN, SnapshotState.DELETING),
    ],
)
def test_the_state_of_a_snapshot_follows(values: dict[str, Any], state: str) -> None:
    assert states.snapshot_shown(snapshot(**values)) == state
