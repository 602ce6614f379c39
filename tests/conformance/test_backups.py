"""What every ``Backups`` must do: whole or not there, shared between backups of one volume, damage found before it is given."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.storage import disk
from boxship.drivers.storage.backups import FileBackups
from boxship.drivers.storage.interface import Backups, Extent

GIB = 1 << 30
MIB = 1 << 20
FIRST, SECOND, VOLUME, OTHER = "b1", "b2", "v1", "v2"


@pytest_asyncio.fixture
async def backups(tmp_path: Path) -> AsyncIterator[FileBackups]:
    made = FileBackups(tmp_path / "a place with spaces")
    await made.open()
    yield made
    await made.destroy()
    assert not (tmp_path / "a place with spaces").exists()


async def each(*extents: Extent) -> AsyncIterator[Extent]:
    for extent in extents:
        yield extent


async def content(backups: Backups, id: str) -> list[Extent]:
    return [extent async for extent in backups.read(id)]


def chunks(backups: FileBackups) -> list[Path]:
    return sorted(backups._root.glob("*/chunks/*"))


DATA: tuple[Extent, ...] = ((0, b"begin"), (MIB, os.urandom(1000)), (5 * MIB, b"end"))


async def test_what_was_written_is_read_after_a_restart(backups: FileBackups) -> None:
    made = await backups.write(FIRST, VOLUME, GIB, each(*DATA))
    assert (made.volume_id, made.size, made.parts) == (VOLUME, GIB, 3)
    later = FileBackups(backups._root)
    await later.open()
    assert await content(later, FIRST) == list(DATA)
    assert await later.sight(FIRST) == made == await later.write(FIRST, VOLUME, GIB, each())
    assert await later.sights() == [made]


async def test_backups_of_a_volume_share_what_did_not_change(backups: FileBackups) -> None:
    await backups.write(FIRST, VOLUME, GIB, each(*DATA))
    await backups.write(SECOND, VOLUME, GIB, each(*DATA[:2], (5 * MIB, b"changed")))
    assert len(chunks(backups)) == 4
    await backups.remove(FIRST)
    await backups.remove(FIRST)
    assert len(chunks(backups)) == 3
    assert await content(backups, SECOND) == [*DATA[:2], (5 * MIB, b"changed")]


async def test_volumes_share_nothing(backups: FileBackups) -> None:
    await backups.write(FIRST, VOLUME, GIB, each((0, b"same")))
    await backups.write(SECOND, OTHER, GIB, each((0, b"same")))
    assert len(chunks(backups)) == 2
    await backups.remove(FIRST)
    assert await content(backups, SECOND) == [(0, b"same")]


async def test_a_backup_that_breaks_off_is_not_there_and_leaves_nothing(backups: FileBackups) -> None:
    async def broken() -> AsyncIterator[Extent]:
        yield 0, b"half"
        raise Busy("The volume went away.")

    with pytest.raises(Busy):
        await backups.write(FIRST, VOLUME, GIB, broken())
    assert await backups.sight(FIRST) is None
    with pytest.raises(Absent):
        await content(backups, FIRST)
    await FileBackups(backups._root).open()
    assert list(backups._root.iterdir()) == []


@pytest.mark.parametrize("damage", ["other", "cut", "gone"])
async def test_damage_is_found_before_anybody_gets_it(backups: FileBackups, damage: str) -> None:
    await backups.write(FIRST, VOLUME, GIB, each((0, b"precious")))
    (chunk,) = chunks(backups)
    if damage == "gone":
        chunk.unlink()
    else:
        chunk.write_bytes(chunk.read_bytes()[:-1] if damage == "cut" else b"rubbish")
    with pytest.raises(Refused, match="damaged"):
        await content(backups, FIRST)


async def test_a_full_disk_is_said_and_leaves_nothing(backups: FileBackups, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "RESERVE", 1 << 60)
    with pytest.raises(Refused, match="full"):
        await backups.write(FIRST, VOLUME, GIB, each(*DATA))
    assert await backups.sights() == []


async def test_nobody_else_can_read_them(backups: FileBackups) -> None:
    await backups.write(FIRST, VOLUME, GIB, each(*DATA))
    assert all(path.stat().st_mode & 0o077 == 0 for path in backups._root.rglob("*"))


@pytest.mark.parametrize("id", ["", "..", "a/b", "*", "a.json"])
async def test_an_id_never_leads_elsewhere(backups: FileBackups, id: str) -> None:
    with pytest.raises(Refused):
        await backups.write(id, VOLUME, GIB, each())
    with pytest.raises(Refused):
        await backups.write(FIRST, id, GIB, each())
    with pytest.raises(Refused):
        await backups.remove(id)
