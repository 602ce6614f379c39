"""Whether this host can carry a cloud. Kernel features are found by trying them in namespaces that vanish with the attempt;
nothing here changes the host."""

from __future__ import annotations

import errno
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from boxship.config import Settings
from boxship.installation import errors as installation_errors

LEAST_DISK = 64 << 20
"""Bytes that must be free to start: the database and the log have to be written whatever comes."""
GOOD_DISK = 2 << 30
"""Bytes below which ``doctor`` warns: a few images and volumes."""
_PACKAGES = {
    "nft": "nftables",
    "dnsmasq": "dnsmasq-base",
    "ip": "iproute2",
    "iptables": "iptables",
    "mkfs.ext4": "e2fsprogs",
    "losetup": "mount",
    "runc": "runc",
    "conntrack": "conntrack",
}
RUNTIME = "boxship"
"""The OCI runtime that Docker must know for containers on ready-made namespaces."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ``remedy`` is the command that mends it, empty where nothing is wrong."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def check(settings: Settings, *, running: bool) -> Iterator[Finding]:
    """All findings, one by one. ``running``: the port is rightly taken, by this cloud."""
    real = settings.engine == "docker"
    if real:
        yield _root()
        yield from _programs()
        yield from _kernel()
        yield from _engine(settings.engine_socket)
    else:
        yield Finding(
            "engine", ok=True, detail=f"{settings.engine}: nothing runs, so neither root nor Docker is needed"
        )
    if not running:
        yield _port(settings)
    yield _disk(settings.state_dir)


def check_start(settings: Settings) -> None:
    """What can be known before anything is written. NotReady: the host lacks it, with what to do."""
    if settings.engine == "docker" and os.geteuid() != 0:
        raise installation_errors.NotReady(
            "A cloud that runs containers needs root. Use sudo, or 'boxship up --engine fake' for a cloud that runs nothing."
        )
    for finding in (_port(settings), _disk(settings.state_dir, LEAST_DISK)):
        if not finding.ok:
            raise installation_errors.NotReady(f"{finding.detail} {finding.remedy}")


def ask_engine(path: Path, resource: str) -> dict[str, object]:
    """A GET of the Docker Engine API on its socket. OSError: nobody answers there, or not as Docker does."""
    connection = http.client.HTTPConnection("localhost", timeout=5)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(5)
    try:
        connection.sock.connect(str(path))
        connection.request("GET", resource)
        answer = connection.getresponse()
        content = json.loads(answer.read())
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(errno.EPROTO, f"it does not answer like a Docker engine ({error!r})") from error
    finally:
        connection.close()
    return content if isinstance(content, dict) else {}


def _root() -> Finding:
    ok = os.geteuid() == 0
    return Finding("root", ok, "yes" if ok else "no; containers, networks and volumes need it", "" if ok else "sudo -i")


def _programs() -> Iterator[Finding]:
    for program, package in _PACKAGES.items():
        path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        remedy = "" if path else f"apt-get install {package}"
        yield Finding(f"program {program}", bool(path), path or "not found", remedy)


def _kernel() -> Iterator[Finding]:
    namespace = ["unshare", "--net", "--"]
    attempts: dict[str, tuple[Callable[[], str], str]] = {
        "network namespaces": (
            lambda: _try([*namespace, "true"]),
            "run on a host, or in a container with CAP_SYS_ADMIN",
        ),
        "veth": (
            lambda: _try([*namespace, "ip", "link", "add", "bx0", "type", "veth", "peer", "name", "bx1"]),
            "modprobe veth",
        ),
        "bridge": (lambda: _try([*namespace, "ip", "link", "add", "bx0", "type", "bridge"]), "modprobe bridge"),
        "br_netfilter": (_br_netfilter, "modprobe br_netfilter"),
        "nftables": (
            lambda: _try([*namespace, "nft", "add table inet boxship_try; add table bridge boxship_try"]),
            "modprobe nf_tables",
        ),
        "connection tracking": (
            lambda: _try(
                [
                    *namespace,
                    "nft",
                    "add table ip t; add chain ip t c { type nat hook postrouting priority 100; }; "
                    "add rule ip t c ct state established masquerade",
                ]
            ),
            "modprobe nf_conntrack nf_nat nft_masq nft_ct",
        ),
        "loop devices": (_loop, "modprobe loop"),
        "overlay": (_overlay, "modprobe overlay"),
    }
    for name, (attempt, remedy) in attempts.items():
        problem = attempt()
        yield Finding(f"kernel: {name}", not problem, problem or "works", remedy if problem else "")


def _try(command: list[str]) -> str:
    """What went wrong, in a line; empty where nothing did."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stdout.decode(errors="replace").split("\n")
    return "" if done.returncode == 0 else (lines[0].strip() or f"exit code {done.returncode}")


def _br_netfilter() -> str:
    """Packets on a bridge must be visible to connection tracking."""
    return "" if Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists() else "not loaded"


def _loop() -> str:
    with tempfile.NamedTemporaryFile(prefix="boxship-try-") as file:
        file.truncate(1 << 20)
        found = subprocess.run(
            ["losetup", "--find", "--show", file.name], capture_output=True, text=True, timeout=20, check=False
        )
        if found.returncode != 0:
            return found.stderr.strip() or "no device is free"
        return _try(["losetup", "--detach", found.stdout.strip()])


def _overlay() -> str:
    with tempfile.TemporaryDirectory(prefix="boxship-try-") as directory:
        return _try(
            [
                *("unshare", "--mount", "--", "sh", "-c"),
                'mount -t tmpfs none "$1" && cd "$1" && mkdir l u w m && '
                "mount -t overlay overlay -o lowerdir=$PWD/l,upperdir=$PWD/u,workdir=$PWD/w m",
                "sh",
                directory,
            ]
        )


def knows_runtime(path: Path) -> bool | None:
    """Whether the engine there knows our runtime; None where none answers."""
    try:
        runtimes = ask_engine(path, "/info").get("Runtimes")
    except OSError:
        return None
    return isinstance(runtimes, dict) and RUNTIME in runtimes


def _engine(path: Path) -> Iterator[Finding]:
    try:
        version = ask_engine(path, "/version")
    except OSError as error:
        detail = f"nobody answers at {path} ({error.strerror or error})"
        remedy = "boxship up (starts dockerd)" if shutil.which("dockerd") else "apt-get install docker.io"
        yield Finding("Docker engine", ok=False, detail=detail, remedy=remedy)
        return
    yield Finding("Docker engine", ok=True, detail=f"{version.get('Version')} at {path}")
    known = bool(knows_runtime(path))
    detail, remedy = ("registered", "") if known else ("not registered", "boxship up (registers it)")
    yield Finding(f"Docker runtime {RUNTIME}", known, detail, remedy)


def _port(settings: Settings) -> Finding:
    host, port = settings.address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            return Finding("port", ok=True, detail=f"{settings.listen} is free")
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        detail = f"Cannot listen on {settings.listen}: {'it is taken' if taken else (error.strerror or error)}."
        return Finding("port", ok=False, detail=detail, remedy="Choose another address with --listen HOST:PORT.")


def _disk(state_dir: Path, least: int = GOOD_DISK) -> Finding:
    place = state_dir
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if free >= least:
        return Finding("disk", ok=True, detail=f"{free / 2**30:.1f} GB free in {place}")
    detail = f"The disk of {place} has only {free / 2**20:.0f} MB left; {least >> 20} MB are needed."
    return Finding("disk", ok=False, detail=detail, remedy="Make room, or choose another --state-dir.")
