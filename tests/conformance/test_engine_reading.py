"""What every ``Engine`` reads out of a container, and what it puts into it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import tarfile
from collections.abc import AsyncIterator

import pytest

from boxship.core.errors import Absent, Refused
from boxship.drivers.engine.interface import LogQuery, Usage
from tests.conformance.host import Host, eventually, pieces

MEBIBYTE = 1 << 20


def tar(**files: bytes) -> bytes:
    """An archive with these files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


async def whole(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in stream])


async def test_an_archive_comes_back_as_it_went_in(host: Host) -> None:
    await host.run("c1")
    sent = tar(**{"hello.txt": b"hello\n", "bytes": bytes(range(256)) * 1000})
    await host.engine.put_archive("c1", "/tmp", pieces(sent, 1000))
    content = await whole(host.engine.get_archive("c1", "/tmp"))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = {name.rpartition("/")[2]: name for name in archive.getnames()}
        found = archive.extractfile(files["bytes"])
        assert found is not None
        assert found.read() == bytes(range(256)) * 1000
        assert "hello.txt" in files


async def test_archives_of_a_stopped_container(host: Host) -> None:
    await host.run("c1")
    await host.engine.stop("c1", 0)
    await host.engine.put_archive("c1", "/tmp", pieces(tar(late=b"late")))
    assert b"late" in await whole(host.engine.get_archive("c1", "/tmp"))


async def test_a_path_that_is_not_there(host: Host) -> None:
    await host.run("c1")
    with pytest.raises(Absent):
        await whole(host.engine.get_archive("c1", "/no/such/path"))
    with pytest.raises(Absent):
        await host.engine.stat("c1", "/no/such/path")
    with pytest.raises(Absent):
        await host.engine.put_archive("c1", "/no/such/path", pieces(tar(a=b"a")))


async def test_a_log_is_followed_to_its_end(host: Host) -> None:
    await host.run("c1", "sh", "-c", "echo begins; sleep 1000")
    printed = bytearray()

    async def follow() -> None:
        async for part in host.engine.follow("c1", LogQuery()):
            printed.extend(part)

    following = asyncio.create_task(follow())

    async def caught_up() -> bool:
        return len(printed) >= len(await host.engine.logs("c1", LogQuery())) > 0

    await eventually(caught_up, "the log so far is there")
    assert not following.done()
    await host.engine.remove("c1")
    await asyncio.wait_for(following, 30)


async def test_what_does_not_run_has_no_figures(host: Host) -> None:
    await host.engine.create(host.spec("c1"))
    with pytest.raises(Refused):
        await host.engine.stats("c1")
    with pytest.raises(Refused):
        await host.engine.top("c1", "")


async def test_processes_have_a_cell_per_title(host: Host) -> None:
    await host.run("c1", "sleep", "1234")
    shown = await host.engine.top("c1", "")
    assert {len(row) for row in shown.rows} == {len(shown.titles)}
    assert any("sleep 1234" in cell for row in shown.rows for cell in row)


async def test_a_log_is_followed_as_it_grows(docker: Host) -> None:
    script = "echo out; echo err >&2; i=0; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo late"
    await docker.run("c1", "sh", "-c", script)
    stream = docker.engine.follow("c1", LogQuery())
    printed = b""
    async with contextlib.aclosing(stream) as parts:  # type: ignore[type-var]  # it is a generator
        async for part in parts:
            printed += part
            if printed.count(b"\n") == 2 and b"late" not in printed:
                assert sorted(printed.split()) == [b"err", b"out"]
                await docker.engine.put_archive("c1", "/tmp", pieces(tar(go=b"")))
    assert printed.endswith(b"late\n")


async def test_of_a_very_long_log_the_newest_is_read(docker: Host) -> None:
    script = "head -c 12000000 /dev/zero | tr '\\0' 'a' | fold -w 1000; echo last"
    await docker.run("c1", "sh", "-c", script)
    await docker.ends("c1")
    printed = await docker.engine.logs("c1", LogQuery())
    assert len(printed) == 8 * MEBIBYTE
    assert printed.endswith(b"alast\n")


async def test_figures_are_those_of_the_load(docker: Host) -> None:
    """A busy loop at half a core, 32 MiB in memory and 32 MiB written: neither more nor much less is told."""
    load = (
        "dd if=/dev/zero of=/dev/shm/held bs=1M count=32; dd if=/dev/zero of=/written bs=1M count=32 conv=fsync;"
        "touch /tmp/ready; while :; do :; done"
    )
    await docker.run("c1", "sh", "-c", load, cpus=0.5, memory=128 * MEBIBYTE)

    async def settled() -> Usage | None:
        used = await docker.engine.stats("c1")
        return used if 35 < used.cpu < 65 and used.written >= 32 * MEBIBYTE else None

    used = await eventually(settled, "half a core is used, and what was written is counted")
    assert 32 * MEBIBYTE <= used.written < 48 * MEBIBYTE
    assert 32 * MEBIBYTE <= used.memory < 64 * MEBIBYTE
    assert used.memory_limit == 128 * MEBIBYTE
    assert used.processes == 1


@pytest.mark.parametrize("path", ["/link/proof", "/../../proof", "/relative/proof"])
async def test_no_path_leaves_the_container(docker: Host, path: str) -> None:
    """Symbolic links and dots are resolved inside: the host's files are neither read nor written through them."""
    secret = docker.directory / "proof"
    secret.write_text("of the host")
    script = f"ln -s {docker.directory} /link; ln -s ../../../../../..{docker.directory} /relative; exec sleep 1000"
    await docker.run("c1", "sh", "-c", script)
    with pytest.raises(Absent):
        await whole(docker.engine.get_archive("c1", path))
    with contextlib.suppress(Absent, Refused):  # or it lands at the root of the container
        await docker.engine.put_archive("c1", path.rpartition("/")[0], pieces(tar(proof=b"of the container")))
    assert secret.read_text() == "of the host"
