"""What happens next to a container: from the row and what was seen of the world to one step. Pure: nothing is
awaited, read or written here, so that the whole life of a container can be tested as a table.

The order of a creation: volumes and image first, then the container in the engine (while its ports are being wired),
then, when every port is wired, the start. A container that somebody removed at the engine is an Error, is made again
(``auto_heal``) or goes (``auto_remove``). One that ended by itself is Stopped; one that was cut off by a reboot of
the host is started again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from boxship.drivers.engine.interface import ContainerSight, EngineState
from boxship.services.container import model, states


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the world gave. ``volumes`` and ``wired``: all of them are ready; ``trouble``: why they never will."""

    container: ContainerSight | None
    image: bool
    volumes: bool
    wired: bool
    boot_id: str
    trouble: str | None = None
    turn: bool = True
    """Whether the containers before it in its capsule have done their part."""
    plugged: bool = False
    """Whether any port of the container is still in its sandbox (only looked at on the way out)."""


class Step(StrEnum):
    """One thing to do; the reconciler has a function for each."""

    NOTHING = "nothing"  # settled: record what is seen
    WAIT = "wait"  # somebody else is at work and will wake us
    PULL = "pull"  # bring the image to this host
    CREATE = "create"  # make the container in the engine
    START = "start"
    STOP = "stop"
    KILL = "kill"  # send the signal that was asked for
    PAUSE = "pause"
    UNPAUSE = "unpause"
    RESIZE = "resize"  # give it the limits that are wanted now
    DISCARD = "discard"  # take it out of the engine to make it anew
    REMOVE = "remove"  # take it out of the engine
    RELEASE = "release"  # let go of ports and volumes
    CLEAN = "clean"  # remove the sandbox and the row
    VANISHED = "vanished"  # removed at the engine by somebody else: an Error with a reason
    DISMISS = "dismiss"  # auto_remove: write the wish that it be gone
    FAIL = "fail"  # a port or volume can never be ready


_RAN = {states.Status.RUNNING, states.Status.PAUSED, states.Status.UNKNOWN}
_ALIVE = {EngineState.RUNNING, EngineState.PAUSED, EngineState.RESTARTING}


def next_step(row: model.Container, seen: Seen) -> Step:
    """The next step towards the wish."""
    if row.wish is states.Wish.GONE:
        return _leaving(row, seen)
    if row.status is states.Status.ERROR and row.observed == row.generation:
        return Step.NOTHING
    if seen.container is None:
        return _arriving(row, seen)
    if row.rebuilds > seen.container.build:
        return _replacing(seen, seen.container)
    if row.resizes > row.resized:
        return Step.RESIZE
    return _present(row, seen, seen.container)


def _arriving(row: model.Container, seen: Seen) -> Step:
    if row.role is model.Role.INIT and _ended(row) and row.exit_code == 0:
        return Step.NOTHING  # it has done its part: that somebody tidied it away harms nobody
    if row.engine_id is not None and not row.auto_heal and not _asked_for_more(row):
        return Step.DISMISS if row.auto_remove else Step.VANISHED
    if seen.trouble:
        return Step.FAIL
    if not seen.volumes or not seen.turn:
        return Step.WAIT
    return Step.CREATE if seen.image else Step.PULL


def _asked_for_more(row: model.Container) -> bool:
    """Whether a user asked for something that a container which is gone has to be made again for."""
    return row.starts > row.started or row.reboots > row.rebooted or row.rebuilds > row.rebuilt


def _replacing(seen: Seen, container: ContainerSight) -> Step:
    """A rebuild: the new image is there before the old container goes, so that a name that is wrong costs nothing."""
    if not seen.image:
        return Step.PULL
    return Step.STOP if container.state is EngineState.RUNNING else Step.DISCARD


