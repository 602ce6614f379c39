"""Handlers of the availability of addresses."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network.api import answers
from boxship.services.network.operations import availability

_MANY = "network_ip_availabilities"


async def list_availabilities(call: Call[None]) -> Reply:
    found, page = await availability.all_networks(call.transaction, call.query)
    return answers.listed(call, _MANY, found, page, key="network_id")


async def show_availability(call: Call[None]) -> Reply:
    found = await availability.of_network(call.transaction, call.parameters["id"])
    return answers.one(call, "network_ip_availability", found)
