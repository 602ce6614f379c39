"""What every ``Storage`` and ``Blobs`` must do, asked of the fake and of the real one alike."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.storage import mounts
from boxship.drivers.storage.blobs import CHUNK, FileBlobs
from boxship.drivers.storage.fake import FakeStorage
from boxship.drivers.storage.file import FileStorage
from boxship.drivers.storage.interface import Blobs, Extent, Kind, Source, Storage, VolumeSight
from boxship.drivers.storage.logical import Group
from boxship.drivers.storage.lvm import LvmStorage
from boxship.drivers.storage.nfs import NfsStorage, Place
from tests.disks import sharing
from tests.drivers.storage.lvm_stand_in import StandIn

MIB = 1 << 20
ID = "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e0001"
OTHER = "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e0002"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="loop devices and mounts need root")


REAL = [pytest.mark.system, needs_root]


@pytest_asyncio.fixture(
    params=["fake", *(pytest.param(kind, marks=REAL) for kind in ("file", "file on xfs", "shared directory", "lvm"))]
)
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    place = request.getfixturevalue("xfs") if request.param == "file on xfs" else tmp_path
    directory = place / "a place with spaces"
    made: Storage = FakeStorage(directory) if request.param == "fake" else FileStorage(directory, "test")
    if request.param == "shared directory":
        made = shared(directory)
    if request.param == "lvm":
        made = logical_volumes(directory, StandIn(tmp_path / "group"))
    await made.open()
    yield made
    await made.destroy()
    assert not (directory / "boxship").exists() if request.param == "shared directory" else not directory.exists()
    if isinstance(made, LvmStorage):
        assert stand_in(made).volumes == {}


@pytest.fixture(scope="module")
def xfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory of a file system whose files can share blocks."""
    with sharing(tmp_path_factory.mktemp("xfs")) as place:
        yield place


def shared(directory: Path) -> NfsStorage:
    """A storage in a directory that other hosts could reach."""
    directory.mkdir(exist_ok=True)
    place = Place(directory, mounts.kind_of(directory.resolve()) or "")
    return NfsStorage(place, directory.parent / "own", "test", "one-host.example")


def logical_volumes(directory: Path, group: StandIn) -> LvmStorage:
    """A storage in a group of LVM's that is played, as there is no device-mapper in every kernel."""
    return LvmStorage(Group(("vg", "thin"), "test", group, group.devices), directory)


def stand_in(storage: LvmStorage) -> StandIn:
    """What plays LVM."""
    found = storage._group._run
    assert isinstance(found, StandIn)
    return found


def again(storage: Storage) -> Storage:
    """The driver of a restarted program: the same place, no memory."""
    if isinstance(storage, FakeStorage):
        return FakeStorage(storage._root)
    if isinstance(storage, NfsStorage):
        return shared(storage._root.parent)
    if isinstance(storage, LvmStorage):
        return logical_volumes(storage._mounts.parent, stand_in(storage))
    assert isinstance(storage, FileStorage)
    return FileStorage(storage._root, "test")


async def mounted_path(storage: Storage, id: str) -> Path:
    path = (await storage.mount(id)).path
    assert path is not None
    return path


async def test_a_new_volume_is_there_and_not_attached(storage: Storage) -> None:
    sight = await storage.create(ID, 16 * MIB)
    assert (sight.id, sight.size, sight.device, sight.path) == (ID, 16 * MIB, None, None)
    assert await storage.sight(ID) == sight
    assert await storage.sights() == [sight]


async def test_verbs_may_be_repeated(storage: Storage) -> None:
    await storage.open()
    assert await storage.create(ID, 16 * MIB) == await storage.create(ID, 16 * MIB)
    assert await storage.mount(ID) == await storage.mount(ID) == await storage.sight(ID)
    await storage.unmount(ID)
    await storage.unmount(ID)
    await storage.remove(ID)
    await storage.remove(ID)
    await storage.unmount(ID)
    await storage.destroy()
    await storage.destroy()


async def test_another_size_is_refused_and_changes_nothing(storage: Storage) -> None:
    await storage.create(ID, 16 * MIB)
    with pytest.raises(Refused, match="exists already"):
        await storage.create(ID, 17 * MIB)
    assert [sight.size for sight in await storage.sights()] == [16 * MIB]


@pytest.mark.parametrize("size", [0, -1, 1 << 62])
async def test_an_impossible_size_is_refused_and_leaves_nothing(storage: Storage, size: int) -> None:
    with pytest.raises(Refused):
        await storage.create(ID, size)
    assert await storage.sights() == []


