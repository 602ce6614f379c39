"""Handlers of what is about the service itself: versions, extensions, services, pools, messages, availability zones."""

from __future__ import annotations

from boxship.core.errors import BadRequest
from boxship.core.http.call import Reply
from boxship.core.http.routes import PUBLIC, Route
from boxship.services.share import versions
from boxship.services.share.operations import messages, services, types
from boxship.services.share.operations.placement import meets
from boxship.services.share.schemas import cloud as wire
from boxship.services.share.schemas import shares as share_wire
from boxship.services.share.schemas.shares import ShareCall


async def show_versions(call: ShareCall) -> Reply:
    return Reply(versions.document(call.base_url), 300)


async def show_version(call: ShareCall) -> Reply:
    return Reply(versions.document(call.base_url))


async def list_extensions(_call: ShareCall) -> Reply:
    return Reply({"extensions": []})


async def list_services(call: ShareCall) -> Reply:
    found = [wire.service(one) for one in await services.list_services(call.transaction, call.settings)]
    wanted = {name: call.query.one(name) for name in ("binary", "host", "zone", "status", "state")}
    shown = [one for one in found if all(value is None or one[name] == value for name, value in wanted.items())]
    return Reply({"services": shown})


async def enable(call: ShareCall) -> Reply:
    request = call.read(wire.ServiceRequest)
    await services.set_enabled(call.transaction, call.settings, _named(request), enabled=True)
    return Reply({"host": request.host, "binary": request.binary, "disabled": False})


async def disable(call: ShareCall) -> Reply:
    request = call.read(wire.ServiceRequest)
    reason = request.disabled_reason
    await services.set_enabled(call.transaction, call.settings, _named(request), enabled=False, reason=reason)
    return Reply({"host": request.host, "binary": request.binary, "disabled": True})


def _named(request: wire.ServiceRequest) -> services.Named:
    return services.Named(request.binary, request.host)


async def list_pools(call: ShareCall) -> Reply:
    return Reply({"pools": [wire.pool(one) for one in await _pools(call)]})


async def list_pool_details(call: ShareCall) -> Reply:
    return Reply({"pools": [await wire.pool_detail(call, one) for one in await _pools(call)]})


async def _pools(call: ShareCall) -> list[services.Service]:
    """The pools that the query wants. BadRequest: filters by type are not in this version."""
    found = await services.keepers(call.transaction, call.settings)
    for name in ("host", "backend", "pool"):
        wanted = call.query.one(name)
        found = [one for one in found if wanted is None or wire.is_meant(wire.pool(one)[name], wanted)]
    named = call.query.one("share_type")
    if named is None:
        return found
    if call.version < versions.POOLS_OF_TYPE:
        raise BadRequest("pools are filtered by share type since version 2.23", field="share_type")
    share_type = await types.find(call.transaction, call.caller, named)
    return found if meets(share_type.extra_specs) else []


async def list_messages(call: ShareCall) -> Reply:
    found, more = await messages.list_messages(call.transaction, call.caller, call.query)
    return Reply(share_wire.listed(call, "messages", (wire.message(call, one) for one in found), more=more))


async def show_message(call: ShareCall) -> Reply:
    found = await messages.get_message(call.transaction, call.caller, call.parameters["message"])
    return Reply({"message": wire.message(call, found)})


async def delete_message(call: ShareCall) -> Reply:
    await messages.delete_message(call.transaction, call.caller, call.parameters["message"])
    return Reply(status=204)


async def list_zones(call: ShareCall) -> Reply:
    names = await services.zones(call.transaction, call.settings)
    return Reply({"availability_zones": [wire.zone(name) for name in names]})


_OLD, _NEW = versions.LAST_OS_PREFIX, versions.NO_OS_PREFIX

ROUTES = [
    Route("GET", "/", show_versions, PUBLIC),
    Route("GET", "/v2", show_version, PUBLIC),
    Route("GET", "/v2/extensions", list_extensions, "share_extension:index"),
    Route("GET", "/v2/os-services", list_services, "share_service:index", until=_OLD),
    Route("PUT", "/v2/os-services/enable", enable, "share_service:update", until=_OLD),
    Route("PUT", "/v2/os-services/disable", disable, "share_service:update", until=_OLD),
    Route("GET", "/v2/services", list_services, "share_service:index", since=_NEW),
    Route("PUT", "/v2/services/enable", enable, "share_service:update", since=_NEW),
    Route("PUT", "/v2/services/disable", disable, "share_service:update", since=_NEW),
    Route("GET", "/v2/scheduler-stats/pools", list_pools, "scheduler_stats:pools:index"),
    Route("GET", "/v2/scheduler-stats/pools/detail", list_pool_details, "scheduler_stats:pools:detail"),
    Route("GET", "/v2/messages", list_messages, "share_message:get_all", since=versions.MESSAGES),
    Route("GET", "/v2/messages/{message}", show_message, "share_message:get", since=versions.MESSAGES),
    Route("DELETE", "/v2/messages/{message}", delete_message, "share_message:delete", since=versions.MESSAGES),
    Route("GET", "/v2/os-availability-zone", list_zones, "share_availability_zone:index", until=_OLD),
    Route("GET", "/v2/availability-zones", list_zones, "share_availability_zone:index", since=_NEW),
]
