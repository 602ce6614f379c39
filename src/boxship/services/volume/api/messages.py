"""Handlers of messages: why something failed."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import Route
from boxship.services.volume.operations import messages
from boxship.services.volume.schemas import messages as wire
from boxship.services.volume.schemas import volumes as volume_wire

MessageCall = Call[None]


async def list_messages(call: MessageCall) -> Reply:
    found, more = await messages.list_messages(call.transaction, call.parameters["project_id"], call.query)
    return Reply(volume_wire.listed(call, "messages", (wire.shown(call, one) for one in found), more=more))


async def show_message(call: MessageCall) -> Reply:
    found = await messages.get_message(call.transaction, call.caller, call.parameters["message"])
    return Reply({"message": wire.shown(call, found)})


async def delete_message(call: MessageCall) -> Reply:
    await messages.delete_message(call.transaction, call.caller, call.parameters["message"])
    return Reply(status=204)


_ALL = "/v3/{project_id}/messages"
_ONE = f"{_ALL}/{{message}}"

ROUTES = [
    Route("GET", _ALL, list_messages, "message:get_all"),
    Route("GET", _ONE, show_message, "message:get"),
    Route("DELETE", _ONE, delete_message, "message:delete"),
]
