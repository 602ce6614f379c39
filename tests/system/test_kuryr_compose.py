"""Compose files with networks of the cloud: services reach each other by name and address, where they share one."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import audit, kuryr
from tests.system.api import Session
from tests.system.engine import Engine
from tests.system.installation import Installation
from tests.system.kuryr import IDLE, NETWORK, Docker, Plugin
from tests.system.kuryr_compose import Project
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("kuryr"), pytest.mark.timeout(300)]

WEB = "mkdir -p /srv/web && echo hello > /srv/web/index.html && exec httpd -f -p 8080 -h /srv/web"


@pytest.fixture
def plugin(cloud: Installation, tmp_path: Path) -> Iterator[Plugin]:
    made = kuryr.plugin(cloud, "docker-compose", tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def session(plugin: Plugin) -> Session:
    return plugin.cloud.session(plugin.user)


@pytest.fixture
def compose(engine: Engine, plugin: Plugin, session: Session, tmp_path: Path) -> Iterator[Project]:
    """A project; what it made is gone after ``down``, in Docker, in the cloud and in the kernel."""
    before = kuryr.made(session)
    project = Project(engine, f"p{secrets.token_hex(4)}", tmp_path / "compose.yaml")
    yield project
    project("down", "--timeout", "0")
    assert kuryr.made(session) == before, plugin.log.read_text()[-4000:]
    audit.assert_sound(plugin.cloud)


def _service(*command: str, **more: object) -> dict[str, object]:
    return {"image": "busybox", "command": list(command), "stop_grace_period": "0s", **more}


def _network(driver: str, **more: object) -> dict[str, object]:
    """A network of the plugin; ``config`` is its ranges."""
    ipam = {"driver": driver, **({"config": more.pop("config")} if "config" in more else {})}
    return {"driver": driver, "ipam": ipam, **more}


def _ping(project: Project, service: str, address: str) -> bool:
    return Docker(project.engine, "").reaches(project.container(service), address)


def test_services_reach_each_other_by_name_and_address(compose: Project, plugin: Plugin, session: Session) -> None:
    front = _network(
        plugin.name,
        driver_opts={"com.docker.network.driver.mtu": "1400"},
        config=[{"subnet": "10.77.0.0/24", "gateway": "10.77.0.254"}],
    )
    compose.write(
        {
            "web": _service(
                *("sh", "-c", WEB),
                networks={"front": {"ipv4_address": "10.77.0.80"}, "back": {"aliases": ["server"]}},
                expose=["8080"],
            ),
            "client": _service(*IDLE, networks=["back"]),
            "guest": _service(*IDLE, networks=["front"]),
        },
        {"front": front, "back": _network(plugin.name)},
    )
    compose("up", "--detach")
    for service, host in (("client", "web"), ("client", "server"), ("guest", "web"), ("guest", "10.77.0.80")):
        assert _fetch(compose, service, f"http://{host}:8080/") == "hello"
    assert not _ping(compose, "client", "10.77.0.80"), "the networks are apart"
    shown = session.ask("GET", f"{NETWORK}/ports?fixed_ips=ip_address=10.77.0.80")["ports"]
    assert [port["status"] for port in shown] == ["ACTIVE"]


def _fetch(project: Project, service: str, url: str) -> str:
    """What the service is answered, as soon as somebody listens."""
    words = ("wget", "-q", "-O", "-", url)
    container = Docker(project.engine, "")

    def answer() -> str | None:
        try:
            return container.execute(project.container(service), *words)
        except subprocess.CalledProcessError:
            return None

    return until(answer, f"{url} answers {service}") or ""


def test_a_service_is_scaled_restarted_and_made_anew(compose: Project, plugin: Plugin) -> None:
    compose.write({"box": _service(*IDLE, networks=["back"])}, {"back": _network(plugin.name)})
    compose("up", "--detach", "--scale", "box=3")
    assert len(set(_addresses(compose))) == 3
    compose("restart", "--timeout", "0")
    assert len(set(_addresses(compose))) == 3
    compose("up", "--detach", "--force-recreate", "--timeout", "0", "--scale", "box=2")
    first, second = _addresses(compose)
    assert _ping(compose, "box", second)
    assert _ping(compose, "box", first)


def _addresses(project: Project) -> list[str]:
    """Of all containers of the service ``box``."""
    shown = project.engine.docker(
        "inspect",
        "--format",
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
        *project("ps", "--quiet", "box").split(),
    )
    return shown.split()


def test_a_file_uses_a_network_of_the_users(compose: Project, plugin: Plugin, session: Session) -> None:
    network = session.network("of-the-user", "10.78.0.0/24")
    joined = _network(plugin.name, driver_opts={"neutron.net.name": "of-the-user"}, config=[{"subnet": "10.78.0.0/24"}])
    compose.write({"box": _service(*IDLE, networks=["joined"])}, {"joined": joined})
    compose("up", "--detach")
    (address,) = _addresses(compose)
    (port,) = session.ask("GET", f"{NETWORK}/ports?fixed_ips=ip_address={address}")["ports"]
    assert port["network_id"] == network["id"]
    compose("down", "--timeout", "0")
    after = session.ask("GET", f"{NETWORK}/networks/{network['id']}")["network"]
    assert (after["name"], after["tags"], after["subnets"]) == ("of-the-user", [], [network["subnet_id"]])
    session.ask("DELETE", f"{NETWORK}/networks/{network['id']}")
