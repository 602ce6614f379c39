"""A Docker engine with the plugin of Boxship for networks: what a Docker user types, and what is in the cloud then."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.system.api import Session
from tests.system.engine import Engine
from tests.system.installation import BOXSHIP, Installation
from tests.system.waiting import until

IDLE = ("sh", "-c", "trap exit TERM; while true; do sleep 1; done")
NETWORK = "/network/v2.0"


@dataclass(slots=True)
class Plugin:
    """``boxship kuryr`` of one project, found by Docker under a name of its own."""

    cloud: Installation
    user: str
    name: str
    directory: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return Path("/run/docker/plugins") / f"{self.name}.sock"

    @property
    def log(self) -> Path:
        return self.directory / f"{self.name}.log"

    def start(self) -> None:
        """Start it and wait until Docker would be answered."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        environment |= {"OS_CLIENT_CONFIG_FILE": str(self.clouds()), "OS_CLOUD": "docker"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*BOXSHIP, "kuryr", "--name", self.name, "--verbose"],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._listens, f"the plugin listens; see {self.log}", 20)

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        return self.socket.exists() and "kuryr answers" in self.log.read_text()

    def clouds(self) -> Path:
        """A clouds.yaml for its user: a member of the project who may also plug ports into hosts, and no admin."""
        path = self.directory / "clouds.yaml"
        if not path.exists():
            user, password, project = self.cloud.session(self.user).credentials
            self._give_role(user, project)
            auth = {
                "auth_url": f"{self.cloud.url}/identity/v3",
                "username": user,
                "password": password,
                "project_name": project,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            }
            path.touch(0o600)
            path.write_text(json.dumps({"clouds": {"docker": {"auth": auth, "region_name": "RegionOne"}}}))
        return path

    def _give_role(self, user: str, project: str) -> None:
        admin = self.cloud.session("admin")
        (role,) = admin.ask("GET", "/identity/v3/roles?name=service")["roles"]
        (found,) = admin.ask("GET", f"/identity/v3/users?name={user}")["users"]
        (scope,) = admin.ask("GET", f"/identity/v3/projects?name={project}")["projects"]
        admin.ask("PUT", f"/identity/v3/projects/{scope['id']}/users/{found['id']}/roles/{role['id']}")

    def kill(self) -> None:
        """``kill -9``, at this very moment."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        """End it as a service would; its socket is gone then."""
        if self.process is not None:
            self.process.terminate()
            assert self.process.wait(30) == 0, self.log.read_text()
            self.process = None
        assert not self.socket.exists()


def plugin(cloud: Installation, user: str, directory: Path) -> Plugin:
    """A plugin for the project of this user; not started yet."""
    directory.mkdir(parents=True, exist_ok=True)
    return Plugin(cloud, user, f"kuryr-{secrets.token_hex(4)}", directory)


@dataclass(slots=True)
class Docker:
    """What a Docker user does with one plugin."""

    engine: Engine
    driver: str

    def network(self, name: str, *words: str) -> str:
        """``docker network create`` with our drivers; the id."""
        return self.engine.docker(
            "network", "create", "--driver", self.driver, "--ipam-driver", self.driver, *words, name
        )

    def refused(self, *words: str) -> str:
        """What ``docker`` says where it must fail."""
        command = ["docker", "--host", f"unix://{self.engine.socket}", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode != 0, f"{' '.join(words)} did not fail: {done.stdout}"
        return done.stderr

    def run(self, name: str, network: str, *words: str, command: tuple[str, ...] = IDLE) -> str:
        """``docker run --detach``; the id."""
        own = ("--detach", "--name", name, "--label", f"test={self.driver}", "--network", network)
        return self.engine.docker("run", *own, *words, "busybox", *command)

    def run_with_mac(self, name: str, network: str, mac: str, address: str) -> None:
        """A container with this MAC and address, asked of the engine itself: newer clients say a MAC in a way that engines before
        25 do not know."""
        body = {
            "Image": "busybox",
            "Cmd": list(IDLE),
            "MacAddress": mac,
            "Labels": {"test": self.driver},
            "HostConfig": {"NetworkMode": network},
            "NetworkingConfig": {"EndpointsConfig": {network: {"IPAMConfig": {"IPv4Address": address}}}},
        }
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(self.engine.socket)), timeout=60) as client:
            for path, content in ((f"create?name={name}", body), (f"{name}/start", None)):
                answer = client.post(f"http://docker/v1.41/containers/{path}", json=content)
                assert answer.is_success, answer.text

    def execute(self, name: str, *command: str) -> str:
        return self.engine.docker("exec", name, *command)

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        (found,) = json.loads(self.engine.docker(kind, "inspect", name))
        return dict(found)

    def endpoint(self, name: str, network: str) -> dict[str, Any]:
        """What Docker says of a container in a network."""
        return dict(self.inspect("container", name)["NetworkSettings"]["Networks"][network])

    def remove(self, *names: str) -> None:
        self.engine.docker("rm", "--force", "--volumes", *names)

    def reaches(self, name: str, address: str) -> bool:
        """Whether a ping from the container is answered."""
        try:
            self.execute(name, "ping", "-c", "1", "-W", "2", address)
        except subprocess.CalledProcessError:
            return False
        return True


def made(session: Session) -> dict[str, set[str]]:
    """Everything in the project of the plugin's that a user did not make by hand: ids by collection."""
    collections = ("networks", "subnets", "subnetpools", "ports", "security-groups")
    found = {}
    for collection in collections:
        answer = session.ask("GET", f"{NETWORK}/{collection}?project_id={session.project_id}")
        found[collection] = {entry["id"] for entry in answer[collection.replace("-", "_")]}
    return found
