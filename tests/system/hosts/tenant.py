"""A project that is spoken to at several hosts, and takes everything away that it had."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.system.api import Failed, Session, quoted
from tests.system.hosts.site import Host, Site
from tests.system.waiting import until

CONTAINERS = "/container/v1/containers"
IDLE = "trap exit TERM; while true; do sleep 1; done"
NETWORKS = "/network/v2.0"


@dataclass(slots=True)
class Tenant:
    """``at`` has a session per host, by its name."""

    site: Site
    name: str
    at: dict[str, Session] = field(default_factory=dict)

    @property
    def session(self) -> Session:
        """At the first host."""
        return self.at[self.site.hosts[0].name]

    def run(self, host: Host, name: str, command: str = IDLE, **wish: Any) -> dict[str, Any]:
        """A container that runs on this host."""
        return self.session.run(name, command, availability_zone=host.name, **wish)

    def execute(self, host: Host, container: dict[str, Any], command: str) -> tuple[int, str]:
        """Exit code and output of a shell command, asked at this host."""
        return self.at[host.name].execute(container["uuid"], command)

    def succeeds(self, host: Host, container: dict[str, Any], command: str, seconds: float = 10) -> str:
        """What a command says once it ends well. AssertionError: it does not."""
        said: list[tuple[int, str]] = []

        def well() -> bool:
            said[:] = [self.execute(host, container, command)]
            return said[0][0] == 0

        try:
            until(well, command, seconds)
        except AssertionError as error:
            raise AssertionError(
                f"{container['name']} on {host.name}: {command}: {said}\n{self.site.told()}"
            ) from error
        return said[0][1]

    def pings(self, host: Host, container: dict[str, Any], target: str) -> None:
        """The target answers the container, sooner or later."""
        self.succeeds(host, container, f"ping -c 1 -W 1 {target}")

    def is_deaf(self, host: Host, container: dict[str, Any], target: str) -> bool:
        """Whether three pings of the target stay unanswered."""
        return self.execute(host, container, f"ping -c 3 -i 0.2 -W 1 {target}")[0] != 0

    def serves(self, container: dict[str, Any], port: int) -> str:
        """A command that tells whether the port of the container's first address lets a connection in."""
        entries = next(iter(container["addresses"].values()))
        return f"echo x | nc -w 1 {quoted(entries[0]['addr'])} {port}"

    def shared_volume(self, name: str) -> str:
        """Where a new volume in the directory that hosts share is shown, when it is available."""
        admin = self.site.hosts[0].session("admin")
        types = f"/volume/v3/{admin.project_id}/types"
        if "common" not in [found["name"] for found in admin.ask("GET", types)["volume_types"]]:
            kind = {"name": "common", "extra_specs": {"volume_backend_name": "common"}}
            admin.ask("POST", types, {"volume_type": kind})
        body = {"volume": {"size": 1, "name": name, "volume_type": "common"}}
        volumes = f"/volume/v3/{self.session.project_id}/volumes"
        volume = f"{volumes}/{self.session.ask('POST', volumes, body)['volume']['id']}"
        self.becomes_free(volume)
        return volume

    def becomes_free(self, volume: str) -> None:
        """Nobody has the volume any more."""
        until(lambda: self.session.ask("GET", volume)["volume"]["status"] == "available", f"{volume} is available", 60)

    def clear(self) -> None:
        """Delete all that the project has."""
        session = self.session
        containers = [row["uuid"] for row in session.pages(CONTAINERS, "containers", "uuid")]
        for container in containers:
            until(lambda id=container: self._is_told_to_go(id), f"{container} may be deleted", 20)  # type: ignore[misc]
        for container in containers:
            session.gone(f"{CONTAINERS}/{container}")
        project = f"project_id={session.project_id}"
        for row in session.ask("GET", f"{NETWORKS}/floatingips?{project}")["floatingips"]:
            session.ask("DELETE", f"{NETWORKS}/floatingips/{row['id']}")
        for row in session.ask("GET", f"{NETWORKS}/routers?{project}")["routers"]:
            self.clear_router(row["id"])
        for row in session.ask("GET", f"{NETWORKS}/networks?{project}")["networks"]:
            session.ask("DELETE", f"{NETWORKS}/networks/{row['id']}")
        for row in session.ask("GET", f"{NETWORKS}/security-groups?{project}")["security_groups"]:
            with contextlib.suppress(Failed):  # the default one stays
                session.ask("DELETE", f"{NETWORKS}/security-groups/{row['id']}")
        for row in session.ask("GET", f"/volume/v3/{session.project_id}/volumes")["volumes"]:
            session.ask("DELETE", f"/volume/v3/{session.project_id}/volumes/{row['id']}")

    def _is_told_to_go(self, container: str) -> bool:
        """Whether its deletion was accepted; it is not while it is made."""
        try:
            self.session.ask("DELETE", f"{CONTAINERS}/{container}?stop=true&timeout=0")
        except Failed as refused:
            if refused.status not in {404, 409}:
                raise
            return refused.status == 404
        return True

    def clear_router(self, router: str) -> None:
        """Delete a router with its legs."""
        session = self.session
        legs = session.ask("GET", f"{NETWORKS}/ports?device_id={router}&device_owner=network:router_interface")["ports"]
        for leg in legs:
            session.ask("PUT", f"{NETWORKS}/routers/{router}/remove_router_interface", {"port_id": leg["id"]})
        session.ask("DELETE", f"{NETWORKS}/routers/{router}")


@contextlib.contextmanager
def tenant(site: Site, name: str) -> Iterator[Tenant]:
    """A new user in a new project, known at every host; its things are gone at the end."""
    first, *others = site.hosts
    made = Tenant(site, name, {first.name: first.session(name)})
    try:
        made.at |= {host.name: host.adopt(name, made.session) for host in others}
        yield made
    finally:
        made.clear()
