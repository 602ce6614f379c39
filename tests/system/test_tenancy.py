"""Two projects with the same addresses: together within a project, apart between them; the way out, and the way in."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.system import audit, outside
from tests.system.api import Session, address, port
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

CIDR = "10.0.0.0/24"
SERVE = "echo $PAGE > /www/index.html; httpd -p 80 -h /www; while true; do sleep 1; done"
IDLE = "trap exit TERM; while true; do sleep 1; done"


@dataclass(slots=True)
class Tenant:
    """A project with a network, a container that serves the project's name, and one that looks around."""

    session: Session
    network: dict[str, Any]
    server: dict[str, Any]
    client: dict[str, Any]

    def fetch(self, host: str) -> str:
        """What the client of this project reads from there; empty where nothing answers."""
        return self.session.execute(self.client["uuid"], f"timeout 2 wget -q -O - http://{host}/ 2>/dev/null")[
            1
        ].strip()


def _tenant(cloud: Installation, name: str) -> Tenant:
    session = cloud.session(name)
    network = session.network(f"{name}-net", CIDR)
    session.ask(
        "POST",
        "/network/v2.0/subnets",
        {"subnet": {"network_id": network["id"], "ip_version": 6, "cidr": "2001:db8:77::/64"}},
    )
    nets = [{"network": network["id"]}]
    orders = [
        session.create(f"{name}-server", SERVE, nets=nets, environment={"PAGE": name}),
        session.create(f"{name}-client", IDLE, nets=nets),
    ]
    server, client = (session.running(order["uuid"]) for order in orders)
    return Tenant(session, network, server, client)


@pytest.fixture(scope="module")
def tenants(cloud: Installation) -> Iterator[tuple[Tenant, Tenant]]:
    red, blue = _tenant(cloud, "red"), _tenant(cloud, "blue")
    yield red, blue
    for tenant in (red, blue):
        tenant.session.delete(tenant.server["uuid"], tenant.client["uuid"])
    audit.assert_sound(cloud)


def test_both_have_the_same_addresses(tenants: tuple[Tenant, Tenant]) -> None:
    red, blue = tenants
    pools = [{address(tenant.server), address(tenant.client)} for tenant in tenants]
    assert all(pool <= {f"10.0.0.{last}" for last in range(2, 255)} for pool in pools)
    assert red.network["id"] != blue.network["id"]


def test_containers_of_a_project_reach_each_other_by_address_and_by_name(tenants: tuple[Tenant, Tenant]) -> None:
    for tenant, name in zip(tenants, ("red", "blue"), strict=True):
        for host in (address(tenant.server), f"{name}-server", f"{name}-server.openstacklocal"):
            _reads(tenant, host, name)
        entries = tenant.server["addresses"][tenant.network["id"]]
        six = next(entry["addr"] for entry in entries if entry["version"] == 6)
        assert _pings(tenant, six), f"{name} reaches {six}"


def _reads(tenant: Tenant, host: str, page: str) -> None:
    until(lambda: tenant.fetch(host) == page, f"{page} is read from {host}", 5)


def _pings(tenant: Tenant, host: str) -> bool:
    return tenant.session.execute(tenant.client["uuid"], f"ping -c 1 -W 1 {host}")[0] == 0


def test_another_project_is_out_of_reach(tenants: tuple[Tenant, Tenant]) -> None:
    """Whoever answers at an address of the other project is of one's own; names of the other do not exist."""
    red, blue = tenants
    for mine, other in ((red, blue), (blue, red)):
        own = {address(mine.server), address(mine.client)}
        for host in {address(other.server), address(other.client)} - own:
            assert mine.fetch(host) == ""
            assert not _pings(mine, host)
        stranger = other.server["name"]
        assert mine.fetch(stranger) == ""
        assert mine.session.execute(mine.client["uuid"], f"nslookup {stranger}.openstacklocal")[0] != 0
        assert mine.session.is_gone(f"/container/v1/containers/{other.server['uuid']}")
    # One address that both have, or would have, leads each to its own.
    taken = address(red.server)
    assert red.fetch(taken) == "red"
    assert blue.fetch(taken) in {"", "blue"}


def test_a_router_is_the_way_out_and_a_floating_ip_the_way_in(tenants: tuple[Tenant, Tenant]) -> None:
    with outside.beyond() as world:
        for tenant, name in zip(tenants, ("red", "blue"), strict=True):
            _out_and_in(tenant, name, world)


def _out_and_in(tenant: Tenant, name: str, world: outside.Outside) -> None:
    session = tenant.session
    ask = f"nc -w 2 {world.address} {outside.PORT} </dev/null 2>/dev/null | head -n 1"
    assert session.execute(tenant.client["uuid"], ask)[1] == "", "there is no way out without a router"
    router = session.router(f"{name}-door", tenant.network["subnet_id"])
    until(lambda: "you come from" in session.execute(tenant.client["uuid"], ask)[1], "the router leads out", 5)
    floating = session.floating_ip(port(tenant.server))
    group = tenant.server["security_groups"][0]
    inside = floating["floating_ip_address"]
    assert not outside.connects(inside, 80), "the default group lets nobody in"
    rule = session.rule(group, protocol="tcp", port_range_min=80, port_range_max=80)
    until(lambda: outside.connects(inside, 80), "the floating IP leads in", 5)
    with urllib.request.urlopen(f"http://{inside}/", timeout=10) as page:
        assert page.read().decode().strip() == name
    session.ask("DELETE", f"/network/v2.0/security-group-rules/{rule}")
    session.ask("DELETE", f"/network/v2.0/floatingips/{floating['id']}")
    until(lambda: not outside.connects(inside, 80), "without the floating IP there is no way in", 5)
    leg = {"subnet_id": tenant.network["subnet_id"]}
    session.ask("PUT", f"/network/v2.0/routers/{router['id']}/remove_router_interface", leg)
    session.ask("DELETE", f"/network/v2.0/routers/{router['id']}")
    until(lambda: session.execute(tenant.client["uuid"], ask)[1] == "", "without a router there is no way out", 5)


def test_no_other_address_can_be_sent_from(cloud: Installation) -> None:
    """Even where a container may do everything within itself: filters stand where it cannot reach them."""
    admin = cloud.session("admin")
    network = admin.network("guarded", "10.0.0.0/24")
    nets = [{"network": network["id"]}]
    target = admin.run("target", IDLE, nets=nets)
    rogue = admin.run("rogue", IDLE, nets=nets, privileged=True)
    there = address(target)
    assert admin.execute(rogue["uuid"], f"ping -c 1 -W 1 {there}")[0] == 0
    assert admin.execute(rogue["uuid"], "ip address add 10.0.0.200/24 dev eth0")[0] == 0, "it may do as it likes within"
    assert admin.execute(rogue["uuid"], f"ping -c 1 -W 1 -I 10.0.0.200 {there}")[0] != 0
    assert admin.execute(target["uuid"], "ping -c 1 -W 1 10.0.0.200")[0] != 0
    changed = "ip link set eth0 down && ip link set eth0 address 02:00:00:00:00:66 && ip link set eth0 up"
    assert admin.execute(rogue["uuid"], changed)[0] == 0
    assert admin.execute(rogue["uuid"], f"ping -c 1 -W 1 {there}")[0] != 0
    admin.delete(target["uuid"], rogue["uuid"])
    admin.ask("DELETE", f"/network/v2.0/networks/{network['id']}")
