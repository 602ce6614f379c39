"""Hosts die, cables are cut, PostgreSQL goes away, in the middle of work: nothing acknowledged is lost, nothing is stuck, what
was on no host for good moves to one that lives, and nothing is ever in two places afterwards."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.system.api import Failed, Session, address
from tests.system.hosts import site
from tests.system.hosts.site import Host, Site
from tests.system.hosts.soundness import assert_sound
from tests.system.hosts.tenant import CONTAINERS, IDLE, NETWORKS, Tenant
from tests.system.marks import HOSTS, LONG
from tests.system.waiting import until

pytestmark = [*HOSTS, pytest.mark.timeout(600)]

LEASE = 4
TAKEN = 3 * LEASE
"""Seconds in which another host has noticed and taken over."""
COUNTING = "i=0; while true; do i=$((i + 1)); echo $i; sleep 0.2; done"


@pytest.fixture(scope="module")
def pair() -> Iterator[Site]:
    """Two hosts of these tests' own, that soon believe that another one is dead."""
    with site.opened(BOXSHIP_HOST_LEASE=str(LEASE)) as made:
        yield made


@pytest.fixture(autouse=True)
def whole(pair: Site) -> Iterator[None]:
    """Both hosts work at the start, and are as the database says at the end."""
    pair.restore_all()
    yield
    assert_sound(pair)


@pytest.fixture
def user(pair: Site, user: Tenant) -> Iterator[Tenant]:
    """Whose things are cleared by hosts that work again."""
    yield user
    pair.restore_all()


def refused(session: Session, method: str, path: str) -> int:
    """The status that a request is refused with, once it is."""

    def status() -> int:
        return int(session.http.request(method, path).status_code)

    return until(lambda: (found := status()) >= 400 and found, f"{method} {path} is refused")


def network_of(user: Tenant) -> list[dict[str, str]]:
    """The one network of the project."""
    found = user.session.ask("GET", f"{NETWORKS}/networks?project_id={user.session.project_id}")["networks"]
    made = found[0] if found else user.session.network("net", "10.0.0.0/24")
    return [{"network": made["id"]}]


def test_a_program_is_killed_and_comes_back(user: Tenant, alpha: Host, beta: Host) -> None:
    """Its containers run on and talk; what only it can answer is refused at once; what is ordered meanwhile is done later."""
    nets = network_of(user)
    east = user.run(alpha, "east", nets=nets)
    west, doomed = (user.run(beta, name, COUNTING, nets=nets) for name in ("west", "doomed"))
    user.pings(alpha, east, address(west))
    counted = len(user.session.logs(west["uuid"]))
    beta.kill()
    user.pings(alpha, east, address(west))
    assert refused(user.session, "GET", f"{CONTAINERS}/{west['uuid']}/logs") == 503
    assert user.session.show(west["uuid"])["status"] == "Running"
    user.session.ask("DELETE", f"{CONTAINERS}/{doomed['uuid']}?stop=true&timeout=0")
    late = user.session.create("late", IDLE, nets=nets, availability_zone=beta.name)
    beta.start()
    beta.answers()
    user.session.gone(f"{CONTAINERS}/{doomed['uuid']}")
    user.session.running(late["uuid"])
    until(lambda: len(user.session.logs(west["uuid"])) > counted, "it went on counting")
    assert user.session.logs(west["uuid"]).split("\n")[:3] == ["1", "2", "3"], "it was started anew"
    user.pings(beta, west, "east")


def test_power_fails_on_a_host(user: Tenant, pair: Site, alpha: Host, beta: Host) -> None:
    """The routers and name services that it had move to the other; when it is back, so are its containers."""
    networks = [user.session.network(f"net{number}", f"10.0.{number}.0/24") for number in range(2)]
    nets = [[{"network": network["id"]}] for network in networks]
    east, other = (user.run(alpha, name, nets=nets[number]) for number, name in enumerate(("east", "other")))
    west = user.run(beta, "west", nets=nets[1])
    router = router_on(beta, user, *(network["subnet_id"] for network in networks))
    user.pings(alpha, east, address(west))
    user.pings(alpha, east, address(other))
    pair.power_off(beta)
    user.succeeds(alpha, east, f"ping -c 1 -W 1 {address(other)}", TAKEN)
    assert pair.holders("router", router) == [alpha]
    for container, name in ((east, "east"), (other, "other")):
        user.succeeds(alpha, container, f"ping -c 1 -W 1 {name}", TAKEN)
    assert refused(user.session, "POST", f"{CONTAINERS}/{west['uuid']}/execute?command=id&run=true") == 503
    pair.restore(beta)
    user.session.becomes(west["uuid"], "Running")
    user.pings(alpha, east, address(west))
    user.pings(beta, west, address(east))
    assert_sound(pair)


