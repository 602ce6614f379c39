"""Figures of volumes: reading and writing in a container against the same file system on the host in the same run, creation and
mount, and snapshots where the disk has reflink."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import cloud as clouds
from bench.table import Figure
from conformance import images

PORT = 19610
ROUNDS, SECONDS = 5, 1
"""Of fio for each kind of work, host and container in turn."""
IMAGE = "boxship-fio:latest"
JOBS = (("randread", "4k"), ("randwrite", "4k"), ("read", "1M"), ("write", "1M"))
CREATIONS, SNAPSHOTS = 7, 7
BIG = 10
"""GiB of the volume that snapshots are taken of; so much of it is written as DATA says."""
DATA = 1
POLL = 0.002


class StorageMissing(Exception):
    """The host lacks what the figures need, and what to do."""


def figures(directory: Path, engine_socket: Path) -> list[Figure]:
    """All of them, with the state directory on xfs in a file of ``directory``. StorageMissing: fio or xfs."""
    for program in ("fio", "mkfs.xfs"):
        if shutil.which(program) is None:
            raise StorageMissing(f"{program} is not here; scripts/bootstrap --tests installs it")
    _load_image(directory, engine_socket)
    with (
        _xfs(directory) as disk,
        clouds.running(
            disk / "state",
            PORT,
            engine="docker",
            engine_socket=engine_socket,
            external_cidr="172.29.6.0/24",
            quota_gigabytes=-1,
            quota_volumes=-1,
        ) as cloud,
    ):
        bench = _Volumes(cloud, ["docker", "-H", f"unix://{engine_socket}"])
        return [*bench.creation(), *bench.snapshots(), *bench.io()]


def _load_image(directory: Path, engine_socket: Path) -> None:
    """An image of the host's own fio and its libraries: the same program on both sides."""
    path = images.save(images.Image(IMAGE, ["sleep", "1000"], ["fio"]), directory / "fio.tar")
    command = ["docker", "-H", f"unix://{engine_socket}", "load", "--input", str(path)]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def _xfs(directory: Path) -> Iterator[Path]:
    """A disk with reflink: xfs in a sparse file."""
    file, point = directory / "xfs.img", directory / "xfs"
    with file.open("wb") as made:
        made.truncate(40 << 30)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", str(file)], check=True)
    point.mkdir()
    subprocess.run(["mount", "-o", "loop", str(file), str(point)], check=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=True)
        file.unlink()


