"""Engines that are not this host's: which endpoints there are, and that nobody is spoken to who cannot show who he is."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from boxship.core.errors import Busy, Refused
from boxship.drivers.engine.remote import RemoteEngines
from tests import certificates


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """A directory as DOCKER_CERT_PATH: who vouches for himself is his own authority."""
    made = certificates.make(tmp_path / "made")
    directory = tmp_path / "certificates"
    directory.mkdir()
    for name in ("ca.pem", "cert.pem"):
        (directory / name).write_bytes(made.certificate.read_bytes())
    (directory / "key.pem").write_bytes(made.key.read_bytes())
    return directory


@asynccontextmanager
async def engine(trust: Path) -> AsyncIterator[int]:
    """The port of an engine that lets in only whom the directory vouches for."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"ApiVersion": "1.41", "Name": "far"}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(trust / "ca.pem"))
    context.load_cert_chain(trust / "cert.pem", trust / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_an_engine_with_tls(trust: Path) -> None:
    async with engine(trust) as port, RemoteEngines(trust).open(f"tcp://127.0.0.1:{port}") as connection:
        assert (await connection.json("GET", "/info"))["Name"] == "far"


async def test_an_engine_that_nobody_vouches_for(trust: Path, tmp_path: Path) -> None:
    other = certificates.make(tmp_path / "other")
    async with engine(trust) as port:
        (trust / "ca.pem").write_bytes(other.certificate.read_bytes())
        async with RemoteEngines(trust).open(f"tcp://127.0.0.1:{port}") as connection:
            with pytest.raises(Busy):
                await connection.json("GET", "/info")


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://host:2375",
        "tcp://",
        "tcp://host:x",
        "tcp://host/path",
        "unix://relative",
        "tcp://user@host",
        "host:2376",
        "",
    ],
)
async def test_what_is_no_endpoint(trust: Path, endpoint: str) -> None:
    with pytest.raises(Refused):
        async with RemoteEngines(trust).open(endpoint):
            pass


async def test_certificates_that_are_not_there(tmp_path: Path) -> None:
    for directory, said in ((None, "docker_certificates"), (tmp_path / "nowhere", "cannot be read")):
        with pytest.raises(Refused, match=said):
            async with RemoteEngines(directory).open("tcp://host:2376"):
                pass
