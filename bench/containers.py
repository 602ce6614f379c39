"""Figures of real containers, side by side with `docker run -d` of the same image on the same engine in the same run."""

from __future__ import annotations

import subprocess
import time
import urllib.error
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from bench import cloud as clouds
from bench import throughput
from bench.table import Figure

PORT = 19510
RUNS = 15
BURST, MANY, PARALLEL = 50, 200, 16
LOG = 6
"""MiB of a log; an answer holds eight."""
POLL = 0.01
"""Seconds between questions whether it is done: the asking costs the program too."""
_ROOMY = {"quota_containers": 250, "quota_memory": -1, "quota_cpu": -1, "quota_disk": -1, "cpu_allocation_ratio": 1000}


def compare(directory: Path, engine_socket: Path, image: str) -> list[Figure]:
    """Creation, deletion, a burst and throughput; memory of the program idle and with the burst."""
    cidr = "172.29.4.0/24"
    with clouds.running(
        directory / "real", PORT, engine="docker", engine_socket=engine_socket, external_cidr=cidr, **_ROOMY
    ) as cloud:
        peers = _Peers(cloud, engine_socket, image)
        peers.prepare()
        idle = clouds.resident(cloud.process.pid)
        figures = [Figure("memory idle", idle, "MB", at_most=150)]
        figures += peers.one_by_one()
        figures += peers.burst()
        figures += peers.two_hundred()
        figures += peers.commands()
        figures += peers.logs()
        return [*figures, throughput.ratio(*peers.two_sandboxes(), engine_socket)]


