"""A cloud in a process of its own, started by the command users start it with, and spoken to over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

BOXSHIP = (sys.executable, "-m", "boxship")


@dataclass(slots=True)
class Cloud:
    """A running program: where it listens, its process and a token of the plain tenant."""

    url: str
    state_dir: Path
    process: subprocess.Popen[bytes]
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """Of the last answer; names in lower case."""

    def call(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        """One request; the answer as JSON (None where it is empty). Raises HTTPError on 4xx and 5xx."""
        data = None if body is None else json.dumps(body).encode()
        headers = {
            "X-Auth-Token": self.token if token is None else token,
            "Content-Type": "application/json",
            "OpenStack-API-Version": "container 1.40",
        }
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)  # noqa: S310 (our own URL)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            content = answer.read()
            self.headers = {name.lower(): value for name, value in answer.headers.items()}
        return json.loads(content) if content else None

    def login(self, cloud: str = "boxship") -> str:
        """A token of the user in clouds.yaml, scoped to its project."""
        auth = yaml.safe_load((self.state_dir / "clouds.yaml").read_text())["clouds"][cloud]["auth"]
        user = {"name": auth["username"], "password": auth["password"], "domain": {"id": "default"}}
        scope = {"project": {"name": auth["project_name"], "domain": {"id": "default"}}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        self.call("POST", "/identity/v3/auth/tokens", body)
        return str(self.headers["x-subject-token"])


@contextmanager
def running(directory: Path, port: int, *, engine: str, **settings: object) -> Iterator[Cloud]:
    """`boxship up` until the first token; `boxship destroy` at the end."""
    options = ["--state-dir", str(directory), "--listen", f"127.0.0.1:{port}", "--engine", engine]
    chosen = {f"BOXSHIP_{name.upper()}": str(value) for name, value in settings.items()}
    environment = os.environ | chosen
    with (directory.parent / f"{directory.name}.log").open("wb") as output:
        process = subprocess.Popen([*BOXSHIP, "up", *options], env=environment, stdout=output, stderr=output)
    cloud = Cloud(f"http://127.0.0.1:{port}", directory, process)
    try:
        cloud.token = _first_token(cloud)
        yield cloud
    finally:
        process.terminate()
        process.wait(30)
        destroy = [*BOXSHIP, "destroy", "--yes", "--state-dir", str(directory)]
        subprocess.run(destroy, env=environment, check=True, stdout=subprocess.DEVNULL)


def network(cloud: Cloud, cidr: str) -> str:
    """The id of a new network with one subnet."""
    made = cloud.call("POST", "/network/v2.0/networks", {"network": {"name": "bench"}})["network"]["id"]
    cloud.call("POST", "/network/v2.0/subnets", {"subnet": {"network_id": made, "ip_version": 4, "cidr": cidr}})
    return str(made)


def settled(cloud: Cloud) -> None:
    """Wait until no reconciler has anything to do."""
    while any(cloud.call("GET", "/healthcheck")["pending"].values()):
        time.sleep(0.05)


def all_run(cloud: Cloud) -> str | None:
    """Wait until every container runs; where one cannot, the reason."""
    while True:
        listed = cloud.call("GET", "/container/v1/containers")["containers"]
        for shown in listed:
            if shown["status"] == "Error":
                return str(shown["status_reason"])
        if {shown["status"] for shown in listed} == {"Running"}:
            return None
        time.sleep(0.05)


def _first_token(cloud: Cloud) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and cloud.process.poll() is None:
        try:
            return cloud.login()
        except (OSError, KeyError):
            time.sleep(0.005)
    raise SystemExit(f"the cloud did not start; see {cloud.state_dir.parent / f'{cloud.state_dir.name}.log'}")


def resident(pid: int) -> float:
    """Megabytes of resident memory of the process and its children (proc(5), VmRSS)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = Path(f"/proc/{pid}/status").read_text()
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return own / 1024 + sum(resident(int(child)) for child in children)
