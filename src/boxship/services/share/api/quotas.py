"""Handlers of quotas and limits: parse, call one operation, shape the answer."""

from __future__ import annotations

from boxship.core.errors import BadRequest, Forbidden
from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.share import versions
from boxship.services.share.model import Part
from boxship.services.share.operations import quotas
from boxship.services.share.schemas import quotas as wire
from boxship.services.share.schemas.shares import ShareCall


async def _part(call: ShareCall) -> Part | None:
    """The share type or user that is asked about. BadRequest: both, or a type before there were quotas of types."""
    user_id, named = call.query.one("user_id"), call.query.one("share_type")
    if not named:
        return quotas.of_user(user_id) if user_id else None
    if user_id:
        raise BadRequest("'user_id' and 'share_type' values are mutually exclusive", field="user_id")
    if call.version < versions.TYPE_QUOTAS:
        raise BadRequest("quotas of share types are known since version 2.39", field="share_type")
    return await quotas.of_type(call.transaction, named)


def _project(call: ShareCall) -> str:
    """The project that is asked about. Forbidden: another one than the caller's, who is no admin."""
    project = call.parameters["project"]
    if not call.caller.sees(project):
        raise Forbidden("Only admins see the quotas of other projects.")
    return project


async def show_quotas(call: ShareCall) -> Reply:
    project, part = _project(call), await _part(call)
    limits = await quotas.limits(call.transaction, call.settings, project, part)
    return Reply({"quota_set": {"id": project, **wire.shown(call, limits, part)}})


async def show_detail(call: ShareCall) -> Reply:
    project, part = _project(call), await _part(call)
    limits = await quotas.limits(call.transaction, call.settings, project, part)
    used = await quotas.usage(call.transaction, project, part)
    return Reply({"quota_set": {"id": project, **wire.detailed(call, limits, used, part)}})


async def show_defaults(call: ShareCall) -> Reply:
    project = _project(call)
    shown = wire.shown(call, await quotas.defaults(call.transaction, call.settings))
    return Reply({"quota_set": {"id": project, **shown}})


async def set_quotas(call: ShareCall) -> Reply:
    whose = quotas.Whose(call.parameters["project"], await _part(call))
    given = call.read(wire.SetRequest).quota_set
    wished = wire.wished(call, given, whose.part)
    limits = await quotas.put(call.transaction, call.settings, whose, wished, force=wire.forced(given))
    return Reply({"quota_set": wire.shown(call, limits, whose.part)})


async def delete_quotas(call: ShareCall) -> Reply:
    await quotas.reset(call.transaction, quotas.Whose(call.parameters["project"], await _part(call)))
    return Reply(status=202)


async def show_class(call: ShareCall) -> Reply:
    name = call.parameters["class"]
    limits = await quotas.of_class(call.transaction, call.settings, name)
    return Reply({"quota_class_set": {"id": name, **wire.shown(call, limits)}})


async def set_class(call: ShareCall) -> Reply:
    wished = wire.wished(call, call.read(wire.ClassRequest).quota_class_set)
    limits = await quotas.set_class(call.transaction, call.settings, call.parameters["class"], wished)
    return Reply({"quota_class_set": wire.shown(call, limits)})


async def show_limits(call: ShareCall) -> Reply:
    project = call.caller.project
    limits = await quotas.limits(call.transaction, call.settings, project)
    return Reply(wire.absolute(call, limits, await quotas.usage(call.transaction, project)))


def _routes(sets: str, classes: str, *, old: bool) -> list[Route]:
    """The same under the path that came with 2.7 and the one from before."""
    since = None if old else versions.NO_OS_PREFIX
    until = versions.LAST_OS_PREFIX if old else None
    one = f"{sets}/{{project}}"
    return [
        Route("GET", one, show_quotas, "quota_set:show", since=since, until=until),
        Route("GET", f"{one}/defaults", show_defaults, "quota_set:show", since=since, until=until),
        Route("PUT", one, set_quotas, "quota_set:update", since=since, until=until),
        Route("DELETE", one, delete_quotas, "quota_set:delete", since=since, until=until),
        Route("GET", f"{classes}/{{class}}", show_class, "quota_class_set:show", since=since, until=until),
        Route("PUT", f"{classes}/{{class}}", set_class, "quota_class_set:update", since=since, until=until),
    ]


ROUTES = [
    *_routes("/v2/os-quota-sets", "/v2/os-quota-class-sets", old=True),
    *_routes("/v2/quota-sets", "/v2/quota-class-sets", old=False),
    Route("GET", "/v2/quota-sets/{project}/detail", show_detail, "quota_set:show", since=versions.QUOTA_DETAIL),
    Route("GET", "/v2/limits", show_limits, "share_limits:index"),
]
