"""Commands in a container."""

from __future__ import annotations

from boxship.core import errors
from boxship.core.http.call import Reply
from boxship.services.container.api import asking
from boxship.services.container.api.asking import ContainerCall


async def execute(call: ContainerCall) -> Reply:
    asking.check_query(call, {"command", "run", "interactive"})
    if call.query.flag("interactive") or not call.query.flag("run", default=True):
        raise errors.BadRequest(
            "interactive sessions are not offered; use run=true and interactive=false", field="interactive"
        )
    return Reply(await call.live.sessions.execute(call))
