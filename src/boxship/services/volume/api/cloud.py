"""Handlers of what the service tells of itself: versions, limits, quotas, zones, services, extensions, messages."""

from __future__ import annotations

from boxship.core.errors import Forbidden
from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import PUBLIC, Route
from boxship.services.volume import versions
from boxship.services.volume.operations import volumes
from boxship.services.volume.schemas import cloud as wire

CloudCall = Call[None]


async def list_versions(call: CloudCall) -> Reply:
    return Reply(versions.document(call.base_url), 300)


async def show_version(call: CloudCall) -> Reply:
    return Reply(versions.document(call.base_url))


async def show_limits(call: CloudCall) -> Reply:
    project = call.query.one("project_id") or call.parameters["project_id"]
    count, gigabytes = await volumes.count_usage(call.transaction, _seen(call, project))
    return Reply(wire.limits(call.settings, count, gigabytes))


def _seen(call: CloudCall, project_id: str) -> str:
    """The project. Forbidden: it is another one's and the caller no admin."""
    if not call.caller.sees(project_id):
        raise Forbidden("The quotas of another project are for admins.")
    return project_id


async def show_quota_set(call: CloudCall) -> Reply:
    target = _seen(call, call.parameters["target"])
    if not call.query.flag("usage"):
        return Reply(wire.quota_set(call.settings, target))
    count, gigabytes = await volumes.count_usage(call.transaction, target)
    return Reply(wire.quota_usage(call.settings, target, count, gigabytes))


async def show_quota_defaults(call: CloudCall) -> Reply:
    return Reply(wire.quota_set(call.settings, _seen(call, call.parameters["target"])))


async def list_zones(_call: CloudCall) -> Reply:
    return Reply(wire.ZONES)


async def list_services(call: CloudCall) -> Reply:
    clusters = call.version >= versions.CLUSTERS
    return Reply(wire.services(call.query.one("binary"), call.query.one("host"), clusters=clusters))


async def list_extensions(_call: CloudCall) -> Reply:
    return Reply(wire.EXTENSIONS)


async def list_messages(call: CloudCall) -> Reply:
    found = await volumes.list_faults(call.transaction, call.parameters["project_id"], call.query)
    return Reply({"messages": [wire.message(volume) for volume in found]})


async def show_message(call: CloudCall) -> Reply:
    return Reply(
        {"message": wire.message(await volumes.get_fault(call.transaction, call.caller, call.parameters["message"]))}
    )


_PROJECT = "/v3/{project_id}"
_QUOTAS = f"{_PROJECT}/os-quota-sets/{{target}}"

ROUTES = [
    Route("GET", "/", list_versions, PUBLIC),
    Route("GET", "/v3", show_version, PUBLIC),
    Route("GET", f"{_PROJECT}/limits", show_limits, "limits_extension:used_limits"),
    Route("GET", _QUOTAS, show_quota_set, "volume_extension:quotas:show"),
    Route("GET", f"{_QUOTAS}/defaults", show_quota_defaults, "volume_extension:quotas:show"),
    Route("GET", f"{_PROJECT}/os-availability-zone", list_zones, "volume_extension:availability_zone_list"),
    Route("GET", f"{_PROJECT}/os-services", list_services, "volume_extension:services:index"),
    Route("GET", f"{_PROJECT}/extensions", list_extensions, "volume_extension:list_extensions"),
    Route("GET", f"{_PROJECT}/messages", list_messages, "message:get_all"),
    Route("GET", f"{_PROJECT}/messages/{{message}}", show_message, "message:get"),
]
