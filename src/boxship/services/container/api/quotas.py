"""Quotas of projects and quota classes."""

from __future__ import annotations

from typing import Any

from boxship.core.http.call import Call, Reply
from boxship.services.container.api import asking
from boxship.services.container.operations import quotas as operations
from boxship.services.container.schemas import quotas as schemas


async def show_quotas(call: Call[Any]) -> Reply:
    asking.check_query(call, {"usages"})
    project = _project(call)
    limits = await operations.limits(call.transaction, call.settings, project)
    if not call.query.flag("usages"):
        return Reply(limits)
    used = await operations.usage(call.transaction, project)
    return Reply({name: {"limit": limit, "in_use": used[name]} for name, limit in limits.items()})


async def show_defaults(call: Call[Any]) -> Reply:
    return Reply(await operations.defaults(call.transaction, call.settings))


async def set_quotas(call: Call[Any]) -> Reply:
    project = _project(call)
    await operations.set_project(call.transaction, project, schemas.limits(call.read(schemas.QuotaRequest)))
    return Reply(await operations.limits(call.transaction, call.settings, project))


async def reset_quotas(call: Call[Any]) -> Reply:
    await operations.reset_project(call.transaction, _project(call))
    return Reply(status=202)


async def show_class(call: Call[Any]) -> Reply:
    return Reply(await operations.of_class(call.transaction, call.settings, _class(call)))


async def set_class(call: Call[Any]) -> Reply:
    name = _class(call)
    await operations.set_class(call.transaction, name, schemas.limits(call.read(schemas.QuotaRequest)))
    return Reply(await operations.of_class(call.transaction, call.settings, name))


def _project(call: Call[Any]) -> str:
    return schemas.name(call.parameters["project_id"], "project_id", 64)


def _class(call: Call[Any]) -> str:
    return schemas.name(call.parameters["quota_class"], "quota_class", 255)
