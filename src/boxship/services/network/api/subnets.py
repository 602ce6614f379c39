"""Handlers of subnets."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network import model
from boxship.services.network.api import answers
from boxship.services.network.operations import subnets
from boxship.services.network.schemas import networks as wire


async def list_subnets(call: Call[None]) -> Reply:
    found, page = await subnets.list_subnets(call.transaction, call.caller, call.query)
    return answers.listed(call, "subnets", [wire.subnet(row) for row in found], page)


async def create_subnet(call: Call[None]) -> Reply:
    body = answers.read(call, wire.SubnetCreateBody, ("subnet", "subnets"))

    async def make(wish: wire.SubnetCreate) -> model.Subnet:
        return await subnets.create_subnet(call.transaction, call.caller, call.settings, wish)

    return await answers.created(("subnet", "subnets"), (body.subnet, body.subnets), make, wire.subnet)


async def show_subnet(call: Call[None]) -> Reply:
    row = await subnets.get_subnet(call.transaction, call.caller, call.parameters["id"])
    return answers.one(call, "subnet", wire.subnet(row))


async def update_subnet(call: Call[None]) -> Reply:
    wish = call.read(wire.SubnetUpdateBody).subnet
    row = await subnets.update_subnet(call.transaction, call.caller, call.parameters["id"], wish)
    return answers.one(call, "subnet", wire.subnet(row))


async def delete_subnet(call: Call[None]) -> Reply:
    await subnets.delete_subnet(call.transaction, call.caller, call.parameters["id"])
    return answers.gone()
