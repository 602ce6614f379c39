"""Handlers of ports."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network import model
from boxship.services.network.api import answers
from boxship.services.network.operations import ports
from boxship.services.network.schemas import ports as wire


def _shape(call: Call[None], view: model.PortView) -> wire.Port:
    return wire.port(view, admin=call.caller.may("get_port:binding"))


async def list_ports(call: Call[None]) -> Reply:
    found, page = await ports.list_ports(call.transaction, call.caller, call.query)
    admin = call.caller.may("get_port:binding")
    return answers.listed(call, "ports", [wire.port(view, admin=admin) for view in found], page)


async def create_port(call: Call[None]) -> Reply:
    body = answers.read(call, wire.PortCreateBody, ("port", "ports"))

    async def make(wish: wire.PortCreate) -> model.PortView:
        return await ports.create_port(call.transaction, call.caller, call.settings, wish)

    wishes = (body.port, body.ports)
    return await answers.created(("port", "ports"), wishes, make, lambda view: _shape(call, view))


async def show_port(call: Call[None]) -> Reply:
    view = await ports.see_port(call.transaction, call.caller, call.parameters["id"])
    return answers.one(call, "port", _shape(call, view))


async def update_port(call: Call[None]) -> Reply:
    wish = call.read(wire.PortUpdateBody).port
    view = await ports.update_port(call.transaction, call.caller, call.parameters["id"], wish)
    return answers.one(call, "port", _shape(call, view))


async def delete_port(call: Call[None]) -> Reply:
    await ports.delete_port(call.transaction, call.caller, call.parameters["id"])
    return answers.gone()
