"""What the engine is asked for while the caller waits: logs, figures, processes, files."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.services.container.api import asking
from boxship.services.container.api.asking import ContainerCall
from boxship.services.container.schemas import archives as wire


async def show_logs(call: ContainerCall) -> Reply:
    """``follow=true`` is Boxship's own: the log as text while it grows."""
    asking.check_query(call, {"stdout", "stderr", "timestamps", "tail", "since", "follow"})
    if call.query.flag("follow"):
        return Reply(await call.live.reading.follow(call), media="text/plain; charset=utf-8")
    return Reply(await call.live.reading.logs(call))


async def show_stats(call: ContainerCall) -> Reply:
    return Reply(await call.live.reading.stats(call))


async def show_processes(call: ContainerCall) -> Reply:
    asking.check_query(call, {"ps_args"})
    return Reply(await call.live.reading.top(call))


async def get_archive(call: ContainerCall) -> Reply:
    """As a tar for whoever accepts one (Boxship's own), or in JSON."""
    asking.check_query(call, {"path"})
    found = await call.live.archives.get(call)
    if wire.TAR in call.headers.get("accept", ""):
        return Reply(found.archive, media=wire.TAR)
    if call.version >= wire.BASE64_SINCE:
        return Reply(wire.base64_document(found.stat, found.archive))
    return Reply(wire.text_document(found.stat, await wire.joined(found.archive, call.settings.max_archive)))


async def put_archive(call: ContainerCall) -> Reply:
    asking.check_query(call, {"path"})
    await call.live.archives.put(call)
    return Reply()
