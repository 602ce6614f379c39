"""Bytes at a URL that a user names, streamed. Obeys ``interface.Web``. The request comes from this host, so it must never reach
what only this host does: loopback, private and link-local ranges, the metadata address of whatever this runs on.

Addresses are judged where a connection is opened, each one that a name resolves to and after each redirection, so that a name
cannot point at one address when it is checked and at another when it is used.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncGenerator, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from boxship.core import errors
from boxship.core.http import urls

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_REDIRECTIONS = 5
_CONNECT, _SILENCE = 10.0, 60.0
"""Seconds for a connection to be made, and between two pieces of an answer."""
_PORTS = frozenset({80, 443})
"""Where the public Internet is asked; Glance's default."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""Where IPv4 addresses are reached by IPv6 (RFC 6052)."""


class PublicWeb:
    """The public Internet, and the ``networks`` that the operator allows besides."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    def allows(self, address: Address, port: int) -> bool:
        """Whether anything is fetched from there; an address inside another, as IPv6 carries IPv4, counts as that."""
        inner = _carried(address)
        if any(inner in network for network in self._networks):
            return True
        return inner.is_global and not inner.is_multicast and port in _PORTS

    async def read(self, url: str) -> AsyncGenerator[bytes, None]:
        connector = aiohttp.TCPConnector(resolver=_Judged(self), use_dns_cache=False)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_SILENCE)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
            try:
                async with await self._answer(session, url) as answer:
                    async for chunk in answer.content.iter_any():
                        yield chunk
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise errors.Busy(f"{_named(url)} does not answer: {_cause(error)}.") from error

    async def _answer(self, session: aiohttp.ClientSession, url: str) -> aiohttp.ClientResponse:
        """The answer that has the bytes, redirections followed."""
        target = url
        for _ in range(_REDIRECTIONS + 1):
            place = self._checked(target)
            answer = await session.get(place, allow_redirects=False, headers={"Accept-Encoding": "identity"})
            if answer.status not in {301, 302, 303, 307, 308}:
                return _good(answer, url)
            answer.release()
            target = _redirected(place, answer.headers.get("Location", ""))
        raise errors.Refused(f"{_named(url)} redirects more than {_REDIRECTIONS} times.")

    def _checked(self, url: str) -> yarl.URL:
        """The URL, if it may be asked. A name is judged when it is resolved, an address here, as nobody resolves it."""
        reason = urls.complaint(url)
        if reason:
            raise errors.Refused(f"{_named(url)} {reason}.")
        place = yarl.URL(url)
        try:
            address = ipaddress.ip_address(place.host or "")
        except ValueError:
            return place
        if not self.allows(address, place.port or 0):
            raise errors.Refused(_refusal(place))
        return place


class _Judged(AbstractResolver):
    """Resolves names, and refuses those that lead where nothing is fetched from."""

    def __init__(self, web: PublicWeb) -> None:
        self._web = web

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results = [_result(host, port, one[0], str(one[4][0])) for one in found]
        for result in results:
            if not self._web.allows(ipaddress.ip_address(result["host"]), port):
                raise errors.Refused(_refusal(yarl.URL.build(scheme="http", host=host, port=port)))
        return results

    async def close(self) -> None:
        """Nothing is held."""


def _result(name: str, port: int, family: int, address: str) -> ResolveResult:
    plain = address.partition("%")[0]
    return ResolveResult(
        hostname=name,
        host=plain,
        port=port,
        family=family,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def _carried(address: Address) -> Address:
    """The IPv4 address in an IPv6 address that stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _redirected(place: yarl.URL, location: str) -> str:
    try:
        return str(place.join(yarl.URL(location)))
    except ValueError:
        return location


def _good(answer: aiohttp.ClientResponse, url: str) -> aiohttp.ClientResponse:
    if answer.status == 200:
        return answer
    answer.release()
    sentence = f"{_named(url)} answers with {answer.status}."
    raise (errors.Busy if answer.status in {408, 425, 429} or answer.status >= 500 else errors.Refused)(sentence)


def _refusal(place: yarl.URL) -> str:
    return (
        f"Nothing is fetched from {place.host} at port {place.port}: that is neither port 80 or 443 on the public Internet "
        "nor in a network that the operator allows."
    )


def _named(url: str) -> str:
    """The URL without its query, which may hold a signature."""
    return url.partition("?")[0][:500]


def _cause(error: Exception) -> str:
    return "it takes too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
