"""The handler of actions on volumes: a body names one, a table says what is done. It waits only for a device."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from boxship.core.db.database import Transaction
from boxship.core.errors import BadRequest
from boxship.core.http.call import Call, Reply
from boxship.core.http.microversions import Version
from boxship.core.http.routes import Route
from boxship.services.volume import versions
from boxship.services.volume.api.attachments import awaited
from boxship.services.volume.operations import (
    actions,
    connections,
    image_metadata,
    sizes,
    uploads,
    volume_types,
    volumes,
)
from boxship.services.volume.schemas import actions as wire
from boxship.services.volume.schemas import attachments as attachment_wire
from boxship.services.volume.schemas.flags import is_set
from boxship.services.volume.states import State

ActionCall = Call[Any]
Act = Callable[[ActionCall, Transaction, Any], Awaitable[Reply]]

_RULE = "volume_extension:volume_actions"
_ADMIN = "volume_extension:volume_admin_actions"
_ACCEPTED = 202


async def act(call: ActionCall) -> Reply:
    name, body = wire.chosen(call)
    if name == "initialize_connection":
        call.caller.require(f"{_RULE}:{name}", call.parameters)
        return await _initialize_connection(call, body)
    rule, action = ACTIONS[name]
    call.caller.require(rule, call.parameters)
    async with call.database.write() as transaction:
        return await action(call, transaction, body)


async def _initialize_connection(call: ActionCall, body: wire.Connect) -> Reply:
    connector = attachment_wire.connector(body.connector, "os-initialize_connection.connector")
    async with call.database.write() as transaction:
        made, volume = await actions.initialize_connection(
            transaction, call.caller, call.settings, _volume(call), connector
        )
    made, volume = await awaited(call, made, volume)
    if volume.device is None:
        raise BadRequest("the device of the volume is not there yet; try again", field="os-initialize_connection")
    data = connections.device(volume, read_only=made.read_only)
    return Reply({"connection_info": {"driver_volume_type": "local", "data": data, "enforce_multipath": False}})


def _volume(call: ActionCall) -> str:
    return call.parameters["volume"]


async def _reserve(call: ActionCall, transaction: Transaction, _body: Any) -> Reply:
    await actions.reserve(transaction, call.caller, _volume(call))
    return Reply(status=_ACCEPTED)


async def _unreserve(call: ActionCall, transaction: Transaction, _body: Any) -> Reply:
    await actions.unreserve(transaction, call.caller, _volume(call))
    return Reply(status=_ACCEPTED)


async def _attach(call: ActionCall, transaction: Transaction, body: wire.Attach) -> Reply:
    await actions.attach(transaction, call.caller, _volume(call), wire.attached(body))
    return Reply(status=_ACCEPTED)


async def _begin_detaching(call: ActionCall, transaction: Transaction, _body: Any) -> Reply:
    await actions.begin_detaching(transaction, call.caller, _volume(call))
    return Reply(status=_ACCEPTED)


async def _roll_detaching(call: ActionCall, transaction: Transaction, _body: Any) -> Reply:
    await actions.roll_detaching(transaction, call.caller, _volume(call))
    return Reply(status=_ACCEPTED)


async def _detach(call: ActionCall, transaction: Transaction, body: wire.Detach | None) -> Reply:
    named = body.attachment_id if body else None
    await actions.detach(transaction, call.caller, _volume(call), named)
    return Reply(status=_ACCEPTED)


async def _force_detach(call: ActionCall, transaction: Transaction, body: wire.Detach | None) -> Reply:
    named = body.attachment_id if body else None
    await actions.force_detach(transaction, call.caller, _volume(call), named)
    return Reply(status=_ACCEPTED)


async def _terminate_connection(call: ActionCall, transaction: Transaction, body: wire.Disconnect) -> Reply:
    connector: dict[str, object] | None = {**body.connector} if body.connector else None
    await actions.terminate_connection(transaction, call.caller, _volume(call), connector)
    return Reply(status=_ACCEPTED)


async def _extend(call: ActionCall, transaction: Transaction, body: wire.Extend) -> Reply:
    id = _volume(call)
    volume = await volumes.get_volume(transaction, call.caller, id)
    if volume.status == State.IN_USE:
        _require_since(call, versions.EXTEND_IN_USE, "a volume in use is extended")
        call.caller.require("volume:extend_attached_volume", call.parameters)
    await sizes.extend(transaction, call.caller, call.settings, id, int(body.new_size))
    return Reply(status=_ACCEPTED)


def _require_since(call: ActionCall, version: Version, what: str) -> None:
    if call.version < version:
        raise BadRequest(f"{what} from version {version} on", field="action")


async def _retype(call: ActionCall, transaction: Transaction, body: wire.Retype) -> Reply:
    await actions.retype(transaction, call.caller, call.settings, _volume(call), body.new_type)
    return Reply(status=_ACCEPTED)


async def _revert(call: ActionCall, transaction: Transaction, body: wire.Revert) -> Reply:
    _require_since(call, versions.REVERT, "a volume is reverted")
    await sizes.revert(transaction, call.caller, _volume(call), body.snapshot_id)
    return Reply(status=_ACCEPTED)


async def _update_readonly_flag(call: ActionCall, transaction: Transaction, body: wire.ReadOnly) -> Reply:
    read_only = is_set(body.readonly, "os-update_readonly_flag.readonly")
    await actions.set_read_only(transaction, call.caller, _volume(call), read_only=read_only)
    return Reply(status=_ACCEPTED)


async def _set_bootable(call: ActionCall, transaction: Transaction, body: wire.Bootable) -> Reply:
    bootable = is_set(body.bootable, "os-set_bootable.bootable")
    await actions.set_bootable(transaction, call.caller, _volume(call), bootable=bootable)
    return Reply()


async def _show_image_metadata(call: ActionCall, transaction: Transaction, _body: Any) -> Reply:
    return Reply({"metadata": await image_metadata.get(transaction, call.caller, _volume(call))})


async def _set_image_metadata(call: ActionCall, transaction: Transaction, body: wire.ImageMetadata) -> Reply:
    return Reply({"metadata": await image_metadata.put(transaction, call.caller, _volume(call), body.metadata)})


async def _unset_image_metadata(call: ActionCall, transaction: Transaction, body: wire.ImageKey) -> Reply:
    await image_metadata.remove(transaction, call.caller, _volume(call), body.key)
    return Reply()


async def _reset_status(call: ActionCall, transaction: Transaction, body: wire.ResetStatus) -> Reply:
    if body.attach_status == "detached":
        await actions.forget_clients(transaction, call.caller, _volume(call))
    await actions.reset_status(transaction, call.caller, _volume(call), body.status)
    return Reply(status=_ACCEPTED)


async def _upload_image(call: ActionCall, transaction: Transaction, body: wire.UploadImage) -> Reply:
    wish = wire.upload(body)
    if wish.visibility == "public":
        call.caller.require(f"{_RULE}:upload_public", call.parameters)
    volume, made = await uploads.upload(transaction, call.caller, call.settings, _volume(call), wish)
    kind = await volume_types.of_volume(transaction, volume)
    return Reply({"os-volume_upload_image": wire.uploaded(volume, kind.name, made)}, _ACCEPTED)


async def _force_delete(call: ActionCall, transaction: Transaction, _body: Any) -> Reply:
    await actions.force_delete(transaction, call.caller, _volume(call))
    return Reply(status=_ACCEPTED)


ACTIONS: dict[str, tuple[str, Act]] = {
    "reserve": (f"{_RULE}:reserve", _reserve),
    "unreserve": (f"{_RULE}:unreserve", _unreserve),
    "attach": (f"{_RULE}:attach", _attach),
    "begin_detaching": (f"{_RULE}:begin_detaching", _begin_detaching),
    "roll_detaching": (f"{_RULE}:roll_detaching", _roll_detaching),
    "detach": (f"{_RULE}:detach", _detach),
    "force_detach": (f"{_ADMIN}:force_detach", _force_detach),
    "terminate_connection": (f"{_RULE}:terminate_connection", _terminate_connection),
    "extend": ("volume:extend", _extend),
    "retype": ("volume:retype", _retype),
    "revert": ("volume:revert_to_snapshot", _revert),
    "volume_upload_image": (f"{_RULE}:upload_image", _upload_image),
    "update_readonly_flag": ("volume:update_readonly_flag", _update_readonly_flag),
    "set_bootable": ("volume:set_bootable", _set_bootable),
    "show_image_metadata": ("volume_extension:volume_image_metadata:show", _show_image_metadata),
    "set_image_metadata": ("volume_extension:volume_image_metadata:set", _set_image_metadata),
    "unset_image_metadata": ("volume_extension:volume_image_metadata:remove", _unset_image_metadata),
    "reset_status": (f"{_ADMIN}:reset_status", _reset_status),
    "force_delete": (f"{_ADMIN}:force_delete", _force_delete),
}
"""The rule of each action, by its field of the request, and what does it."""

ROUTES = [Route("POST", "/v3/{project_id}/volumes/{volume}/action", act, f"{_RULE}", live=True)]
