"""Handlers of attachments: reading only, as they are made by the services that run things."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import Route
from boxship.services.volume import versions
from boxship.services.volume.operations import attachments
from boxship.services.volume.schemas import attachments as wire
from boxship.services.volume.schemas import volumes as volume_wire

AttachmentCall = Call[None]


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
_RULE = "volume:attachment_get"

ROUTES = [
    Route("GET", _ALL, list_attachments, _RULE, since=versions.ATTACHMENTS),
    Route("GET", f"{_ALL}/detail", list_details, _RULE, since=versions.ATTACHMENTS),
    Route("GET", f"{_ALL}/{{attachment}}", show_attachment, _RULE, since=versions.ATTACHMENTS),
]
