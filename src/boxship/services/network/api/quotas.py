"""Handlers of quotas."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network.api import answers
from boxship.services.network.operations import quotas
from boxship.services.network.schemas import quotas as wire


async def list_quotas(call: Call[None]) -> Reply:
    found = await quotas.all_limits(call.transaction, call.settings)
    return Reply({"quotas": [wire.shown(limits, project_id) for project_id, limits in found.items()]})


async def show_tenant(call: Call[None]) -> Reply:
    return Reply({"tenant": {"tenant_id": call.caller.project}})


async def show_project(call: Call[None]) -> Reply:
    return Reply({"project": {"project_id": call.caller.project}})


async def show_quota(call: Call[None]) -> Reply:
    project_id = call.parameters["project"]
    return Reply({"quota": wire.shown(await quotas.limits(call.transaction, call.settings, project_id), project_id)})


async def show_default(call: Call[None]) -> Reply:
    return Reply({"quota": wire.shown(quotas.defaults(call.settings), call.parameters["project"])})


async def show_details(call: Call[None]) -> Reply:
    project_id = call.parameters["project"].removesuffix(".json")
    found = await quotas.details(call.transaction, call.settings, project_id)
    return Reply({"quota": {resource: wire.Detail(*figures) for resource, figures in found.items()}})


async def update_quota(call: Call[None]) -> Reply:
    project_id = call.parameters["project"]
    wish = call.read(wire.QuotaUpdateBody).quota
    limits = await quotas.update(call.transaction, call.settings, project_id, wish)
    return Reply({"quota": wire.shown(limits, project_id)})


async def delete_quota(call: Call[None]) -> Reply:
    await quotas.reset(call.transaction, call.parameters["project"])
    return answers.gone()
