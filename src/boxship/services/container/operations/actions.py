"""What can be asked of a container that exists: each one transaction, one changed wish and a note of who asked."""

from __future__ import annotations

from typing import Any

from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import call as http
from boxship.core.http.call import Call
from boxship.services.container import errors as container_errors
from boxship.services.container import model, states
from boxship.services.container.operations import images, registries
from boxship.services.container.store import actions as actions_store
from boxship.services.container.store import containers as store

KIND = "container"


def check_legal(row: model.Container, action: str) -> None:
    """InvalidState: the action may not be asked in the present state (``states.LEGAL``)."""
    if row.shown_status not in states.LEGAL[action]:
        raise container_errors.InvalidState(row.id, action, row.shown_status)


async def start(call: Call[Any], row: model.Container) -> None:
    """Wish it running, and count the order: one that ended before is started again."""
    check_legal(row, "start")
    await ask(call, row, "start", counter="starts", wish=states.Wish.RUNNING, task=states.TaskState.STARTING)


async def stop(call: Call[Any], row: model.Container, timeout: int) -> None:
    """Wish it stopped; it gets ``timeout`` seconds to end by itself."""
    check_legal(row, "stop")
    await ask(call, row, "stop", wish=states.Wish.STOPPED, task=states.TaskState.STOPPING, stop_timeout=timeout)


async def reboot(call: Call[Any], row: model.Container, timeout: int) -> None:
    """Wish it running and count the order: it is stopped, if it runs, and started."""
    check_legal(row, "reboot")
    wish = {"wish": states.Wish.RUNNING, "task": states.TaskState.REBOOTING, "stop_timeout": timeout}
    await ask(call, row, "reboot", counter="reboots", **wish)


async def pause(call: Call[Any], row: model.Container) -> None:
    """Wish it frozen."""
    check_legal(row, "pause")
    await ask(call, row, "pause", wish=states.Wish.PAUSED, task=states.TaskState.PAUSING)


async def unpause(call: Call[Any], row: model.Container) -> None:
    """Wish it running on."""
    check_legal(row, "unpause")
    await ask(call, row, "unpause", wish=states.Wish.RUNNING, task=states.TaskState.UNPAUSING)


async def kill(call: Call[Any], row: model.Container, signal: str) -> None:
    """Count the order to send this signal; whether it ends by that is the container's matter."""
    check_legal(row, "kill")
    await ask(call, row, "kill", counter="kills", kill_signal=signal, task=states.TaskState.KILLING)


async def rebuild(call: Call[Any], row: model.Container, image: str | None, driver: str | None) -> None:
    """Count the order to make it anew, with another image where one is named; ports and volumes stay.

    One that runs is started again; any other one is Created afterwards. ImageNotFound, BadRequest.
    """
    check_legal(row, "rebuild")
    driver = driver or row.image_driver
    if image and driver != "glance":
        image = registries.located(await registries.of(call.transaction, row), image)
    chosen = await images.resolve(call.transaction, call.caller, image or row.image, driver)
    wish: dict[str, object] = {"wish": states.Wish.CREATED, "task": states.TaskState.REBUILDING}
    if row.status is states.Status.RUNNING:
        wish |= {"wish": states.Wish.RUNNING, "starts": row.starts + 1}
    picture = {"image": chosen.reference, "image_id": chosen.id, "image_driver": chosen.driver}
    await ask(call, row, "rebuild", counter="rebuilds", **picture, **wish)


async def delete(call: Call[Any], row: model.Container, *, force: bool, stop: bool, timeout: int = 10) -> None:
    """Wish it gone. ``stop``: it may end by itself first. Asking again for what is being deleted is fine when forced."""
    check_legal(row, "delete_after_stop" if stop else "delete_force" if force else "delete")
    await ask(call, row, "delete", wish=states.Wish.GONE, stop_first=stop, stop_timeout=timeout)


async def ask(call: Call[Any], row: model.Container, action: str, *, counter: str | None = None, **wish: Any) -> None:
    """Write the changed wish, note who asked, and wake the reconciler."""
    if counter:
        await store.count_event(call.transaction, row.id, counter, **wish)
    else:
        await store.change_wish(call.transaction, row.id, **wish)
    await note_action(call.transaction, call.caller, call.request_id, row, action, generation=row.generation + 1)
    call.transaction.wake(KIND, row.id)


async def note_action(
    transaction: Transaction,
    caller: Caller,
    request_id: str,
    row: model.Container,
    action: str,
    *,
    generation: int | None = None,
) -> None:
    """Note what was asked. Without a ``generation`` that has to be made real it is finished as it is noted."""
    now = clock.now()
    noted = model.Action(
        id=http.new_id(),
        container_id=row.id,
        project_id=caller.project_id or row.project_id,
        user_id=caller.user_id,
        request_id=request_id,
        action=action,
        started_at=now,
        generation=row.generation if generation is None else generation,
        finished_at=now if generation is None else None,
    )
    await actions_store.insert(transaction, noted)
