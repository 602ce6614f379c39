"""What the engine is asked for while the caller waits: logs, figures, processes, files."""

from __future__ import annotations

from boxship.core.http.call import Reply
from boxship.services.container.api import asking
from boxship.services.container.api.asking import ContainerCall
from boxship.services.container.live import archives


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
    """As a tar for who accepts nothing else (Boxship's own), or in JSON."""
    asking.check_query(call, {"path"})
    found = await call.live.archives.get(call)
    if call.headers.get("accept") == archives.TAR:
        return Reply(found.archive, media=archives.TAR)
    content = await archives.joined(found.archive, call.settings.max_archive)
    return Reply(archives.shown(found.sight, content, call.version))


async def put_archive(call: ContainerCall) -> Reply:
    asking.check_query(call, {"path"})
    await call.live.archives.put(call)
    return Reply()
