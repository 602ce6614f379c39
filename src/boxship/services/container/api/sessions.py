"""Commands in a container, and sessions with it."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.services.container.api import asking
from boxship.services.container.api.asking import ContainerCall


async def execute(call: ContainerCall) -> Reply:
    asking.join_body(call, {"command", "run", "interactive", "tty"})
    return Reply(await call.live.sessions.execute(call))


async def execute_resize(call: ContainerCall) -> Reply:
    asking.join_body(call, {"exec_id", "w", "h"})
    await call.live.sessions.resize_exec(call)
    return Reply()


async def attach(call: ContainerCall) -> Reply:
    return Reply(await call.live.sessions.attach(call))


async def resize(call: ContainerCall) -> Reply:
    asking.join_body(call, {"w", "h"})
    await call.live.sessions.resize(call)
    return Reply()
