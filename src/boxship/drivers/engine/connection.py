"""The Docker Engine API over its UNIX socket: requests in, JSON or bytes out, failures as the three driver errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boxship.core import errors

if TYPE_CHECKING:
    import aiohttp

_TIMEOUT = 60.0
_OLDEST, _NEWEST = (1, 41), (1, 51)
"""API versions from Docker 20.10 to the newest that was read for this driver; in between the engine's own is used."""


class Missing(errors.Absent):
    """The engine answered 404."""


class Taken(errors.Busy):
    """The engine answered 409: a name is in use, or the container is on its way elsewhere."""


class Connection:
    """One engine; connections are kept and made anew after the engine was away."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._session: aiohttp.ClientSession | None = None
        self._version = ""

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def json(self, method: str, path: str, body: object = None, **query: object) -> Any:
        """The answer as JSON; None where it is empty."""
        async with self._request(method, path, body, query, _TIMEOUT) as response:
            content = await response.read()
        return json.loads(content) if content.strip() else None

    async def content(self, method: str, path: str, body: object = None, *, limit: int, **query: object) -> bytes:
        """The answer's bytes, of which at most ``limit`` are read, for as long as the engine sends any."""
        parts, size = [], 0
        async with self._request(method, path, body, query, None) as response:
            async for chunk in response.content.iter_any():
                parts.append(chunk[: limit - size])
                size += len(parts[-1])
                if size >= limit:
                    break
        return b"".join(parts)

    async def lines(self, method: str, path: str, data: object = None, **query: object) -> AsyncIterator[Any]:
        """The answer as it comes, a JSON document per line. Busy: it breaks off."""
        import aiohttp

        try:
            async with self._request(method, path, data, query, None) as response:
                async for line in response.content:
                    if line.strip():
                        yield json.loads(line)
        except aiohttp.ClientError as error:
            raise errors.Busy("The connection to the Docker engine broke off.", detail=str(error)) from error

    def _request(
        self, method: str, path: str, body: object, query: Mapping[str, object], seconds: float | None
    ) -> _Response:
        return _Response(self, (method, path, body, {k: _word(v) for k, v in query.items() if v is not None}, seconds))

    async def _opened(self) -> aiohttp.ClientSession:
        """The session, with the API version agreed on. Refused: the engine is too old."""
        import aiohttp

        if self._session is None:
            connector = aiohttp.UnixConnector(str(self._socket), limit=0)
            self._session = aiohttp.ClientSession("http://docker", connector=connector)
        if not self._version:
            async with self._session.get("/version", timeout=aiohttp.ClientTimeout(10)) as response:
                offered = str((await response.json())["ApiVersion"])
            version = min(tuple(map(int, offered.split("."))), _NEWEST)
            if version < _OLDEST:
                raise errors.Refused(
                    f"The Docker engine speaks API {offered}; 20.10 (API 1.41) is the oldest supported."
                )
            self._version = ".".join(map(str, version))
        return self._session


class _Response:
    """One request under way, as a context."""

    def __init__(self, connection: Connection, words: tuple[str, str, object, dict[str, str], float | None]) -> None:
        self._connection = connection
        self._words = words
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> aiohttp.ClientResponse:
        import aiohttp

        method, path, body, query, seconds = self._words
        options: dict[str, Any] = {"params": query, "timeout": aiohttp.ClientTimeout(seconds)}
        options |= {"data": body} if hasattr(body, "read") else {"json": body} if body is not None else {}
        try:
            session = await self._connection._opened()
            url = f"/v{self._connection._version}{path}"
            self._response = await session.request(method, url, **options)
            if self._response.status >= 400:
                raise await _failure(self._response)
        except TimeoutError as error:
            raise errors.Busy("The Docker engine did not answer in time.") from error
        except (aiohttp.ClientError, OSError) as error:
            self._connection._version = ""  # it may come back as another one
            raise errors.Busy("The Docker engine does not answer.", detail=str(error)) from error
        return self._response

    async def __aexit__(self, *_: object) -> None:
        if self._response is not None:
            self._response.close()


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


async def _failure(response: aiohttp.ClientResponse) -> errors.DriverError:
    try:
        said = str((await response.json())["message"])
    except (ValueError, KeyError, TypeError):
        said = (await response.text())[:500]
    response.close()
    if response.status == 404:
        return Missing(said)
    if response.status == 409:
        return Taken(said)
    if response.status == 503 or "context deadline exceeded" in said or "is being removed" in said:
        return errors.Busy("The Docker engine is busy.", detail=said)
    return errors.Refused(reason(said), detail=said)


def reason(said: str) -> str:
    """The engine's message in the user's words: the innermost cause, without the path of programs it came through."""
    for start in ("exec: ", "error during container init: ", "OCI runtime create failed: "):
        at = said.rfind(start)
        if at >= 0:
            inner = said[at + len(start) :].strip().removesuffix(": unknown")
            return f"The container could not be started: {inner}."
    return f"The engine refuses: {said.strip().rstrip('.')}."
