"""Docker's networks are the cloud's: every form of ``docker network create`` and ``docker run`` on a real engine, and what passes
between Docker's containers, the cloud's, the host and other projects."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.system import audit, kuryr
from tests.system.api import Session
from tests.system.engine import Engine
from tests.system.installation import Installation
from tests.system.kuryr import NETWORK, Docker, Plugin
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("kuryr"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def plugin(cloud: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    made = kuryr.plugin(cloud, "docker-user", tmp_path_factory.mktemp("kuryr"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def session(plugin: Plugin) -> Session:
    """The project of the plugin's user."""
    return plugin.cloud.session(plugin.user)


@pytest.fixture
def docker(engine: Engine, plugin: Plugin, session: Session) -> Iterator[Docker]:
    """Docker with the plugin; when the test is over, nothing that it made is left in Docker, the cloud or the kernel."""
    before = kuryr.made(session)
    docker = Docker(engine, plugin.name)
    yield docker
    mine = engine.docker("ps", "--all", "--quiet", "--filter", f"label=test={plugin.name}").split()
    if mine:
        docker.remove(*mine)
    for name in engine.docker("network", "ls", "--quiet", "--filter", f"driver={plugin.name}").split():
        engine.docker("network", "rm", name)
    assert kuryr.made(session) == before, plugin.log.read_text()[-4000:]
    audit.assert_sound(plugin.cloud)


def _subnet(session: Session, port: dict[str, Any]) -> dict[str, Any]:
    found = session.ask("GET", f"{NETWORK}/subnets/{port['fixed_ips'][0]['subnet_id']}")["subnet"]
    return dict(found)


def _port(session: Session, address: str) -> dict[str, Any]:
    """The port that has the address."""
    (found,) = session.ask("GET", f"{NETWORK}/ports?fixed_ips=ip_address={address}")["ports"]
    return dict(found)


def test_a_plain_network(docker: Docker, session: Session) -> None:
    docker.network("plain")
    docker.run("one", "plain")
    docker.run("two", "plain")
    one, two = (docker.endpoint(name, "plain") for name in ("one", "two"))
    port = _port(session, one["IPAddress"])
    assert port["status"] == "ACTIVE"
    assert port["mac_address"] == one["MacAddress"]
    assert port["device_owner"] == "compute:kuryr"
    assert docker.reaches("one", two["IPAddress"])
    assert docker.reaches("two", one["IPAddress"])
    docker.remove("one", "two")
    docker.engine.docker("network", "rm", "plain")


def test_ranges_gateways_and_parts_of_ranges(docker: Docker, session: Session) -> None:
    words = ("--subnet", "10.31.0.0/24", "--gateway", "10.31.0.254", "--ip-range", "10.31.0.64/26")
    docker.network("parted", *words, "--aux-address", "reserved=10.31.0.65")
    docker.run("one", "parted")
    docker.run_with_mac("chosen", "parted", "02:42:0a:1f:00:63", "10.31.0.99")
    one, chosen = (docker.endpoint(name, "parted") for name in ("one", "chosen"))
    assert one["IPAddress"].startswith("10.31.0.") and 64 < int(one["IPAddress"].rpartition(".")[2]) < 128
    assert one["IPAddress"] != "10.31.0.65"
    assert one["Gateway"] == "10.31.0.254"
    assert (chosen["IPAddress"], chosen["MacAddress"]) == ("10.31.0.99", "02:42:0a:1f:00:63")
    subnet = _subnet(session, _port(session, "10.31.0.99"))
    assert (subnet["cidr"], subnet["gateway_ip"]) == ("10.31.0.0/24", "10.31.0.254")
    assert "default via 10.31.0.254" in docker.execute("one", "ip", "route")
    assert docker.reaches("one", "10.31.0.99")


def test_both_versions_and_a_size_of_packets(docker: Docker) -> None:
    words = ("--ipv6", "--subnet", "10.32.0.0/24", "--subnet", "fd32::/64")
    docker.network("both", *words, "-o", "com.docker.network.driver.mtu=1400")
    docker.run("one", "both", "--ip6", "fd32::17")
    docker.run("two", "both")
    one, two = (docker.endpoint(name, "both") for name in ("one", "two"))
    assert one["GlobalIPv6Address"] == "fd32::17"
    assert docker.reaches("two", "fd32::17")
    assert docker.reaches("two", one["IPAddress"])
    assert docker.reaches("one", two["GlobalIPv6Address"])
    assert docker.execute("one", "cat", "/sys/class/net/eth0/mtu") == "1400"