class _Volumes:
    """What a user does with volumes, measured."""

    def __init__(self, cloud: clouds.Cloud, docker: list[str]) -> None:
        self._cloud = cloud
        self._docker = docker
        self._network = clouds.network(cloud, "10.9.0.0/16")
        project = cloud.call("GET", "/identity/v3/auth/projects")["projects"][0]["id"]
        self._volumes = f"/volume/v3/{project}/volumes"
        self._snapshots = f"/volume/v3/{project}/snapshots"

    def creation(self) -> list[Figure]:
        """One GB: from the order until it is available, and what a mount adds to the start of a container."""
        created, plain, mounted = [], [], []
        for _ in range(CREATIONS):
            seconds, volume = _timed(lambda: self._new(1))
            created.append(seconds)
            seconds, container = _timed(self._run)
            plain.append(seconds)
            self._delete_container(container)
            seconds, container = _timed(partial(self._run, volume))
            mounted.append(seconds)
            self._delete_container(container)
            self._until(f"{self._volumes}/{volume}", "volume", "available")
            self._cloud.call("DELETE", f"{self._volumes}/{volume}")
        return [
            Figure("creation of a volume of 1 GB", median(created) * 1000, "ms"),
            Figure("a container with a volume beside one without", (median(mounted) - median(plain)) * 1000, "ms"),
        ]

    def snapshots(self) -> list[Figure]:
        """Of BIG GiB of which DATA are written, on xfs: shared blocks, not copied ones."""
        volume = self._new(BIG)
        container = self._run(volume)
        write = f"dd if=/dev/urandom of=/data/file bs=1M count={DATA * 1024} && sync"
        self._in_container(container, "sh", "-c", write)
        self._delete_container(container)
        self._until(f"{self._volumes}/{volume}", "volume", "available")
        taken = []
        for _ in range(SNAPSHOTS):
            seconds, snapshot = _timed(lambda: self._snapshot(volume))
            taken.append(seconds)
            self._cloud.call("DELETE", f"{self._snapshots}/{snapshot}")
            clouds.settled(self._cloud)
        self._cloud.call("DELETE", f"{self._volumes}/{volume}")
        return [Figure(f"a snapshot of {BIG} GB (reflink)", median(taken) * 1000, "ms", at_most=100)]

    def io(self) -> list[Figure]:
        """fio in a container on a volume, and on the same mounted file system from the host, in turn."""
        volume = self._new(4)
        container = self._run(volume)
        point = self._point(volume)
        found = []
        for kind, block in JOBS:
            inside, outside = [], []
            for _ in range(ROUNDS):
                outside.append(_bandwidth(_fio(str(point), kind, block)))
                inside.append(_bandwidth([*self._exec(container), *_fio("/data", kind, block)]))
            name = f"{kind} {block} in a container"
            found.append(Figure(name, median(inside) / 1024, "MiB/s"))
            found.append(Figure(f"{name} / on the host", median(inside) / median(outside), "x", at_least=0.95))
        self._delete_container(container)
        return found

    def _point(self, volume: str) -> Path:
        """Where the host has the volume mounted."""
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        return next(Path(line.split()[4]) for line in lines if volume in line.split()[4])

    def _exec(self, container: str) -> list[str]:
        listed = subprocess.run(
            [*self._docker, "ps", "--quiet", "--filter", f"name={container}"],
            capture_output=True,
            check=True,
            text=True,
        )
        return [*self._docker, "exec", listed.stdout.strip()]

    def _in_container(self, container: str, *words: str) -> None:
        subprocess.run([*self._exec(container), *words], check=True, capture_output=True)

    def _new(self, size: int) -> str:
        wish = {"volume": {"size": size, "name": "bench"}}
        id = str(self._cloud.call("POST", self._volumes, wish)["volume"]["id"])
        self._until(f"{self._volumes}/{id}", "volume", "available")
        return id

    def _snapshot(self, volume: str) -> str:
        id = str(self._cloud.call("POST", self._snapshots, {"snapshot": {"volume_id": volume}})["snapshot"]["id"])
        self._until(f"{self._snapshots}/{id}", "snapshot", "available")
        return id

    def _run(self, volume: str | None = None) -> str:
        body: dict[str, Any] = {
            "image": IMAGE,
            "image_driver": "docker",
            "command": ["sleep", "1000"],
            "nets": [{"network": self._network}],
            "memory": "1024",
            "cpu": 2,
        }
        if volume:
            body["mounts"] = [{"source": volume, "destination": "/data"}]
        id = str(self._cloud.call("POST", "/container/v1/containers?run=true", body)["uuid"])
        self._until(f"/container/v1/containers/{id}", None, "Running")
        return id

    def _delete_container(self, id: str) -> None:
        self._cloud.call("DELETE", f"/container/v1/containers/{id}?stop=true&timeout=0")
        clouds.settled(self._cloud)

    def _until(self, path: str, within: str | None, status: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            answer = self._cloud.call("GET", path)
            shown = answer[within] if within else answer
            if shown["status"] == status:
                return
            if str(shown["status"]).lower() == "error":
                break
            time.sleep(POLL)
        raise SystemExit(f"{path} does not become {status}: {shown}")


def _fio(directory: str, kind: str, block: str) -> list[str]:
    """Direct I/O, so that neither side measures the memory of the host."""
    job = ("--name=bench", f"--directory={directory}", f"--rw={kind}", f"--bs={block}", "--size=128M", "--direct=1")
    how = ("--ioengine=psync", "--time_based", f"--runtime={SECONDS}", "--output-format=json", "--fallocate=none")
    return ["fio", *job, *how]


def _bandwidth(command: list[str]) -> float:
    """KiB per second, of reading or writing."""
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    (job,) = json.loads(said[said.index("{") :])["jobs"]
    return float(job["read"]["bw"] + job["write"]["bw"])


def _timed(function: Callable[[], str]) -> tuple[float, str]:
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result
