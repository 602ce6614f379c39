"""Images of containers."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.services.container import operations
from boxship.services.container.api import asking
from boxship.services.container.api.asking import ContainerCall
from boxship.services.container.schemas import commits as schemas


async def commit(call: ContainerCall) -> Reply:
    request = schemas.read(call.query)
    id = await operations.commit(call, await asking.found(call), request.repository, request.tag)
    return Reply(schemas.CommitAnswer(id), 202)
