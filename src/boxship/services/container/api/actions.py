"""Actions on a container: each changes one wish and answers before it is real."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.services.container import operations
from boxship.services.container.api import asking
from boxship.services.container.api.asking import ContainerCall


async def start(call: ContainerCall) -> Reply:
    await operations.start(call.transaction, await asking.found(call))
    return Reply(status=202)


async def stop(call: ContainerCall) -> Reply:
    asking.check_query(call, {"timeout"})
    await operations.stop(call.transaction, await asking.found(call), asking.timeout(call))
    return Reply(status=202)


async def reboot(call: ContainerCall) -> Reply:
    asking.check_query(call, {"timeout"})
    await operations.reboot(call.transaction, await asking.found(call), asking.timeout(call))
    return Reply(status=202)
