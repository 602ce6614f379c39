"""Volumes on the real kernel: what is on the disk, in the loop devices and in the mounts, and what a crash leaves."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.storage import copying, disk, ext4, loop, mounts
from boxship.drivers.storage.file import FileStorage
from boxship.drivers.storage.interface import Extent, Kind, Source
from tests.disks import sharing
from tests.drivers.storage.volumes import ID, MIB, devices_below, file_of, mounted_path, written

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="loop devices and mounts need root"),
]


async def test_a_volume_takes_room_only_as_it_is_written(storage: FileStorage) -> None:
    await storage.create(ID, 1024 * MIB)
    assert file_of(storage).stat().st_blocks == 0
    path = await mounted_path(storage)
    (path / "data").write_bytes(os.urandom(8 * MIB))
    await storage.unmount(ID)
    assert 8 * MIB < file_of(storage).stat().st_blocks * 512 < 64 * MIB


async def test_others_cannot_read_the_bytes(storage: FileStorage) -> None:
    await storage.create(ID, 16 * MIB)
    await storage.mount(ID)
    for path, mode in (
        (storage._root, 0o700),
        (storage._files._volumes, 0o700),
        (storage._devices._mounts, 0o700),
        (file_of(storage), 0o600),
    ):
        assert path.stat().st_mode & 0o777 == mode


async def test_the_mount_honours_neither_set_user_id_nor_devices(storage: FileStorage) -> None:
    await storage.create(ID, 16 * MIB)
    path = await mounted_path(storage)
    flags = os.statvfs(path).f_flag
    assert flags & os.ST_NOSUID
    assert flags & os.ST_NODEV


async def test_the_file_system_is_sound(storage: FileStorage) -> None:
    await storage.create(ID, 64 * MIB)
    path = await mounted_path(storage)
    (path / "directory").mkdir()
    (path / "directory" / "file").write_text("x")
    await storage.unmount(ID)
    check = subprocess.run(["e2fsck", "-f", "-n", file_of(storage)], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout


async def test_the_device_carries_the_mark_and_goes_with_the_mount(storage: FileStorage) -> None:
    await storage.create(ID, 16 * MIB)
    device = (await storage.mount(ID)).device
    assert device is not None
    assert (Path("/sys/block") / device.name / "loop" / "autoclear").read_text().strip() == "1"
    listed = subprocess.run(
        ["losetup", "--raw", "-n", "-O", "BACK-FILE", device], capture_output=True, text=True, check=True
    )
    assert listed.stdout.strip() == str(file_of(storage))
    descriptor = loop.opened(device, file_of(storage))
    assert descriptor is not None
    os.close(descriptor)
    await storage.unmount(ID)
    assert loop.opened(device, file_of(storage)) is None
    assert devices_below(storage._root) == []


async def test_more_volumes_than_a_host_has_loop_devices_at_boot(storage: FileStorage) -> None:
    ids = [f"volume-{number}" for number in range(12)]
    for id in ids:
        await storage.create(id, 2 * MIB)
        await storage.mount(id)
    sights = await storage.sights()
    assert len({sight.device for sight in sights}) == 12
    assert all(sight.path for sight in sights)


async def test_an_open_file_keeps_the_volume_mounted(storage: FileStorage) -> None:
    await storage.create(ID, 16 * MIB)
    path = await mounted_path(storage)
    with (path / "file").open("w"):
        with pytest.raises(Busy):
            await storage.unmount(ID)
        with pytest.raises(Busy):
            await storage.remove(ID)
        with pytest.raises(Busy):
            await storage.destroy()
        assert (await storage.mount(ID)).path == path
    await storage.unmount(ID)


async def test_a_mount_in_a_container_keeps_the_volume(storage: FileStorage) -> None:
    """A bind mount in another mount namespace, as containers have it, outlives ours: the volume is busy until it ends."""
    await storage.create(ID, 16 * MIB)
    path = await mounted_path(storage)
    (path / "file").write_text("shared")
    bind = f"mount -t tmpfs none /mnt && mkdir /mnt/v && mount --bind '{path}' /mnt/v && umount '{path}'"
    script = f"{bind} && echo up && read x"
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as container:
        assert container.stdout is not None
        assert container.stdout.readline() == "up\n"
        with pytest.raises(Busy, match="container"):
            await storage.unmount(ID)
        with pytest.raises(Busy):
            await storage.remove(ID)
        sight = await storage.sight(ID)
        assert sight is not None
        assert sight.device is not None
        assert sight.path is None
        assert ((await mounted_path(storage)) / "file").read_text() == "shared"
        container.communicate("\n")
    await storage.unmount(ID)
    await storage.remove(ID)


async def test_a_device_of_another_file_is_never_touched(storage: FileStorage, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"f" * MIB)
    found = subprocess.run(["losetup", "--find", "--show", foreign], capture_output=True, text=True, check=True)
    device = Path(found.stdout.strip())
    try:
        await storage.create(ID, 16 * MIB)
        await storage.mount(ID)
        loop.unbind(device, file_of(storage))
        assert loop.opened(device, file_of(storage)) is None
        await storage.unmount(ID)
        await storage.destroy()
        assert loop.bound()[foreign] == [device]
        assert device.read_bytes() == b"f" * MIB
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


async def test_data_is_never_formatted_over(storage: FileStorage) -> None:
    await storage.create(ID, 16 * MIB)
    with file_of(storage).open("r+b") as target:
        target.seek(9 * MIB + 17)
        target.write(b"a raw database")
    before = file_of(storage).read_bytes()
    with pytest.raises(Refused, match="holds data"):
        await storage.mount(ID)
    assert file_of(storage).read_bytes() == before
    sight = await storage.sight(ID)
    assert sight is not None
    assert (sight.device, sight.path) == (None, None)
    assert list(storage._devices._mounts.iterdir()) == []


async def test_written_zeros_are_blank(storage: FileStorage) -> None:
    await storage.create(ID, 16 * MIB)
    file_of(storage).write_bytes(bytes(16 * MIB))
    assert (await storage.mount(ID)).path


async def test_a_second_mount_does_not_format(storage: FileStorage) -> None:
    await storage.create(ID, 16 * MIB)
    path = await mounted_path(storage)
    await storage.unmount(ID)
    inode = file_of(storage).stat().st_ino
    (await mounted_path(storage) / "later").write_text("x")
    assert file_of(storage).stat().st_ino == inode
    assert path.is_dir()


async def test_a_volume_too_small_for_a_file_system_is_refused_and_stays(storage: FileStorage) -> None:
    await storage.create(ID, 1024)
    with pytest.raises(Refused, match="could not be made"):
        await storage.mount(ID)
    assert [entry.name for entry in storage._files._volumes.iterdir()] == [ID]
    assert file_of(storage).read_bytes() == bytes(1024)


async def test_a_file_system_cannot_ask_for_the_end_of_the_host(storage: FileStorage, tmp_path: Path) -> None:
    """A tenant's image may say of itself that the kernel is to panic at an error in it, which the image can have."""
    hostile = tmp_path / "hostile"
    ext4.make(hostile, 16 * MIB)
    subprocess.run(["tune2fs", "-e", "panic", str(hostile)], check=True, capture_output=True)

    async def image() -> AsyncIterator[Extent]:
        yield 0, hostile.read_bytes()

    await storage.fill(ID, 16 * MIB, image())
    path = await mounted_path(storage)
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    (mounted,) = [line for line in lines if line.split()[4] == str(path)]
    assert "errors=remount-ro" in mounted
    assert "panic" not in mounted


