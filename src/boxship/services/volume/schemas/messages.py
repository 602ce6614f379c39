"""Messages on the wire."""

from __future__ import annotations

from typing import Any

from boxship.core import clock
from boxship.core.http.call import Call
from boxship.services.volume.operations import messages
from boxship.services.volume.store.messages import Message


def shown(call: Call[Any], message: Message) -> dict[str, Any]:
    """A message as it is answered; the user reads what was being done and why it failed."""
    return {
        "id": message.id,
        "request_id": message.request_id,
        "resource_type": message.resource_type,
        "resource_uuid": message.resource_id,
        "event_id": f"VOLUME_{message.resource_type}_{message.action}_{message.detail}",
        "user_message": f"{messages.ACTIONS[messages.Action(message.action)]}:{message.reason}",
        "message_level": message.level,
        "created_at": clock.stamp_micro(message.created_at),
        "guaranteed_until": clock.stamp_micro(message.expires_at),
        "links": _links(call, message.id),
    }


def _links(call: Call[Any], id: str) -> list[dict[str, str]]:
    project = call.parameters["project_id"]
    return [
        {"rel": "self", "href": f"{call.base_url}/v3/{project}/messages/{id}"},
        {"rel": "bookmark", "href": f"{call.base_url}/{project}/messages/{id}"},
    ]
