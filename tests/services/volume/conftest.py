"""Fixtures of the tests of the volume service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests import cloud as clouds
from tests.services.volume import world as worlds


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[worlds.World]:
    async with worlds.world(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[clouds.Cloud]:
    """A cloud whose loop runs."""
    async with clouds.running(tmp_path / "state", quota_volumes=5, quota_gigabytes=20) as made:
        yield made


@pytest_asyncio.fixture
async def still(tmp_path: Path) -> AsyncIterator[clouds.Cloud]:
    """A cloud whose loop does not run, with room for many volumes."""
    async with clouds.running(tmp_path / "state", start=False, quota_volumes=-1, quota_gigabytes=-1) as made:
        yield made