async def test_a_missing_mkfs_is_said(storage: FileStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    await storage.create(ID, 16 * MIB)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Refused, match="install e2fsprogs"):
        await storage.mount(ID)
    assert [entry.name for entry in storage._files._volumes.iterdir()] == [ID]


async def test_a_full_disk_is_said_and_nothing_half_made_stays(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small volume serves as the disk of another storage."""
    await storage.create(ID, 16 * MIB)
    small = FileStorage(await mounted_path(storage) / "inner", "inner")
    await small.open()
    with pytest.raises(Refused, match="is full"):
        await small.create("one", 8 * MIB)  # the reserve is larger than what is free
    with pytest.raises(Refused, match="never fit"):
        await small.create("one", 1024 * MIB)
    monkeypatch.setattr(disk, "RESERVE", 0)
    await small.create("one", 8 * MIB)
    fill(small._root.parent / "ballast")
    with pytest.raises(Refused, match="is full"):
        await small.mount("one")
    assert [entry.name for entry in small._files._volumes.iterdir()] == ["one"]
    assert file_of(small, "one").stat().st_blocks == 0
    (small._root.parent / "ballast").unlink()
    assert (await small.mount("one")).path
    await small.destroy()


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as target:
        try:
            while target.write(bytes(1 << 16)):
                pass
        except OSError:
            os.fsync(target.fileno())
        else:
            raise AssertionError("the disk never became full")


async def test_a_mounted_volume_whose_file_was_taken_away_can_still_be_destroyed(storage: FileStorage) -> None:
    await storage.create(ID, 16 * MIB)
    path = await mounted_path(storage)
    file_of(storage).unlink()
    assert await storage.sights() == []
    with pytest.raises(Absent):
        await storage.mount(ID)
    await storage.destroy()
    assert path not in mounts.mounted(path.parent)


async def test_a_copy_that_is_given_up_leaves_nothing(storage: FileStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    await storage.create(ID, 16 * MIB)
    await written(storage, "kept")
    began, go_on = threading.Event(), threading.Event()
    original = copying.Copy.file

    def slowly(self: copying.Copy, source: Path, target: Path) -> bool:
        began.set()
        go_on.wait(20)
        self.step(1, 2)
        return original(self, source, target)

    monkeypatch.setattr(copying.Copy, "file", slowly)
    copy = asyncio.create_task(storage.create("copy", 16 * MIB, Source(Kind.VOLUME, ID)))
    await asyncio.to_thread(began.wait, 20)
    assert storage.progress("copy") == 0
    with pytest.raises(Busy, match="being copied"):
        await storage.mount(ID)
    removal = asyncio.create_task(storage.remove("copy"))
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(Busy, match="given up"):
        await copy
    await removal
    assert [sight.id for sight in await storage.sights()] == [ID]
    assert not list(storage._root.glob("*/*.new"))


async def test_a_full_disk_ends_a_copy_and_leaves_the_source(storage: FileStorage, tmp_path: Path) -> None:
    with sharing(tmp_path, 400) as place:
        small = FileStorage(place / "volumes", "small")
        await small.open()
        await small.create(ID, 64 * MIB)
        path = (await small.mount(ID)).path
        assert path is not None
        (path / "file").write_bytes(os.urandom(32 * MIB))
        fill(place / "ballast")
        with pytest.raises(Refused, match="full"):
            await small.snapshot("snapshot", ID)
        assert await small.snapshots() == []
        (place / "ballast").unlink()
        await small.snapshot("snapshot", ID)
        assert len((path / "file").read_bytes()) == 32 * MIB
        await small.destroy()
