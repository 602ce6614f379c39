"""Handlers of share instances, for admins: a share has exactly one here, with the share's own id."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.share import versions
from boxship.services.share.model import Share
from boxship.services.share.operations import locations, shares, sizes
from boxship.services.share.schemas import actions
from boxship.services.share.schemas import rules as rule_wire
from boxship.services.share.schemas import shares as wire
from boxship.services.share.schemas.shares import ShareCall


async def _share(call: ShareCall) -> Share:
    return await shares.get_share(call.transaction, call.caller, call.parameters["share"])


async def _shown(call: ShareCall, found: list[Share]) -> list[wire.Document]:
    return [wire.instance(call, detail) for detail in await shares.describe(call.transaction, found)]


async def list_instances(call: ShareCall) -> Reply:
    return Reply({"share_instances": await _shown(call, await shares.all_shares(call.transaction, wire.query(call)))})


async def list_of_share(call: ShareCall) -> Reply:
    return Reply({"share_instances": await _shown(call, [await _share(call)])})


async def show_instance(call: ShareCall) -> Reply:
    (shown,) = await _shown(call, [await _share(call)])
    return Reply({"share_instance": shown})


async def list_locations(call: ShareCall) -> Reply:
    share = await _share(call)
    return Reply({"export_locations": [rule_wire.location(call, share, one) for one in locations.of(share)]})


async def show_location(call: ShareCall) -> Reply:
    share = await _share(call)
    found = locations.one_of(share, call.parameters["location"])
    return Reply({"export_location": rule_wire.location(call, share, found, whole=True)})


_ACTIONS = frozenset({"reset_status", "force_delete"})


async def act(call: ShareCall) -> Reply:
    name, said = actions.action(call.read(actions.Body), call.version, _ACTIONS)
    id = call.parameters["share"]
    if name == "reset_status":
        await sizes.reset_status(call.transaction, call.caller, id, actions.status(said))
    else:
        await shares.delete_share(call.transaction, call.caller, id, force=True)
    return Reply(status=202)


_ALL = "/v2/share_instances"
_ONE = f"{_ALL}/{{share}}"
_LOCATIONS = f"{_ONE}/export_locations"
_SINCE, _PLACES = versions.INSTANCES, versions.EXPORT_LOCATIONS

ROUTES = [
    Route("GET", _ALL, list_instances, "share_instance:index", since=_SINCE),
    Route("GET", _ONE, show_instance, "share_instance:show", since=_SINCE),
    Route("GET", "/v2/shares/{share}/instances", list_of_share, "share_instance:index", since=_SINCE),
    Route("POST", f"{_ONE}/action", act, "share_instance:actions", since=_SINCE),
    Route("GET", _LOCATIONS, list_locations, "share_instance_export_location:index", since=_PLACES),
    Route("GET", f"{_LOCATIONS}/{{location}}", show_location, "share_instance_export_location:show", since=_PLACES),
]
