"""The engine's part of networks, which is none here."""

from __future__ import annotations

from typing import Any

from boxship.core.http.call import Call, Reply
from boxship.services.container.operations import engine_networks as operations
from boxship.services.container.schemas import networks as schemas


async def create_network(call: Call[Any]) -> Reply:
    request = call.read(schemas.NetworkRequest)
    found = await operations.check(call.transaction, call.caller, request.neutron_net_id)
    return Reply(schemas.view(found, call.caller.project, call.caller.user_id))


async def delete_network(call: Call[Any]) -> Reply:
    """The network of the network service stays, as it does in Zun."""
    await operations.check(call.transaction, call.caller, call.parameters["network"])
    return Reply(status=204)
