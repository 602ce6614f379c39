"""The kernels and engines of all hosts compared with what the API says: nothing leaks, nothing lacks, nothing is in two
places."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.system.api import Session
from tests.system.hosts.site import Host, Site
from tests.system.waiting import until

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNMADE = {"Error", "Creating", "Deleted"}


@dataclass(frozen=True, slots=True)
class Held:
    """The ids of what one host has."""

    containers: frozenset[str]
    sandboxes: frozenset[str]
    routers: frozenset[str]
    names: frozenset[str]
    networks: frozenset[str]
    ports: frozenset[str]


def held(host: Host) -> Held:
    """What this host has now."""
    seen = host.look()
    spaces = {role: _after(seen["namespaces"], f"-{role}-") for role in ("sandbox", "router", "names")}
    return Held(
        containers=frozenset(match.group() for name in seen["containers"] if (match := _ID.search(name))),
        sandboxes=spaces["sandbox"],
        routers=spaces["router"],
        names=spaces["names"],
        networks=_after(seen["aliases"], "network:"),
        ports=_after(seen["aliases"], "port:"),
    )


def _after(words: Iterable[str], start: str) -> frozenset[str]:
    return frozenset(word.partition(start)[2] for word in words if start in word)


def assert_sound(site: Site, seconds: float = 15) -> None:
    """Wait until nothing differs. AssertionError: something does to the end."""
    last: list[str] = []

    def sound() -> bool:
        last[:] = differences(site)
        return not last

    try:
        until(sound, "the hosts are as the database says", seconds, pause=0.3)
    except AssertionError as error:
        raise AssertionError("\n".join(["the hosts differ from the database:", *last, site.told()])) from error


def differences(site: Site) -> list[str]:
    """What is not as it should be, a line each. Meant for a cloud at rest whose hosts all live."""
    admin = site.hosts[0].session("admin")
    found: dict[str, Held] = {host.name: held(host) for host in site.workers}
    containers = list(admin.pages("/container/v1/containers?all_projects=true", "containers", "uuid"))
    ports = list(admin.pages("/network/v2.0/ports", "ports"))
    routers = _ids(admin, "routers")
    lines = []
    for name, has in found.items():
        here = {row["uuid"] for row in containers if row["host"] == name}
        made = {row["uuid"] for row in containers if row["host"] == name and row["status"] not in _UNMADE}
        wired = {row["id"] for row in ports if row["device_id"] in made}
        bound = {row["id"] for row in ports if row.get("binding:host_id") == name}
        lines += _compared(name, "container", made, has.containers, here)
        lines += _compared(name, "sandbox", made, has.sandboxes, here)
        lines += _compared(name, "port", wired, has.ports, bound)
        lines += _compared(name, "network", set(), has.networks, _ids(admin, "networks"))
    lines += _single("router", routers, [has.routers for has in found.values()])
    lines += _single("name service", set(), [has.names for has in found.values()], _ids(admin, "networks"))
    return lines


def _ids(admin: Session, collection: str) -> set[str]:
    rows: Iterable[dict[str, Any]] = admin.pages(f"/network/v2.0/{collection}", collection)
    return {row["id"] for row in rows}


def _compared(host: str, what: str, wanted: set[str], seen: frozenset[str], allowed: set[str]) -> list[str]:
    """``allowed`` may be there and need not."""
    leaked = [f"{host}: leaked {what} {id}" for id in sorted(seen - wanted - allowed)]
    return leaked + [f"{host}: missing {what} {id}" for id in sorted(wanted - seen)]


def _single(what: str, wanted: set[str], seen: list[frozenset[str]], allowed: set[str] | None = None) -> list[str]:
    """Each is on one host."""
    counted = Counter(id for ids in seen for id in ids)
    return [
        *(f"missing {what} {id}" for id in sorted(wanted - counted.keys())),
        *(f"leaked {what} {id}" for id in sorted(counted.keys() - wanted - (allowed or set()))),
        *(f"{what} {id} is on {many} hosts" for id, many in counted.items() if many > 1),
    ]
