"""The Docker Engine API over its UNIX socket or by TLS: requests in, JSON or bytes out, failures as the three driver errors."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boxship.core import errors

if TYPE_CHECKING:
    import ssl

    import aiohttp

SECONDS = 60.0
"""How long one answer may take."""
SILENCE = 600.0
"""How long a transfer of images may stand still; the engine is silent while it unpacks."""
_OLDEST, _NEWEST = (1, 41), (1, 51)
"""API versions from Docker 20.10 to the newest that was read for this driver; in between the engine's own is used."""
_LINE = 1 << 20


class Missing(errors.Absent):
    """The engine answered 404."""


class Taken(errors.Busy):
    """The engine answered 409: a name is in use, or the container is on its way elsewhere."""


@dataclass(frozen=True, slots=True)
class Remote:
    """An engine that listens with TLS: ``https://host:port``, and whom to trust there and to be."""

    url: str
    tls: ssl.SSLContext


class Connection:
    """One engine, at a UNIX socket or elsewhere; connections are kept and made anew after the engine was away."""

    def __init__(self, address: Path | Remote) -> None:
        self.address = address
        self._session: aiohttp.ClientSession | None = None
        self._version = ""

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def json(self, method: str, path: str, body: object = None, /, **query: object) -> Any:
        """The answer as JSON; None where it is empty."""
        async with self._request(method, path, body, query, total=SECONDS) as response:
            content = await response.read()
        return json.loads(content) if content.strip() else None

    async def content(
        self, method: str, path: str, body: object = None, /, *, limit: int, seconds: float | None, **query: object
    ) -> bytes:
        """The answer's bytes, of which at most ``limit`` are read, within so many seconds (None: the caller keeps time)."""
        parts, size = [], 0
        async with self._request(method, path, body, query, total=seconds) as response:
            async for chunk in response.content.iter_any():
                parts.append(chunk[: limit - size])
                size += len(parts[-1])
                if size >= limit:
                    break
        return b"".join(parts)

    async def lines(
        self, method: str, path: str, data: object = None, /, *, silence: float | None = None, **query: object
    ) -> AsyncIterator[Any]:
        """The answer as it comes, a JSON document per line. Busy: it breaks off, or says nothing for ``silence`` seconds."""
        async with self._request(method, path, data, query, sock_read=silence) as response:
            async for line in split(response.content.iter_any()):
                yield json.loads(line)

    async def chunks(
        self, method: str, path: str, /, *, silence: float | None = None, **query: object
    ) -> AsyncGenerator[bytes, None]:
        """The answer's bytes as they come. Busy: it breaks off, or says nothing for ``silence`` seconds."""
        async with self._request(method, path, None, query, sock_read=silence) as response:
            async for chunk in response.content.iter_any():
                yield chunk

    async def headers(self, path: str, /, **query: object) -> Mapping[str, str]:
        """The headers of the answer to HEAD; their names are found in any case."""
        async with self._request("HEAD", path, None, query, total=SECONDS) as response:
            return response.headers

    async def upload(self, method: str, path: str, data: AsyncIterator[bytes], /, **query: object) -> None:
        """Send bytes as they come, as a tar. Busy: the engine takes nothing for ``SILENCE`` seconds."""
        async with self._request(method, path, data, query, sock_read=SILENCE) as response:
            await response.read()

    @contextlib.asynccontextmanager
    async def _request(
        self, method: str, path: str, body: object, query: Mapping[str, object], **seconds: float | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request under way: whatever fails until its last byte is read is the engine's failure."""
        import aiohttp

        options: dict[str, Any] = {"params": {k: _word(v) for k, v in query.items() if v is not None}}
        options |= _sent(body)
        response = None
        try:
            session = await self._opened()
            url = f"/v{self._version}{path}"
            response = await session.request(method, url, timeout=_timeout(**seconds), **options)
            if response.status >= 400:
                raise failure(response.status, await response.text(errors="replace"))
            yield response
        except TimeoutError as error:
            raise errors.Busy("The Docker engine did not answer in time.") from error
        except (aiohttp.ClientError, OSError, json.JSONDecodeError) as error:
            self._version = ""  # it may come back as another one
            raise errors.Busy("The Docker engine does not answer.", detail=repr(error)) from error
        finally:
            if response is not None:
                response.close()

    async def versioned(self, path: str) -> str:
        """The path with the API version agreed on, for who speaks to the socket directly."""
        try:
            await self._opened()
        except TimeoutError as error:
            raise errors.Busy("The Docker engine did not answer in time.") from error
        except OSError as error:  # aiohttp's failures to connect are such
            raise errors.Busy("The Docker engine does not answer.", detail=repr(error)) from error
        return f"/v{self._version}{path}"

    async def _opened(self) -> aiohttp.ClientSession:
        """The session, with the API version agreed on. Refused: the engine is too old, or is none."""
        import aiohttp

        if self._session is None:
            if isinstance(self.address, Remote):
                connector: aiohttp.BaseConnector = aiohttp.TCPConnector(ssl=self.address.tls, limit=0)
                base = self.address.url
            else:
                connector, base = aiohttp.UnixConnector(str(self.address), limit=0), "http://docker"
            self._session = aiohttp.ClientSession(base, connector=connector)
        if not self._version:
            async with self._session.get("/version", timeout=_timeout(total=min(SECONDS, 10.0))) as response:
                self._version = _agreed(await response.text(errors="replace"))
        return self._session


@dataclass(frozen=True, slots=True)
class Authorized:
    """A body of nothing, with what a registry asks for; in no log, as it stands in a header (Docker Engine API,
    "Authentication")."""

    credentials: Mapping[str, str] = field(repr=False)


def _sent(body: object) -> dict[str, Any]:
    """The body as aiohttp is told of it."""
    if body is None:
        return {}
    if isinstance(body, Authorized):
        text = json.dumps(dict(body.credentials)).encode()
        return {"headers": {"X-Registry-Auth": base64.urlsafe_b64encode(text).decode()}}
    if isinstance(body, AsyncIterator):
        return {"data": body, "headers": {"Content-Type": "application/x-tar"}}
    return {"data": body} if hasattr(body, "read") else {"json": body}


def _timeout(total: float | None = None, sock_read: float | None = None) -> aiohttp.ClientTimeout:
    import aiohttp

    return aiohttp.ClientTimeout(total=total, sock_read=sock_read)


def _agreed(said: str) -> str:
    """The version to speak, from the engine's answer to ``/version``."""
    try:
        offered = str(json.loads(said)["ApiVersion"])
        version = min(tuple(map(int, offered.split("."))), _NEWEST)
    except (ValueError, KeyError, TypeError) as error:
        raise errors.Refused("What answers at the engine's socket is no Docker engine.", detail=said[:500]) from error
    if version < _OLDEST:
        raise errors.Refused(f"The Docker engine speaks API {offered}; 20.10 (API 1.41) is the oldest supported.")
    return ".".join(map(str, version))


async def split(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream. One of more than a MiB is left out: labels are the tenants' to choose, the memory is ours."""
    line, over = bytearray(), False
    async for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line += end
            if line.strip() and not over and len(line) <= _LINE:
                yield bytes(line)
            line, over = bytearray(), False
        line += rest
        if len(line) > _LINE:
            line, over = bytearray(), True
    if line.strip() and not over:
        yield bytes(line)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


_AWAY = re.compile(
    r"context deadline exceeded|context canceled|is being removed|transport is closing|connection is closing|"
    r"ttrpc: closed|containerd\.sock"
)
"""What dockerd says while it ends, or while containerd is away from it."""

_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


def failure(status: int, body: str) -> errors.DriverError:
    """An answer of 400 and above as the error that a reconciler knows."""
    try:
        said = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        said = body[:500]
    if status == 404:
        return Missing(said)
    if status == 409:
        return Taken(said)
    if is_full(said):
        return full(said)
    if status in {502, 503, 504} or _AWAY.search(said):
        return errors.Busy("The Docker engine is busy.", detail=said)
    return errors.Refused(reason(said), detail=said)


def is_full(said: str) -> bool:
    """Whether the engine speaks of a disk without room."""
    return _FULL.search(said) is not None


def full(detail: str) -> errors.Busy:
    """An operator can make room: later it may work."""
    return errors.Busy("The disk of the host is full.", detail=detail)


def reason(said: str) -> str:
    """The engine's message in the user's words: the innermost cause, without the path of programs it came through."""
    for start in ("exec: ", "error during container init: ", "OCI runtime create failed: "):
        at = said.rfind(start)
        if at >= 0:
            inner = said[at + len(start) :].strip().removesuffix(": unknown")
            return f"The container could not be started: {inner}."
    return f"The engine refuses: {said.strip().rstrip('.')}."