@pytest.mark.parametrize("id", ["", ".", "..", "../x", "a/b", "/etc", "-x", "a\n", "x" * 65, "a.new"])
async def test_an_id_never_leads_out_of_the_directory(storage: Storage, id: str) -> None:
    for verb in (storage.mount, storage.unmount, storage.remove, storage.sight):
        with pytest.raises(Refused):
            await verb(id)
    with pytest.raises(Refused):
        await storage.create(id, MIB)


async def test_what_was_written_is_there_after_unmount_and_restart(storage: Storage) -> None:
    await storage.create(ID, 16 * MIB)
    path = await mounted_path(storage, ID)
    assert list(path.iterdir()) == []
    (path / "file").write_text("kept")
    await storage.unmount(ID)
    assert not path.exists()
    later = again(storage)
    await later.open()
    assert await later.sight(ID) == await storage.sight(ID)
    assert ((await mounted_path(later, ID)) / "file").read_text() == "kept"


async def test_a_mounted_volume_is_seen_after_a_restart(storage: Storage) -> None:
    await storage.create(ID, 16 * MIB)
    sight = await storage.mount(ID)
    later = again(storage)
    await later.open()
    assert await later.sight(ID) == sight
    assert await later.sights() == [sight]
    assert await later.mount(ID) == sight


SNAPSHOT = "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e0003"


async def written(storage: Storage, id: str, text: str) -> None:
    """A file in a volume, which is not mounted afterwards."""
    (await mounted_path(storage, id) / "file").write_text(text)
    await storage.unmount(id)


async def text_of(storage: Storage, id: str) -> str:
    text = (await mounted_path(storage, id) / "file").read_text()
    await storage.unmount(id)
    return text


async def test_a_snapshot_keeps_what_was_there(storage: Storage) -> None:
    await storage.create(ID, 16 * MIB)
    await written(storage, ID, "before")
    taken = await storage.snapshot(SNAPSHOT, ID)
    assert (taken.id, taken.volume_id, taken.size) == (SNAPSHOT, ID, 16 * MIB)
    await written(storage, ID, "after")
    assert await storage.snapshot(SNAPSHOT, ID) == taken == await storage.snapshot_sight(SNAPSHOT)
    assert await again(storage).snapshots() == [taken]
    await storage.create(OTHER, 16 * MIB, Source(Kind.SNAPSHOT, SNAPSHOT))
    assert (await text_of(storage, OTHER), await text_of(storage, ID)) == ("before", "after")
    await storage.remove(ID)
    assert await storage.snapshot_sight(SNAPSHOT) == taken, "a snapshot does not need its volume"
    await storage.remove_snapshot(SNAPSHOT)
    await storage.remove_snapshot(SNAPSHOT)
    assert await storage.snapshots() == []


async def test_a_snapshot_of_a_mounted_volume_is_whole(storage: Storage) -> None:
    await storage.create(ID, 16 * MIB)
    path = await mounted_path(storage, ID)
    (path / "file").write_text("not yet on the disk")
    await storage.snapshot(SNAPSHOT, ID)
    (path / "file").write_text("and goes on")
    await storage.create(OTHER, 16 * MIB, Source(Kind.SNAPSHOT, SNAPSHOT))
    assert await text_of(storage, OTHER) == "not yet on the disk"
    await storage.unmount(ID)


async def test_a_clone_goes_its_own_way_and_may_be_larger(storage: Storage) -> None:
    await storage.create(ID, 16 * MIB)
    await written(storage, ID, "first")
    assert (await storage.create(OTHER, 48 * MIB, Source(Kind.VOLUME, ID))).size == 48 * MIB
    await written(storage, ID, "second")
    assert await text_of(storage, OTHER) == "first"
    with pytest.raises(Refused, match="at least"):
        await storage.create(SNAPSHOT, 8 * MIB, Source(Kind.VOLUME, ID))
    with pytest.raises(Absent):
        await storage.create(SNAPSHOT, 16 * MIB, Source(Kind.SNAPSHOT, ID))
    assert [sight.id for sight in await storage.sights()] == [ID, OTHER]
    assert storage.progress(OTHER) is None


async def test_a_volume_grows_used_or_not(storage: Storage) -> None:
    await storage.create(ID, 16 * MIB)
    await written(storage, ID, "kept")
    assert (await storage.extend(ID, 32 * MIB)).size == 32 * MIB
    path = await mounted_path(storage, ID)
    assert (await storage.extend(ID, 64 * MIB)).size == (await storage.extend(ID, 64 * MIB)).size == 64 * MIB
    assert (path / "file").read_text() == "kept"
    with pytest.raises(Refused, match="already"):
        await storage.extend(ID, 16 * MIB)
    await storage.unmount(ID)
    with pytest.raises(Absent):
        await storage.extend(OTHER, 16 * MIB)


