"""A host is killed between two steps of what it does to a volume in a shared directory: no other host gets the volume while that
one may have it, and every host gets it once the first is back."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from boxship.core.errors import Busy
from boxship.drivers.storage import mounts
from boxship.drivers.storage.nfs import NfsStorage, Place
from tests.drivers.storage.volumes import ID, MIB, devices_below, text_of, written

pytestmark = pytest.mark.system

CRASH = """
import asyncio, os, signal, sys
from pathlib import Path
from boxship.drivers.storage import disk, interface, loop, mounts, nfs

def die(*arguments, **keywords):
    os.kill(os.getpid(), signal.SIGKILL)

def die_after(function):
    def wrapped(*arguments, **keywords):
        function(*arguments, **keywords)
        die()
    return wrapped

where, when, verb, directory, id = sys.argv[1:]
owner, name = where.split(".")
owner = {"os": os, "Path": Path, "disk": disk, "loop": loop, "mounts": mounts}[owner]
place = nfs.Place(Path(directory) / "shared", mounts.kind_of(Path(directory).resolve()))
storage = nfs.NfsStorage(place, Path(directory) / "first", "mark", "first")
asyncio.run(storage.open())
if verb == "unmount":
    asyncio.run(storage.mount(id))
source = interface.Source(interface.Kind.VOLUME, id)
given = {"extend": (id, 32 << 20), "snapshot": ("snapshot", id), "clone": ("copy", 16 << 20, source)}
setattr(owner, name, die if when == "before" else die_after(getattr(owner, name)))
asyncio.run(getattr(storage, "create" if verb == "clone" else verb)(*given.get(verb, (id,))))
"""


def storage_of(directory: Path, host: str) -> NfsStorage:
    place = Place(directory / "shared", mounts.kind_of(directory.resolve()) or "")
    return NfsStorage(place, directory / host, "mark", host)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("verb", "where"),
    [
        ("mount", "os.link"),
        ("mount", "disk.sync"),
        ("mount", "loop.bind"),
        ("mount", "mounts.mount"),
        ("unmount", "mounts.unmount"),
        ("unmount", "disk.sync"),
        ("unmount", "Path.unlink"),
        ("extend", "os.truncate"),
        ("snapshot", "Path.replace"),
        ("clone", "Path.replace"),
    ],
)
async def test_a_kill_leaves_the_volume_to_one_host(tmp_path: Path, verb: str, where: str, when: str) -> None:
    (tmp_path / "shared").mkdir()
    first, second = storage_of(tmp_path, "first"), storage_of(tmp_path, "second")
    await first.open()
    await second.open()
    await first.create(ID, 16 * MIB)
    await written(first, "kept")
    command = [sys.executable, "-c", CRASH, where, when, verb, str(tmp_path), ID]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    if await second.owner(ID) == "first":
        with pytest.raises(Busy, match="Host first has the volume"):
            await second.mount(ID)
    else:
        assert devices_below(tmp_path) == [], "a host that uses a volume has its mark"
    again = storage_of(tmp_path, "first")
    await again.open()
    await again.unmount(ID)
    assert await text_of(second, ID) == "kept"
    for storage in (again, second):
        await storage.destroy()
    assert list((tmp_path / "shared").iterdir()) == []
    assert devices_below(tmp_path) == []
