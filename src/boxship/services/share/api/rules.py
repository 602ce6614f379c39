"""Handlers of access rules as a resource: parse, call one operation, shape the answer."""

from __future__ import annotations

from boxship.core.errors import BadRequest
from boxship.core.http.call import Reply
from boxship.core.http.routes import Route
from boxship.services.share import errors, versions
from boxship.services.share.operations import rules
from boxship.services.share.schemas import rules as wire
from boxship.services.share.schemas import shares as share_wire
from boxship.services.share.schemas.shares import ShareCall


async def list_rules(call: ShareCall) -> Reply:
    share_id = call.query.one("share_id")
    if not share_id:
        raise BadRequest("The field 'share_id' has to be specified.", field="share_id")
    try:
        found = await rules.list_rules(call.transaction, call.caller, share_id, call.query)
    except errors.ShareNotFound as error:
        raise BadRequest(f"Share {share_id[:64]} not found.", field="share_id") from error
    metadata = await rules.metadata_of(call.transaction, found)
    shown = [wire.rule(call, rule, metadata.get(rule.id, {}), listed=True) for rule in found]
    return Reply({"access_list": shown})


async def show_rule(call: ShareCall) -> Reply:
    rule = await rules.get_rule(call.transaction, call.caller, call.parameters["rule"])
    metadata = await rules.metadata_of(call.transaction, [rule])
    return Reply({"access": wire.rule(call, rule, metadata.get(rule.id, {}))})


async def set_metadata(call: ShareCall) -> Reply:
    pairs = call.read(share_wire.MetadataRequest).metadata
    id = call.parameters["rule"]
    return Reply({"metadata": await rules.set_metadata(call.transaction, call.caller, id, pairs)})


async def delete_metadata(call: ShareCall) -> Reply:
    id, key = call.parameters["rule"], call.parameters["key"]
    await rules.delete_metadata(call.transaction, call.caller, id, key)
    return Reply()


_ALL = "/v2/share-access-rules"
_ONE = f"{_ALL}/{{rule}}"
_SINCE = versions.RULE_METADATA

ROUTES = [
    Route("GET", _ALL, list_rules, "share_access_rule:index", since=_SINCE),
    Route("GET", _ONE, show_rule, "share_access_rule:get", since=_SINCE),
    Route("PUT", f"{_ONE}/metadata", set_metadata, "share_access_metadata:update", since=_SINCE),
    Route("DELETE", f"{_ONE}/metadata/{{key}}", delete_metadata, "share_access_metadata:delete", since=_SINCE),
]
