"""Handlers of quotas: read only, the limits are settings."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network.operations import access


def _limits(call: Call[None]) -> dict[str, object]:
    return {resource: access.limit(call.settings, resource) for resource in access.QUOTAS}


async def show_quota(call: Call[None]) -> Reply:
    return Reply({"quota": _limits(call) | {"project_id": call.parameters["project"]}})


async def show_default(call: Call[None]) -> Reply:
    return Reply({"quota": _limits(call) | {"project_id": call.parameters["project"]}})


async def show_details(call: Call[None]) -> Reply:
    project_id = call.parameters["project"].removesuffix(".json")
    details = {
        resource: {
            "limit": access.limit(call.settings, resource),
            "used": await access.used(call.transaction, resource, project_id),
            "reserved": 0,
        }
        for resource in access.QUOTAS
    }
    return Reply({"quota": details})
