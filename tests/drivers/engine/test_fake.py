"""The fake engine's own ways: sessions that repeat what they are told, files that are given back, small numbers."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.engine import archive
from boxship.drivers.engine.fake import SAYING, FakeEngine
from boxship.drivers.engine.interface import ContainerSpec, LogQuery, Stream
from tests.conformance.host import pieces


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[FakeEngine]:
    """With a container that runs, ``c1``, and one that does not, ``c2``."""
    made = FakeEngine(tmp_path)
    await made.pull("busybox:latest")
    for id in ("c1", "c2"):
        await made.create(ContainerSpec(id, "busybox:latest", tmp_path / id, ("sleep", "9"), memory=64 << 20))
    await made.start("c1")
    yield made
    await made.close()


async def rest(stream: Stream) -> bytes:
    """All that still comes."""
    said = b""
    while chunk := await asyncio.wait_for(stream.read(), 10):
        said += chunk
    return said


async def test_a_session_repeats_what_it_is_told(engine: FakeEngine) -> None:
    stream = await engine.attach("c1")
    assert await stream.read() == SAYING
    await stream.write(b"ls\n")
    assert await stream.read() == b"ls\n"
    await stream.write(b"exit\n")
    await stream.end_input()
    assert await rest(stream) == b"exit\n"
    assert await stream.read() == b""
    with pytest.raises(Busy):
        await stream.write(b"more")


async def test_a_session_ends_with_its_container(engine: FakeEngine) -> None:
    attached, exec_id = await engine.attach("c1"), await engine.create_exec("c1", ("sh",), terminal=True)
    joined = await engine.start_exec("c1", exec_id)
    await engine.stop("c1", 0)
    assert (await rest(attached), await rest(joined)) == (SAYING, SAYING)
    with pytest.raises(Refused, match=r"The container is not running\."):
        await engine.attach("c1")


async def test_a_command_and_its_code(engine: FakeEngine) -> None:
    exec_id = await engine.create_exec("c1", ("sh",), terminal=False)
    assert await engine.exec_code("c1", exec_id) is None
    stream = await engine.start_exec("c1", exec_id)
    assert await engine.exec_code("c1", exec_id) is None
    with pytest.raises(Busy):
        await engine.start_exec("c1", exec_id)
    await stream.close()
    assert await engine.exec_code("c1", exec_id) == 0
    ends = await engine.create_exec("c1", ("exit", "4"), terminal=False)
    assert await rest(await engine.start_exec("c1", ends)) == SAYING
    assert await engine.exec_code("c1", ends) == 4


async def test_a_command_is_of_one_container(engine: FakeEngine) -> None:
    exec_id = await engine.create_exec("c1", ("sh",), terminal=False)
    await engine.start("c2")
    for call in (
        engine.start_exec("c2", exec_id),
        engine.exec_code("c2", exec_id),
        engine.resize_exec("c2", exec_id, width=80, height=24),
    ):
        with pytest.raises(Absent):
            await call


def packed(*names: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in names:
            archive.add(tar, name, name.encode())
    return content.getvalue()


async def members(engine: FakeEngine, path: str) -> dict[str, bytes | None]:
    content = b"".join([chunk async for chunk in engine.get_archive("c1", path)])
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        files = {member.name: tar.extractfile(member) for member in tar}
        return {name: file.read() if file else None for name, file in files.items()}


async def test_files_are_given_back(engine: FakeEngine) -> None:
    await engine.put_archive("c1", "/tmp", pieces(packed("x", "deep/er/y")))
    assert await members(engine, "/tmp/x") == {"x": b"x"}
    assert await members(engine, "tmp/deep/") == {"deep": None, "deep/er": None, "deep/er/y": b"deep/er/y"}
    sight = await engine.stat("c1", "/tmp/deep/er/y")
    assert (sight.name, sight.size, sight.mode, sight.link_target) == ("y", 9, 0o644, "")
    assert (await engine.stat("c1", "/tmp")).mode == 1 << 31 | 0o755
    await engine.put_archive("c1", "/tmp/deep", pieces(packed("x")))
    assert await members(engine, "/tmp/deep/x") == {"x": b"x"}
    await engine.remove("c1")
    with pytest.raises(Absent):
        await engine.stat("c1", "/")


async def test_what_cannot_be_put_or_given(engine: FakeEngine) -> None:
    await engine.put_archive("c1", "/tmp", pieces(packed("x")))
    for path in ("/etc", "/tmp/y", "/tmp/x/z"):
        with pytest.raises(Absent):
            await members(engine, path)
        with pytest.raises(Absent):
            await engine.put_archive("c1", path, pieces(packed("z")))
    with pytest.raises(Refused, match="no directory"):
        await engine.put_archive("c1", "/tmp/x", pieces(packed("z")))
    with pytest.raises(Refused, match="not a tar"):
        await engine.put_archive("c1", "/tmp", pieces(b"no tar"))


async def test_the_log_is_followed_to_the_end(engine: FakeEngine) -> None:
    async def follow() -> bytes:
        return b"".join([chunk async for chunk in engine.follow("c1", LogQuery())])

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    await engine.pause("c1")
    assert not following.done()
    await engine.stop("c1", 0)
    assert await asyncio.wait_for(following, 10) == SAYING
    assert await asyncio.wait_for(follow(), 10) == SAYING


async def test_use_is_next_to_nothing(engine: FakeEngine) -> None:
    usage = await engine.stats("c1")
    assert (usage.cpu, usage.memory_limit, usage.processes) == (0, 64 << 20, 1)
    assert 0 < usage.memory < usage.memory_limit
    await engine.update("c1", cpus=None, memory=128 << 20)
    assert (await engine.stats("c1")).memory_limit == 128 << 20
    table = await engine.top("c1", "-ef")
    assert len(table.rows) == 1
    assert len(table.rows[0]) == len(table.titles)
    assert table.rows[0][-1] == "sleep 9"
    for call in (engine.stats("c2"), engine.top("c2", "-ef"), engine.top("c1", "-e; rm")):
        with pytest.raises(Refused):
            await call


async def test_a_registry_finds_what_is_asked_for(engine: FakeEngine) -> None:
    found = await engine.search("nginx", 5)
    assert [(entry["name"], entry["description"]) for entry in found] == [("nginx", SAYING.decode().strip())]
    assert await engine.search("no-such-image", 5) == []


async def test_an_image_that_is_given_out_is_one(engine: FakeEngine, tmp_path: Path) -> None:
    given, clean = tmp_path / "given", tmp_path / "clean"
    given.write_bytes(b"".join([chunk async for chunk in engine.save("busybox:latest")]))
    archive.rewrite(given, clean, "other:1")
    assert clean.stat().st_size > 0


async def test_there_is_room_for_thousands(engine: FakeEngine) -> None:
    host = await engine.host()
    assert (host.cpus, host.memory, host.disk) == (1000, 1 << 40, 100 << 40)
