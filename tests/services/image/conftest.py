"""Fixtures of the tests of the image service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests import cloud as clouds


@pytest_asyncio.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[clouds.Cloud]:
    """A cloud whose loop runs, for images of at most 1 MB."""
    async with clouds.running(tmp_path / "state", max_image=1_000_000, quota_images=4) as made:
        yield made


@pytest_asyncio.fixture
async def still(tmp_path: Path) -> AsyncIterator[clouds.Cloud]:
    """A cloud whose loop does not run, with room for many images."""
    async with clouds.running(tmp_path / "state", start=False, quota_images=-1) as made:
        yield made
