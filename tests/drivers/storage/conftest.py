"""Fixtures of the tests of the storage drivers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from boxship.drivers.storage.file import FileStorage
from tests.drivers.storage.volumes import devices_below


@pytest_asyncio.fixture
async def storage(tmp_path: Path) -> AsyncIterator[FileStorage]:
    made = FileStorage(tmp_path / "volumes", "marked")
    await made.open()
    yield made
    await made.destroy()
    assert not (tmp_path / "volumes").exists()
    assert devices_below(tmp_path) == []
