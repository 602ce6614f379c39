"""What is read out of containers and copied into them: forms on the wire, options of ps, and who leaves in the middle."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import random
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from boxship.core.errors import BadRequest, TooLarge
from boxship.services.container.schemas import archives as wire
from boxship.services.container.schemas.processes import ps_arguments
from tests import cloud
from tests.cloud import Cloud
from tests.services.container.containers import CONTAINERS, made, versioned

STAT = wire.Stat("name", 3, 420, "2026-01-01T00:00:00Z", "")


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def whole(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in stream])


def tar(**files: bytes) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return written.getvalue()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 1 << 20])
@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 49152, 60_000])
async def test_base64_in_pieces_is_what_it_is_at_once(length: int, size: int) -> None:
    content = random.Random(length).randbytes(length)  # noqa: S311 (no secret)
    body = await whole(wire.base64_document(STAT, pieces(content, size)))
    assert base64.b64decode(json.loads(body)["data"]) == content
    assert json.loads(body)["stat"] == {
        "name": "name",
        "size": 3,
        "mode": 420,
        "mtime": "2026-01-01T00:00:00Z",
        "linkTarget": "",
    }
    sent = json.dumps({"data": base64.b64encode(content).decode()}, indent=1).encode()
    assert await whole(wire.base64_archive(pieces(sent, size))) == content


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_escapes_and_lines_in_base64(size: int) -> None:
    content = b"\xff\xfe\xfd" * 40_000
    text = "\\n".join(base64.encodebytes(content).decode().splitlines()).replace("/", "\\/")
    assert await whole(wire.base64_archive(pieces(f'{{"data":"{text}"}} \n'.encode(), size))) == content


LONG = base64.b64encode(bytes(90_000))
NO_ARCHIVES = {
    "nothing": b"",
    "no JSON": b"tar",
    "no object": b"[]",
    "no data": b"{}",
    "another field": b'{"data": "", "more": 1}',
    "a number": b'{"data": 1}',
    "null": b'{"data": null}',
    "no base64": b'{"data": "a"}',
    "long no JSON": b"tar" * 50_000,
    "long and another field first": b'{"more": "' + LONG + b'", "data": ""}',
    "long and another field": b'{"data": "' + LONG + b'", "more": 1}',
    "long and twice": b'{"data": "' + LONG + b'", "data": "' + LONG + b'"}',
    "long and more": b'{"data": "' + LONG + b'"}}',
    "long and cut off": b'{"data": "' + LONG,
    "long and not closed": b'{"data": "' + LONG + b'"',
    "long and no base64": b'{"data": "' + LONG + b'*"}',
    "long and a wrong length": b'{"data": "' + LONG + b'A"}',
    "long and padded in the middle": b'{"data": "' + base64.b64encode(bytes(89_999)) + LONG + b'"}',
    "long and escaped": b'{"data": "' + LONG + b'\\u0041"}',
    "long and much after it": b'{"data": "' + LONG + b'"' + b" " * 100_000 + b"}",
}


@pytest.mark.parametrize("size", [5, 1 << 20])
@pytest.mark.parametrize("body", NO_ARCHIVES.values(), ids=NO_ARCHIVES)
async def test_what_is_no_archive(body: bytes, size: int) -> None:
    with pytest.raises(BadRequest):
        await whole(wire.base64_archive(pieces(body, size)))


async def test_text_has_limits() -> None:
    assert await wire.text_archive(pieces(b'{"data": "\\u0000a"}', 3), 100) == b"\0a"
    with pytest.raises(TooLarge):
        await wire.text_archive(pieces(b'{"data": "' + b"a" * 100 + b'"}', 3), 100)
    with pytest.raises(BadRequest, match=r"1\.25"):
        wire.text_document(STAT, b"\xff")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "aux",
            "-ef",
            "-eF",
            "auxww --sort=-rss",
            "-eo user,pid,%cpu,args",
            "-e -o pid,cmd",
            "--format pid,comm",
            "axo pid,args",
        ),
        *("1234", "1 2 3", "-p 1,2", "--pid 7", "-eLf", "axjf", "", "  aux  "),
    ],
)
def test_options_of_ps(text: str) -> None:
    assert ps_arguments(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "-eo ppid=PID,args",
            "-o args,pid",
            "-o comm,pid",
            "-o args",
            "-o",
            "-o pid=PID",
            "-o pid,args -o pid",
            "-o lstart,pid",
        ),
        *(
            ";id",
            "$(id)",
            "a\nb",
            "-C sh",
            "--sort",
            "-O pid",
            "N /etc/shadow",
            "-o pid,é",
            "aux\t",
            "-p sh",
            "x" * 201,
            "-eo pid,",
        ),
    ],
)
def test_options_of_ps_that_could_show_more(text: str) -> None:
    with pytest.raises(BadRequest, match="ps_args"):
        ps_arguments(text)


def test_no_options_of_ps() -> None:
    assert ps_arguments(None) == ps_arguments("None") == ""


async def test_an_archive_of_any_version(tmp_path: Path) -> None:
    """What was sent in one form comes back in the others."""
    async with cloud.running(tmp_path) as running:
        id = await made(running)
        text, binary = tar(text=b"text"), tar(binary=bytes(range(256)) * 1000)
        sent = [
            await versioned(running, "POST", f"/{id}/put_archive?path=/tmp", "1.24", json={"data": text.decode()}),
            await versioned(
                running, "POST", f"/{id}/put_archive?path=/tmp", json={"data": base64.b64encode(binary).decode()}
            ),
            await versioned(
                running,
                "POST",
                f"/{id}/put_archive?path=/tmp",
                content=tar(plain=b"plain"),
                headers={"Content-Type": "application/x-tar"},
            ),
        ]
        assert [answer.status_code for answer in sent] == [200, 200, 200]
        old = await versioned(running, "GET", f"/{id}/get_archive?path=/tmp/text", "1.24")
        assert inside(old.json()["data"].encode()) == {"text": b"text"}
        refused = await versioned(running, "GET", f"/{id}/get_archive?path=/tmp", "1.24")
        assert refused.status_code == 400
        new = await versioned(running, "GET", f"/{id}/get_archive?path=/tmp", "1.25")
        found = inside(base64.b64decode(new.json()["data"]))
        assert found == {"tmp/text": b"text", "tmp/binary": bytes(range(256)) * 1000, "tmp/plain": b"plain"}
        accept = {"Accept": "application/x-tar, application/json;q=0.5"}
        plain = await versioned(running, "GET", f"/{id}/get_archive?path=/tmp", headers=accept)
        assert inside(plain.content) == found


def inside(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {info.name: opened.extractfile(info).read() for info in opened if info.isreg()}  # type: ignore[union-attr]


async def test_text_beyond_the_limit(tmp_path: Path) -> None:
    async with cloud.running(tmp_path, max_archive=20_000) as running:
        id = await made(running)
        large = tar(large=b"a" * 30_000)
        refused = await versioned(
            running, "POST", f"/{id}/put_archive?path=/tmp", "1.24", json={"data": large.decode()}
        )
        assert refused.status_code == 413
        sent = {"data": base64.b64encode(large).decode()}
        assert (await versioned(running, "POST", f"/{id}/put_archive?path=/tmp", "1.25", json=sent)).status_code == 200
        assert (await versioned(running, "GET", f"/{id}/get_archive?path=/tmp", "1.24")).status_code == 413


async def test_base64_that_ends_wrong(tmp_path: Path) -> None:
    """It is told what is wrong with the body, not that the engine did not like what came of it."""
    async with cloud.running(tmp_path) as running:
        id = await made(running)
        body = b'{"data": "' + base64.b64encode(bytes(300_000)) + b'", "more": 1}'
        answer = await versioned(running, "POST", f"/{id}/put_archive?path=/tmp", content=body)
        assert answer.status_code == 400
        assert "nothing may follow" in answer.text


class Reader:
    """A client of ASGI that reads an answer and may leave."""

    def __init__(self, running: Cloud, path: str) -> None:
        self._left = asyncio.Event()
        self._asked = False
        self.received = bytearray()
        scope = {
            "type": "http",
            "method": "GET",
            "path": path.partition("?")[0],
            "query_string": path.partition("?")[2].encode(),
            "headers": [(b"x-auth-token", b"alice")],
        }
        self.task = asyncio.ensure_future(running.program.server(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.received += message.get("body", b"")

    def leave(self) -> None:
        self._left.set()


async def test_a_reader_of_a_growing_log_that_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is printed any more, and still the engine is let go of at once."""
    open_logs = 0

    async with cloud.running(tmp_path) as running:
        id = await made(running)
        follow = running.program.drivers.engine.follow

        async def counted(*arguments: Any) -> AsyncIterator[bytes]:
            nonlocal open_logs
            open_logs += 1
            try:
                async for part in follow(*arguments):
                    yield part
            finally:
                open_logs -= 1

        monkeypatch.setattr(running.program.drivers.engine, "follow", counted)
        reader = Reader(running, f"{CONTAINERS}/{id}/logs?follow=true")

        async def read() -> bool:
            return b"fake engine" in reader.received

        await running.until(read, "the log so far has come")
        assert open_logs == 1
        assert not reader.task.done()
        reader.leave()
        await asyncio.wait_for(reader.task, 10)

        async def closed() -> bool:
            return open_logs == 0

        await running.until(closed, "the log is closed")


async def test_a_growing_log_ends_with_its_container(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        id = await made(running)
        reader = Reader(running, f"{CONTAINERS}/{id}/logs?follow=true")

        async def read() -> bool:
            return b"fake engine" in reader.received

        await running.until(read, "the log so far has come")
        assert (await versioned(running, "POST", f"/{id}/stop?timeout=0")).status_code == 202
        await asyncio.wait_for(reader.task, 10)


async def test_a_container_that_the_engine_lost_has_no_log(tmp_path: Path) -> None:
    async with cloud.running(tmp_path) as running:
        id = await made(running)
        await running.program.drivers.engine.remove(id)
        for query in ("", "?follow=true"):
            answer = await versioned(running, "GET", f"/{id}/logs{query}")
            assert answer.status_code == 200
            assert answer.text in {"", '""'}
