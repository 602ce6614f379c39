"""What is placed where: by availability zone, by an administrator's word, by a volume that is on a host already."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.system.api import Failed, Session
from tests.system.hosts.site import Host, Site
from tests.system.hosts.tenant import CONTAINERS, IDLE, Tenant
from tests.system.marks import HOSTS

pytestmark = [*HOSTS, pytest.mark.timeout(300)]


def test_zone_and_host(user: Tenant, pair: Site) -> None:
    admin = pair.hosts[0].session("admin")
    network = user.session.network("placed", "10.0.0.0/24")
    nets = [{"network": network["id"]}]
    for host in pair.hosts:
        by_zone = user.run(host, f"zone-{host.name}", nets=nets)
        assert whereabouts(admin, by_zone["uuid"]) == host.name
        assert by_zone["uuid"] in held_by(host)
    owned = admin.network("admins", "10.0.0.0/24")
    for host in pair.hosts:
        by_host = admin.run(f"host-{host.name}", IDLE, host=host.name, nets=[{"network": owned["id"]}])
        assert by_host["uuid"] in held_by(host)
        admin.delete(by_host["uuid"])
    admin.ask("DELETE", f"/network/v2.0/networks/{owned['id']}")
    with pytest.raises(Failed) as refused:
        user.session.create("nowhere", IDLE, nets=nets, availability_zone="nowhere")
    assert refused.value.status == 409
    assert "availability zone nowhere" in str(refused.value)


def whereabouts(admin: Session, container: str) -> str:
    """The host of a container of any project."""
    return str(admin.ask("GET", f"{CONTAINERS}/{container}?all_projects=true")["host"])


def held_by(host: Host) -> str:
    """The names of all containers of its engine."""
    return host.machine.says("docker", "ps", "--all", "--format", "{{.Names}}")


def test_services_of_all_hosts_are_shown_everywhere(pair: Site) -> None:
    for host in pair.hosts:
        shown = host.session("admin").ask("GET", "/container/v1/services")["services"]
        states = {row["host"]: row["state"] for row in shown if row["host"] in {"alpha", "beta"}}
        assert states == {"alpha": "up", "beta": "up"}, states


def test_a_container_goes_to_its_volume(user: Tenant, pair: Site) -> None:
    """A volume is for good on the host whose API made it; who wants it elsewhere is told so, who does not care is taken there."""
    network = user.session.network("kept", "10.0.0.0/24")
    volumes = f"/volume/v3/{user.session.project_id}/volumes"
    for home, other in (pair.hosts[:2], pair.hosts[1::-1]):
        wish: dict[str, Any] = {
            "nets": [{"network": network["id"]}],
            "mounts": [{"source": f"on-{home.name}", "destination": "/data"}],
        }
        made = user.at[home.name].ask("POST", volumes, {"volume": {"size": 1, "name": f"on-{home.name}"}})
        volume = f"{volumes}/{made['volume']['id']}"
        user.becomes_free(volume)
        with pytest.raises(Failed) as refused:
            user.session.create("elsewhere", IDLE, availability_zone=other.name, **wish)
        assert refused.value.status == 409, refused.value
        for name in ("writer", "reader"):
            anywhere = user.at[other.name].run(name, IDLE, **wish)
            assert whereabouts(pair.hosts[0].session("admin"), anywhere["uuid"]) == home.name
            said = user.session.execute(anywhere["uuid"], f"echo {name} >> /data/file; sync; cat /data/file")[1]
            user.session.delete(anywhere["uuid"])
            user.becomes_free(volume)
        assert said == "writer\nreader\n"


def test_a_volume_in_a_shared_directory_goes_to_its_container(user: Tenant, pair: Site) -> None:
    """Unlike one on a disk; while a container has it, it stays."""
    alpha, beta = pair.hosts[:2]
    network = user.session.network("kept", "10.0.0.0/24")
    volume = user.shared_volume("shared")
    wish: dict[str, Any] = {
        "nets": [{"network": network["id"]}],
        "mounts": [{"source": "shared", "destination": "/data"}],
    }
    for name, host in (("first", alpha), ("second", beta), ("third", alpha)):
        container = user.run(host, name, **wish)
        said = user.succeeds(host, container, f"echo {name} >> /data/file; sync; cat /data/file")
        rival = beta if host is alpha else alpha
        with pytest.raises(Failed) as refused:
            user.session.create("rival", IDLE, availability_zone=rival.name, **wish)
        assert refused.value.status == 409, refused.value
        user.session.delete(container["uuid"])
        user.becomes_free(volume)
    assert said == "first\nsecond\nthird\n"
    user.session.ask("DELETE", volume)
    user.session.gone(volume)


def at_once(*works: Callable[[], str]) -> list[str | int]:
    """What each gives, or the status it is refused with, when all begin at the same moment."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], str]) -> str | int:
        gate.wait()
        try:
            return work()
        except Failed as refused:
            return refused.status

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_one_address_is_given_once(user: Tenant) -> None:
    """Asked for at two APIs at once, again and again."""
    network = user.session.network("raced", "10.0.0.0/24")
    sessions = [user.at[host.name] for host in user.site.hosts[:2]]
    for number in range(10, 16):
        wish = {"network_id": network["id"], "fixed_ips": [{"ip_address": f"10.0.0.{number}"}]}
        made = at_once(*(functools.partial(port_of, at, wish) for at in sessions))
        assert made.count(409) == 1, made
    for row in user.session.ask("GET", f"/network/v2.0/ports?network_id={network['id']}")["ports"]:
        if not row["device_owner"]:
            user.session.ask("DELETE", f"/network/v2.0/ports/{row['id']}")


def port_of(session: Session, wish: dict[str, Any]) -> str:
    return str(session.ask("POST", "/network/v2.0/ports", {"port": wish})["port"]["id"])


def test_the_last_place_of_a_quota_is_given_once(user: Tenant, pair: Site) -> None:
    admin = pair.hosts[0].session("admin")
    admin.ask("PUT", f"/container/v1/quotas/{user.session.project_id}", {"containers": 3})
    network = user.session.network("quota", "10.0.0.0/24")
    sessions = [Session.again(user.at[host.name]) for host in user.site.hosts[:2] for _ in range(4)]
    made = at_once(*(functools.partial(container_of, at, network["id"]) for at in sessions))
    for session in sessions:
        session.close()
    assert made.count(403) == len(sessions) - 3, made
    assert len(user.session.ask("GET", CONTAINERS)["containers"]) == 3


def container_of(session: Session, network: str) -> str:
    return str(session.create("raced", IDLE, nets=[{"network": network}], run=False)["uuid"])
