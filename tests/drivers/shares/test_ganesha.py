"""What only the NFS server can get wrong: its life, its memory, and whom it really serves. Clients are those of libnfs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from boxship.core.errors import Refused
from boxship.drivers.shares import ganesha
from boxship.drivers.shares.interface import Access, Export
from tests.system.installation import free_port
from tests.system.waiting import until

pytestmark = pytest.mark.system

A, B = "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e000a", "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e000b"
ADDRESS = "127.0.0.1"
HERE = (Access(ADDRESS, writable=True),)
ELSEWHERE = (Access("192.0.2.1", writable=True),)


class Scene:
    """A server, what it serves, and a client of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / "exports"
        self.port = free_port()
        self.exports = self.program()
        self._got = directory / "got"

    def program(self) -> ganesha.GaneshaExports:
        """The driver as a program that has just started has it: without any memory."""
        return ganesha.GaneshaExports(self.state, ADDRESS, self.port)

    def data(self, id: str) -> Path:
        made = self.directory / f"data-{id[-1]}"
        made.mkdir(exist_ok=True)
        if not made.is_mount():
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "boxship-test", str(made)], check=True)
        (made / "page").write_text(f"page of {id}")
        return made

    async def put(self, id: str = A, access: tuple[Access, ...] = HERE) -> Export:
        export = Export(id, self.data(id), access)
        await self.exports.put(export)
        return export

    def read(self, id: str = A, name: str = "page") -> str | None:
        """What a client gets; None: nothing."""
        self._got.unlink(missing_ok=True)
        done = self._copy(self._url(id, name), str(self._got))
        return self._got.read_text() if done else None

    def write(self, id: str, name: str, content: str) -> bool:
        """Whether a client can."""
        given = self.directory / "given"
        given.write_text(content)
        return self._copy(str(given), self._url(id, name))

    def _url(self, id: str, name: str) -> str:
        return f"nfs://{ADDRESS}/{id}/{name}?version=4&nfsport={self.port}"

    def _copy(self, source: str, target: str) -> bool:
        said = subprocess.run(["nfs-cp", source, target], capture_output=True, check=False, timeout=60)
        return said.returncode == 0

    def pid(self) -> int:
        """Of the server."""
        return int((self.state / "ganesha.pid").read_text().split()[0])

    def kill(self) -> None:
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        until(lambda: not self._lives(pid), "the server is gone")

    def leave(self) -> None:
        for made in self.directory.glob("data-*"):
            if made.is_mount():
                subprocess.run(["umount", str(made)], check=True)

    def _lives(self, pid: int) -> bool:
        try:
            return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
        except OSError:
            return False

    def open_below(self, path: Path) -> list[str]:
        """What the server has open there."""
        found = []
        for link in Path(f"/proc/{self.pid()}/fd").iterdir():
            try:
                target = link.readlink()
            except OSError:
                continue
            if target.is_relative_to(path):
                found.append(str(target))
        return found


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    if shutil.which(ganesha.PROGRAM) is None or shutil.which("nfs-cp") is None:
        pytest.fail("nfs-ganesha or libnfs-utils is not installed; scripts/bootstrap --tests does it")
    made = Scene(tmp_path)
    await made.exports.open()
    yield made
    await made.program().destroy()
    assert not made.state.exists()
    made.leave()


@pytest.mark.parametrize("mended", ["put", "open"])
async def test_a_server_that_died_is_started_again(scene: Scene, mended: str) -> None:
    export = await scene.put()
    scene.kill()
    assert await scene.exports.sight(A) == Export(A, export.path, ()), "nobody is served by a dead server"
    await (scene.put() if mended == "put" else scene.program().open())
    assert (scene.read(), await scene.exports.sights()) == (f"page of {A}", [export])


async def test_a_new_program_finds_the_server_that_runs(scene: Scene) -> None:
    await scene.put()
    pid = scene.pid()
    await scene.exports.close()
    scene.exports = scene.program()
    await scene.exports.open()
    await scene.put(B)
    assert (scene.pid(), scene.read(A), scene.read(B)) == (pid, f"page of {A}", f"page of {B}")