async def test_a_volume_shrinks_and_loses_nothing(storage: Storage) -> None:
    await storage.create(ID, 64 * MIB)
    assert (await storage.shrink(ID, 48 * MIB)).size == 48 * MIB, "though it is blank"
    path = await mounted_path(storage, ID)
    (path / "file").write_bytes(b"x" * (10 * MIB))
    with pytest.raises(Busy):
        await storage.shrink(ID, 32 * MIB)
    await storage.unmount(ID)
    assert (await storage.shrink(ID, 32 * MIB)).size == (await storage.shrink(ID, 32 * MIB)).size == 32 * MIB
    with pytest.raises(Refused, match=r"^It holds more than"):
        await storage.shrink(ID, 8 * MIB)
    with pytest.raises(Refused):
        await storage.shrink(ID, 64 * MIB)
    assert (await storage.sight(ID)) == VolumeSight(ID, 32 * MIB)
    assert (await mounted_path(storage, ID) / "file").read_bytes() == b"x" * (10 * MIB)
    await storage.unmount(ID)
    with pytest.raises(Absent):
        await storage.shrink(OTHER, 16 * MIB)


async def test_a_volume_gets_back_what_its_snapshot_holds(storage: Storage) -> None:
    await storage.create(ID, 16 * MIB)
    await written(storage, ID, "before")
    await storage.snapshot(SNAPSHOT, ID)
    await written(storage, ID, "after")
    await storage.extend(ID, 32 * MIB)
    await storage.mount(ID)
    with pytest.raises(Busy):
        await storage.revert(ID, SNAPSHOT)
    await storage.unmount(ID)
    assert (await storage.revert(ID, SNAPSHOT)).size == 32 * MIB
    assert await text_of(storage, ID) == "before"


async def test_a_device_stays_until_it_is_given_back(storage: Storage) -> None:
    await storage.create(ID, 16 * MIB)
    await written(storage, ID, "no longer blank: its first file system may come with another device")
    attached = await storage.attach(ID)
    assert attached.device is not None
    assert attached.path is None
    assert await storage.attach(ID) == attached == await again(storage).sight(ID)
    with pytest.raises(Busy):
        await storage.remove(ID)
    mounted = await storage.mount(ID)
    assert mounted.device == attached.device
    await storage.unmount(ID, keep_device=True)
    assert await storage.sight(ID) == attached
    await storage.mount(ID)
    await storage.detach(ID)
    assert (await storage.sight(ID)) == mounted, "who has it mounted keeps it"
    await storage.unmount(ID)
    assert (await storage.sight(ID)) == VolumeSight(ID, 16 * MIB)
    await storage.detach(ID)
    await storage.remove(ID)


async def each(*extents: Extent) -> AsyncIterator[Extent]:
    for extent in extents:
        yield extent


async def content(storage: Storage, source: Source) -> bytes:
    whole = bytearray()
    async for at, data in storage.read(source):
        whole.extend(bytes(max(0, at + len(data) - len(whole))))
        whole[at : at + len(data)] = data
    return bytes(whole).rstrip(b"\0")


async def test_bytes_are_read_as_they_were_filled_in(storage: Storage) -> None:
    wanted = b"begin" + bytes(MIB - 5) + b"middle"
    await storage.fill(ID, 16 * MIB, each((0, b"begin"), (MIB, b"middle")))
    assert await content(storage, Source(Kind.VOLUME, ID)) == wanted
    await storage.snapshot(SNAPSHOT, ID)
    await storage.fill(ID, 16 * MIB, each((0, b"other")))
    assert await content(storage, Source(Kind.VOLUME, ID)) == b"other"
    assert await content(storage, Source(Kind.SNAPSHOT, SNAPSHOT)) == wanted


async def test_a_volume_is_filled_whole_or_not_at_all(storage: Storage) -> None:
    await storage.fill(ID, 16 * MIB, each((0, b"whole")))

    async def broken() -> AsyncIterator[Extent]:
        yield 0, b"half"
        raise Busy("The source went away.")

    with pytest.raises(Busy, match="went away"):
        await storage.fill(ID, 16 * MIB, broken())
    with pytest.raises(Refused, match="beyond"):
        await storage.fill(ID, 16 * MIB, each((16 * MIB - 1, b"too long")))
    assert await content(storage, Source(Kind.VOLUME, ID)) == b"whole"
    await storage.attach(ID)
    with pytest.raises(Busy):
        await storage.fill(ID, 16 * MIB, each((0, b"in use")))
    await storage.detach(ID)


async def test_a_mounted_volume_is_not_removed(storage: Storage) -> None:
    await storage.create(ID, 16 * MIB)
    await storage.mount(ID)
    with pytest.raises(Busy):
        await storage.remove(ID)
    assert (await storage.sight(ID)) is not None
    await storage.unmount(ID)
    await storage.remove(ID)
    assert await storage.sight(ID) is None


