"""Handlers of networks."""

from __future__ import annotations

import functools

from boxship.core.http.call import Call, Reply
from boxship.services.network import model
from boxship.services.network.api import answers
from boxship.services.network.operations import networks, zones
from boxship.services.network.schemas import networks as wire


async def list_networks(call: Call[None]) -> Reply:
    found, page = await networks.list_networks(call.transaction, call.caller, call.query)
    placed = await zones.of_networks(call.transaction, call.settings, [view.network.id for view in found])
    provider = call.caller.may("get_network:provider")
    shown = [wire.network(view, placed.get(view.network.id, ()), provider=provider) for view in found]
    return answers.listed(call, "networks", shown, page)


async def create_network(call: Call[None]) -> Reply:
    body = answers.read(call, wire.NetworkCreateBody, ("network", "networks"))

    async def make(wish: wire.NetworkCreate) -> model.NetworkView:
        return await networks.create_network(call.transaction, call.caller, call.settings, wish)

    shape = functools.partial(wire.network, provider=call.caller.may("get_network:provider"))
    return await answers.created(("network", "networks"), (body.network, body.networks), make, shape)


async def _one(call: Call[None], view: model.NetworkView) -> Reply:
    placed = await zones.of_networks(call.transaction, call.settings, [view.network.id])
    provider = call.caller.may("get_network:provider")
    return answers.one(call, "network", wire.network(view, placed.get(view.network.id, ()), provider=provider))


async def show_network(call: Call[None]) -> Reply:
    view = await networks.get_network(call.transaction, call.caller, call.parameters["id"])
    return await _one(call, view)


async def update_network(call: Call[None]) -> Reply:
    wish = call.read(wire.NetworkUpdateBody).network
    view = await networks.update_network(call.transaction, call.caller, call.parameters["id"], wish)
    return await _one(call, view)


async def delete_network(call: Call[None]) -> Reply:
    await networks.delete_network(call.transaction, call.caller, call.parameters["id"])
    return answers.gone()
