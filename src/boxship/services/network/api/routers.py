"""Handlers of routers and their legs."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network import model
from boxship.services.network.api import answers
from boxship.services.network.operations import interfaces, routers, zones
from boxship.services.network.schemas import routers as wire


async def list_routers(call: Call[None]) -> Reply:
    found, page = await routers.list_routers(call.transaction, call.caller, call.query)
    placed = await zones.of_routers(call.transaction, call.settings, [view.router for view in found])
    shown = [wire.router(view, placed.get(view.router.id, ())) for view in found]
    return answers.listed(call, "routers", shown, page)


async def create_router(call: Call[None]) -> Reply:
    body = answers.read(call, wire.RouterCreateBody, ("router", "routers"))

    async def make(wish: wire.RouterCreate) -> model.RouterView:
        return await routers.create_router(call.transaction, call.caller, call.settings, wish)

    return await answers.created(("router", "routers"), (body.router, body.routers), make, wire.router)


async def _one(call: Call[None], view: model.RouterView) -> Reply:
    placed = await zones.of_routers(call.transaction, call.settings, [view.router])
    return answers.one(call, "router", wire.router(view, placed.get(view.router.id, ())))


async def show_router(call: Call[None]) -> Reply:
    view = await routers.get_router(call.transaction, call.caller, call.parameters["id"])
    return await _one(call, view)


async def update_router(call: Call[None]) -> Reply:
    wish = call.read(wire.RouterUpdateBody).router
    view = await routers.update_router(call.transaction, call.caller, call.parameters["id"], wish)
    return await _one(call, view)


async def delete_router(call: Call[None]) -> Reply:
    await routers.delete_router(call.transaction, call.caller, call.parameters["id"])
    return answers.gone()


async def add_interface(call: Call[None]) -> Reply:
    wish = call.read(wire.InterfaceWish)
    return Reply(await interfaces.add(call.transaction, call.caller, call.parameters["id"], wish))


async def remove_interface(call: Call[None]) -> Reply:
    wish = call.read(wire.InterfaceWish)
    return Reply(await interfaces.remove(call.transaction, call.caller, call.parameters["id"], wish))


async def add_routes(call: Call[None]) -> Reply:
    routes = call.read(wire.RoutesBody).router.routes
    view = await routers.change_routes(call.transaction, call.caller, call.parameters["id"], routes, add=True)
    return await _one(call, view)


async def remove_routes(call: Call[None]) -> Reply:
    routes = call.read(wire.RoutesBody).router.routes
    view = await routers.change_routes(call.transaction, call.caller, call.parameters["id"], routes, add=False)
    return await _one(call, view)
