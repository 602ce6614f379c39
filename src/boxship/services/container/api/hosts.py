"""Hosts, their services and availability zones."""

from __future__ import annotations

from typing import Any

from boxship.core.http.call import Call, Reply
from boxship.services.container.api import asking, paging
from boxship.services.container.operations import hosts as operations
from boxship.services.container.schemas import hosts as schemas


async def list_hosts(call: Call[Any]) -> Reply:
    asking.check_query(call, {*paging.WORDS})
    found, page = await operations.show_all(call.transaction, call.query)
    shown = [schemas.host(row, share, call.base_url, call.version) for row, share in found]
    return Reply({"hosts": shown, "next": paging.following(call, "hosts", [row.id for row, _ in found], page)})


async def show_host(call: Call[Any]) -> Reply:
    row, share = await operations.find(call.transaction, call.parameters["host"])
    return Reply(schemas.host(row, share, call.base_url, call.version))


async def list_services(call: Call[Any]) -> Reply:
    found = await operations.services(call.transaction, call.settings)
    return Reply({"services": [schemas.service(row, up=up) for row, up in found]})


async def delete_service(call: Call[Any]) -> Reply:
    asked = call.query.read(schemas.ServiceRequest)
    await operations.delete_service(call.transaction, asked.host, asked.binary)
    return Reply(status=204)


async def enable_service(call: Call[Any]) -> Reply:
    asked = call.query.read(schemas.ServiceRequest)
    return await _changed(call, asked, disabled=False, disabled_reason=None)


async def disable_service(call: Call[Any]) -> Reply:
    asked = call.query.read(schemas.DisableRequest)
    return await _changed(call, asked, disabled=True, disabled_reason=asked.disabled_reason)


async def force_service_down(call: Call[Any]) -> Reply:
    asked = call.query.read(schemas.ForceDownRequest)
    return await _changed(call, asked, forced_down=call.query.flag("forced_down"))


async def _changed(call: Call[Any], asked: schemas.ServiceRequest, **values: Any) -> Reply:
    await operations.change_service(call.transaction, asked.host, asked.binary, **values)
    return Reply({"service": {"host": asked.host, "binary": asked.binary, **values}})


async def list_zones(call: Call[Any]) -> Reply:
    """The marker is the name of a zone."""
    asking.check_query(call, {*paging.WORDS})
    zones = await operations.zones(call.transaction)
    after = call.query.one("marker")
    chosen = [zone for zone in zones if after is None or zone > after][: call.query.number("limit") or None]
    return Reply({"availability_zones": [{"availability_zone": zone} for zone in chosen], "next": None})
