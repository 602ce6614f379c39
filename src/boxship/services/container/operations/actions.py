"""What can be asked of a container that exists: look, start, stop, reboot, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Call, Query
from boxship.services.container import errors as container_errors
from boxship.services.container import model, states
from boxship.services.container.operations.creation import KIND
from boxship.services.container.schemas import containers as schemas
from boxship.services.container.store import containers as store
from boxship.services.network import public as network

_HIDDEN_BY_RULE = ("host", "image_pull_policy", "privileged", "runtime")


async def find(transaction: Transaction, caller: Caller, name: str, *, all_projects: bool = False) -> model.Container:
    """The container with this UUID or name in the caller's project. ContainerNotFound; NameNotUnique."""
    found = await store.named(transaction, name, None if all_projects else caller.project)
    exact = [row for row in found if row.id == name] or found
    if not exact:
        raise container_errors.ContainerNotFound(name)
    if len(exact) > 1:
        raise container_errors.NameNotUnique(name)
    return exact[0]


async def show_all(
    transaction: Transaction, caller: Caller, query: Query, *, all_projects: bool
) -> tuple[list[model.Container], listing.Page]:
    """A page of the caller's containers, or of everybody's."""
    page = listing.page(query, store.SORTS, default_sort="id")
    conditions = listing.filters(query, store.FILTERS)
    return await store.page(transaction, page, conditions, None if all_projects else caller.project), page


async def view(call: Call[Any], rows: Sequence[model.Container]) -> list[schemas.View]:
    """The rows as the API shows them to this caller, with the addresses of their ports."""
    ports = [plug.port_id for row in rows for plug in row.plugs]
    plugs = {plug.port_id: plug for plug in await network.plugs(call.transaction, ports)} if ports else {}
    hidden = frozenset(name for name in _HIDDEN_BY_RULE if not call.caller.may(f"container:get_one:{name}"))
    return [schemas.view(row, plugs, call.base_url, hidden) for row in rows]


def _check_legal(row: model.Container, action: str) -> None:
    if row.shown_status not in states.LEGAL[action]:
        raise container_errors.InvalidState(row.id, action, row.shown_status)


async def start(transaction: Transaction, row: model.Container) -> None:
    """Wish it running, and count the order: one that ended before is started again."""
    _check_legal(row, "start")
    await store.count_event(transaction, row.id, "starts", wish=states.Wish.RUNNING)
    transaction.wake(KIND, row.id)


async def stop(transaction: Transaction, row: model.Container, timeout: int) -> None:
    """Wish it stopped; it gets ``timeout`` seconds to end by itself."""
    _check_legal(row, "stop")
    await store.change_wish(transaction, row.id, wish=states.Wish.STOPPED, stop_timeout=timeout)
    transaction.wake(KIND, row.id)


async def reboot(transaction: Transaction, row: model.Container, timeout: int) -> None:
    """Wish it running and count the order: it is stopped, if it runs, and started."""
    _check_legal(row, "reboot")
    await store.count_event(transaction, row.id, "reboots", wish=states.Wish.RUNNING, stop_timeout=timeout)
    transaction.wake(KIND, row.id)


async def delete(transaction: Transaction, row: model.Container, *, force: bool, stop: bool, timeout: int = 10) -> None:
    """Wish it gone. ``stop``: it may end by itself first. Asking again for what is being deleted is fine when forced."""
    _check_legal(row, "delete_after_stop" if stop else "delete_force" if force else "delete")
    await store.change_wish(transaction, row.id, wish=states.Wish.GONE, stop_first=stop, stop_timeout=timeout)
    transaction.wake(KIND, row.id)
