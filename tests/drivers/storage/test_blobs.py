"""Image bytes on the disk: what a crash leaves, what others may read, what a full disk does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from boxship.core.errors import Refused
from boxship.drivers.storage import disk
from boxship.drivers.storage.blobs import FileBlobs


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_others_cannot_read_the_bytes(tmp_path: Path) -> None:
    await FileBlobs(tmp_path / "blobs").write("a", stream(b"x"), 10)
    assert (tmp_path / "blobs").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "blobs" / "a").stat().st_mode & 0o777 == 0o600


async def test_leftovers_of_a_crash_are_no_blobs_and_go(tmp_path: Path) -> None:
    (tmp_path / "a.0011.part").write_bytes(b"half")
    blobs = FileBlobs(tmp_path)
    await blobs.write("b", stream(b"whole"), 10)
    assert await blobs.ids() == {"b"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["b"]


async def test_a_write_under_way_is_not_a_leftover(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)

    async def looked_at() -> AsyncIterator[bytes]:
        yield b"first"
        assert await blobs.ids() == frozenset()
        yield b"second"

    await blobs.write("a", looked_at(), 100)
    assert (tmp_path / "a").read_bytes() == b"firstsecond"


async def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "RESERVE", 1 << 60)
    with pytest.raises(Refused, match="is full"):
        await FileBlobs(tmp_path).write("a", stream(b"x"), 10)
    assert list(tmp_path.iterdir()) == []
