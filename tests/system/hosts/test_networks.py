"""One network on two hosts: containers of both reach each other by address and by name, through routers and from outside, and
nobody else does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.system.api import address, port
from tests.system.hosts.site import Host, Site
from tests.system.hosts.tenant import NETWORKS, Tenant, tenant
from tests.system.marks import HOSTS
from tests.system.waiting import until

pytestmark = [*HOSTS, pytest.mark.timeout(300)]

ECHO = "while true; do nc -ll -p 7000 -e cat; done"


def both(user: Tenant, *networks: dict[str, Any], **wish: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A container on each host, on a network each or on the same one."""
    alpha, beta = user.site.hosts[:2]
    east = user.run(alpha, "east", ECHO, nets=[{"network": networks[0]["id"]}], **wish)
    west = user.run(beta, "west", ECHO, nets=[{"network": networks[-1]["id"]}], **wish)
    return east, west


def addresses(container: dict[str, Any]) -> list[str]:
    return [entry["addr"] for entries in container["addresses"].values() for entry in entries]


def test_addresses_and_names(user: Tenant, alpha: Host, beta: Host) -> None:
    network = user.session.network("both", "10.0.0.0/24")
    subnet = {"network_id": network["id"], "ip_version": 6, "cidr": "fd00:1::/64"}
    user.session.ask("POST", f"{NETWORKS}/subnets", {"subnet": subnet})
    east, west = both(user, network)
    for host, container, other in ((alpha, east, west), (beta, west, east)):
        assert len(addresses(other)) == 2
        for target in (*addresses(other), other["name"]):
            user.pings(host, container, target)


def test_much_data_arrives_whole(user: Tenant, alpha: Host, beta: Host) -> None:
    """Frames of the tunnel fit the cable: what is large passes in both directions."""
    network = user.session.network("much", "10.0.0.0/24")
    send = "seq 2000000 > /tmp/much; httpd -f -p 7001 -h /tmp"
    east = user.run(alpha, "east", send, nets=[{"network": network["id"]}])
    west = user.run(beta, "west", send, nets=[{"network": network["id"]}])
    expected = user.execute(alpha, east, "seq 2000000 | sha256sum")[1]
    for host, container, other in ((alpha, east, west), (beta, west, east)):
        command = f"wget -q -O - http://{address(other)}:7001/much | sha256sum | grep {expected.split()[0]}"
        user.succeeds(host, container, command, 20)


def test_a_router_between_hosts(user: Tenant, pair: Site, alpha: Host, beta: Host) -> None:
    """Wherever it is placed, it is in one place, and containers of both hosts go through it."""
    networks = [user.session.network(f"net{number}", f"10.0.{number}.0/24") for number in range(2)]
    for network in networks:  # so that each host is first on one network and then on the other
        east, west = both(user, network)
        user.session.delete(east["uuid"], west["uuid"])
    router = user.session.router("between", *(network["subnet_id"] for network in networks))
    east, west = both(user, *networks)
    user.pings(alpha, east, address(west))
    user.pings(beta, west, address(east))
    assert len(pair.holders("router", router["id"])) == 1


def test_floating_ips_where_the_router_is(user: Tenant, pair: Site) -> None:
    """From the host that has the router, containers of both hosts are reached at their floating IPs."""
    group = user.session.group("open")
    user.session.rule(group, protocol="tcp", port_range_min=7000, port_range_max=7000)
    network = user.session.network("floating", "10.0.0.0/24")
    router = user.session.router("out", network["subnet_id"])
    containers = both(user, network, security_groups=["open"])
    floating = [user.session.floating_ip(port(each))["floating_ip_address"] for each in containers]
    (holder,) = until(lambda: pair.holders("router", router["id"]), "a host takes the router")
    for target in floating:
        command = f"echo hello | busybox nc -w 1 {target} 7000 | grep hello"
        until(
            lambda command=command: holder.machine.run("sh", "-c", command, check=False).returncode == 0,  # type: ignore[misc]
            f"{target} answers on {holder.name}\n{pair.told()}",
        )


def test_remote_groups(user: Tenant, alpha: Host, beta: Host) -> None:
    """Who is in a group is known on the other host too, as soon as it is, and no longer than it is."""
    session = user.session
    servers, clients = session.group("servers"), session.group("clients")
    session.rule(servers, protocol="tcp", port_range_min=7000, port_range_max=7000, remote_group_id=clients)
    network = session.network("groups", "10.0.0.0/24")
    nets = [{"network": network["id"]}]
    server = user.run(alpha, "server", ECHO, nets=nets, security_groups=["servers"])
    client = user.run(beta, "client", nets=nets, security_groups=["clients"])
    stranger = user.run(beta, "stranger", nets=nets, security_groups=["servers"])
    asks = user.serves(server, 7000)
    user.succeeds(beta, client, f"{asks} | grep x")
    assert user.execute(beta, stranger, f"{asks} | grep x")[0] != 0
    session.ask("PUT", f"{NETWORKS}/ports/{port(stranger)}", {"port": {"security_groups": [clients]}})
    user.succeeds(beta, stranger, f"{asks} | grep x")
    session.ask("PUT", f"{NETWORKS}/ports/{port(client)}", {"port": {"security_groups": [servers]}})
    until(lambda: user.execute(beta, client, f"{asks} | grep x")[0] != 0, "who left the group is not let in")


def test_projects_do_not_meet(user: Tenant, pair: Site, alpha: Host, beta: Host) -> None:
    """Two projects with the same range on the same two hosts: each hears its own only."""
    network = user.session.network("same", "10.0.0.0/24")
    east, west = both(user, network)
    user.pings(alpha, east, address(west))
    with tenant(pair, "stranger") as other:
        same = other.session.network("same", "10.0.0.0/24")
        nets = [{"network": same["id"], "v4-fixed-ip": "10.0.0.99"}]
        alone = other.run(alpha, "alone", nets=nets)
        assert other.is_deaf(alpha, alone, address(west)), "a stranger reaches the other host's container"
        assert user.is_deaf(beta, west, "10.0.0.99"), "a stranger is reached from the other host"
        assert other.execute(alpha, alone, "nslookup west")[0] != 0, "a stranger knows names"
