"""Handlers of subnet pools."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network import model
from boxship.services.network.api import answers
from boxship.services.network.operations import subnetpools
from boxship.services.network.schemas import subnetpools as wire


async def list_subnetpools(call: Call[None]) -> Reply:
    found, page = await subnetpools.list_subnetpools(call.transaction, call.caller, call.query)
    return answers.listed(call, "subnetpools", [wire.subnetpool(row) for row in found], page)


async def create_subnetpool(call: Call[None]) -> Reply:
    body = answers.read(call, wire.SubnetPoolCreateBody, ("subnetpool", "subnetpools"))

    async def make(wish: wire.SubnetPoolCreate) -> model.SubnetPool:
        return await subnetpools.create_subnetpool(call.transaction, call.caller, call.settings, wish)

    return await answers.created(
        ("subnetpool", "subnetpools"), (body.subnetpool, body.subnetpools), make, wire.subnetpool
    )


async def show_subnetpool(call: Call[None]) -> Reply:
    row = await subnetpools.seen(call.transaction, call.caller, call.parameters["id"])
    return answers.one(call, "subnetpool", wire.subnetpool(row))


async def update_subnetpool(call: Call[None]) -> Reply:
    wish = call.read(wire.SubnetPoolUpdateBody).subnetpool
    row = await subnetpools.update_subnetpool(call.transaction, call.caller, call.parameters["id"], wish)
    return answers.one(call, "subnetpool", wire.subnetpool(row))


async def delete_subnetpool(call: Call[None]) -> Reply:
    await subnetpools.delete_subnetpool(call.transaction, call.caller, call.parameters["id"])
    return answers.gone()
