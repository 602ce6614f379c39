"""Requests that another host has to answer: passed on as they came, with the caller's own token, so that nobody gets more
rights on the way. Also what hosts ask each other for themselves, with a proof that only they can make. Never decides
which host it is."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
from aiohttp.connector import AddrInfoType

from boxship.config import Settings
from boxship.core import errors
from boxship.core.auth.caller import Authenticator, Caller
from boxship.core.auth.rules import Rules
from boxship.core.hosts import Hosts
from boxship.core.http.call import Reply
from boxship.core.vault import Vault

PASSED_ON = "x-boxship-passed-on"
"""Marks a request that another host has passed on; it is not passed on again."""
_PROOF = "peer:"
"""How the tokens of hosts begin; those of users are Fernet tokens and never have a colon."""
_AGE = 300
"""Seconds that a proof is good for, and that clocks of hosts may differ."""
_CONNECT, _SILENCE = 5.0, 3600.0
"""Seconds to reach a host, and that it may be silent afterwards (a log that is followed)."""
_GONE = 10
"""Seconds without a sign from the other host's kernel after which it counts as gone."""
_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "host"}
"""Headers of one connection (RFC 9110, 7.6.1), and those that are made anew."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: ``target`` is path and query, still encoded."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: AsyncIterator[bytes] | bytes


class Peers:
    """The other hosts, as this one reaches them."""

    def __init__(self, hosts: Hosts, settings: Settings, vault: Vault) -> None:
        self._hosts = hosts
        self._settings = settings
        self._vault = vault
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def pass_on(self, host: str, request: Request) -> Reply:
        """What the host answers. Elsewhere: it is not to be reached."""
        headers = {name: value for name, value in request.headers.items() if name not in _HOP}
        response, rest = await self._ask(host, request, headers | {PASSED_ON: self._hosts.here})
        kept = {
            name: value for name, value in response.headers.items() if name.lower() not in _HOP - {"content-length"}
        }
        return Reply(_body(response, rest), response.status, kept, response.content_type)

    async def read(self, host: str, target: str) -> AsyncGenerator[bytes, None]:
        """The bytes of something that a host has for other hosts. Absent: it has not; Busy: it is not to be reached."""
        proof = {"x-auth-token": _PROOF + self._vault.seal(f"GET {target}"), PASSED_ON: self._hosts.here}
        try:
            response, rest = await self._ask(host, Request("GET", target, {}, b""), proof)
        except errors.Elsewhere as error:
            raise errors.Busy(error.sentence, detail=error.detail) from error
        async with rest:
            if response.status != 200:
                text = (await response.text())[:500]
                kind = errors.Absent if response.status in {204, 404} else errors.Busy
                raise kind(f"The host {host} did not send what it was asked for.", detail=text)
            async for chunk in _chunks(response):
                yield chunk

    async def _ask(
        self, host: str, request: Request, headers: Mapping[str, str]
    ) -> tuple[aiohttp.ClientResponse, AsyncExitStack]:
        url = self._hosts.url(host)
        if url is None:
            raise errors.Elsewhere(host)
        asked = self._opened().request(
            request.method, f"{url}{request.target}", headers=headers, data=request.body or None, allow_redirects=False
        )
        async with AsyncExitStack() as stack:
            try:
                response = await stack.enter_async_context(asked)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                unreachable = errors.Elsewhere(host)
                unreachable.detail += f": {error}"
                raise unreachable from error
            return response, stack.pop_all()
        raise AssertionError("the stack swallows nothing")

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            trusted = self._settings.tls_ca or self._settings.tls_certificate or None
            context = ssl.create_default_context(cafile=trusted) if self._settings.url.startswith("https") else True
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_SILENCE)
            connector = aiohttp.TCPConnector(ssl=context, limit=0, socket_factory=_socket)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
        return self._session


def _socket(address: AddrInfoType) -> socket.socket:
    """One that notices within seconds that the other host is gone, however long that may be silent while it lives (tcp(7))."""
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, _GONE),
        (socket.TCP_KEEPINTVL, 3),
        (socket.TCP_KEEPCNT, 3),
        (socket.TCP_USER_TIMEOUT, _GONE * 1000),
    ):
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


async def _body(response: aiohttp.ClientResponse, rest: AsyncExitStack) -> AsyncIterator[bytes]:
    async with rest:
        async for chunk in _chunks(response):
            yield chunk


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except aiohttp.ClientError as error:
        raise errors.Busy("The other host broke off.", detail=str(error)) from error


class PeerAuthenticator:
    """Knows other hosts by their proof, and asks ``users`` about everybody else."""

    def __init__(self, users: Authenticator, rules: Rules, vault: Vault) -> None:
        self._users = users
        self.rules = rules
        self._vault = vault

    async def caller(self, token: str) -> Caller:
        """A host has the rights of an admin, in no project, for the one request that its proof names: who overhears it gets no
        further. Unauthorized: the token is not good (any more)."""
        if not token.startswith(_PROOF):
            return await self._users.caller(token)
        try:
            request = self._vault.open(token.removeprefix(_PROOF), age=_AGE)
        except errors.Refused as error:
            raise errors.Unauthorized("The request you have made requires authentication.") from error
        return Caller(
            user_id="",
            user_name="host",
            user_domain_id="default",
            roles=frozenset(["admin", "manager", "member", "reader"]),
            rules=self.rules,
            system=True,
            request=request,
        )
