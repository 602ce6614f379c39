"""Handlers of shares, their metadata, export locations and actions: parse, call one operation, shape the answer."""

from __future__ import annotations

from boxship.core.errors import BadRequest
from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.share import errors, versions
from boxship.services.share.model import Share
from boxship.services.share.operations import locations, rules, shares, sizes
from boxship.services.share.schemas import actions
from boxship.services.share.schemas import rules as rule_wire
from boxship.services.share.schemas import shares as wire
from boxship.services.share.schemas.shares import ShareCall
from boxship.services.share.states import State


async def create_share(call: ShareCall) -> Reply:
    wish = wire.wish(call.read(wire.CreateRequest))
    if wish.is_public:
        call.caller.require("share:create_public_share")
    share = await shares.create_share(call.transaction, call.caller, call.settings, wish)
    reply = await _reply(call, share)
    if share.status == State.FROM_SNAPSHOT:
        reply.body["share"]["status"] = State.CREATING  # what comes of it is told from now on
    return reply


async def _reply(call: ShareCall, share: Share) -> Reply:
    (detail,) = await shares.describe(call.transaction, [share])
    return Reply({"share": wire.shown(call, detail)})


async def list_shares(call: ShareCall) -> Reply:
    if call.path.endswith("/"):
        return await name_no_share(call)  # a client that lost the id must not take the list for a share
    found, more = await shares.list_shares(call.transaction, call.caller, wire.query(call))
    answer = wire.listed(call, "shares", (wire.brief(call, share) for share in found), more=more)
    return Reply(answer | await _counted(call))


async def list_details(call: ShareCall) -> Reply:
    found, more = await shares.list_shares(call.transaction, call.caller, wire.query(call))
    details = await shares.describe(call.transaction, found)
    answer = wire.listed(call, "shares", (wire.shown(call, detail) for detail in details), more=more)
    return Reply(answer | await _counted(call))


async def _counted(call: ShareCall) -> dict[str, int]:
    """How many there are in all pages, where that is asked for."""
    if call.version < versions.COUNTS or not call.query.flag("with_count"):
        return {}
    return {"count": await shares.count_shares(call.transaction, call.caller, wire.query(call))}


async def show_share(call: ShareCall) -> Reply:
    return await _reply(call, await shares.get_share(call.transaction, call.caller, call.parameters["share"]))


async def name_no_share(_call: ShareCall) -> Reply:
    raise errors.ShareNotFound("")


async def update_share(call: ShareCall) -> Reply:
    wanted = wire.changes(call.read(wire.UpdateRequest).share)
    if wanted.get("is_public"):
        call.caller.require("share:set_public_share")
    share = await shares.update_share(call.transaction, call.caller, call.parameters["share"], wanted)
    return await _reply(call, share)


async def delete_share(call: ShareCall) -> Reply:
    await shares.delete_share(call.transaction, call.caller, call.parameters["share"])
    return Reply(status=202)


_ACTIONS = frozenset(
    {
        "allow_access",
        "deny_access",
        "access_list",
        "extend",
        "shrink",
        "revert",
        "reset_status",
        "force_delete",
        "reset_task_state",
    }
)


async def act(call: ShareCall) -> Reply:
    name, said = actions.action(call.read(actions.Body), call.version, _ACTIONS)
    id = call.parameters["share"]
    if name == "allow_access":
        return await _allow(call, id, said)
    if name == "access_list":
        return await _list_rules(call, id)
    if name == "deny_access":
        call.caller.require("share:deny_access")
        await rules.deny(call.transaction, call.caller, id, said.access_id)
    elif name == "extend":
        await _extend(call, id, said)
    elif name == "shrink":
        call.caller.require("share:shrink")
        await sizes.shrink(call.transaction, call.caller, id, int(said.new_size))
    elif name == "revert":
        await _revert(call, id, said)
    elif name == "reset_status":
        call.caller.require("share:reset_status")
        await sizes.reset_status(call.transaction, call.caller, id, actions.status(said))
    elif name == "reset_task_state":
        await shares.own_share(call.transaction, call.caller, id)
    else:
        call.caller.require("share:force_delete")
        await shares.delete_share(call.transaction, call.caller, id, force=True)
    return Reply(status=202)


async def _allow(call: ShareCall, id: str, said: actions.Allow) -> Reply:
    call.caller.require("share:allow_access")
    metadata = said.metadata if call.version >= versions.RULE_METADATA else None
    wish = rules.RuleWish(
        access_type=said.access_type,
        access_to=said.access_to.strip(),
        access_level=said.access_level or rules.LEVELS[0],
        metadata=metadata or {},
    )
    ipv6 = call.version >= versions.IPV6_RULES
    rule = await rules.allow(call.transaction, call.caller, id, wish, ipv6=ipv6)
    return Reply({"access": rule_wire.rule(call, rule, wish.metadata)})


