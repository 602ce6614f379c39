"""Fixtures of the tests of the share service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.services.share import world as worlds


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[worlds.World]:
    async with worlds.world(tmp_path) as made:
        yield made
