"""Figures of the control plane: start, memory, tokens, lists. The engine is the fake one where its speed is not the point."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from pathlib import Path

import yaml

from bench import cloud as clouds
from bench import load
from bench.table import Figure

PORT = 19500
_UNLIMITED = {
    "quota_ports": -1,
    "quota_containers": -1,
    "quota_memory": -1,
    "quota_cpu": -1,
    "quota_disk": -1,
    "cpu_allocation_ratio": 1000,
}


def cold_start(directory: Path, engine_socket: Path, runs: int = 5) -> list[Figure]:
    """Seconds from starting `boxship up` on an empty state directory to the first token."""
    seconds = []
    for at in range(runs):
        started = time.perf_counter()
        with clouds.running(directory / f"cold{at}", PORT, engine="docker", engine_socket=engine_socket):
            seconds.append(time.perf_counter() - started)
    return [Figure("cold start to the first token", statistics.median(seconds), "s", at_most=1.5)]


def tokens_and_lists(directory: Path) -> list[Figure]:
    """Tokens per second and lists of 1,000 containers, on the fake engine."""
    with clouds.running(directory / "plane", PORT + 1, engine="fake", **_UNLIMITED) as cloud:
        figures = asyncio.run(_token_rates(cloud))
        network = clouds.network(cloud, "10.7.0.0/16")
        return figures + _containers(cloud, network)


async def _token_rates(cloud: clouds.Cloud) -> list[Figure]:
    admin = cloud.login("boxship-admin")
    validate = {"X-Auth-Token": admin, "X-Subject-Token": cloud.token}
    validation = await load.rate(PORT + 1, load.request("GET", "/identity/v3/auth/tokens", validate))
    auth = yaml.safe_load((cloud.state_dir / "clouds.yaml").read_text())["clouds"]["boxship"]["auth"]
    user = {"name": auth["username"], "password": auth["password"], "domain": {"id": "default"}}
    scope = {"project": {"name": auth["project_name"], "domain": {"id": "default"}}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    issue = load.request(
        "POST", "/identity/v3/auth/tokens", {"Content-Type": "application/json"}, json.dumps(body).encode()
    )
    return [
        Figure("tokens by password", await load.rate(PORT + 1, issue), "/s"),
        Figure("token validations", validation, "/s", at_least=1000),
    ]


def _containers(cloud: clouds.Cloud, network: str) -> list[Figure]:
    body = {"image": "busybox", "nets": [{"network": network}]}
    for _ in range(1000):
        cloud.call("POST", "/container/v1/containers?run=true", body)
    seconds = [_timed(cloud, "/container/v1/containers") for _ in range(10)]
    return [
        Figure("GET of 1,000 containers", statistics.median(seconds) * 1000, "ms"),
        Figure("memory with 1,000 containers on the fake engine", clouds.resident(cloud.process.pid), "MB"),
    ]


def _timed(cloud: clouds.Cloud, path: str) -> float:
    started = time.perf_counter()
    cloud.call("GET", path)
    return time.perf_counter() - started