def _present(row: model.Container, seen: Seen, container: ContainerSight) -> Step:
    if row.wish is states.Wish.STOPPED:
        return Step.STOP if container.state in _ALIVE else Step.NOTHING
    if row.wish is states.Wish.CREATED:
        return Step.NOTHING
    return _running(row, seen, container)


def _running(row: model.Container, seen: Seen, container: ContainerSight) -> Step:
    if container.state in _ALIVE:
        return _alive(row, seen, container)
    if _start_is_owed(row, seen, container):
        if seen.trouble:
            return Step.FAIL
        return Step.START if seen.wired and seen.volumes and seen.turn else Step.WAIT
    return Step.DISMISS if row.auto_remove else Step.NOTHING


def _alive(row: model.Container, seen: Seen, container: ContainerSight) -> Step:
    if row.reboots > row.rebooted:
        return Step.STOP
    if row.kills > row.killed:
        return Step.KILL
    if row.wish is states.Wish.PAUSED:
        return Step.PAUSE if container.state is EngineState.RUNNING else Step.NOTHING
    unmet = row.observed != row.generation
    if unmet and container.state is EngineState.PAUSED:  # one that somebody paused at the engine stays so
        return Step.UNPAUSE
    if unmet and row.task is states.TaskState.NETWORK_ATTACHING and not seen.wired and not seen.trouble:
        return Step.WAIT
    return Step.NOTHING


def _start_is_owed(row: model.Container, seen: Seen, container: ContainerSight) -> bool:
    """A start or reboot that was asked for and not done, or a host that went down under a running container."""
    if row.starts > row.started or row.reboots > row.rebooted:
        return True
    if container.state is EngineState.CREATED:
        return True
    return row.status in _RAN and row.boot_id != seen.boot_id


def has_turn(row: model.Container, siblings: Sequence[model.Container]) -> bool:
    """Whether the init containers before this one in its capsule have all ended well."""
    before = [each for each in siblings if each.role is model.Role.INIT and each.position < row.position]
    return all(_ended(each) and each.exit_code == 0 for each in before)


def capsule_status(containers: Sequence[model.Container]) -> tuple[states.CapsuleStatus, str | None]:
    """How a capsule is, by the rules for phases of pods (Kubernetes, "Pod Lifecycle"), and why where it is not well."""
    status = states.CapsuleStatus
    broken = [each for each in containers if each.status is states.Status.ERROR]
    inits = [each for each in containers if each.role is model.Role.INIT]
    mains = [each for each in containers if each.role is model.Role.MAIN]
    failed = [each for each in inits if _ended(each) and each.exit_code != 0]
    if broken or failed:
        return status.FAILED, _blame(broken, failed)
    if any(each.status is states.Status.UNKNOWN for each in containers):
        return status.UNKNOWN, "The engine does not answer."
    if not all(map(_ended, inits)) or any(each.status in _UNMADE for each in mains):
        return status.PENDING, None
    if not all(map(_ended, mains)):
        return status.RUNNING, None
    bad = [each for each in mains if each.exit_code != 0]
    return (status.FAILED, _blame([], bad)) if bad else (status.SUCCEEDED, None)


_UNMADE = {states.Status.CREATING, states.Status.CREATED}


def _ended(row: model.Container) -> bool:
    return row.status is states.Status.STOPPED and row.observed == row.generation


def _blame(broken: Sequence[model.Container], failed: Sequence[model.Container]) -> str:
    for each in broken:
        return f"Container {each.name}: {each.status_reason or 'it could not be made.'}"
    return f"Container {failed[0].name} ended with exit code {failed[0].exit_code}."


def _leaving(row: model.Container, seen: Seen) -> Step:
    if seen.container is not None:
        return Step.STOP if row.stop_first and seen.container.state is EngineState.RUNNING else Step.REMOVE
    if row.capsule_id is None and (row.plugs or row.mounts or row.group_id):
        return Step.RELEASE
    return Step.WAIT if seen.plugged else Step.CLEAN
