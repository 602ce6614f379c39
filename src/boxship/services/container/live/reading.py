"""Reading of what a container says: its log."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from boxship.core import errors
from boxship.core.http.call import Call
from boxship.drivers.engine.interface import Engine, LogQuery
from boxship.services.container.live import access


class Reading:
    """Logs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def logs(self, call: Call[Any]) -> str:
        """What the container printed, as text; empty where the engine has no such container (any more)."""
        row = await access.allowed(call, "logs")
        query = LogQuery(
            stdout=call.query.flag("stdout", default=True),
            stderr=call.query.flag("stderr", default=True),
            timestamps=call.query.flag("timestamps"),
            tail=_tail(call.query.one("tail")),
            since=_since(call.query.one("since")),
        )
        try:
            return (await self._engine.logs(row.id, query)).decode("utf-8", errors="replace")
        except errors.Absent:
            return ""


def _tail(text: str | None) -> int | None:
    if text is None or text in {"all", "None"}:
        return None
    if not re.fullmatch(r"\d{1,9}", text):
        raise errors.BadRequest(f"{text!r} is neither a number of lines nor 'all'", field="tail")
    return int(text)


def _since(text: str | None) -> float | None:
    """Seconds since the epoch, or Zun's ``YYYY-MM-DD HH:MM:SS,mmm`` in UTC."""
    if text is None or text in {"", "None"}:
        return None
    if re.fullmatch(r"\d{1,12}", text):
        return float(text)
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise errors.BadRequest(
            f"{text!r} is neither seconds since the epoch nor YYYY-MM-DD HH:MM:SS,mmm", field="since"
        ) from error
