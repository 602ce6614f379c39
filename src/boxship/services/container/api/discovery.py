"""Version documents (GET / and GET /v1), public."""

from __future__ import annotations

from typing import Any

from boxship.core.http.call import Call, Reply
from boxship.services.container import versions


async def show_versions(call: Call[Any]) -> Reply:
    return Reply(versions.root(call.base_url))


async def show_version(call: Call[Any]) -> Reply:
    return Reply(versions.v1(call.base_url))
