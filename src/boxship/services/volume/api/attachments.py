"""Handlers of attachments. Those that ask for a device wait for it a little, outside of any transaction."""

from __future__ import annotations

import asyncio

from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import Route
from boxship.services.volume import versions
from boxship.services.volume.model import Attachment, Volume
from boxship.services.volume.operations import attachments, connections
from boxship.services.volume.schemas import attachments as wire
from boxship.services.volume.schemas import volumes as volume_wire

AttachmentCall = Call[None]

PATIENCE = 8.0
"""Seconds that an answer waits for a device; a client that gets none looks again."""
_LOOK = 0.05
"""Seconds between two looks."""


async def create_attachment(call: AttachmentCall) -> Reply:
    wish = wire.wish(call)
    async with call.database.write() as transaction:
        made, volume = await connections.create_attachment(transaction, call.caller, call.settings, wish)
    return Reply({"attachment": wire.shown(*await awaited(call, made, volume))})


async def update_attachment(call: AttachmentCall) -> Reply:
    connector = wire.connector(call.read(wire.UpdateRequest).attachment.connector, "attachment.connector")
    async with call.database.write() as transaction:
        changed, volume = await connections.update_attachment(
            transaction, call.caller, call.settings, call.parameters["attachment"], connector
        )
    return Reply({"attachment": wire.shown(*await awaited(call, changed, volume))})


async def awaited(call: AttachmentCall, attachment: Attachment, volume: Volume) -> tuple[Attachment, Volume]:
    """The attachment and its volume when the device is there, or will not come, or patience is at its end."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while connections.is_coming(attachment, volume) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_LOOK)
        async with call.database.read() as transaction:
            found = await attachments.with_volume(transaction, attachment.id)
        if found is None:
            break
        attachment, volume = found
    return attachment, volume


async def complete_attachment(call: AttachmentCall) -> Reply:
    call.read(wire.CompleteRequest)
    await connections.complete_attachment(call.transaction, call.caller, call.parameters["attachment"])
    return Reply(status=204)


async def delete_attachment(call: AttachmentCall) -> Reply:
    rest = await connections.delete_attachment(call.transaction, call.caller, call.parameters["attachment"])
    return Reply({"attachments": [wire.brief(*pair) for pair in rest]})


async def list_attachments(call: AttachmentCall) -> Reply:
    found, more = await attachments.list_attachments(
        call.transaction, call.caller, call.parameters["project_id"], call.query
    )
    return Reply(volume_wire.listed(call, "attachments", (wire.brief(*pair) for pair in found), more=more))


async def list_details(call: AttachmentCall) -> Reply:
    found, more = await attachments.list_attachments(
        call.transaction, call.caller, call.parameters["project_id"], call.query
    )
    return Reply(volume_wire.listed(call, "attachments", (wire.shown(*pair) for pair in found), more=more))


async def show_attachment(call: AttachmentCall) -> Reply:
    found = await attachments.get_attachment(call.transaction, call.caller, call.parameters["attachment"])
    return Reply({"attachment": wire.shown(*found)})


_ALL = "/v3/{project_id}/attachments"
_ONE = f"{_ALL}/{{attachment}}"
_RULE = "volume:attachment_get"
_SINCE = versions.ATTACHMENTS

ROUTES = [
    Route("POST", _ALL, create_attachment, "volume:attachment_create", since=_SINCE, live=True),
    Route("GET", _ALL, list_attachments, _RULE, since=_SINCE),
    Route("GET", f"{_ALL}/detail", list_details, _RULE, since=_SINCE),
    Route("GET", _ONE, show_attachment, _RULE, since=_SINCE),
    Route("PUT", _ONE, update_attachment, "volume:attachment_update", since=_SINCE, live=True),
    Route("DELETE", _ONE, delete_attachment, "volume:attachment_delete", since=_SINCE),
    Route("POST", f"{_ONE}/action", complete_attachment, "volume:attachment_complete", since=versions.COMPLETION),
]