def test_containers_come_into_networks_and_leave_them(docker: Docker) -> None:
    for name, cidr in (("first", "10.33.1.0/24"), ("second", "10.33.2.0/24")):
        docker.network(name, "--subnet", cidr)
    docker.run("mover", "first")
    docker.run("there", "second")
    there = docker.endpoint("there", "second")["IPAddress"]
    assert not docker.reaches("mover", there)
    docker.engine.docker("network", "connect", "--ip", "10.33.2.50", "second", "mover")
    assert docker.endpoint("mover", "second")["IPAddress"] == "10.33.2.50"
    assert docker.reaches("mover", there)
    docker.engine.docker("network", "disconnect", "second", "mover")
    assert not docker.reaches("mover", there)
    assert "in use" in docker.refused("network", "rm", "second") or "active endpoints" in docker.refused(
        "network", "rm", "second"
    )
    docker.engine.docker("restart", "--time", "0", "mover")
    assert docker.endpoint("mover", "first")["IPAddress"].startswith("10.33.1.")


def _existing(session: Session, name: str, cidr: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A network and a subnet that a user made."""
    network = session.network(name, cidr)
    subnet = session.ask("GET", f"{NETWORK}/subnets/{network['subnet_id']}")["subnet"]
    return network, dict(subnet)


def test_a_users_own_network_is_used_and_stays(docker: Docker, session: Session) -> None:
    network, subnet = _existing(session, "users-own", "10.34.0.0/24")
    before = session.ask("GET", f"{NETWORK}/networks/{network['id']}")["network"]
    for number, words in enumerate(
        (
            ("-o", f"neutron.net.uuid={network['id']}", "--subnet", "10.34.0.0/24"),
            ("-o", "neutron.net.name=users-own", "--subnet", "10.34.0.0/24"),
            ("-o", f"neutron.subnet.uuid={subnet['id']}", "--ipam-opt", f"neutron.subnet.uuid={subnet['id']}"),
            ("-o", f"neutron.subnet.name={subnet['name']}", "--ipam-opt", f"neutron.subnet.name={subnet['name']}"),
        )
    ):
        docker.network(f"joined-{number}", *words)
        docker.run(f"box-{number}", f"joined-{number}")
        address = docker.endpoint(f"box-{number}", f"joined-{number}")["IPAddress"]
        assert _port(session, address)["network_id"] == network["id"]
        docker.remove(f"box-{number}")
        docker.engine.docker("network", "rm", f"joined-{number}")
        after = session.ask("GET", f"{NETWORK}/networks/{network['id']}")["network"]
        assert {name: after[name] for name in ("name", "tags", "subnets")} == {
            name: before[name] for name in ("name", "tags", "subnets")
        }
    session.ask("DELETE", f"{NETWORK}/networks/{network['id']}")


def test_a_name_that_two_networks_have_is_refused_with_their_ids(docker: Docker, session: Session) -> None:
    twins = [session.network("twins", f"10.35.{number}.0/24") for number in (1, 2)]
    said = docker.refused(
        *("network", "create", "--driver", docker.driver, "--ipam-driver", docker.driver),
        *("-o", "neutron.net.name=twins", "--subnet", "10.35.1.0/24", "ambiguous"),
    )
    assert all(twin["id"] in said for twin in twins), said
    for twin in twins:
        session.ask("DELETE", f"{NETWORK}/networks/{twin['id']}")


def test_ranges_are_cut_from_a_users_pool(docker: Docker, session: Session) -> None:
    wish = {"name": "users-pool", "prefixes": ["10.36.0.0/16"], "default_prefixlen": 26}
    pool = session.ask("POST", f"{NETWORK}/subnetpools", {"subnetpool": wish})["subnetpool"]
    for name, key in (("by-name", "neutron.pool.name=users-pool"), ("by-id", f"neutron.pool.uuid={pool['id']}")):
        docker.network(name, "-o", key, "--ipam-opt", key)
        docker.run(f"box-{name}", name)
        subnet = _subnet(session, _port(session, docker.endpoint(f"box-{name}", name)["IPAddress"]))
        assert subnet["subnetpool_id"] == pool["id"]
        assert subnet["cidr"].endswith("/26")
        docker.remove(f"box-{name}")
        docker.engine.docker("network", "rm", name)
    session.ask("DELETE", f"{NETWORK}/subnetpools/{pool['id']}")


def test_a_users_own_port_is_lent_twice_and_given_back(docker: Docker, session: Session) -> None:
    network, subnet = _existing(session, "ports", "10.37.0.0/24")
    wish = {"network_id": network["id"], "name": "mine", "fixed_ips": [{"ip_address": "10.37.0.77"}]}
    port = session.ask("POST", f"{NETWORK}/ports", {"port": wish})["port"]
    docker.network("lending", "-o", f"neutron.net.uuid={network['id']}", "--subnet", subnet["cidr"])
    for turn in ("first", "second"):
        docker.run(turn, "lending", "--ip", "10.37.0.77")
        lent = session.ask("GET", f"{NETWORK}/ports/{port['id']}")["port"]
        assert (lent["status"], lent["name"]) == ("ACTIVE", "mine")
        assert docker.endpoint(turn, "lending")["MacAddress"] == lent["mac_address"], "Docker's, for the time being"
        docker.remove(turn)
        back = session.ask("GET", f"{NETWORK}/ports/{port['id']}")["port"]
        same = ("name", "mac_address", "device_id", "device_owner", "tags", "security_groups", "fixed_ips")
        assert {name: back[name] for name in same} == {name: port[name] for name in same}
    docker.engine.docker("network", "rm", "lending")
    session.ask("DELETE", f"{NETWORK}/ports/{port['id']}")
    session.ask("DELETE", f"{NETWORK}/networks/{network['id']}")


SERVER = ("sh", "-c", "mkdir /www; echo hello > /www/index.html; exec httpd -f -p 80 -h /www")


def _fetch(address: str) -> str:
    """A command that prints the page of a server; busybox's own wget, linked statically, fails in its resolver."""
    return f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {address} 80 | tail -n 1"


def _fetches(docker: Docker, name: str, address: str) -> bool:
    try:
        return docker.execute(name, "sh", "-c", _fetch(address)) == "hello"
    except subprocess.CalledProcessError:
        return False


def _ping(address: str) -> bool:
    done = subprocess.run(["ping", "-c", "1", "-W", "2", address], capture_output=True, check=False)
    return done.returncode == 0


def test_a_container_of_docker_one_of_the_cloud_and_the_host(docker: Docker, session: Session) -> None:
    network = session.network("together", "10.41.0.0/24")
    router = session.router("together", str(network["subnet_id"]))
    docker.network("together", "-o", f"neutron.net.uuid={network['id']}", "--subnet", "10.41.0.0/24")
    docker.run("docker-box", "together", command=SERVER)
    mine = docker.endpoint("docker-box", "together")["IPAddress"]
    theirs = session.run("cloud-box", "trap exit TERM; while true; do sleep 1; done", nets=[{"network": network["id"]}])
    (addresses,) = theirs["addresses"].values()
    assert docker.reaches("docker-box", addresses[0]["addr"])
    code, said = session.execute(theirs["uuid"], _fetch(mine))
    assert (code, said.strip()) == (0, "hello")

    floating = session.floating_ip(_port(session, mine)["id"])
    outside = str(floating["floating_ip_address"])
    assert not _ping(outside), "the default group lets nobody in from outside"
    group = session.group("open")
    for protocol in ("icmp", "tcp"):
        session.rule(group, protocol=protocol)
    session.ask("PUT", f"{NETWORK}/ports/{_port(session, mine)['id']}", {"port": {"security_groups": [group]}})
    until(lambda: _ping(outside), "the host reaches the floating IP")
    with socket.create_connection((outside, 80), 5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.")

    session.ask("DELETE", f"{NETWORK}/floatingips/{floating['id']}")
    session.delete(theirs["uuid"])
    docker.remove("docker-box")
    docker.engine.docker("network", "rm", "together")
    session.ask("PUT", f"{NETWORK}/routers/{router['id']}/remove_router_interface", {"subnet_id": network["subnet_id"]})
    for thing in (f"routers/{router['id']}", f"security-groups/{group}", f"networks/{network['id']}"):
        session.ask("DELETE", f"{NETWORK}/{thing}")


def test_groups_of_a_container_take_effect_at_once(docker: Docker, session: Session) -> None:
    docker.network("guarded", "--subnet", "10.42.0.0/24")
    docker.run("server", "guarded", command=SERVER)
    docker.run("client", "guarded")
    address = docker.endpoint("server", "guarded")["IPAddress"]
    assert _fetches(docker, "client", address), "both are in the default group"
    closed = session.group("closed")
    port = _port(session, address)["id"]
    session.ask("PUT", f"{NETWORK}/ports/{port}", {"port": {"security_groups": [closed]}})
    until(lambda: not _fetches(docker, "client", address), "nobody is let in any more")
    rule = session.rule(closed, protocol="tcp", port_range_min=80, port_range_max=80)
    until(lambda: _fetches(docker, "client", address), "what the new rule names is")
    assert not docker.reaches("client", address)
    session.ask("DELETE", f"{NETWORK}/security-group-rules/{rule}")
    until(lambda: not _fetches(docker, "client", address), "and is not when the rule is gone")
    docker.remove("server", "client")
    session.ask("DELETE", f"{NETWORK}/security-groups/{closed}")


def test_exposed_ports_are_open_to_everybody_and_no_others(docker: Docker, session: Session) -> None:
    network = session.network("exposed", "10.43.0.0/24")
    router = session.router("exposed", str(network["subnet_id"]))
    docker.network("exposed", "-o", f"neutron.net.uuid={network['id']}", "--subnet", "10.43.0.0/24")
    docker.run("web", "exposed", "--expose", "80", command=SERVER)
    address = docker.endpoint("web", "exposed")["IPAddress"]
    port = _port(session, address)
    groups = [session.ask("GET", f"{NETWORK}/security-groups/{id}")["security_group"] for id in port["security_groups"]]
    (opened,) = [group for group in groups if group["name"].startswith("kuryr-expose-")]
    rules = {
        (rule["protocol"], rule["port_range_min"], rule["port_range_max"])
        for rule in opened["security_group_rules"]
        if rule["direction"] == "ingress"
    }
    assert rules == {("tcp", 80, 80)}
    floating = session.floating_ip(port["id"])
    outside = str(floating["floating_ip_address"])

    def answers() -> bool:
        try:
            socket.create_connection((outside, 80), 2).close()
        except OSError:
            return False
        return True

    until(answers, "the exposed port is reached from outside")
    assert not _ping(outside)
    docker.remove("web")
    gone = session.ask("GET", f"{NETWORK}/security-groups?name={opened['name']}")["security_groups"]
    assert gone == [], "the group went with the container"
    session.ask("DELETE", f"{NETWORK}/floatingips/{floating['id']}")
    docker.engine.docker("network", "rm", "exposed")
    session.ask("PUT", f"{NETWORK}/routers/{router['id']}/remove_router_interface", {"subnet_id": network["subnet_id"]})
    for thing in (f"routers/{router['id']}", f"networks/{network['id']}"):
        session.ask("DELETE", f"{NETWORK}/{thing}")


def test_projects_do_not_meet(docker: Docker, plugin: Plugin, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = kuryr.plugin(plugin.cloud, "other-docker-user", tmp_path_factory.mktemp("other"))
    other.start()
    strangers = Docker(docker.engine, other.name)
    try:
        strangers.network("strangers", "--subnet", "10.44.0.0/24")
        docker.network("ours", "--subnet", "10.44.0.0/24")
        for side, network in ((strangers, "strangers"), (docker, "ours")):
            side.run(f"{network}-box", network, "--ip", "10.44.0.10")
        docker.run("neighbour", "ours", "--ip", "10.44.0.20")
        assert docker.reaches("neighbour", "10.44.0.10")
        assert not strangers.reaches("strangers-box", "10.44.0.20"), "the same range of another project"
        network = plugin.cloud.session(plugin.user).ask("GET", f"{NETWORK}/networks?fields=id&fields=subnets")[
            "networks"
        ]
        (ours,) = [entry["id"] for entry in network if entry["subnets"]]
        said = strangers.refused(
            *("network", "create", "--driver", other.name, "--ipam-driver", other.name),
            *("-o", f"neutron.net.uuid={ours}", "--subnet", "10.44.0.0/24", "stolen"),
        )
        assert ours in said, "what one does not see is not there"
    finally:
        names = docker.engine.docker("ps", "--all", "--quiet", "--filter", f"label=test={other.name}").split()
        strangers.remove(*names)
        docker.engine.docker("network", "rm", "strangers")
        other.stop()
    assert not any(kuryr.made(plugin.cloud.session("other-docker-user"))[kind] for kind in ("networks", "ports"))


def test_networks_that_are_made_at_once_are_one_each(docker: Docker, session: Session) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(
            threads.map(
                lambda number: docker.network(f"at-once-{number}", "--subnet", f"10.45.{number}.0/24"), range(4)
            )
        )
    found = session.ask("GET", f"{NETWORK}/networks?project_id={session.project_id}")["networks"]
    made = [network for network in found if network["name"].startswith("kuryr-net-")]
    assert len(made) == 4
    assert all(len(network["subnets"]) == 1 for network in made)


def test_a_network_for_all_projects_is_for_admins_to_make(docker: Docker) -> None:
    words = ("-o", "neutron.net.shared=true", "--subnet", "10.46.0.0/24")
    own = ("--driver", docker.driver, "--ipam-driver", docker.driver)
    assert "shared" in docker.refused("network", "create", *own, *words, "everybodys")
