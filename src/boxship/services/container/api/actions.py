"""Actions on a container: each changes one wish and answers before it is real."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.services.container import operations
from boxship.services.container.api import asking
from boxship.services.container.api.asking import ContainerCall
from boxship.services.container.schemas import containers as schemas


async def start(call: ContainerCall) -> Reply:
    await operations.start(call, await asking.found(call))
    return Reply(status=202)


async def stop(call: ContainerCall) -> Reply:
    asking.join_body(call, {"timeout"})
    await operations.stop(call, await asking.found(call), asking.timeout(call))
    return Reply(status=202)


async def reboot(call: ContainerCall) -> Reply:
    asking.join_body(call, {"timeout"})
    await operations.reboot(call, await asking.found(call), asking.timeout(call))
    return Reply(status=202)


async def pause(call: ContainerCall) -> Reply:
    await operations.pause(call, await asking.found(call))
    return Reply(status=202)


async def unpause(call: ContainerCall) -> Reply:
    await operations.unpause(call, await asking.found(call))
    return Reply(status=202)


async def kill(call: ContainerCall) -> Reply:
    asking.join_body(call, {"signal"})
    await operations.kill(call, await asking.found(call), schemas.signal_name(call.query.one("signal")))
    return Reply(status=202)


async def rebuild(call: ContainerCall) -> Reply:
    asking.join_body(call, {"image", "image_driver"})
    request = call.query.read(schemas.RebuildRequest)
    await operations.rebuild(call, await asking.found(call), request.image, request.image_driver)
    return Reply(status=202)


async def network_attach(call: ContainerCall) -> Reply:
    asking.join_body(call, {"network", "port", "fixed_ip"})
    await operations.attach_network(call, await asking.found(call), call.query.read(schemas.AttachRequest))
    return Reply(status=202)


async def network_detach(call: ContainerCall) -> Reply:
    asking.join_body(call, {"network", "port", "fixed_ip"})
    await operations.detach_network(call, await asking.found(call), call.query.read(schemas.AttachRequest))
    return Reply(status=202)


async def add_security_group(call: ContainerCall) -> Reply:
    asking.join_body(call, {"name"})
    await operations.add_group(call, await asking.found(call), call.query.read(schemas.GroupRequest).name)
    return Reply(status=202)


async def remove_security_group(call: ContainerCall) -> Reply:
    asking.join_body(call, {"name"})
    await operations.remove_group(call, await asking.found(call), call.query.read(schemas.GroupRequest).name)
    return Reply(status=202)
