"""Archives of tenants against the host: whatever path or tar is given, only the container's own files are read or written."""

from __future__ import annotations

import asyncio
import contextlib
import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from boxship.core.errors import Absent, BadRequest, Refused
from tests.conformance.archives import entry
from tests.conformance.host import Host, eventually, pieces


async def whole(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in stream])


def tar(*entries: tarfile.TarInfo, content: bytes = b"of the container") -> bytes:
    """An archive of these entries; plain files have this content."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info in entries:
            info.size = len(content) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return written.getvalue()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory of the host with a file that no container may see or change."""
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "secret").write_text("of the host")
    return directory


def untouched(outside: Path) -> None:
    assert (outside / "secret").read_text() == "of the host"
    assert [path.name for path in outside.iterdir()] == ["secret"]


def hostile(outside: Path) -> dict[str, bytes]:
    """Archives that would write outside of the directory that they are unpacked in."""
    up = "../" * 12
    link = entry("out", tarfile.SYMTYPE, str(outside))
    return {
        "a name with dots": tar(tarfile.TarInfo(f"{up}{outside}/dots")),
        "an absolute name": tar(tarfile.TarInfo(f"{outside}/absolute")),
        "through a link": tar(link, tarfile.TarInfo("out/through")),
        "onto a link": tar(entry("on", tarfile.SYMTYPE, f"{outside}/secret"), tarfile.TarInfo("on")),
        "a hard link": tar(entry("hard", tarfile.LNKTYPE, f"{outside}/secret"), tarfile.TarInfo("hard")),
        "a hard link with dots": tar(entry("hard", tarfile.LNKTYPE, f"{up}{outside}/secret")),
        "a link to a link": tar(
            entry("a", tarfile.SYMTYPE, f"{up}proc/1/root"), entry("a/b", tarfile.LNKTYPE, "a/etc")
        ),
        "through proc": tar(tarfile.TarInfo(f"proc/1/root{outside}/proc")),
    }


@pytest.mark.parametrize("running", [True, False])
async def test_no_archive_writes_outside(docker: Host, outside: Path, *, running: bool) -> None:
    await docker.run("c1")
    if not running:
        await docker.engine.stop("c1", 0)
    for archive in hostile(outside).values():
        with contextlib.suppress(Absent, Refused):  # or it lands in the container
            await docker.engine.put_archive("c1", "/tmp", pieces(archive))
        untouched(outside)


@pytest.mark.parametrize("running", [True, False])
async def test_no_path_reads_outside(docker: Host, outside: Path, *, running: bool) -> None:
    """Links that the container made, to the host's path and to the root of process 1, lead nowhere or to its own files."""
    await docker.run("c1", "sh", "-c", f"ln -s {outside} /out; ln -s /proc/1/root{outside} /proc-out; exec sleep 1000")
    if not running:
        await docker.engine.stop("c1", 0)
    for path in (
        "/out",
        "/out/secret",
        "/proc-out/secret",
        f"/../../..{outside}/secret",
        f"/proc/1/root{outside}/secret",
    ):
        try:
            content = await whole(docker.engine.get_archive("c1", path))
        except (Absent, Refused):
            continue
        assert b"of the host" not in content, path


async def test_a_name_with_nul(docker: Host) -> None:
    await docker.run("c1")
    with pytest.raises(Absent):
        await docker.engine.stat("c1", "/tmp\0/../etc")
    with pytest.raises(Absent):
        await whole(docker.engine.get_archive("c1", "/\0"))


async def test_a_link_that_changes_while_archives_are_read_and_written(docker: Host, outside: Path) -> None:
    """The race of CVE-2018-15664: a directory of the container is swapped for a link to the host all the time."""
    script = (
        f"mkdir /real; ln -s {outside} /link; echo inside > /real/secret;"
        "while :; do mv /real /swap; mv /swap /real; mv /link /swap; mv /swap /link; done"
    )
    await docker.run("c1", "sh", "-c", script)
    reached, tries = 0, 0
    while reached < 5 or tries < 30:
        tries += 1
        assert tries < 500, "the archives never met the directory"
        with contextlib.suppress(Absent, Refused):
            assert b"of the host" not in await whole(docker.engine.get_archive("c1", "/swap/secret"))
        with contextlib.suppress(Absent, Refused):
            await docker.engine.put_archive("c1", "/swap", pieces(tar(tarfile.TarInfo("written"))))
            reached += 1
        untouched(outside)


