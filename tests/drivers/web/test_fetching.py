"""What is fetched from outside, and what never is."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from boxship.core import errors
from boxship.drivers.web.fetching import PublicWeb
from tests import website
from tests.website import LOOPBACK, Website

INSIDE = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"),  # noqa: S104
    *("169.254.169.254", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fd00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1", "2002:a00:1::1"),
]
OUTSIDE = ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Website]:
    async with website.running() as made:
        yield made


async def fetched(web: PublicWeb, url: str) -> bytes:
    return b"".join([chunk async for chunk in web.read(url)])


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_not_fetched(address: str) -> None:
    assert not PublicWeb().allows(ipaddress.ip_address(address), 80)


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_outside_is_fetched_from_the_ports_of_the_web(address: str) -> None:
    found = ipaddress.ip_address(address)
    assert PublicWeb().allows(found, 80)
    assert PublicWeb().allows(found, 443)
    assert not PublicWeb().allows(found, 22)


def test_an_operator_allows_more() -> None:
    web = PublicWeb([ipaddress.ip_network("10.1.0.0/16")])
    assert web.allows(ipaddress.ip_address("10.1.2.3"), 8080)
    assert web.allows(ipaddress.ip_address("::ffff:10.1.2.3"), 8080)
    assert not web.allows(ipaddress.ip_address("10.2.0.1"), 80)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1", "[::ffff:7f00:1]"]
)
async def test_nothing_reaches_this_host(site: Website, host: str) -> None:
    site.pages["/secret"] = b"secret"
    with pytest.raises(errors.BoxshipError):
        await fetched(PublicWeb(), f"http://{host}:{site.port}/secret")
    assert site.seen == []


async def test_a_name_is_judged_by_all_its_addresses(site: Website, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        assert host == "both.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("8.8.8.8", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with pytest.raises(errors.Refused, match=r"from both\.example at port 80"):
        await fetched(PublicWeb(), "http://both.example/x")


async def test_bytes(site: Website) -> None:
    site.pages["/image"] = b"0123456789" * 100_000
    web = PublicWeb([ipaddress.ip_network(LOOPBACK)])
    assert await fetched(web, f"{site.url}/image") == site.pages["/image"]
    assert await fetched(web, f"{site.url}/to?/image") == site.pages["/image"]
    assert await fetched(web, f"http://localhost:{site.port}/image") == site.pages["/image"]


@pytest.mark.parametrize(
    "target",
    ["http://10.0.0.1/x", "http://[::1]/x", "http://169.254.169.254/", "file:///etc/passwd", "ftp://h/x", "http://["],
)
async def test_a_redirection_leads_nowhere_else(site: Website, target: str) -> None:
    web = PublicWeb([ipaddress.ip_network(LOOPBACK)])
    with pytest.raises(errors.Refused):
        await fetched(web, f"{site.url}/to?{target}")
    assert site.seen == ["/to"]


async def test_redirections_end(site: Website) -> None:
    with pytest.raises(errors.Refused, match="more than 5 times"):
        await fetched(PublicWeb([ipaddress.ip_network(LOOPBACK)]), f"{site.url}/to?/to?/to")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/nothing", errors.Refused),
        ("/status/403", errors.Refused),
        ("/status/206", errors.Refused),
        ("/status/429", errors.Busy),
        ("/status/503", errors.Busy),
        ("/broken", errors.Busy),
    ],
)
async def test_answers_that_are_none(site: Website, path: str, kind: type[errors.BoxshipError]) -> None:
    with pytest.raises(kind) as failure:
        await fetched(PublicWeb([ipaddress.ip_network(LOOPBACK)]), f"{site.url}{path}?signature=secret")
    assert path in failure.value.sentence
    assert "secret" not in failure.value.sentence


async def test_nobody_there(site: Website) -> None:
    web = PublicWeb([ipaddress.ip_network(LOOPBACK)])
    with pytest.raises(errors.Busy, match="does not answer"):
        await fetched(web, "http://127.0.0.1:9/x")
    with pytest.raises(errors.Busy, match="does not answer"):
        await fetched(web, "http://no-such-host.invalid/x")