async def test_who_is_no_longer_named_is_cut_off(scene: Scene) -> None:
    await scene.put()
    assert scene.write(A, "new", "by a client")
    assert (scene.data(A) / "new").read_text() == "by a client"
    await scene.put(access=(Access(ADDRESS, writable=False),))
    assert (scene.read(A, "new"), scene.write(A, "other", "x")) == ("by a client", False)
    await scene.put(access=ELSEWHERE)
    assert (scene.read(), scene.write(A, "other", "x")) == (None, False)
    await scene.put(access=(Access("127.0.0.0/8", writable=True),))
    assert scene.read() == f"page of {A}"
    await scene.exports.drop(A)
    assert (scene.read(), scene.write(A, "other", "x")) == (None, False)
    assert not (scene.data(A) / "other").exists()


async def test_a_change_that_the_server_was_not_told_of_is_made_up_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.put()
    before = scene.pid()

    def die(_exports: ganesha.GaneshaExports, _pid: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ganesha.GaneshaExports, "_reread", die)
        await scene.put(access=ELSEWHERE)
    assert scene.read() is not None, "the program died before it told the server"
    found = await scene.program().sight(A)
    assert found is not None
    assert found.access == ()
    await scene.program().open()
    assert (scene.read(), scene.pid()) == (None, before)


async def test_a_dropped_export_is_closed_so_that_its_file_system_unmounts(scene: Scene) -> None:
    place, shown = scene.data(A), scene.state / "served" / A
    await scene.put(A)
    await scene.put(B)
    assert (scene.read(A), scene.write(A, "new", "x")) == (f"page of {A}", True)
    assert scene.open_below(shown)
    await scene.exports.drop(A)
    assert (scene.open_below(shown), shown.exists()) == ([], False)
    subprocess.run(["umount", str(place)], check=True)
    assert scene.read(B) == f"page of {B}"


async def test_what_is_not_mounted_any_more_is_not_served_from_the_disk_below(scene: Scene) -> None:
    export = await scene.put(A)
    await scene.put(B)
    scene.kill()
    subprocess.run(["umount", str(export.path)], check=True)
    await scene.program().open()  # as after a reboot
    assert (scene.read(A), scene.read(B)) == (None, f"page of {B}")
    assert not scene.write(A, "other", "x")
    assert await scene.exports.sight(A) == Export(A, export.path, ())


async def test_a_directory_of_the_disk_is_not_exported(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(Refused, match="no mounted file system"):
        await scene.exports.put(Export(A, tmp_path / "plain", HERE))
    assert await scene.exports.sights() == []


async def test_another_file_system_in_the_same_place_is_served_instead(scene: Scene) -> None:
    export = await scene.put(A)
    subprocess.run(["umount", str(export.path)], check=True)
    (scene.data(A) / "page").write_text("another")
    await scene.exports.put(export)
    assert scene.read(A) == "another"


async def test_who_takes_the_address_away_ends_it(scene: Scene) -> None:
    await scene.put(A)
    await ganesha.GaneshaExports(scene.state, "", scene.port).open()
    assert (scene.read(A), (scene.state / "served" / A).exists()) == (None, False)


async def test_a_port_that_is_taken_is_told(scene: Scene) -> None:
    with socket.create_server((ADDRESS, scene.port)):
        with pytest.raises(Refused, match=f"at {ADDRESS}, port {scene.port}: Address already in use"):
            await scene.put()
        await scene.program().open()  # says so in the log, and the program goes on
    assert await scene.exports.sight(A) == Export(A, scene.data(A), ())
    await scene.put()
    assert scene.read() == f"page of {A}"


async def test_a_missing_program_is_named(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(Refused, match=r"ganesha\.nfsd is missing on this host; install nfs-ganesha-vfs"):
        await scene.put()
    await scene.program().open()
    await scene.exports.drop(A)
    assert await scene.exports.sights() == []


async def test_an_address_of_another_host_is_told(scene: Scene) -> None:
    strange = ganesha.GaneshaExports(scene.state, "192.0.2.1", scene.port)
    with pytest.raises(Refused, match="Cannot assign requested address"):
        await strange.put(Export(A, scene.data(A), HERE))


async def test_what_is_kept_is_for_root_alone(scene: Scene) -> None:
    await scene.put()
    files = [*scene.state.glob("*.conf"), *(scene.state / "exports").iterdir()]
    assert len(files) == 3
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []
