"""Two hosts with a real engine each on one PostgreSQL, made once for all tests that leave them whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system import installation
from tests.system.hosts import site
from tests.system.hosts.site import Host, Site
from tests.system.hosts.tenant import Tenant, tenant


@pytest.fixture(scope="session")
def pair() -> Iterator[Site]:
    """The hosts alpha and beta; nothing is left on them when the cloud is destroyed."""
    installation.check_host()
    made = site.lay()
    try:
        first, second = made.add("alpha"), made.add("beta")
        made.begin(first)
        made.invite(second)
        for host in (first, second):
            host.load()
        yield made
        made.destroy()
    finally:
        made.remove()


@pytest.fixture
def alpha(pair: Site) -> Host:
    return pair.hosts[0]


@pytest.fixture
def beta(pair: Site) -> Host:
    return pair.hosts[1]


@pytest.fixture
def user(pair: Site, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A project of the test's own."""
    with tenant(pair, request.node.name) as made:
        yield made
