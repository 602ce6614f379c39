"""Which container a live call is about, where the caller sees it and its state allows the action."""

from __future__ import annotations

from typing import Any

from boxship.core import errors
from boxship.core.http.call import Call
from boxship.services.container import errors as container_errors
from boxship.services.container import model, operations, states


def require_interactive(row: model.Container) -> None:
    """NotInteractive: its process 1 has no input that a session could reach."""
    if not row.interactive:
        raise container_errors.NotInteractive(row.id)


async def allowed(call: Call[Any], action: str) -> model.Container:
    """The container, where the caller sees it and its state allows the action. Elsewhere: another host has it."""
    async with call.database.read() as transaction:
        row = await operations.find(transaction, call.caller, call.parameters["container"])
    if row.shown_status not in states.LEGAL[action]:
        raise container_errors.InvalidState(row.id, action, row.shown_status)
    if not call.live.hosts.owns(row.host):
        raise errors.Elsewhere(row.host or "")
    return row
