"""What the engine is asked for while the caller waits: logs."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.services.container.api import asking
from boxship.services.container.api.asking import ContainerCall


async def show_logs(call: ContainerCall) -> Reply:
    asking.check_query(call, {"stdout", "stderr", "timestamps", "tail", "since"})
    return Reply(await call.live.reading.logs(call))
