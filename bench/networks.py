"""Figures of networks: how long a client waits for one with a subnet and a port, for a thousand ports, for a wired port.

The API is measured on SQLite and on PostgreSQL, with fake drivers; a port is wired on the real kernel, on its host.
The bars are a twentieth of what Neutron takes on the same figures (644 ms a list, 932 ms the three creations).
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import time
from pathlib import Path

from bench import cloud as clouds
from bench.table import Figure
from tests import postgres

PORT = 19540
_PATH = "/network/v2.0"
_ROOMY = {f"quota_{name}": -1 for name in ("networks", "subnets", "ports")}
_CREATIONS, _LISTS, _WIRED = 50, 20, 20
_MANY = 1000


def api(directory: Path) -> list[Figure]:
    """Creations and lists, as one client has them, on either database."""
    with clouds.running(directory / "networks", PORT, engine="fake", **_ROOMY) as cloud:
        figures = _api(cloud, "SQLite")
    with postgres.running() as server:
        url = asyncio.run(server.database())
        with clouds.running(directory / "networks-pg", PORT + 1, engine="fake", database=url, **_ROOMY) as cloud:
            return figures + _api(cloud, "PostgreSQL")


def _api(cloud: clouds.Cloud, database: str) -> list[Figure]:
    network = clouds.network(cloud, "10.20.0.0/16")
    for _ in range(_MANY // 100):
        cloud.call("POST", f"{_PATH}/ports", {"ports": [{"network_id": network}] * 100})
    clouds.settled(cloud)
    lists = [_listed(cloud, network) for _ in range(_LISTS)]
    creations = [_created(cloud, at) for at in range(_CREATIONS)]
    return [
        Figure(f"network, subnet and port created ({database})", statistics.median(creations) * 1000, "ms", at_most=46),
        Figure(f"GET of {_MANY:,} ports ({database})", statistics.median(lists) * 1000, "ms", at_most=32),
    ]


def _created(cloud: clouds.Cloud, at: int) -> float:
    """Seconds for the three requests, one after the other."""
    started = time.perf_counter()
    network = clouds.network(cloud, f"10.{at}.0.0/24")
    cloud.call("POST", f"{_PATH}/ports", {"port": {"network_id": network}})
    return time.perf_counter() - started


def _listed(cloud: clouds.Cloud, network: str) -> float:
    started = time.perf_counter()
    found = cloud.call("GET", f"{_PATH}/ports?network_id={network}&limit={_MANY}")["ports"]
    seconds = time.perf_counter() - started
    if len(found) != _MANY:
        raise SystemExit(f"the list has {len(found)} ports")
    return seconds


def wiring(directory: Path, engine_socket: Path) -> list[Figure]:
    """From asking for a port that is plugged in on the host until it is active: cable, bridge, guards, in the real kernel."""
    options = {"external_cidr": "172.29.16.0/24", "host": socket.gethostname(), **_ROOMY}
    with clouds.running(
        directory / "wiring", PORT + 2, engine="docker", engine_socket=engine_socket, **options
    ) as cloud:
        cloud.token = cloud.login("boxship-admin")
        first, usual = [], []
        for at in range(3):
            network = clouds.network(cloud, f"10.{at}.0.0/24")
            first.append(_wired(cloud, network))
            usual += [_wired(cloud, network) for _ in range(_WIRED)]
        clouds.settled(cloud)
    return [
        Figure("one port wired, the first of its network", statistics.median(first) * 1000, "ms"),
        Figure("one port wired", statistics.median(usual) * 1000, "ms"),
    ]


def _wired(cloud: clouds.Cloud, network: str) -> float:
    binding = {"binding:host_id": socket.gethostname(), "binding:profile": {"plug": "host"}}
    started = time.perf_counter()
    port = cloud.call("POST", f"{_PATH}/ports", {"port": {"network_id": network, **binding}})["port"]
    while port["status"] != "ACTIVE":
        time.sleep(0.001)
        port = cloud.call("GET", f"{_PATH}/ports/{port['id']}")["port"]
        if port["status"] == "ERROR":
            raise SystemExit(f"the port {port['id']} cannot be wired")
    return time.perf_counter() - started
