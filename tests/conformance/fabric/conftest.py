"""A fabric of its own for each test on the real kernel, proven to be gone when the test is over."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conformance.fabric.hosts import Site
from tests.conformance.fabric.leftovers import leftovers
from tests.conformance.fabric.world import World


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.system)
            item.add_marker(pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"))


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    mark = secrets.token_hex(2)
    run = Path(f"/run/boxship-test-{mark}")  # as in earnest: dnsmasq, which is nobody, reads below it
    made = World(mark, run)
    await made.fabric.open()
    try:
        yield made
    finally:
        await made.fabric.destroy()
    assert leftovers(mark, run) == []


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async for made in _site(2):
        yield made


@pytest_asyncio.fixture
async def trio() -> AsyncIterator[Site]:
    async for made in _site(3):
        yield made


async def _site(count: int) -> AsyncIterator[Site]:
    made = Site(count)
    await made.open()
    try:
        yield made
    finally:
        await made.remove()
