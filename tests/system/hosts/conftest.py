"""Two hosts with a real engine each on one PostgreSQL, made once for all tests that leave them whole."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.system.hosts import site
from tests.system.hosts.site import Host, Site
from tests.system.hosts.tenant import Tenant, tenant


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say with a failure what the hosts have in their logs."""
    report = yield
    sites = [made for made in getattr(item, "funcargs", {}).values() if isinstance(made, Site)]
    if report.failed and call.when != "teardown":
        report.sections += [("The hosts' logs", made.told()) for made in sites if made.hosts]
    return report


@pytest.fixture(scope="session")
def pair() -> Iterator[Site]:
    """The hosts alpha and beta; nothing is left on them when the cloud is destroyed."""
    with site.opened() as made:
        yield made


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
