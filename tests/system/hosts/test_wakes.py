"""Hosts wake each other through PostgreSQL, and miss nothing while it is away. The clock that would find what a wake-up did not
tell of is all but stopped here, so that nothing but wake-ups, and the look after a break, makes things happen. The engines are
fake, so that only the program is tried."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import httpx
import pytest

from tests.system.api import Failed
from tests.system.hosts import site
from tests.system.hosts.site import Site
from tests.system.hosts.tenant import CONTAINERS, IDLE, Tenant, tenant
from tests.system.marks import HOSTS
from tests.system.waiting import until

pytestmark = [*HOSTS, pytest.mark.timeout(300)]

NEVER = {"BOXSHIP_SCAN_INTERVAL": "36000", "BOXSHIP_HOST_DOWN_AFTER": "36000"}


@pytest.fixture(scope="module")
def sleepy() -> Iterator[Site]:
    """Two hosts that look by themselves when they start, and then in ten hours."""
    with site.opened(BOXSHIP_ENGINE="fake", **NEVER) as made:
        yield made


@pytest.fixture
def user(sleepy: Site, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    with tenant(sleepy, request.node.name) as made:
        yield made


def test_an_order_at_one_host_wakes_the_other(user: Tenant) -> None:
    nets = [{"network": user.session.network("woken", "10.0.0.0/24")["id"]}]
    for api, runner in (("alpha", "beta"), ("beta", "alpha"), ("alpha", "alpha")):
        made = user.at[api].create("woken", IDLE, nets=nets, availability_zone=runner)
        user.at[api].running(made["uuid"])
        user.at[api].ask("POST", f"{CONTAINERS}/{made['uuid']}/stop?timeout=1")
        user.at[runner].becomes(made["uuid"], "Stopped")
        user.at[api].delete(made["uuid"])


def test_nothing_is_missed_while_postgresql_is_away(user: Tenant, sleepy: Site) -> None:
    """Orders as early as they are taken again, when not every host listens again yet; several times."""
    nets = [{"network": user.session.network("missed", "10.0.0.0/24")["id"]}]
    for number in range(3):
        with sleepy.database.away(crash=number == 1):
            assert user.session.http.get(CONTAINERS).status_code == 503
        ordered = []
        for turn, runner in enumerate(("beta", "alpha") * 3):
            wish = {"name": f"missed-{number}-{turn}", "nets": nets, "availability_zone": runner}
            ordered.append(until(lambda wish=wish: taken(user, wish), "an order is taken"))  # type: ignore[misc]
        for container in ordered:
            user.session.running(container)
        user.session.delete(*ordered)


def taken(user: Tenant, wish: dict[str, object]) -> str:
    """The id of a container; empty where the order is refused for the database's sake."""
    with contextlib.suppress(httpx.TransportError):
        try:
            body = {"image": "busybox", "image_driver": "docker", "memory": "64", **wish}
            return str(user.session.ask("POST", f"{CONTAINERS}?run=true", body)["uuid"])
        except Failed as refused:
            if refused.status != 503:
                raise
    return ""
