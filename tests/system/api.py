"""The public API spoken directly, for what the official clients are too slow for; knows paths and JSON, decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from tests.system.waiting import until


class Failed(AssertionError):
    """A request was refused; ``status`` is the HTTP status."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
        self.status = answer.status_code


class Session:
    """A user in a project."""

    def __init__(self, url: str, user: str, password: str, project: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        self.credentials = (user, password, project)
        self.project_id = ""
        self.login()

    def close(self) -> None:
        self.http.close()

    @staticmethod
    def again(other: Session) -> Session:
        """Another session of the same user, for another thread."""
        return other.elsewhere(str(other.http.base_url))

    def elsewhere(self, url: str) -> Session:
        """A session of the same user at another address of the cloud."""
        return Session(url, *self.credentials)

    def login(self) -> None:
        """A new token."""
        name, password, project = self.credentials
        user = {"name": name, "password": password, "domain": {"id": "default"}}
        scope = {"project": {"name": project, "domain": {"id": "default"}}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        answer = self.http.post("/identity/v3/auth/tokens", json=body)
        if not answer.is_success:
            raise Failed(answer)
        self.project_id = answer.json()["token"]["project"]["id"]
        self.http.headers.update(
            {
                "X-Auth-Token": answer.headers["X-Subject-Token"],
                "OpenStack-API-Version": "container 1.40",
            }
        )

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The JSON of the answer, None where it is empty. Failed: it was refused."""
        answer = self.http.request(method, path, json=body, **options)
        if not answer.is_success:
            raise Failed(answer)
        return answer.json() if answer.content else None

    # Networks.

    def network(self, name: str, cidr: str | None = None) -> dict[str, Any]:
        """A network, with a subnet where a range is given."""
        made = self.ask("POST", "/network/v2.0/networks", {"network": {"name": name}})["network"]
        if cidr:
            wish = {"network_id": made["id"], "ip_version": 6 if ":" in cidr else 4, "cidr": cidr, "name": name}
            made["subnet_id"] = self.ask("POST", "/network/v2.0/subnets", {"subnet": wish})["subnet"]["id"]
        return dict(made)

    def router(self, name: str, *subnets: str) -> dict[str, Any]:
        """A router to the outside with legs in these subnets."""
        public = self.ask("GET", "/network/v2.0/networks?router:external=true")["networks"][0]["id"]
        wish = {"name": name, "external_gateway_info": {"network_id": public}}
        made = self.ask("POST", "/network/v2.0/routers", {"router": wish})["router"]
        for subnet in subnets:
            self.ask("PUT", f"/network/v2.0/routers/{made['id']}/add_router_interface", {"subnet_id": subnet})
        return dict(made)

    def floating_ip(self, port: str) -> dict[str, Any]:
        """An address of the external network for the port."""
        public = self.ask("GET", "/network/v2.0/networks?router:external=true")["networks"][0]["id"]
        wish = {"floating_network_id": public, "port_id": port}
        return dict(self.ask("POST", "/network/v2.0/floatingips", {"floatingip": wish})["floatingip"])

    def group(self, name: str) -> str:
        """A security group that lets everything out and nothing in; its id."""
        return str(
            self.ask("POST", "/network/v2.0/security-groups", {"security_group": {"name": name}})["security_group"][
                "id"
            ]
        )

    def rule(self, group: str, **wish: Any) -> str:
        """A rule in the group, inwards where nothing else is said; its id."""
        body = {"security_group_rule": {"security_group_id": group, "direction": "ingress", **wish}}
        return str(self.ask("POST", "/network/v2.0/security-group-rules", body)["security_group_rule"]["id"])

    # Containers.

    def run(self, name: str, command: str | list[str], **wish: Any) -> dict[str, Any]:
        """A container that is wanted running; waits until it runs."""
        return self.running(self.create(name, command, **wish)["uuid"])

    def create(self, name: str, command: str | list[str], *, run: bool = True, **wish: Any) -> dict[str, Any]:
        """The order for a container, as it is acknowledged. Text is run by a shell."""
        words = ["sh", "-c", command] if isinstance(command, str) else command
        body = {"name": name, "image": "busybox", "image_driver": "docker", "command": words, "memory": "64", **wish}
        return dict(self.ask("POST", f"/container/v1/containers?run={str(run).lower()}", body))

    def show(self, container: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/container/v1/containers/{container}"))

    def running(self, container: str) -> dict[str, Any]:
        """Wait until it runs."""
        return self.becomes(container, "Running")

    def becomes(self, container: str, status: str) -> dict[str, Any]:
        """Wait for a status and for nothing being under way any more."""

        def reached() -> dict[str, Any] | None:
            shown = self.show(container)
            bad = shown["status"] == "Error" and status != "Error"
            assert not bad, f"{shown['name']}: {shown['status_reason']}"
            return shown if shown["status"] == status and shown["task_state"] is None else None

        return until(reached, f"{container} is {status}", 20) or {}

    def execute(self, container: str, command: str) -> tuple[int, str]:
        """Exit code and output of a shell command in the container."""
        query = {"command": f"sh -c {quoted(command)}", "run": "true", "interactive": "false"}
        answer = self.ask("POST", f"/container/v1/containers/{container}/execute", params=query)
        return int(answer["exit_code"]), str(answer["output"])

    def logs(self, container: str) -> str:
        return str(self.ask("GET", f"/container/v1/containers/{container}/logs"))

    def delete(self, *containers: str) -> None:
        """Delete them, whatever they do, and wait until they are gone."""
        for container in containers:
            self.ask("DELETE", f"/container/v1/containers/{container}?stop=true&timeout=0")
        for container in containers:
            self.gone(f"/container/v1/containers/{container}")

    def gone(self, path: str) -> None:
        """Wait until nothing answers at the path."""
        until(lambda: self.is_gone(path), f"{path} is gone", 20)

    def is_gone(self, path: str) -> bool:
        return self.http.get(path).status_code == 404

    def pages(self, path: str, name: str, key: str = "id") -> Iterator[dict[str, Any]]:
        """Every row of a list."""
        marker: dict[str, str] = {}
        while True:
            rows = self.ask("GET", str(httpx.URL(path).copy_merge_params({"limit": "500", **marker})))[name]
            yield from rows
            if len(rows) < 500:
                return
            marker = {"marker": rows[-1][key]}


def quoted(text: str) -> str:
    """As one word for a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def address(container: dict[str, Any], network: str | None = None) -> str:
    """The first IPv4 address of a container as the API shows it."""
    for id, entries in container["addresses"].items():
        for entry in entries:
            if entry["version"] == 4 and network in {None, id}:
                return str(entry["addr"])
    raise AssertionError(f"no address in {container['addresses']}")


def port(container: dict[str, Any]) -> str:
    """The id of the first port of a container."""
    return str(next(iter(container["addresses"].values()))[0]["port"])
