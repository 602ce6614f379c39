"""A cloud under attack per test, and the services to attack."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import boxship.services
from tests.hostile import world as worlds

SERVICES = sorted(path.parent.name for path in Path(boxship.services.__path__[0]).glob("*/policy.py"))
SEED = int(os.environ.get("BOXSHIP_HOSTILE_SEED", "20261123"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per service; a new service is attacked as soon as it has rules."""
    if "service" in metafunc.fixturenames:
        metafunc.parametrize("service", SERVICES)


@pytest_asyncio.fixture
async def attacked(tmp_path: Path) -> AsyncIterator[worlds.World]:
    async with worlds.attacked(tmp_path / "cloud") as made:
        yield made


@pytest.fixture
def chance() -> random.Random:
    """Chance with a seed that is printed when a test fails and can be set by BOXSHIP_HOSTILE_SEED."""
    print(f"BOXSHIP_HOSTILE_SEED={SEED}")  # noqa: T201 (pytest shows it with a failure)
    return random.Random(SEED)  # noqa: S311 (no secret)
