"""Handlers of quotas of projects and classes, and of the limits of one's own project."""

from __future__ import annotations

from boxship.core.errors import BadRequest, Forbidden
from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import Route
from boxship.services.volume import versions
from boxship.services.volume.operations import quotas
from boxship.services.volume.schemas import quotas as wire

QuotaCall = Call[None]


async def show_limits(call: QuotaCall) -> Reply:
    project = call.parameters["project_id"]
    if call.version >= versions.LIMITS_OF_OTHERS:
        project = call.query.one("project_id") or project
    limits = await quotas.limits(call.transaction, call.settings, _seen(call, project))
    used = await quotas.usage(call.transaction, project)
    return Reply({"limits": {"rate": [], "absolute": wire.absolute(limits, used)}})


def _seen(call: QuotaCall, project_id: str) -> str:
    """The project. Forbidden: it is another one's and the caller no admin."""
    if not call.caller.sees(project_id):
        raise Forbidden("The quotas of another project are for admins.")
    return project_id


async def show_quota_set(call: QuotaCall) -> Reply:
    target = _seen(call, call.parameters["target"])
    limits = await quotas.limits(call.transaction, call.settings, target)
    if not call.query.flag("usage"):
        return Reply({"quota_set": {"id": target, **wire.quota_set(limits)}})
    used = await quotas.usage(call.transaction, target)
    return Reply({"quota_set": {"id": target, **wire.quota_usage(limits, used)}})


async def show_quota_defaults(call: QuotaCall) -> Reply:
    target = _seen(call, call.parameters["target"])
    limits = await quotas.defaults(call.transaction, call.settings)
    return Reply({"quota_set": {"id": target, **wire.quota_set(limits)}})


async def update_quota_set(call: QuotaCall) -> Reply:
    wished = wire.wished(call.read(wire.UpdateRequest).quota_set)
    limits = await quotas.set_project(call.transaction, call.settings, _named(call, "target"), wished)
    return Reply({"quota_set": wire.quota_set(limits)})


def _named(call: QuotaCall, parameter: str) -> str:
    """A project or class in the path. BadRequest: no such name can be."""
    name, most = call.parameters[parameter], 64 if parameter == "target" else 255
    if len(name) > most:
        raise BadRequest(f"longer than {most} characters", field=parameter)
    return name


async def delete_quota_set(call: QuotaCall) -> Reply:
    await quotas.reset_project(call.transaction, call.parameters["target"])
    return Reply()


async def show_quota_class(call: QuotaCall) -> Reply:
    name = call.parameters["class"]
    limits = await quotas.of_class(call.transaction, call.settings, name)
    return Reply({"quota_class_set": {"id": name, **wire.quota_set(limits)}})


async def update_quota_class(call: QuotaCall) -> Reply:
    wished = wire.wished(call.read(wire.UpdateClassRequest).quota_class_set)
    limits = await quotas.set_class(call.transaction, call.settings, _named(call, "class"), wished)
    return Reply({"quota_class_set": wire.quota_set(limits)})


_PROJECT = "/v3/{project_id}"
_SETS = f"{_PROJECT}/os-quota-sets/{{target}}"
_CLASSES = f"{_PROJECT}/os-quota-class-sets/{{class}}"
_RULE = "volume_extension:quotas"

ROUTES = [
    Route("GET", f"{_PROJECT}/limits", show_limits, "limits_extension:used_limits"),
    Route("GET", _SETS, show_quota_set, f"{_RULE}:show"),
    Route("GET", f"{_SETS}/defaults", show_quota_defaults, f"{_RULE}:show"),
    Route("PUT", _SETS, update_quota_set, f"{_RULE}:update"),
    Route("DELETE", _SETS, delete_quota_set, f"{_RULE}:delete"),
    Route("GET", _CLASSES, show_quota_class, "volume_extension:quota_classes:get"),
    Route("PUT", _CLASSES, update_quota_class, "volume_extension:quota_classes:update"),
]