class _Peers:
    """The same work done by Boxship and by `docker`, in turn."""

    def __init__(self, cloud: clouds.Cloud, engine_socket: Path, image: str) -> None:
        self._cloud = cloud
        self._docker = ["docker", "-H", f"unix://{engine_socket}"]
        self._image = image
        self._body: dict[str, Any] = {}
        self._admin = cloud.login("boxship-admin")

    def prepare(self) -> None:
        """A network with a subnet, a security group, and one container of each kind to warm both up."""
        network = clouds.network(self._cloud, "10.8.0.0/16")
        group = self._cloud.call("POST", "/network/v2.0/security-groups", {"security_group": {"name": "bench"}})
        rule = {"security_group_id": group["security_group"]["id"], "direction": "ingress", "protocol": "tcp"}
        self._cloud.call("POST", "/network/v2.0/security-group-rules", {"security_group_rule": rule})
        self._body = {
            "image": self._image,
            "command": ["sleep", "1000"],
            "nets": [{"network": network}],
            "security_groups": ["bench"],
            "memory": 64,
            "cpu": 0.1,
        }
        self._delete(self._run())
        self._docker_remove(self._docker_run())

    def one_by_one(self) -> list[Figure]:
        """RUNS creations and deletions by each, alternating."""
        created, removed, docker_created, docker_removed = [], [], [], []
        for _ in range(RUNS):
            seconds, id = _timed(self._run)
            created.append(seconds)
            seconds, docker_id = _timed(self._docker_run)
            docker_created.append(seconds)
            removed.append(_timed(self._delete, id)[0])
            docker_removed.append(_timed(self._docker_remove, docker_id)[0])
        return [
            Figure("POST to Running", median(created) * 1000, "ms"),
            Figure("docker run -d", median(docker_created) * 1000, "ms"),
            Figure("POST to Running / docker run -d", median(created) / median(docker_created), "x", at_most=0.6),
            Figure("DELETE to gone", median(removed) * 1000, "ms"),
            Figure("docker rm -f", median(docker_removed) * 1000, "ms"),
            Figure("DELETE to gone / docker rm -f", median(removed) / median(docker_removed), "x"),
        ]

    def burst(self) -> list[Figure]:
        """BURST containers at once by each, PARALLEL requests or commands under way."""
        seconds, ids = _timed(self._run_all)
        memory = clouds.resident(self._cloud.process.pid)
        gone, _ = _timed(self._delete_all, ids)
        docker_seconds, docker_ids = _timed(_parallel, self._docker_run, [()] * BURST)
        docker_gone, _ = _timed(_parallel, self._docker_remove, [(id,) for id in docker_ids])
        return [
            Figure(f"memory with {BURST} containers", memory, "MB"),
            Figure(f"{BURST} containers at once", seconds, "s"),
            Figure(f"{BURST} x docker run -d", docker_seconds, "s"),
            Figure(f"{BURST} at once / docker run -d", seconds / docker_seconds, "x"),
            Figure(f"{BURST} deletions at once / docker rm -f", gone / docker_gone, "x"),
        ]

    def two_hundred(self) -> list[Figure]:
        """As many at once as the issue tracker's worst day had twice over: all of them run, and all of them go."""
        seconds, ids = _timed(self._run_all, MANY)
        gone, _ = _timed(self._delete_all, ids)
        return [
            Figure(f"{MANY} containers at once", seconds, "s"),
            Figure(f"{MANY} deletions at once", gone, "s"),
        ]

    def commands(self) -> list[Figure]:
        """A command in a container that prints a word, by a request and by `docker exec`, alternating."""
        id = self._run()
        name, path = self._engine_name(id), f"/container/v1/containers/{id}/execute?command=echo%20word"
        asked, docker_asked = [], []
        for _ in range(RUNS):
            asked.append(_timed(self._cloud.call, "POST", path)[0])
            docker_asked.append(_timed(self._docker_output, "exec", name, "echo", "word")[0])
        self._delete(id)
        return [
            Figure("a command in a container", median(asked) * 1000, "ms"),
            Figure("a command in a container / docker exec", median(asked) / median(docker_asked), "x", at_most=1.0),
        ]

    def logs(self) -> list[Figure]:
        """A log of LOG MiB, read by a request and by `docker logs`, alternating."""
        line, lines = "x" * 99, (LOG << 20) // 100
        self._body["command"] = ["sh", "-c", f"yes {line} | head -n {lines}; sleep 1000"]
        id = self._run()
        name, path = self._engine_name(id), f"/container/v1/containers/{id}/logs"
        deadline = time.monotonic() + 60
        while len(self._docker_output("logs", name)) < lines * 100:
            if time.monotonic() > deadline:
                raise SystemExit("the log does not grow to its size")
            time.sleep(0.1)
        read, docker_read = [], []
        for _ in range(5):
            read.append(_timed(self._cloud.call, "GET", path)[0])
            docker_read.append(_timed(self._docker_output, "logs", name)[0])
        self._delete(id)
        return [
            Figure("log throughput", LOG / median(read), "MB/s"),
            Figure("log throughput / docker logs", median(docker_read) / median(read), "x", at_least=0.8),
        ]

    def _docker_output(self, *words: str) -> bytes:
        return subprocess.run([*self._docker, *words], capture_output=True, check=True).stdout

    def _run_all(self, count: int = BURST) -> list[str]:
        """So many containers, asked for by PARALLEL requests at once; one list at a time tells when all of them run."""
        ids = _parallel(self._post, [()] * count)
        while {self._statuses().get(id) for id in ids} != {"Running"}:
            time.sleep(0.05)
        return ids

    def _delete_all(self, ids: list[str]) -> None:
        _parallel(self._ask_deletion, [(id,) for id in ids])
        while self._statuses().keys() & set(ids):
            time.sleep(0.05)

    def _statuses(self) -> dict[str, str]:
        listed = self._cloud.call("GET", "/container/v1/containers")["containers"]
        return {shown["uuid"]: shown["status"] for shown in listed}

    def two_sandboxes(self) -> tuple[str, str, str]:
        """Two running containers that may talk, as engine names, and the address of the second."""
        self._body["cpu"] = 1
        first, second = self._run(), self._run()
        addresses = self._cloud.call("GET", f"/container/v1/containers/{second}")["addresses"]
        ((address, *_),) = addresses.values()
        names = {id: self._engine_name(id) for id in (first, second)}
        return names[first], names[second], address["addr"]

    def _engine_name(self, id: str) -> str:
        listed = subprocess.run(
            [*self._docker, "ps", "--no-trunc", "--filter", f"name={id}", "--format", "{{.ID}}"],
            capture_output=True,
            check=True,
            text=True,
        )
        return listed.stdout.strip()

    def _post(self) -> str:
        return str(self._cloud.call("POST", "/container/v1/containers?run=true", self._body)["uuid"])

    def _run(self) -> str:
        id = self._post()
        while True:
            shown = self._cloud.call("GET", f"/container/v1/containers/{id}")
            if shown["status"] == "Running":
                return id
            if shown["status"] == "Error":
                raise SystemExit(f"the container failed: {shown['status_reason']}")
            time.sleep(POLL)

    def _ask_deletion(self, id: str) -> None:
        """By force, as `docker rm -f` does, and so as the administrator."""
        path = f"/container/v1/containers/{id}?force=true&all_projects=true"
        self._cloud.call("DELETE", path, token=self._admin)

    def _delete(self, id: str) -> None:
        self._ask_deletion(id)
        while True:
            try:
                self._cloud.call("GET", f"/container/v1/containers/{id}")
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return
                raise
            time.sleep(POLL)

    def _docker_run(self) -> str:
        command = [*self._docker, "run", "-d", "--memory", "64m", self._image, "sleep", "1000"]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

    def _docker_remove(self, id: str) -> None:
        subprocess.run([*self._docker, "rm", "-f", id], capture_output=True, check=True)


def _timed(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    started = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - started, result


def _parallel(function: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> list[Any]:
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(lambda given: function(*given), arguments))
