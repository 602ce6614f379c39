"""Commands in a running container."""

from __future__ import annotations

from typing import Any

from boxship.core import errors
from boxship.core.http.call import Call
from boxship.drivers.engine.interface import Engine
from boxship.services.container.live import access
from boxship.services.container.schemas import containers as schemas


class Sessions:
    """Execution in containers on this host's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def execute(self, call: Call[Any]) -> schemas.ExecuteResult:
        """Run the command of the query in the container and wait for its end."""
        row = await access.allowed(call, "execute")
        command = schemas.words(call.query.one("command"))
        if not command:
            raise errors.BadRequest("this field is required", field="command")
        result = await self._engine.execute(row.id, tuple(command))
        return schemas.ExecuteResult(result.output, result.exit_code)
