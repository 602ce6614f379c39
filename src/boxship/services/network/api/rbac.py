"""Handlers of RBAC policies."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network import model
from boxship.services.network.api import answers
from boxship.services.network.operations import rbac
from boxship.services.network.schemas import rbac as wire


async def list_policies(call: Call[None]) -> Reply:
    found, page = await rbac.list_policies(call.transaction, call.caller, call.query)
    return answers.listed(call, "rbac_policies", [wire.policy(row) for row in found], page)


async def create_policy(call: Call[None]) -> Reply:
    body = call.read(wire.RbacCreateBody)

    async def make(wish: wire.RbacCreate) -> model.Rbac:
        return await rbac.create_policy(call.transaction, call.caller, call.settings, wish)

    wishes = (body.rbac_policy, body.rbac_policies)
    return await answers.created(("rbac_policy", "rbac_policies"), wishes, make, wire.policy)


async def show_policy(call: Call[None]) -> Reply:
    row = await rbac.get_policy(call.transaction, call.caller, call.parameters["id"])
    return answers.one(call, "rbac_policy", wire.policy(row))


async def update_policy(call: Call[None]) -> Reply:
    wish = call.read(wire.RbacUpdateBody).rbac_policy
    row = await rbac.update_policy(call.transaction, call.caller, call.parameters["id"], wish)
    return answers.one(call, "rbac_policy", wire.policy(row))


async def delete_policy(call: Call[None]) -> Reply:
    await rbac.delete_policy(call.transaction, call.caller, call.parameters["id"])
    return answers.gone()
