"""Handlers of security groups and rules. A project's group ``default`` is made by the first look at its groups."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network import model
from boxship.services.network.api import answers
from boxship.services.network.operations import groups
from boxship.services.network.schemas import groups as wire


async def _with_default(call: Call[None]) -> None:
    """Only the very first look writes. An admin who looks at a project's groups sees its default, too (upstream)."""
    asked = call.query.one("project_id") or call.query.one("tenant_id")
    project_id = asked if asked and len(asked) <= 64 and call.caller.is_admin else call.caller.project_id
    if project_id is None:
        return
    async with call.database.read() as transaction:
        if await groups.has_default(transaction, project_id):
            return
    async with call.database.write() as transaction:
        await groups.ensure_default(transaction, project_id)


async def list_groups(call: Call[None]) -> Reply:
    await _with_default(call)
    async with call.database.read() as transaction:
        found, page = await groups.list_groups(transaction, call.caller, call.query)
    return answers.listed(call, "security_groups", [wire.group(view) for view in found], page)


async def create_group(call: Call[None]) -> Reply:
    body = answers.read(call, wire.GroupCreateBody, ("security_group", "security_groups"))

    async def make(wish: wire.GroupCreate) -> model.GroupView:
        return await groups.create_group(call.transaction, call.caller, call.settings, wish)

    wishes = (body.security_group, body.security_groups)
    return await answers.created(("security_group", "security_groups"), wishes, make, wire.group)


async def show_group(call: Call[None]) -> Reply:
    view = await groups.get_group(call.transaction, call.caller, call.parameters["id"])
    return answers.one(call, "security_group", wire.group(view))


async def update_group(call: Call[None]) -> Reply:
    wish = call.read(wire.GroupUpdateBody).security_group
    view = await groups.update_group(call.transaction, call.caller, call.parameters["id"], wish)
    return answers.one(call, "security_group", wire.group(view))


async def delete_group(call: Call[None]) -> Reply:
    await groups.delete_group(call.transaction, call.caller, call.parameters["id"])
    return answers.gone()


async def list_rules(call: Call[None]) -> Reply:
    await _with_default(call)
    async with call.database.read() as transaction:
        found, page = await groups.list_rules(transaction, call.caller, call.query)
    return answers.listed(call, "security_group_rules", [wire.rule(row) for row in found], page)


async def create_rule(call: Call[None]) -> Reply:
    body = answers.read(call, wire.RuleCreateBody, ("security_group_rule", "security_group_rules"))

    async def make(wish: wire.RuleCreate) -> model.Rule:
        return await groups.create_rule(call.transaction, call.caller, call.settings, wish)

    wishes = (body.security_group_rule, body.security_group_rules)
    return await answers.created(("security_group_rule", "security_group_rules"), wishes, make, wire.rule)


async def show_rule(call: Call[None]) -> Reply:
    row = await groups.get_rule(call.transaction, call.caller, call.parameters["id"])
    return answers.one(call, "security_group_rule", wire.rule(row))


async def delete_rule(call: Call[None]) -> Reply:
    await groups.delete_rule(call.transaction, call.caller, call.parameters["id"])
    return answers.gone()
