"""The storage is killed between any two steps of what it does to a volume: nothing is lost, and nothing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from boxship.drivers.storage import ext4
from boxship.drivers.storage.file import FileStorage
from boxship.drivers.storage.interface import Kind, Source
from tests.drivers.storage.volumes import ID, MIB, devices_below, file_of, mounted_path, text_of, written

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="loop devices and mounts need root"),
]


CRASH = """
import asyncio, os, signal, sys
from pathlib import Path
from boxship.drivers.storage import copying, disk, ext4, file, files, freezing, interface, loop, mounts

def die(*arguments, **keywords):
    os.kill(os.getpid(), signal.SIGKILL)

def die_after(function):
    def wrapped(*arguments, **keywords):
        function(*arguments, **keywords)
        die()
    return wrapped

where, when, verb, directory, id = sys.argv[1:]
owner, name = where.split(".")
owners = {"ext4": ext4, "loop": loop, "mounts": mounts, "disk": disk, "os": os, "Path": Path, "freezing": freezing}
owner = (owners | {"copying": copying, "Copy": copying.Copy, "Filling": files.Filling})[owner]
storage = file.FileStorage(Path(directory), "marked")
asyncio.run(storage.open())

async def extents():
    yield 0, b"new"

given = {
    "create": (id, 16 << 20),
    "clone": ("copy", 32 << 20, interface.Source(interface.Kind.VOLUME, id)),
    "snapshot": ("snapshot", id),
    "extend": (id, 32 << 20),
    "shrink": (id, 16 << 20),
    "revert": (id, "snapshot"),
    "fill": (id, 16 << 20, extents()),
}
setattr(owner, name, die if when == "before" else die_after(getattr(owner, name)))
asyncio.run(getattr(storage, "create" if verb == "clone" else verb)(*given.get(verb, (id,))))
"""


def crash(storage: FileStorage, verb: str, where: str, when: str) -> None:
    command = [sys.executable, "-c", CRASH, where, when, verb, str(storage._root), ID]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


MOMENTS = ["before", "after"]


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("where", ["os.ftruncate", "os.fsync", "Path.replace", "disk.sync"])
async def test_a_crash_while_creating(storage: FileStorage, where: str, when: str) -> None:
    crash(storage, "create", where, when)
    await storage.open()
    assert not list(storage._files._volumes.glob("*.new"))
    assert all(sight.size == 16 * MIB for sight in await storage.sights())
    await storage.create(ID, 16 * MIB)
    (await mounted_path(storage) / "file").write_text("x")


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize(
    "where",
    [
        "ext4.make",
        "ext4._run",
        "disk.sync",
        "Path.replace",
        "loop._configured",
        "loop.bind",
        "Path.mkdir",
        "mounts.mount",
    ],
)
async def test_a_crash_while_mounting_for_the_first_time(storage: FileStorage, where: str, when: str) -> None:
    await storage.create(ID, 16 * MIB)
    crash(storage, "mount", where, when)
    await storage.open()
    path = await mounted_path(storage)
    assert list(path.iterdir()) == []
    (path / "file").write_text("x")
    assert len(devices_below(storage._root)) == 1


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("where", ["mounts.unmount", "Path.rmdir", "loop.bound"])
async def test_a_crash_while_unmounting(storage: FileStorage, where: str, when: str) -> None:
    await storage.create(ID, 16 * MIB)
    (await mounted_path(storage) / "file").write_text("kept")
    crash(storage, "unmount", where, when)
    await storage.unmount(ID)
    assert devices_below(storage._root) == []
    assert (await mounted_path(storage) / "file").read_text() == "kept"


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("where", ["Path.unlink", "disk.sync"])
async def test_a_crash_while_removing(storage: FileStorage, where: str, when: str) -> None:
    await storage.create(ID, 16 * MIB)
    crash(storage, "remove", where, when)
    await storage.remove(ID)
    assert await storage.sights() == []


COPYING = ["Copy.file", "os.fsync", "os.truncate", "Path.replace", "disk.sync"]


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("where", COPYING)
@pytest.mark.parametrize("verb", ["clone", "snapshot"])
async def test_a_crash_while_copying(storage: FileStorage, verb: str, where: str, when: str) -> None:
    await storage.create(ID, 16 * MIB)
    await written(storage, "kept")
    crash(storage, verb, where, when)
    await storage.open()
    assert not list(storage._root.glob("*/*.new"))
    if verb == "clone":
        await storage.create("copy", 32 * MIB, Source(Kind.VOLUME, ID))
    else:
        await storage.snapshot("snapshot", ID)
        await storage.create("copy", 32 * MIB, Source(Kind.SNAPSHOT, "snapshot"))
    assert (await text_of(storage, "copy"), await text_of(storage, ID)) == ("kept", "kept")


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("where", ["Copy.file", "Path.replace", "disk.sync"])
async def test_a_crash_while_a_mounted_volume_is_held_still(storage: FileStorage, where: str, when: str) -> None:
    """Whoever writes to it goes on, though nobody is there any more who could let go of it."""
    await storage.create(ID, 16 * MIB)
    path = await mounted_path(storage)
    crash(storage, "snapshot", where, when)
    write = [sys.executable, "-c", "import sys; open(sys.argv[1], 'w').write('goes on')", str(path / "file")]
    subprocess.run(write, check=True, timeout=20)
    await storage.open()
    await storage.snapshot("snapshot", ID)
    await storage.unmount(ID)
    assert await text_of(storage, ID) == "goes on"


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("where", ["os.truncate", "disk.sync", "loop.grow"])
async def test_a_crash_while_growing(storage: FileStorage, where: str, when: str) -> None:
    await storage.create(ID, 16 * MIB)
    await written(storage, "kept")
    await storage.mount(ID)
    crash(storage, "extend", where, when)
    assert (await storage.extend(ID, 32 * MIB)).size == 32 * MIB
    await storage.unmount(ID)
    assert await text_of(storage, ID) == "kept"
    assert ext4.size(file_of(storage)) == 32 * MIB


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("where", ["Copy.file", "ext4.mend", "ext4.shrink", "os.truncate", "Path.replace", "disk.sync"])
async def test_a_crash_while_shrinking(storage: FileStorage, where: str, when: str) -> None:
    await storage.create(ID, 32 * MIB)
    await written(storage, "kept")
    crash(storage, "shrink", where, when)
    await storage.open()
    assert (await storage.shrink(ID, 16 * MIB)).size == 16 * MIB
    assert await text_of(storage, ID) == "kept"
    assert ext4.size(file_of(storage)) == 16 * MIB


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("where", ["ext4.mend", "ext4.grow", "Path.replace", "disk.sync"])
async def test_a_crash_while_a_file_system_grows(
    storage: FileStorage, where: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the kernel lets no mounted one grow, it happens in a copy."""
    await storage.create(ID, 16 * MIB)
    await written(storage, "kept")
    await storage.extend(ID, 32 * MIB)
    if ext4.can_grow_mounted():
        pytest.skip("this kernel lets mounted file systems of this program grow")
    crash(storage, "mount", where, when)
    await storage.open()
    assert await text_of(storage, ID) == "kept"
    assert ext4.size(file_of(storage)) == 32 * MIB


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("where", ["Copy.file", "os.truncate", "Path.replace", "disk.sync"])
async def test_a_crash_while_going_back(storage: FileStorage, where: str, when: str) -> None:
    await storage.create(ID, 16 * MIB)
    await written(storage, "before")
    await storage.snapshot("snapshot", ID)
    await written(storage, "after")
    crash(storage, "revert", where, when)
    await storage.open()
    assert await text_of(storage, ID) in {"before", "after"}
    await storage.revert(ID, "snapshot")
    assert await text_of(storage, ID) == "before"


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("where", ["Filling.put", "Filling.finish", "Path.replace", "disk.sync"])
async def test_a_crash_while_filling(storage: FileStorage, where: str, when: str) -> None:
    await storage.create(ID, 16 * MIB)
    crash(storage, "fill", where, when)
    await storage.open()
    assert not list(storage._root.glob("*/*.new"))
    data = [data async for _, data in storage.read(Source(Kind.VOLUME, ID))]
    assert data in ([], [b"new" + bytes(4093)])