async def test_what_is_no_tar_is_refused(docker: Host) -> None:
    await docker.run("c1")
    with pytest.raises(Refused):
        await docker.engine.put_archive("c1", "/tmp", pieces(b"x" * 4096))


async def test_a_file_is_no_directory(docker: Host) -> None:
    await docker.run("c1")
    await docker.engine.put_archive("c1", "/tmp", pieces(tar(tarfile.TarInfo("file"))))
    with pytest.raises((Refused, Absent)):
        await docker.engine.put_archive("c1", "/tmp/file", pieces(tar(tarfile.TarInfo("x"))))
    for path in ("/tmp/file/.", "/etc/passwd/.", ""):
        with pytest.raises(Absent):
            await docker.engine.stat("c1", path)


async def written(docker: Host, path: str, size: int) -> None:
    """Wait until c1 has written so many bytes to this file."""

    async def made() -> bool:
        with contextlib.suppress(Absent):
            return (await docker.engine.stat("c1", path)).size == size
        return False

    await eventually(made, f"{path} is there")


async def test_who_leaves_in_the_middle_leaves_nothing_open(docker: Host) -> None:
    await docker.run("c1", "sh", "-c", "head -c 67108864 /dev/zero > /big; exec sleep 1000")
    await written(docker, "/big", 67108864)

    async def first() -> bytes:
        stream = docker.engine.get_archive("c1", "/big")
        try:
            return await anext(stream)
        finally:
            await stream.aclose()  # type: ignore[attr-defined]  # it is a generator

    for _ in range(20):
        assert await first()
    assert (await asyncio.wait_for(docker.engine.stat("c1", "/big"), 10)).name == "big"


async def test_who_reads_slowly_holds_nobody_up(docker: Host) -> None:
    """An engine locks a container while its files are read: neither looking at it nor removing it may wait for a reader."""
    await docker.run("c1", "sh", "-c", "head -c 268435456 /dev/zero > /big; exec sleep 1000")

    await written(docker, "/big", 268435456)
    slow = docker.engine.get_archive("c1", "/big")
    assert await anext(slow)
    assert (await asyncio.wait_for(docker.engine.sight("c1"), 30)) is not None
    await asyncio.wait_for(docker.engine.remove("c1"), 30)
    rest = 0
    async for part in slow:
        rest += len(part)
    assert rest > 268435456 - (4 << 20), "what was read before is not lost"


async def test_who_writes_slowly_holds_nobody_up(docker: Host) -> None:
    await docker.run("c1")
    begun, go_on = asyncio.Event(), asyncio.Event()
    whole_tar = tar(tarfile.TarInfo("slow"))

    async def slow() -> AsyncIterator[bytes]:
        yield whole_tar[:100]
        begun.set()
        await go_on.wait()
        yield whole_tar[100:]

    putting = asyncio.ensure_future(docker.engine.put_archive("c1", "/tmp", slow()))
    await begun.wait()
    assert (await asyncio.wait_for(docker.engine.sight("c1"), 30)) is not None
    go_on.set()
    await putting
    assert (await docker.engine.stat("c1", "/tmp/slow")).size == 16


async def test_an_archive_that_breaks_off_leaves_nothing(host: Host) -> None:
    await host.run("c1")

    async def broken() -> AsyncIterator[bytes]:
        yield tar(tarfile.TarInfo("half"))
        raise BadRequest("The connection broke off.")

    with pytest.raises(BadRequest, match="broke off"):
        await host.engine.put_archive("c1", "/tmp", broken())
    with pytest.raises(Absent):
        await host.engine.stat("c1", "/tmp/half")


async def test_a_container_that_is_not_there(host: Host) -> None:
    for attempt in (
        whole(host.engine.get_archive("c1", "/tmp")),
        host.engine.stat("c1", "/tmp"),
        host.engine.put_archive("c1", "/tmp", pieces(tar())),
    ):
        with pytest.raises(Absent, match="c1"):
            await attempt
