"""A directory that hosts share: one host at a time has a volume, and what is not mounted is neither written to nor missed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio

from boxship.core.errors import Busy, Refused
from boxship.drivers.storage import mounts
from boxship.drivers.storage.interface import Extent, Kind, Source, VolumeSight
from boxship.drivers.storage.nfs import NfsStorage, Place
from boxship.drivers.storage.owners import Owners
from tests.drivers.storage.volumes import ID, MIB, devices_below, file_of, text_of, written

OTHER = "8d0f3f6e-1111-4222-8333-944455556667"

pytestmark = pytest.mark.system


def storage_of(directory: Path, host: str) -> NfsStorage:
    """The storage as a host has it."""
    place = Place(directory / "shared", mounts.kind_of(directory.resolve()) or "")
    return NfsStorage(place, directory / host, "mark", host)


@pytest_asyncio.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[tuple[NfsStorage, NfsStorage]]:
    """The storages of two hosts, with a volume."""
    (tmp_path / "shared").mkdir()
    first, second = storage_of(tmp_path, "first"), storage_of(tmp_path, "second")
    await first.open()
    await second.open()
    await first.create(ID, 16 * MIB)
    yield first, second
    await first.destroy()
    await second.destroy()
    assert list((tmp_path / "shared").iterdir()) == []
    assert devices_below(tmp_path) == []


async def nothing() -> AsyncIterator[Extent]:
    """No bytes."""
    nowhere: tuple[Extent, ...] = ()
    for extent in nowhere:
        yield extent


async def test_a_volume_that_nobody_has_is_used_on_the_other_host(hosts: tuple[NfsStorage, NfsStorage]) -> None:
    first, second = hosts
    await written(first, "from the first")
    assert await second.owner(ID) is None
    assert await text_of(second, ID) == "from the first"
    await written(second, "from the second")
    assert await text_of(first, ID) == "from the second"


@pytest.mark.parametrize("attached", [False, True])
async def test_what_one_host_uses_the_other_one_cannot_touch(
    hosts: tuple[NfsStorage, NfsStorage], *, attached: bool
) -> None:
    first, second = hosts
    await (first.attach(ID) if attached else first.mount(ID))
    assert await second.owner(ID) == "first"
    before = file_of(first).read_bytes()
    for verb in (
        second.mount(ID),
        second.attach(ID),
        second.remove(ID),
        second.extend(ID, 32 * MIB),
        second.shrink(ID, 8 * MIB),
        second.fill(ID, 16 * MIB, nothing()),
        second.snapshot(OTHER, ID),
        second.revert(ID, OTHER),
        second.create(OTHER, 16 * MIB, Source(Kind.VOLUME, ID)),
    ):
        with pytest.raises(Busy, match="Host first has the volume"):
            await verb
    assert await second.snapshots() == []
    assert await second.sight(ID) == VolumeSight(ID, 16 * MIB)
    assert file_of(first).read_bytes() == before
    await (first.detach(ID) if attached else first.unmount(ID))
    assert await second.owner(ID) is None
    await second.remove(ID)


async def test_a_host_that_is_gone_for_good_gives_nothing_back_by_itself(hosts: tuple[NfsStorage, NfsStorage]) -> None:
    _, second = hosts
    second._owners._linked(second._root / "owners" / ID, "gone")
    with pytest.raises(Busy, match="Host gone has the volume"):
        await second.mount(ID)
    await second.disown(ID, "another")
    assert await second.owner(ID) == "gone"
    await second.disown(ID, "gone")
    await second.disown(ID, "gone")
    await second.mount(ID)
    await second.unmount(ID)


async def test_a_program_that_was_killed_finds_what_it_had(
    hosts: tuple[NfsStorage, NfsStorage], tmp_path: Path
) -> None:
    first, second = hosts
    await first.mount(ID)
    first._owners.take(OTHER)  # killed in the midst of a verb
    half_made = [file_of(storage, f"{OTHER}.{storage._owners.here}.new") for storage in hosts]
    for path in half_made:
        path.touch()
    (tmp_path / "first" / "mounts" / OTHER).mkdir()  # of a mount that a power failure ended
    again = storage_of(tmp_path, "first")
    await again.open()
    assert [path.exists() for path in half_made] == [False, True]
    assert await second.owner(OTHER) is None
    with pytest.raises(Busy, match="Host first has the volume"):
        await second.mount(ID)
    await again.unmount(ID)
    await second.mount(ID)
    await second.unmount(ID)
    half_made[1].unlink()


async def test_a_device_that_others_still_use_is_let_go_of_when_they_end(hosts: tuple[NfsStorage, NfsStorage]) -> None:
    first, second = hosts
    device = (await first.mount(ID)).device
    assert device is not None
    user = os.open(device, os.O_RDONLY)  # as a container that still has the mount in its own namespace
    with pytest.raises(Busy):
        await first.unmount(ID)
    with pytest.raises(Busy, match="Host first has the volume"):
        await second.mount(ID)
    os.close(user)
    assert await first.sight(ID) == VolumeSight(ID, 16 * MIB)
    await second.mount(ID)
    await second.unmount(ID)


async def test_a_volume_that_is_being_filled_is_nobody_elses(hosts: tuple[NfsStorage, NfsStorage]) -> None:
    first, second = hosts

    async def extents() -> AsyncIterator[Extent]:
        yield 0, b"whole"
        assert await first.sight(ID) == VolumeSight(ID, 16 * MIB)
        with pytest.raises(Busy, match="Host first has the volume"):
            await second.mount(ID)

    await first.fill(ID, 16 * MIB, extents())
    assert await second.owner(ID) is None


async def test_one_host_goes_and_the_volumes_stay(hosts: tuple[NfsStorage, NfsStorage]) -> None:
    first, second = hosts
    await written(first, "kept")
    await first.mount(ID)
    await first.destroy()
    assert await text_of(second, ID) == "kept"
    assert [sight.id for sight in await second.sights()] == [ID]


async def test_of_many_that_want_a_volume_one_has_it(tmp_path: Path) -> None:
    def take(host: str) -> bool:
        owners = Owners(tmp_path, host)
        owners.open()
        try:
            owners.take(ID)
        except Busy:
            return False
        return True

    names = [f"host{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            got = list(threads.map(take, names))
            assert sum(got) == 1
            Owners(tmp_path, names[got.index(True)]).let_go(ID)
    assert [path.name for path in (tmp_path / "owners").iterdir()] == []


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    """A file system at ``away``, mounted; it is taken away in the end, wherever a test put it."""
    at = tmp_path / "away"
    at.mkdir()
    mount_memory(at)
    yield at
    for point in (at, tmp_path / "host" / "mount"):
        while point in mounts.mounted(point.parent):
            mounts.unmount(point)


def mount_memory(at: Path) -> None:
    """A file system of its own at this directory."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "none", str(at)], check=True)