async def _list_rules(call: ShareCall, id: str) -> Reply:
    if call.version > versions.LAST_ACCESS_LIST:
        raise BadRequest("There is no such action: access_list", field="body")
    call.caller.require("share:access_get_all")
    found = await rules.list_rules(call.transaction, call.caller, id, call.query)
    return Reply({"access_list": [rule_wire.rule(call, rule, {}, listed=True) for rule in found]})


async def _extend(call: ShareCall, id: str, said: actions.Resize) -> None:
    call.caller.require("share:extend")
    if call.version >= versions.FORCED_EXTEND and wire.flag(said.force):
        call.caller.require("share:force_extend")
    await sizes.extend(call.transaction, call.caller, call.settings, id, int(said.new_size))


async def _revert(call: ShareCall, id: str, said: actions.Revert) -> None:
    if call.version < versions.REVERT:
        raise BadRequest("There is no such action: revert", field="body")
    call.caller.require("share:revert_to_snapshot")
    await sizes.revert(call.transaction, call.caller, call.settings, id, said.snapshot_id)


async def list_metadata(call: ShareCall) -> Reply:
    return Reply({"metadata": await shares.get_metadata(call.transaction, call.caller, call.parameters["share"])})


async def add_metadata(call: ShareCall) -> Reply:
    return await _set(call, call.read(wire.MetadataRequest).metadata, replace=False)


async def replace_metadata(call: ShareCall) -> Reply:
    return await _set(call, call.read(wire.MetadataRequest).metadata, replace=True)


async def _set(call: ShareCall, pairs: dict[str, str], *, replace: bool) -> Reply:
    id = call.parameters["share"]
    return Reply({"metadata": await shares.set_metadata(call.transaction, call.caller, id, pairs, replace=replace)})


async def show_metadata_item(call: ShareCall) -> Reply:
    id, key = call.parameters["share"], call.parameters["key"]
    return Reply({"meta": {key: await shares.get_metadata_item(call.transaction, call.caller, id, key)}})


async def set_metadata_item(call: ShareCall) -> Reply:
    pair = wire.item(call.read(wire.MetadataItemRequest), call.parameters["key"])
    await shares.set_metadata(call.transaction, call.caller, call.parameters["share"], pair, replace=False)
    return Reply({"metadata": pair})


async def delete_metadata_item(call: ShareCall) -> Reply:
    id, key = call.parameters["share"], call.parameters["key"]
    await shares.delete_metadata(call.transaction, call.caller, id, key)
    return Reply()


async def list_locations(call: ShareCall) -> Reply:
    share = await shares.get_share(call.transaction, call.caller, call.parameters["share"])
    return Reply({"export_locations": [rule_wire.location(call, share, one) for one in locations.of(share)]})


async def show_location(call: ShareCall) -> Reply:
    share = await shares.get_share(call.transaction, call.caller, call.parameters["share"])
    found = locations.one_of(share, call.parameters["location"])
    return Reply({"export_location": rule_wire.location(call, share, found, whole=True)})


_ALL = "/v2/shares"
_ONE = f"{_ALL}/{{share}}"

ROUTES = [
    Route("POST", _ALL, create_share, "share:create"),
    Route("GET", _ALL, list_shares, "share:get_all"),
    Route("PUT", _ALL, name_no_share, "share:update"),
    Route("DELETE", _ALL, name_no_share, "share:delete"),
    Route("GET", f"{_ALL}/detail", list_details, "share:get_all"),
    Route("GET", _ONE, show_share, "share:get"),
    Route("PUT", _ONE, update_share, "share:update"),
    Route("DELETE", _ONE, delete_share, "share:delete"),
    Route("POST", f"{_ONE}/action", act, "share:actions"),
    Route("GET", f"{_ONE}/metadata", list_metadata, "share:get_share_metadata"),
    Route("POST", f"{_ONE}/metadata", add_metadata, "share:update_share_metadata"),
    Route("PUT", f"{_ONE}/metadata", replace_metadata, "share:update_share_metadata"),
    Route("GET", f"{_ONE}/metadata/{{key}}", show_metadata_item, "share:get_share_metadata"),
    Route("PUT", f"{_ONE}/metadata/{{key}}", set_metadata_item, "share:update_share_metadata"),
    Route("DELETE", f"{_ONE}/metadata/{{key}}", delete_metadata_item, "share:delete_share_metadata"),
    Route(
        "GET",
        f"{_ONE}/export_locations",
        list_locations,
        "share_export_location:index",
        since=versions.EXPORT_LOCATIONS,
    ),
    Route(
        "GET",
        f"{_ONE}/export_locations/{{location}}",
        show_location,
        "share_export_location:show",
        since=versions.EXPORT_LOCATIONS,
    ),
]