@LONG
def test_a_program_is_dead_for_long(user: Tenant, pair: Site, alpha: Host, beta: Host) -> None:
    """Its machine goes on forwarding for its own containers while another host has taken the router over for the rest; in the
    end there is one router, and all talk to all."""
    networks = [user.session.network(f"net{number}", f"10.0.{number}.0/24") for number in range(2)]
    nets = [[{"network": network["id"]}] for network in networks]
    east, other = (user.run(alpha, name, nets=nets[number]) for number, name in enumerate(("east", "other")))
    west, near = (user.run(beta, name, COUNTING, nets=nets[number]) for number, name in enumerate(("west", "near")))
    router = router_on(beta, user, *(network["subnet_id"] for network in networks))
    user.pings(alpha, east, address(near))
    beta.kill()
    until(lambda: alpha in pair.holders("router", router), "alpha takes the router", TAKEN)
    user.pings(alpha, east, address(other))
    user.pings(alpha, east, address(west))
    inside = f"boxship-{beta.mark}-{west['uuid']}"
    beta.machine.says("docker", "exec", inside, "ping", "-c", "1", "-W", "5", address(near))
    pair.restore(beta)
    for host, container, targets in ((alpha, east, (west, near, other)), (beta, west, (east, near, other))):
        for target in targets:
            user.pings(host, container, address(target))
    assert_sound(pair)
    assert len(pair.holders("router", router)) == 1
    assert user.session.logs(west["uuid"]).split("\n")[:2] == ["1", "2"]


def router_on(host: Host, user: Tenant, *subnets: str) -> str:
    """A router that this host has; which one takes it is as good as random."""

    def made() -> str | None:
        router = str(user.session.router("router", *subnets)["id"])
        holders = until(lambda: user.site.holders("router", router), "a host takes the router")
        if holders == [host]:
            return router
        user.clear_router(router)
        return None

    return until(made, f"a router is on {host.name}", 60) or ""


def test_a_deletion_waits_for_its_host(user: Tenant, pair: Site, beta: Host) -> None:
    """With the host gone for now: the container is shown as being deleted, and goes when the host is back, with all it had."""
    nets = network_of(user)
    wish: dict[str, Any] = {"nets": nets, "mounts": [{"size": "1", "destination": "/data"}]}
    west = user.run(beta, "west", **wish)
    pair.power_off(beta)
    user.session.ask("DELETE", f"{CONTAINERS}/{west['uuid']}?stop=true&timeout=0")
    shown = user.session.show(west["uuid"])
    assert shown["status"] in {"Deleting", "Running"} and shown["task_state"], shown
    pair.restore(beta)
    user.session.gone(f"{CONTAINERS}/{west['uuid']}")
    assert_sound(pair)


@LONG
def test_a_host_is_lost_for_good(user: Tenant, pair: Site, alpha: Host) -> None:
    """When the administrator says that it never comes back, what was on it can be deleted; if it comes back all the same, it
    clears what nobody knows any more."""
    lost = pair.add("lost")
    pair.invite(lost)
    lost.load()
    try:
        nets = network_of(user)
        wish: dict[str, Any] = {"nets": nets, "mounts": [{"size": "1", "destination": "/data"}]}
        gone = user.run(lost, "gone", **wish)
        pair.power_off(lost)
        admin = alpha.session("admin")
        user.session.ask("DELETE", f"{CONTAINERS}/{gone['uuid']}?stop=true&timeout=0")
        assert not user.session.is_gone(f"{CONTAINERS}/{gone['uuid']}")
        admin.ask("DELETE", "/container/v1/services?host=lost&binary=zun-compute")
        user.session.gone(f"{CONTAINERS}/{gone['uuid']}")
        volumes = f"/volume/v3/{user.session.project_id}/volumes"
        until(lambda: not user.session.ask("GET", volumes)["volumes"], "its volume is gone with it")
        pair.restore(lost)
        assert_sound(pair)
        until(lambda: not lost.look()["loops"], "its volumes are cleared")
    finally:
        pair.drop(lost)


@LONG
def test_a_volume_in_a_shared_directory_outlives_a_lost_host(user: Tenant, pair: Site, alpha: Host) -> None:
    """It stays that host's until the administrator says that it never comes back; then another one has it, with its data."""
    lost = pair.add("lost")
    pair.invite(lost)
    lost.load()
    try:
        volume = user.shared_volume("kept")
        wish: dict[str, Any] = {"nets": network_of(user), "mounts": [{"source": "kept", "destination": "/data"}]}
        first = user.run(lost, "first", **wish)
        user.succeeds(alpha, first, "echo kept > /data/file; sync")
        pair.power_off(lost)
        user.session.ask("DELETE", f"{CONTAINERS}/{first['uuid']}?stop=true&timeout=0")
        with pytest.raises(Failed) as refused:
            user.session.create("early", IDLE, availability_zone=alpha.name, **wish)
        assert refused.value.status == 409, refused.value
        alpha.session("admin").ask("DELETE", "/container/v1/services?host=lost&binary=zun-compute")
        user.session.gone(f"{CONTAINERS}/{first['uuid']}")
        second = user.run(alpha, "second", **wish)
        assert user.succeeds(alpha, second, "cat /data/file") == "kept\n"
        pair.restore(lost)
        assert_sound(pair)
        assert user.succeeds(alpha, second, "echo more >> /data/file; sync; cat /data/file") == "kept\nmore\n"
        user.session.delete(second["uuid"])
        user.becomes_free(volume)
    finally:
        pair.drop(lost)


