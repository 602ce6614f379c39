"""Agents on the wire (Networking API v2.0, "Agents")."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from boxship.services.network.schemas.fields import Request, Text


class AgentUpdate(Request, frozen=True, kw_only=True):
    """What may change of an agent."""

    admin_state_up: bool | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET


class AgentUpdateBody(Request, frozen=True, kw_only=True):
    agent: AgentUpdate


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as clients read it."""

    id: str
    agent_type: str
    binary: str
    topic: str
    host: str
    availability_zone: str | None
    admin_state_up: bool
    alive: bool
    created_at: str | None
    started_at: str | None
    heartbeat_timestamp: str | None
    description: str | None
    configurations: dict[str, object]