async def test_what_is_not_mounted_is_not_missed_and_not_written_to(server: Path, tmp_path: Path) -> None:
    storage = NfsStorage(Place(server, "tmpfs"), tmp_path / "host", "mark", "host")
    await storage.open()
    await storage.create(ID, 16 * MIB)
    kept = tmp_path / "kept"
    kept.mkdir()
    subprocess.run(["mount", "--move", str(server), str(kept)], check=False)
    if server in mounts.mounted(tmp_path):  # where mounts are shared with other namespaces they are not moved
        subprocess.run(["mount", "--bind", str(server), str(kept)], check=True)
        mounts.unmount(server)
    try:
        for verb in (
            storage.sight(ID),
            storage.sights(),
            storage.create(OTHER, MIB),
            storage.mount(ID),
            storage.capacity(),
        ):
            with pytest.raises(Busy, match="not on a file system of the kind tmpfs"):
                await verb
        assert list(server.iterdir()) == []
        mount_memory(server)
        for verb in (storage.sight(ID), storage.create(OTHER, MIB), storage.remove(ID)):
            with pytest.raises(Busy, match="not the directory that the volumes were in before"):
                await verb
        assert list(server.iterdir()) == []
        mounts.unmount(server)
        subprocess.run(["mount", "--bind", str(kept), str(server)], check=True)
        assert [sight.id for sight in await storage.sights()] == [ID]
        await storage.destroy()
    finally:
        mounts.unmount(kept)


async def test_a_program_that_starts_before_the_mount_waits_for_it(server: Path, tmp_path: Path) -> None:
    mounts.unmount(server)
    storage = NfsStorage(Place(server, "tmpfs"), tmp_path / "host", "mark", "host")
    with pytest.raises(Busy, match="mount it"):
        await storage.open()
    mount_memory(server)
    await storage.create(ID, 16 * MIB)
    await storage.destroy()


@pytest.fixture
def mount_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``mount.nfs`` that notes what it was asked and mounts memory; there is no NFS client in every kernel."""
    programs = tmp_path / "programs"
    programs.mkdir()
    script = '#!/bin/sh\nprintf "%s\\n" "$@" > "${0%/*}/asked"\nexec mount -t tmpfs none "$2"\n'
    (programs / "mount.nfs").write_text(script)
    (programs / "mount.nfs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin")
    return programs / "asked"


async def test_a_share_is_mounted_and_unmounted(server: Path, tmp_path: Path, mount_program: Path) -> None:
    at = tmp_path / "host" / "mount"
    storage = NfsStorage(Place(at, "tmpfs", "filer:/volumes", "vers=4.2"), tmp_path / "host", "mark", "host")
    await storage.open()
    assert mount_program.read_text().splitlines() == ["filer:/volumes", str(at), "-o", "nosuid,nodev,vers=4.2"]
    await storage.create(ID, 16 * MIB)
    mounts.unmount(at)  # as after a reboot, only that the volumes are gone with it here
    with pytest.raises(Busy, match="not the directory that the volumes were in before"):
        await storage.sight(ID)
    (tmp_path / "host" / "identity").unlink()
    await storage.destroy()
    assert at.parent.exists() is False
    assert server.is_dir()


async def test_a_server_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path / "host" / "mount", "nfs", "filer:/volumes")
    storage = NfsStorage(place, tmp_path / "host", "mark", "host")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="install nfs-common"):
        await storage.open()
    (tmp_path / "mount.nfs").write_text("#!/bin/sh\necho no route >&2\nexit 32\n")
    (tmp_path / "mount.nfs").chmod(0o755)
    with pytest.raises(Busy, match="cannot be mounted now") as told:
        await storage.open()
    assert told.value.detail == "no route"


async def test_a_file_system_that_hangs_keeps_nobody_waiting(
    hosts: tuple[NfsStorage, NfsStorage], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = hosts
    monkeypatch.setattr("boxship.drivers.storage.nfs._PATIENCE", 0.05)
    free = threading.Event()
    monkeypatch.setattr(first._owners, "identity", lambda: free.wait(30) and None)
    try:
        with pytest.raises(Busy, match="does not answer"):
            await first.sight(ID)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "others go on"), 5)
    finally:
        free.set()
        monkeypatch.undo()


def test_the_file_system_of_a_path_is_that_of_the_nearest_mount(server: Path) -> None:
    assert mounts.kind_of(server / "below") == "tmpfs"
    assert mounts.kind_of(Path("/proc/self")) == "proc"