@LONG
def test_a_host_without_cable(user: Tenant, pair: Site, alpha: Host, beta: Host) -> None:
    """Cut off from database and others, it keeps what runs; when the cable is back, no router is in two places."""
    networks = [user.session.network(f"net{number}", f"10.0.{number}.0/24") for number in range(2)]
    nets = [[{"network": network["id"]}] for network in networks]
    east, other = (user.run(alpha, name, nets=nets[number]) for number, name in enumerate(("east", "other")))
    west = user.run(beta, "west", COUNTING, nets=nets[1])
    router_on(beta, user, *(network["subnet_id"] for network in networks))
    user.pings(alpha, east, address(west))
    with following(user.session, west["uuid"]) as reader:
        pair.cut(beta)
        assert refused(user.session, "GET", f"{CONTAINERS}/{west['uuid']}/logs") == 503
        user.succeeds(alpha, east, f"ping -c 1 -W 1 {address(other)}", TAKEN)
        reader.join(60)
        assert not reader.is_alive(), "who follows a log of a host that is gone is never told"
    pair.mend(beta)
    user.pings(alpha, east, address(west))
    user.pings(beta, west, address(east))
    assert user.session.logs(west["uuid"]).split("\n")[:2] == ["1", "2"]
    assert_sound(pair)


@contextlib.contextmanager
def following(session: Session, container: str) -> Iterator[threading.Thread]:
    """A thread that reads a log until it ends, and has begun to."""
    began = threading.Event()

    def read() -> None:
        with (
            contextlib.suppress(httpx.TransportError),
            session.http.stream("GET", f"{CONTAINERS}/{container}/logs?follow=true", timeout=300) as stream,
        ):
            for _ in stream.iter_raw():
                began.set()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert began.wait(30), "nothing of the log has come"
    yield thread


def test_postgresql_goes_away_and_comes_back(user: Tenant, pair: Site, alpha: Host, beta: Host) -> None:
    """Requests are answered 503 at once; containers run on; afterwards both hosts work as before, without a restart."""
    nets = network_of(user)
    east, west = user.run(alpha, "east", nets=nets), user.run(beta, "west", nets=nets)
    ordered = [user.session.create(f"c{n}", IDLE, nets=nets, availability_zone=zone)["uuid"] for n, zone in zones(4)]
    with pair.database.away():
        for session in user.at.values():
            assert refused(session, "GET", CONTAINERS) == 503
            with pytest.raises(Failed) as why:
                session.create("never", IDLE, nets=nets)
            assert why.value.status == 503
        for host, container in ((alpha, east), (beta, west)):
            name = f"boxship-{host.mark}-{container['uuid']}"
            assert host.machine.says("docker", "exec", name, "echo", "alive") == "alive"
    until(lambda: listed(user) is not None, "requests are answered again")
    for container in ordered:
        user.session.running(container)
    for host in pair.hosts:
        user.run(host, f"after-{host.name}", nets=nets)
    assert "never" not in {row["name"] for row in listed(user) or []}
    user.pings(alpha, east, "after-beta")
    user.pings(beta, west, "after-alpha")


def zones(many: int) -> list[tuple[int, str]]:
    return [(number, ("alpha", "beta")[number % 2]) for number in range(many)]


def listed(user: Tenant) -> list[dict[str, Any]] | None:
    with contextlib.suppress(Failed):
        return list(user.session.ask("GET", CONTAINERS)["containers"])
    return None


@LONG
def test_a_crash_of_postgresql_while_much_is_ordered(user: Tenant, pair: Site) -> None:
    """What was acknowledged before, runs after; what was not, is not there or runs."""
    nets = network_of(user)
    acknowledged = []
    for number, zone in zones(6):
        at = user.at[pair.hosts[number % 2].name]
        acknowledged.append(at.create(f"order{number}", IDLE, nets=nets, availability_zone=zone)["uuid"])
    with pair.database.away(crash=True):
        pass
    until(lambda: listed(user) is not None, "requests are answered again")
    for container in acknowledged:
        user.session.running(container)
    assert_sound(pair)
