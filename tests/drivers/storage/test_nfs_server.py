"""The shared directory behind a real NFS server, seen by clients in user space, as not every kernel has one: what marks rely on,
and that the bytes of a volume are the same from there. Loop devices over a kernel's NFS client are not tried here."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio

from boxship.core.errors import Busy
from boxship.drivers.shares.ganesha import PROGRAM, GaneshaExports
from boxship.drivers.shares.interface import Access, Export
from boxship.drivers.storage import mounts
from boxship.drivers.storage.nfs import NfsStorage, Place
from tests.drivers.storage.nfs_client import Client, below, library
from tests.drivers.storage.volumes import ID, MIB, file_of, text_of, written
from tests.system.installation import free_port

SHARE = "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e000c"
ROUNDS = 10

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which(PROGRAM) is None or library() is None, reason="needs nfs-ganesha and libnfs"),
]


@pytest_asyncio.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """Where clients find the directory ``shared``."""
    (tmp_path / "shared").mkdir()
    # The server exports mounted file systems only.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "boxship-test", str(tmp_path / "shared")], check=True)
    port = free_port()
    exports = GaneshaExports(tmp_path / "server", "127.0.0.1", port)
    await exports.open()
    await exports.put(Export(SHARE, tmp_path / "shared", (Access("127.0.0.1", writable=True),)))
    yield f"nfs://127.0.0.1/{SHARE}?nfsport={port}&version=4"
    await exports.destroy()
    subprocess.run(["umount", str(tmp_path / "shared")], check=True)


def storage_of(directory: Path, host: str) -> NfsStorage:
    place = Place(directory / "shared", mounts.kind_of((directory / "shared").resolve()) or "")
    return NfsStorage(place, directory / host, "mark", host)


async def test_the_bytes_of_a_volume_are_the_same_for_a_client(url: str, tmp_path: Path) -> None:
    storage = storage_of(tmp_path, "first")
    await storage.open()
    await storage.create(ID, 16 * MIB)
    await written(storage, "kept")
    file = file_of(storage)
    with Client(url) as client:
        path = below(tmp_path / "shared", file)
        data = client.read(path)
        assert data == file.read_bytes()
        assert b"kept" in data
        client.write(f"{path}.second.new", data.replace(b"kept", b"back"))
        client.rename(f"{path}.second.new", path)
    second = storage_of(tmp_path, "second")
    await second.open()
    assert await text_of(second, ID) == "back"
    await second.destroy()
    await storage.destroy()


async def test_of_two_clients_that_link_a_mark_one_has_it(url: str, tmp_path: Path) -> None:
    storage = storage_of(tmp_path, "first")
    await storage.open()
    owners = below(tmp_path / "shared", storage._owners._owners)

    def take(client: Client, name: str) -> bool:
        draft = f"{owners}/.{name}.new"
        client.write(draft, name.encode())
        try:
            client.link(draft, f"{owners}/{ID}")
        except OSError as error:
            assert error.errno == errno.EEXIST
            return False
        finally:
            client.unlink(draft)
        return True

    await storage.create(ID, 16 * MIB)
    with Client(url) as one, Client(url) as two, ThreadPoolExecutor(2) as threads:
        for _ in range(ROUNDS):
            got = list(threads.map(take, (one, two), ("one", "two")))
            assert sum(got) == 1
            winner = ("one", "two")[got.index(True)]
            with pytest.raises(Busy, match=f"Host {winner} has the volume"):
                await storage.mount(ID)
            one.unlink(f"{owners}/{ID}")
    await storage.destroy()
