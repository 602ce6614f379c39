"""One private Docker engine per worker for the suites of the engine, and hosts on it and on the fake one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conformance.host import Host
from tests.dockerd import running_dockerd

REAL = pytest.param(
    "docker",
    marks=[
        pytest.mark.system,
        pytest.mark.xdist_group("docker"),
        pytest.mark.skipif(os.geteuid() != 0, reason="a Docker engine and network namespaces need root"),
    ],
)


@pytest.fixture(scope="session")
def docker_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with running_dockerd(tmp_path_factory.mktemp("dockerd")) as socket:
        yield socket


@pytest_asyncio.fixture(params=["fake", REAL])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    """An engine with the image that is used everywhere, and no containers."""
    made = Host(tmp_path, request.getfixturevalue("docker_socket") if request.param == "docker" else None)
    await made.have_image()
    yield made
    await made.clear()


@pytest_asyncio.fixture(params=[REAL])
async def docker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    """The same, on the real engine only."""
    made = Host(tmp_path, request.getfixturevalue("docker_socket"))
    await made.have_image()
    yield made
    await made.clear()
