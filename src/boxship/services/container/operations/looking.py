"""Containers, their networks and what was asked of them, as a caller sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Call, Query
from boxship.services.container import errors as container_errors
from boxship.services.container import model
from boxship.services.container.schemas import views
from boxship.services.container.store import actions as actions_store
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


async def view(call: Call[Any], rows: Sequence[model.Container]) -> list[views.View]:
    """The rows as the API shows them to this caller, with the addresses of their ports."""
    plugs = await _plugs(call.transaction, rows)
    hidden = frozenset(name for name in _HIDDEN_BY_RULE if not call.caller.may(f"container:get_one:{name}"))
    return [views.view(row, plugs, call.base_url, hidden) for row in rows]


async def networks(call: Call[Any], row: model.Container) -> list[dict[str, object]]:
    """The ports of a container with their networks and addresses."""
    return views.networks(row, await _plugs(call.transaction, [row]), call.version)


async def _plugs(transaction: Transaction, rows: Sequence[model.Container]) -> dict[str, network.Plug]:
    ports = [plug.port_id for row in rows for plug in row.plugs]
    return {plug.port_id: plug for plug in await network.plugs(transaction, ports)} if ports else {}


async def actions(call: Call[Any], row: model.Container) -> list[views.ActionView]:
    """What was asked of a container, the newest first."""
    return [views.action(found, call.version) for found in await actions_store.all_of(call.transaction, row.id)]


async def action(call: Call[Any], row: model.Container, request_id: str) -> views.ActionView:
    """What a request asked of a container, with the steps taken for it. ActionNotFound."""
    found = await actions_store.asked_by(call.transaction, row.id, request_id)
    if found is None:
        raise container_errors.ActionNotFound(request_id)
    shown = views.action(found, call.version)
    reason = call.caller.may("container:action:events")
    shown.events = [views.event(taken, reason=reason) for taken in found.events]
    return shown
