"""Handlers of port forwardings of floating IPs."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network import model
from boxship.services.network.api import answers
from boxship.services.network.operations import forwarding
from boxship.services.network.schemas import forwarding as wire


def _place(call: Call[None]) -> tuple[str, str]:
    """The floating IP and the forwarding that the path names."""
    return call.parameters["id"], call.parameters["forwarding"]


async def list_forwardings(call: Call[None]) -> Reply:
    found, page = await forwarding.list_forwardings(call.transaction, call.caller, call.parameters["id"], call.query)
    return answers.listed(call, "port_forwardings", [wire.forwarding(row) for row in found], page)


async def create_forwarding(call: Call[None]) -> Reply:
    body, id = call.read(wire.ForwardingCreateBody), call.parameters["id"]

    async def make(wish: wire.ForwardingCreate) -> model.Forwarding:
        return await forwarding.create_forwarding(call.transaction, call.caller, id, wish)

    wishes = (body.port_forwarding, body.port_forwardings)
    return await answers.created(("port_forwarding", "port_forwardings"), wishes, make, wire.forwarding)


async def show_forwarding(call: Call[None]) -> Reply:
    row = await forwarding.get_forwarding(call.transaction, call.caller, _place(call))
    return answers.one(call, "port_forwarding", wire.forwarding(row))


async def update_forwarding(call: Call[None]) -> Reply:
    wish = call.read(wire.ForwardingUpdateBody).port_forwarding
    row = await forwarding.update_forwarding(call.transaction, call.caller, _place(call), wish)
    return answers.one(call, "port_forwarding", wire.forwarding(row))


async def delete_forwarding(call: Call[None]) -> Reply:
    await forwarding.delete_forwarding(call.transaction, call.caller, _place(call))
    return answers.gone()
