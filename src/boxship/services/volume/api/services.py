"""Handlers of services, hosts, pools, capabilities and availability zones; most are for admins."""

from __future__ import annotations

from boxship.core.errors import BadRequest, NotFound
from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import Route
from boxship.services.volume import errors, versions
from boxship.services.volume.live import Room, VolumeLive
from boxship.services.volume.operations import scheduling, services, volume_types
from boxship.services.volume.schemas import services as wire

ServiceCall = Call[VolumeLive]


async def list_services(call: ServiceCall) -> Reply:
    found = await services.list_services(
        call.transaction, call.settings, call.query.one("binary"), call.query.one("host")
    )
    return Reply({"services": [wire.service(call, one) for one in found]})


async def enable(call: ServiceCall) -> Reply:
    return await _switch(call, enabled=True)


async def disable(call: ServiceCall) -> Reply:
    return await _switch(call, enabled=False)


async def disable_with_reason(call: ServiceCall) -> Reply:
    return await _switch(call, enabled=False, reasoned=True)


async def _switch(call: ServiceCall, *, enabled: bool, reasoned: bool = False) -> Reply:
    request = call.read(wire.SwitchRequest)
    reason = request.disabled_reason if isinstance(request.disabled_reason, str) else None
    if reason is not None and not reasoned:
        raise BadRequest("it goes with disable-log-reason only", field="disabled_reason")
    binary = wire.binary(request)
    await services.set_enabled(
        call.transaction, call.settings, services.Named(binary, request.host), enabled=enabled, reason=reason
    )
    answer = wire.switched(request, enabled=enabled)
    return Reply({**answer, "disabled_reason": reason} if reasoned else answer)


async def list_hosts(call: ServiceCall) -> Reply:
    found = await services.list_hosts(call.transaction, call.settings, call.query.one("zone"))
    return Reply({"hosts": [wire.host(one) for one in found]})


async def show_host(call: ServiceCall) -> Reply:
    name = call.parameters["host"]
    return Reply({"host": wire.kept(name, await services.show_host(call.transaction, call.settings, name))})


async def update_host(call: ServiceCall) -> Reply:
    enabled = wire.enabling(call.read(wire.HostRequest))
    name = call.parameters["host"]
    try:
        named = services.Named(services.VOLUME, name)
        await services.set_enabled(call.transaction, call.settings, named, enabled=enabled)
    except errors.ServiceNotFound as error:
        raise errors.HostNotFound(name) from error
    return Reply({"host": name, "status": "enabled" if enabled else "disabled"})


async def list_pools(call: ServiceCall) -> Reply:
    async with call.database.read() as transaction:
        found = await services.taking(transaction, call.settings)
        if call.version >= versions.POOLS_OF_TYPE and (wanted := call.query.one("volume_type")):
            chosen = await volume_types.chosen_type(transaction, call.caller, wanted)
            found = [one for one in found if one.backend and scheduling.meets(one.backend, chosen.extra_specs)]
    detail = call.query.flag("detail")
    pools = [wire.pool(one, await _room(call, one), detail=detail) for one in found]
    name = call.query.one("name") if call.version >= versions.POOL_FILTERS else None
    return Reply({"pools": [pool for pool in pools if name in {None, pool["name"]}]})


async def _room(call: ServiceCall, one: services.Service) -> Room | None:
    """What the backend of a service has; None where this host cannot tell."""
    return await call.live.capacity(one.host, one.backend.name) if one.backend else None


async def show_capabilities(call: ServiceCall) -> Reply:
    name = call.parameters["host"]
    found = await services.list_services(call.transaction, call.settings, services.VOLUME, name.partition("#")[0])
    if not found:
        raise NotFound(f"Can't find service: {name}")
    return Reply(wire.capabilities(found[0]))


async def list_zones(call: ServiceCall) -> Reply:
    zones = await services.zones(call.transaction, call.settings)
    shown = [{"zoneName": name, "zoneState": {"available": up}} for name, up in sorted(zones.items())]
    return Reply({"availabilityZoneInfo": shown})


_PROJECT = "/v3/{project_id}"
_SERVICES = f"{_PROJECT}/os-services"
_UPDATE = "volume_extension:services:update"

ROUTES = [
    Route("GET", _SERVICES, list_services, "volume_extension:services:index"),
    Route("PUT", f"{_SERVICES}/enable", enable, _UPDATE),
    Route("PUT", f"{_SERVICES}/disable", disable, _UPDATE),
    Route("PUT", f"{_SERVICES}/disable-log-reason", disable_with_reason, _UPDATE),
    Route("GET", f"{_PROJECT}/os-hosts", list_hosts, "volume_extension:hosts"),
    Route("GET", f"{_PROJECT}/os-hosts/{{host}}", show_host, "volume_extension:hosts"),
    Route("PUT", f"{_PROJECT}/os-hosts/{{host}}", update_host, "volume_extension:hosts"),
    Route(
        "GET",
        f"{_PROJECT}/scheduler-stats/get_pools",
        list_pools,
        "scheduler_extension:scheduler_stats:get_pools",
        live=True,
    ),
    Route("GET", f"{_PROJECT}/capabilities/{{host}}", show_capabilities, "volume_extension:capabilities"),
    Route("GET", f"{_PROJECT}/os-availability-zone", list_zones, "volume_extension:availability_zone_list"),
]