async def test_a_removed_volume_comes_back_empty(storage: Storage) -> None:
    await storage.create(ID, 16 * MIB)
    (await mounted_path(storage, ID) / "secret").write_text("of the last owner")
    await storage.unmount(ID)
    await storage.remove(ID)
    await storage.create(ID, 16 * MIB)
    assert list((await mounted_path(storage, ID)).iterdir()) == []


async def test_volumes_are_apart(storage: Storage) -> None:
    await asyncio.gather(storage.create(ID, 16 * MIB), storage.create(OTHER, 32 * MIB))
    one, other = await asyncio.gather(mounted_path(storage, ID), mounted_path(storage, OTHER))
    (one / "file").write_text("one")
    assert not (other / "file").exists()
    assert [sight.id for sight in await storage.sights()] == [ID, OTHER]
    assert len({sight.device for sight in await storage.sights()}) == 2


async def test_a_volume_that_is_not_there(storage: Storage) -> None:
    assert await storage.sight(ID) is None
    with pytest.raises(Absent):
        await storage.mount(ID)
    assert await storage.sights() == []


async def test_many_callers_at_once_agree(storage: Storage) -> None:
    await asyncio.gather(*(storage.create(ID, 16 * MIB) for _ in range(8)))
    sights = await asyncio.gather(*(storage.mount(ID) for _ in range(8)))
    assert len(set(sights)) == 1
    await asyncio.gather(*(storage.unmount(ID) for _ in range(8)))
    assert await storage.sight(ID) == VolumeSight(ID, 16 * MIB)


async def test_capacity_is_plausible(storage: Storage) -> None:
    capacity = await storage.capacity()
    assert 0 < capacity.free <= capacity.total


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def broken_stream() -> AsyncIterator[bytes]:
    yield b"x" * 100
    raise ConnectionResetError("the client went away")


async def whole(blobs: Blobs, id: str) -> bytes:
    return b"".join([chunk async for chunk in blobs.read(id)])


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return FileBlobs(tmp_path / "blobs")


@pytest.mark.parametrize(
    "pieces", [(), (b"",), (b"abc",), (b"a", b"", b"bc"), (b"x" * (CHUNK - 1), b"yz", b"t" * CHUNK)]
)
async def test_a_blob_is_read_as_it_was_written(blobs: Blobs, pieces: tuple[bytes, ...]) -> None:
    sight = await blobs.write(ID, stream(*pieces), 4 * CHUNK)
    content = b"".join(pieces)
    digests = (hashlib.md5(content).hexdigest(), hashlib.sha512(content).hexdigest())  # noqa: S324 (Glance's checksum)
    assert (sight.id, sight.size, sight.md5, sight.sha512) == (ID, len(content), *digests)
    assert await whole(blobs, ID) == content
    assert await blobs.ids() == {ID}


async def test_a_blob_at_its_limit_fits_and_one_byte_more_does_not(blobs: Blobs) -> None:
    await blobs.write(ID, stream(b"12345"), 5)
    with pytest.raises(Refused, match="larger than"):
        await blobs.write(OTHER, stream(b"12345", b"6"), 5)
    assert await blobs.ids() == {ID}


async def test_a_stream_that_breaks_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError):
        await blobs.write(ID, broken_stream(), CHUNK)
    assert list((tmp_path / "blobs").iterdir()) == []
    with pytest.raises(Absent):
        await whole(blobs, ID)


async def test_a_failed_write_keeps_what_was_there(blobs: Blobs) -> None:
    await blobs.write(ID, stream(b"first"), CHUNK)
    with pytest.raises(ConnectionResetError):
        await blobs.write(ID, broken_stream(), CHUNK)
    assert await whole(blobs, ID) == b"first"


async def test_a_blob_is_removed_repeatably(blobs: Blobs) -> None:
    await blobs.remove(ID)
    await blobs.write(ID, stream(b"x"), CHUNK)
    await blobs.remove(ID)
    await blobs.remove(ID)
    assert await blobs.ids() == frozenset()


@pytest.mark.parametrize("id", ["", "..", "../x", "a/b"])
async def test_a_blob_id_never_leads_out_of_the_directory(blobs: Blobs, id: str) -> None:
    with pytest.raises(Refused):
        await blobs.write(id, stream(b"x"), CHUNK)
    with pytest.raises(Refused):
        await whole(blobs, id)
    with pytest.raises(Refused):
        await blobs.remove(id)


async def test_writers_do_not_mix(blobs: Blobs) -> None:
    contents = {f"blob-{number}": bytes([number]) * CHUNK for number in range(4)}
    await asyncio.gather(*(blobs.write(id, stream(data[:7], data[7:]), CHUNK) for id, data in contents.items()))
    assert {id: await whole(blobs, id) for id in contents} == contents
