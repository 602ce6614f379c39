"""Handlers of agents and of availability zones."""

from __future__ import annotations

from boxship.core.http.call import Call, Reply
from boxship.services.network.api import answers
from boxship.services.network.operations import agents, lists, zones
from boxship.services.network.schemas import agents as wire

_AGENT = ("id", "agent_type", "binary", "topic", "host", "availability_zone", "admin_state_up", "alive", "description")
_ZONE = ("name", "resource", "state")


async def list_agents(call: Call[None]) -> Reply:
    seen = await agents.all_agents(call.transaction, call.settings) if call.caller.may("get_agent") else []
    found, page = lists.part(call.query, seen, _AGENT, "id")
    return answers.listed(call, "agents", found, page)


async def show_agent(call: Call[None]) -> Reply:
    agent = await agents.get(call.transaction, call.settings, call.parameters["id"])
    return answers.one(call, "agent", agent)


async def update_agent(call: Call[None]) -> Reply:
    wish = call.read(wire.AgentUpdateBody).agent
    return answers.one(call, "agent", await agents.update(call.transaction, call.settings, call.parameters["id"], wish))


async def delete_agent(call: Call[None]) -> Reply:
    await agents.delete(call.transaction, call.settings, call.parameters["id"])
    return answers.gone()


async def list_zones(call: Call[None]) -> Reply:
    found, page = lists.part(call.query, await zones.all_zones(call.transaction, call.settings), _ZONE, "name")
    return answers.listed(call, "availability_zones", found, page, key="name")
