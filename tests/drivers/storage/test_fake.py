"""The knobs of the fake storage that tests of reconcilers turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from boxship.core.errors import Busy, Refused
from boxship.drivers.storage.fake import FakeStorage


async def test_it_fails_as_told_and_once(tmp_path: Path) -> None:
    storage = FakeStorage(tmp_path / "volumes")
    storage.fail("create", Refused("The disk is full."))
    storage.fail("create", Busy("Later."))
    with pytest.raises(Refused):
        await storage.create("a", 1)
    with pytest.raises(Busy):
        await storage.create("a", 1)
    assert (await storage.create("a", 1)).size == 1


async def test_a_held_volume_is_busy_until_released(tmp_path: Path) -> None:
    storage = FakeStorage(tmp_path / "volumes")
    await storage.open()
    await storage.create("a", 1)
    await storage.mount("a")
    storage.hold("a")
    with pytest.raises(Busy):
        await storage.unmount("a")
    storage.release("a")
    await storage.unmount("a")


async def test_capacity_shrinks_with_volumes(tmp_path: Path) -> None:
    storage = FakeStorage(tmp_path / "volumes")
    before = await storage.capacity()
    await storage.create("a", 1000)
    assert (await storage.capacity()).free == before.free - 1000
