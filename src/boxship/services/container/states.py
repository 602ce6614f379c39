"""The states of a container, the moves between them, and which action is legal in which: tables only.

``Status`` and ``TaskState`` are Zun's words (zun/common/consts.py). The task state is never stored: it follows from
the wish and from what was last seen, so it cannot be left behind by a failure.
"""

from __future__ import annotations

from enum import StrEnum

from boxship.drivers.engine.interface import EngineState


class Wish(StrEnum):
    """What the user wants, a level."""

    CREATED = "created"
    RUNNING = "running"
    STOPPED = "stopped"
    GONE = "gone"


class Status(StrEnum):
    """What is so, as the API shows it."""

    CREATING = "Creating"  # the wish is stored; the engine has nothing yet
    CREATED = "Created"  # in the engine, never started
    RUNNING = "Running"  # process 1 is alive
    STOPPED = "Stopped"  # process 1 has ended, by wish or by itself
    PAUSED = "Paused"  # frozen by somebody at the engine
    RESTARTING = "Restarting"  # the engine's restart policy waits to start it again
    DEAD = "Dead"  # the engine failed to remove it
    DELETING = "Deleting"  # the wish is gone
    ERROR = "Error"  # a step was refused; the reason says why


class TaskState(StrEnum):
    """What is being done."""

    IMAGE_PULLING = "image_pulling"
    CREATING = "container_creating"
    STARTING = "container_starting"
    STOPPING = "container_stopping"
    REBOOTING = "container_rebooting"
    DELETING = "container_deleting"


#: What an engine's word for a container means.
SEEN = {
    EngineState.CREATED: Status.CREATED,
    EngineState.RUNNING: Status.RUNNING,
    EngineState.PAUSED: Status.PAUSED,
    EngineState.RESTARTING: Status.RESTARTING,
    EngineState.REMOVING: Status.DELETING,
    EngineState.EXITED: Status.STOPPED,
    EngineState.DEAD: Status.DEAD,
}

_AT_REST = {Status.CREATED, Status.ERROR, Status.STOPPED, Status.DEAD}

#: Zun's VALID_STATES (zun/common/utils.py): action -> states in which it may be asked; 409 elsewhere.
LEGAL: dict[str, set[Status]] = {
    "delete": _AT_REST,
    "delete_force": _AT_REST | {Status.CREATING, Status.RUNNING, Status.RESTARTING, Status.DELETING},
    "delete_after_stop": _AT_REST | {Status.RUNNING},
    "start": {Status.CREATED, Status.STOPPED, Status.ERROR},
    "stop": {Status.RUNNING},
    "reboot": {Status.CREATED, Status.RUNNING, Status.STOPPED, Status.ERROR},
    "execute": {Status.RUNNING},
    "logs": {Status.CREATED, Status.ERROR, Status.PAUSED, Status.RUNNING, Status.STOPPED},
}
