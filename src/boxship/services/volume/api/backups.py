"""Handlers of backups and their actions: parse, call one operation, shape the answer."""

from __future__ import annotations

import msgspec

from boxship.core.errors import BadRequest
from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import Route
from boxship.services.volume import versions
from boxship.services.volume.operations import backups
from boxship.services.volume.schemas import backups as wire
from boxship.services.volume.schemas import volumes as volume_wire

BackupCall = Call[None]


async def create_backup(call: BackupCall) -> Reply:
    request = call.read(wire.CreateRequest)
    backup = await backups.create_backup(call.transaction, call.caller, call.settings, wire.wish(request))
    return Reply({"backup": wire.brief(call, backup)}, 202)


async def list_backups(call: BackupCall) -> Reply:
    found, more = await backups.list_backups(call.transaction, call.caller, call.parameters["project_id"], call.query)
    return await _counted(
        call, volume_wire.listed(call, "backups", (wire.brief(call, one) for one in found), more=more)
    )


async def list_details(call: BackupCall) -> Reply:
    found, more = await backups.list_backups(call.transaction, call.caller, call.parameters["project_id"], call.query)
    continued = await backups.dependents(call.transaction, found)
    shown = (wire.shown(call, one, continued=one.id in continued) for one in found)
    return await _counted(call, volume_wire.listed(call, "backups", shown, more=more))


async def _counted(call: BackupCall, answer: dict[str, object]) -> Reply:
    if call.version >= versions.COUNTS and call.query.flag("with_count"):
        project = call.parameters["project_id"]
        answer["count"] = await backups.count_backups(call.transaction, call.caller, project, call.query)
    return Reply(answer)


async def show_backup(call: BackupCall) -> Reply:
    backup = await backups.get_backup(call.transaction, call.caller, call.parameters["backup"])
    continued = await backups.dependents(call.transaction, [backup])
    return Reply({"backup": wire.shown(call, backup, continued=bool(continued))})


async def update_backup(call: BackupCall) -> Reply:
    request = call.read(wire.UpdateRequest)
    id, wanted = call.parameters["backup"], wire.changes(request)
    backup = await backups.update_backup(call.transaction, call.caller, id, wanted, request.backup.metadata)
    return Reply({"backup": wire.brief(call, backup)})


async def delete_backup(call: BackupCall) -> Reply:
    await backups.delete_backup(call.transaction, call.caller, call.parameters["backup"])
    return Reply(status=202)


async def restore_backup(call: BackupCall) -> Reply:
    target = call.read(wire.RestoreRequest).restore
    backup, volume = await backups.restore_backup(
        call.transaction,
        call.caller,
        call.settings,
        call.parameters["backup"],
        (target.volume_id or None, target.name),
    )
    return Reply({"restore": wire.restored(backup, volume)}, 202)


async def act(call: BackupCall) -> Reply:
    request = call.read(wire.ActionRequest)
    id = call.parameters["backup"]
    if request.reset_status and request.force_delete is msgspec.UNSET:
        call.caller.require("volume_extension:backup_admin_actions:reset_status")
        await backups.reset_status(call.transaction, call.caller, id, request.reset_status.status)
    elif request.force_delete is not msgspec.UNSET and not request.reset_status:
        call.caller.require("volume_extension:backup_admin_actions:force_delete")
        await backups.delete_backup(call.transaction, call.caller, id, force=True)
    else:
        raise BadRequest("exactly one of os-reset_status and os-force_delete is needed", field="action")
    return Reply(status=202)


_ALL = "/v3/{project_id}/backups"
_ONE = f"{_ALL}/{{backup}}"

ROUTES = [
    Route("POST", _ALL, create_backup, "backup:create"),
    Route("GET", _ALL, list_backups, "backup:get_all"),
    Route("GET", f"{_ALL}/detail", list_details, "backup:get_all"),
    Route("GET", _ONE, show_backup, "backup:get"),
    Route("PUT", _ONE, update_backup, "backup:update", since=versions.BACKUP_UPDATE),
    Route("DELETE", _ONE, delete_backup, "backup:delete"),
    Route("POST", f"{_ONE}/restore", restore_backup, "backup:restore"),
    Route("POST", f"{_ONE}/action", act, "volume_extension:backup_actions"),
]
