"""Logical volumes: what is not ours is not touched, a kill between any two commands loses nothing, and a real LVM would take
every command. LVM is played (``lvm_stand_in``): this was never run on a device-mapper."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from boxship.core.errors import Busy, Refused
from boxship.drivers.storage import logical, mounts
from boxship.drivers.storage.interface import Extent, Kind, Source
from boxship.drivers.storage.logical import Done, Group, Part
from boxship.drivers.storage.lvm import LvmStorage
from tests.drivers.storage.lvm_stand_in import LVS, StandIn
from tests.drivers.storage.volumes import ID, MIB
from tests.system.marks import LONG

SNAPSHOT = "8d0f3f6e-1111-4222-8333-944455556667"
OTHER = "8d0f3f6e-1111-4222-8333-944455556668"

pytestmark = pytest.mark.system


class Killed(BaseException):
    """The program died here."""


class Mortal:
    """Commands that kill the program at the n-th one that changes something, before or after it took effect."""

    def __init__(self, run: StandIn, at: int, *, after: bool) -> None:
        self._run = run
        self._left = at
        self._after = after
        self.died = False

    def __call__(self, command: Sequence[str]) -> Done:
        self._left -= command[0] != "lvs"
        hit = self._left == 0 and command[0] != "lvs" and not self.died
        if hit and not self._after:
            self.died = True
            raise Killed
        done = self._run(command)
        if hit:
            self.died = True
            raise Killed
        return done


@pytest.fixture
def group(tmp_path: Path) -> Iterator[StandIn]:
    made = StandIn(tmp_path / "group")
    yield made
    for point in mounts.mounted(tmp_path / "own" / "mounts"):
        mounts.unmount(point)
    made.close()


def storage_of(group: StandIn, tmp_path: Path, run: logical.Run | None = None) -> LvmStorage:
    return LvmStorage(Group(("vg", "thin"), "ab12", run or group, group.devices), tmp_path / "own")


async def once(*found: Extent) -> AsyncIterator[Extent]:
    for extent in found:
        yield extent


async def content(storage: LvmStorage, kind: Kind, id: str) -> bytes:
    """The first bytes of a volume or a snapshot."""
    extents = [extent async for extent in storage.read(Source(kind, id))]
    return extents[0][1][:5] if extents else b""


def test_a_report_of_lvm_is_read() -> None:
    group = Group(("vg", "thin"), "ab12", lambda command: Done(0, LVS, ""))
    volume, snapshot = group.all()
    assert (volume.part, volume.id, volume.size, volume.extent) == (
        *(Part.VOLUME, "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e0001"),
        *(1073741820, 1073741824),
    )
    assert (volume.active, volume.blank, volume.ready) == (False, True, False)
    assert (snapshot.part, snapshot.origin_id, snapshot.active) == (Part.SNAPSHOT, volume.id, True)


@pytest.mark.parametrize(
    ("done", "error", "words"),
    [
        (Done(5, "", '  Volume group "vg" not found'), Busy, 'Volume group "vg" not found'),
        (Done(0, "no report", ""), Busy, "malformed"),
        (Done(5, "", "  Insufficient free space: insufficient free space"), Refused, ""),
    ],
)
def test_what_lvm_refuses_is_told(done: Done, error: type[Busy | Refused], words: str) -> None:
    with pytest.raises(error) as told:
        Group(("vg", "thin"), "ab12", lambda command: done).all()
    assert words in str(told.value.detail)


async def test_a_pool_that_is_full_takes_nothing(group: StandIn, tmp_path: Path) -> None:
    storage = storage_of(group, tmp_path)
    await storage.open()
    await storage.create(ID, 16 * MIB)
    group.full = True
    with pytest.raises(Refused, match="thin pool of the volumes is full"):
        await storage.create(OTHER, 16 * MIB)
    with pytest.raises(Refused, match="thin pool of the volumes is full"):
        await storage.snapshot(SNAPSHOT, ID)
    assert [sight.id for sight in await storage.sights()] == [ID]
    capacity = await storage.capacity()
    assert capacity.free == 0


async def test_what_is_not_ours_is_never_touched(group: StandIn, tmp_path: Path) -> None:
    names = ["home", f"boxship-v-{ID}x", "boxship-v-other", "boxship-n-other"]
    foreign = {name: group.foreign(name) for name in names}
    storage = storage_of(group, tmp_path)
    await storage.open()
    await storage.create(ID, 16 * MIB)
    assert [sight.id for sight in await storage.sights()] == [ID]
    for verb in (storage.remove("other"), storage.unmount("other"), storage.remove_snapshot("other")):
        await verb
    with pytest.raises(Busy, match="LVM cannot do this now"):
        await storage.create("other", 16 * MIB)
    await storage.destroy()
    assert group.volumes == foreign
    touched = {word.partition("/")[2] or word for command in group.asked for word in command[1:]}
    assert touched.isdisjoint({"home", f"boxship-v-{ID}x", "boxship-n-other"})


def _verbs(storage: LvmStorage) -> dict[str, Callable[[], Awaitable[object]]]:
    """Verbs on a volume that has b"later", with a snapshot that has b"first"."""
    return {
        "create": lambda: storage.create(OTHER, 32 * MIB),
        "clone": lambda: storage.create(OTHER, 32 * MIB, Source(Kind.SNAPSHOT, SNAPSHOT)),
        "fill": lambda: storage.fill(ID, 16 * MIB, once((0, b"third"))),
        "revert": lambda: storage.revert(ID, SNAPSHOT),
        "extend": lambda: storage.extend(ID, 32 * MIB),
        "remove": lambda: storage.remove(ID),
        "snapshot": lambda: storage.snapshot(OTHER, ID),
    }


_ENDS = {"fill": b"third", "revert": b"first", "remove": b""}


@LONG
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("verb", ["create", "clone", "fill", "revert", "extend", "remove", "snapshot"])
async def test_a_kill_between_two_commands_loses_nothing(
    group: StandIn, tmp_path: Path, verb: str, *, after: bool
) -> None:
    for at in range(1, 12):
        storage = storage_of(group, tmp_path)
        await storage.open()
        await storage.fill(ID, 16 * MIB, once((0, b"first")))
        await storage.snapshot(SNAPSHOT, ID)
        await storage.fill(ID, 16 * MIB, once((0, b"later")))
        mortal = Mortal(group, at, after=after)
        try:
            await _verbs(storage_of(group, tmp_path, mortal))[verb]()
        except Killed:
            assert mortal.died
        again = storage_of(group, tmp_path)
        seen = {sight.id for sight in await again.sights()}
        assert ID in seen or verb == "remove"
        if ID in seen:
            assert await content(again, Kind.VOLUME, ID) in {b"later", _ENDS.get(verb, b"later")}
        assert await content(again, Kind.SNAPSHOT, SNAPSHOT) == b"first"
        await _verbs(again)[verb]()
        if verb != "remove":
            assert await content(again, Kind.VOLUME, ID) == _ENDS.get(verb, b"later")
        if verb == "clone":
            assert await content(again, Kind.VOLUME, OTHER) == b"first"
        await again.destroy()
        assert group.volumes == {}
        if not mortal.died:
            return
    pytest.fail("the verb has more commands than were tried")


async def test_a_file_system_that_was_half_made_is_made_anew(
    group: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = storage_of(group, tmp_path)
    await storage.open()
    await storage.create(ID, 16 * MIB)

    def half(device: Path, size: int) -> None:
        with device.open("r+b", buffering=0) as target:
            target.write(b"\1" * MIB)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("boxship.drivers.storage.ext4.format_device", half)
        with pytest.raises(Killed):
            await storage.mount(ID)
    again = storage_of(group, tmp_path)
    path = (await again.mount(ID)).path
    assert path is not None
    (path / "file").write_text("kept")
    await again.unmount(ID)
    path = (await again.mount(ID)).path
    assert path is not None
    assert (path / "file").read_text() == "kept"
    await again.unmount(ID)


async def test_a_device_that_somebody_had_is_not_blank(group: StandIn, tmp_path: Path) -> None:
    storage = storage_of(group, tmp_path)
    await storage.open()
    await storage.create(ID, 16 * MIB)
    device = (await storage.attach(ID)).device
    assert device is not None
    with device.open("r+b", buffering=0) as target:
        target.seek(8 * MIB)
        target.write(b"raw")
    await storage.detach(ID)
    with pytest.raises(Refused, match="no ext4 file system"):
        await storage.mount(ID)
    assert (await storage.sight(ID)) == (await storage.sights())[0]
    (extent,) = [extent async for extent in storage.read(Source(Kind.VOLUME, ID))]
    assert (extent[0], extent[1][:3]) == (8 * MIB, b"raw")


@pytest.mark.skipif(shutil.which("lvs") is None, reason="no LVM is installed")
async def test_a_real_lvm_takes_every_command(group: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parser, at least: the group is not there. A word that it does not know is another error (3)."""
    storage = storage_of(group, tmp_path)
    await storage.open()
    await storage.fill(ID, 16 * MIB, once((0, b"first")))
    await storage.snapshot(SNAPSHOT, ID)
    await storage.revert(ID, SNAPSHOT)
    await storage.create(OTHER, 16 * MIB)
    await storage.mount(OTHER)
    await storage.unmount(OTHER)
    await storage.extend(OTHER, 32 * MIB)
    await storage.shrink(OTHER, 16 * MIB)
    await storage.destroy()
    monkeypatch.setenv("LVM_SYSTEM_DIR", str(tmp_path))
    (tmp_path / "lvm.conf").write_text('devices { filter = [ "r|.*|" ] }\n')
    kinds = {(command[0], *(word for word in command if word.startswith("--"))): command for command in group.asked}
    assert len(kinds) > 8
    for command in [*kinds.values(), ["lvs", "--no-such-option", "vg"]]:
        words = [word.replace("vg/", "nosuchgroup/") if word != "vg" else "nosuchgroup" for word in command]
        done = subprocess.run([*words, "--driverloaded", "n"], capture_output=True, text=True, check=False)
        assert done.returncode == (3 if "--no-such-option" in command else 5), (words, done.stderr)
