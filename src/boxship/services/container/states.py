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
    PAUSED = "paused"
    STOPPED = "stopped"
    GONE = "gone"


class Status(StrEnum):
    """What is so, as the API shows it."""

    CREATING = "Creating"  # the wish is stored; the engine has nothing yet
    CREATED = "Created"  # in the engine, never started
    RUNNING = "Running"  # process 1 is alive
    STOPPED = "Stopped"  # process 1 has ended, by wish or by itself
    PAUSED = "Paused"  # all its processes are frozen
    RESTARTING = "Restarting"  # the engine's restart policy waits to start it again
    DEAD = "Dead"  # the engine failed to remove it
    DELETING = "Deleting"  # the wish is gone
    REBUILDING = "Rebuilding"  # it is being made anew, with the same ports and volumes
    UNKNOWN = "Unknown"  # the engine has not answered for a while
    DELETED = "Deleted"  # never shown here: what is deleted is gone
    ERROR = "Error"  # a step was refused; the reason says why


class TaskState(StrEnum):
    """What is being done."""

    IMAGE_PULLING = "image_pulling"
    CREATING = "container_creating"
    STARTING = "container_starting"
    STOPPING = "container_stopping"
    REBOOTING = "container_rebooting"
    PAUSING = "container_pausing"
    UNPAUSING = "container_unpausing"
    KILLING = "container_killing"
    REBUILDING = "container_rebuilding"
    SG_ADDING = "sg_adding"
    SG_REMOVING = "sg_removing"
    NETWORK_ATTACHING = "network_attaching"
    NETWORK_DETACHING = "network_detaching"
    DELETING = "container_deleting"


class CapsuleStatus(StrEnum):
    """What is so of a capsule as a whole, in the words that Zun took from Kubernetes."""

    PENDING = "Pending"  # not all containers have been made, or init containers are still at work
    RUNNING = "Running"  # all were made, and one is alive or about to be
    SUCCEEDED = "Succeeded"  # all have ended well and stay so
    FAILED = "Failed"  # all have ended, one of them badly; or an init container failed for good
    UNKNOWN = "Unknown"  # the engine has not answered for a while


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

_AT_REST = {Status.CREATED, Status.ERROR, Status.STOPPED, Status.DELETED, Status.DEAD}
_STARTED_ONCE = {Status.RUNNING, Status.STOPPED, Status.PAUSED}
_MADE = _STARTED_ONCE | {Status.CREATED}
_RUNNING = {Status.RUNNING}
_UNFINISHED = {Status.CREATING, Status.UNKNOWN, Status.RESTARTING, Status.REBUILDING, Status.DELETING}
_REPLACED = {Status.CREATED, Status.RUNNING, Status.STOPPED, Status.ERROR}

#: Zun's VALID_STATES (zun/common/utils.py): action -> states in which it may be asked; 409 elsewhere. A forced deletion
#: is legal in Paused too, where Zun forgot it. Network attach and detach have no rule upstream; what is gone has no network.
LEGAL: dict[str, set[Status]] = {
    "commit": _STARTED_ONCE,
    "delete": _AT_REST,
    "delete_force": _AT_REST | _UNFINISHED | {Status.RUNNING, Status.PAUSED},
    "delete_after_stop": _AT_REST | _RUNNING,
    "start": {Status.CREATED, Status.STOPPED, Status.ERROR},
    "stop": _RUNNING,
    "reboot": _REPLACED,
    "rebuild": _REPLACED,
    "pause": _RUNNING,
    "unpause": {Status.PAUSED},
    "kill": _RUNNING,
    "execute": _RUNNING,
    "execute_resize": _RUNNING,
    "attach": _RUNNING,
    "resize": _RUNNING,
    "top": _RUNNING,
    "stats": _RUNNING,
    "get_archive": _MADE,
    "put_archive": _MADE,
    "logs": _MADE | {Status.ERROR, Status.UNKNOWN},
    "update": _MADE,
    "add_security_group": _MADE,
    "remove_security_group": _MADE,
    "resize_container": _MADE,
    "network_attach": _MADE,
    "network_detach": _MADE,
}
