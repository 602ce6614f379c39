"""Handlers of floating IPs."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network.api import answers
from boxship.services.network.operations import floating
from boxship.services.network.schemas import routers as wire


async def list_floating(call: Call[None]) -> Reply:
    found, page = await floating.list_floating(call.transaction, call.caller, call.query)
    return answers.listed(call, "floatingips", [wire.floating(view) for view in found], page)


async def create_floating(call: Call[None]) -> Reply:
    wish = call.read(wire.FloatingCreateBody).floatingip
    view = await floating.create_floating(call.transaction, call.caller, call.settings, wish)
    return answers.one(call, "floatingip", wire.floating(view), 201)


async def show_floating(call: Call[None]) -> Reply:
    view = await floating.get_floating(call.transaction, call.caller, call.parameters["id"])
    return answers.one(call, "floatingip", wire.floating(view))


async def update_floating(call: Call[None]) -> Reply:
    wish = call.read(wire.FloatingUpdateBody).floatingip
    view = await floating.update_floating(call.transaction, call.caller, call.parameters["id"], wish)
    return answers.one(call, "floatingip", wire.floating(view))


async def delete_floating(call: Call[None]) -> Reply:
    await floating.delete_floating(call.transaction, call.caller, call.parameters["id"])
    return answers.gone()
