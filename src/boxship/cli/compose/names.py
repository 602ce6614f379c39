"""Names that the name service of a container's first network does not know: services on its other networks, aliases, links under
other names, ``extra_hosts``. They are in its /etc/hosts, so whom they lead to has an address that is chosen here. Pure.

A name server answers for one network, and a container asks that of its first one. A container that needs nothing else gets no
file, and is not made anew when others come and go.
"""

from __future__ import annotations

import ipaddress
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from boxship.cli.compose.fields import Notes
from boxship.cli.compose.model import Network, Plug, Project, Service

HOSTS = "/etc/hosts"
_LOCAL = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
_SHORTEST_HALVED = 26
"""From this prefix length on a range is too small to keep half of it for chosen addresses."""
Place = tuple[str, int, str]
"""A container in a network: service, number, network."""


def host_name(service: str) -> str:
    """The name by which a service is found: its own, as names of hosts are written (RFC 1123)."""
    return re.sub(r"[^a-z0-9]+", "-", service.lower()).strip("-")[:63].strip("-") or "container"


@dataclass(frozen=True, slots=True)
class Names:
    """What ``resolve`` found: the addresses that are chosen, and the hosts files by service and number."""

    addresses: dict[Place, str]
    files: dict[tuple[str, int], str]

    def pools(self, network: Network) -> list[tuple[str, str]]:
        """The addresses of a network that others may get, as spans: its upper half without those that are chosen."""
        assert network.range is not None
        if network.range.pool:
            return [network.range.pool]
        cidr = ipaddress.IPv4Network(network.range.cidr)
        chosen = {each for (_, _, key), each in self.addresses.items() if key == network.key}
        chosen.add(network.range.gateway or str(cidr[1]))
        return _spans(cidr, {ipaddress.IPv4Address(each) for each in chosen})


def resolve(project: Project, notes: Notes) -> Names:
    """Who needs a file, and with which addresses in it."""
    wanted = {name: _wanted(project, service, notes) for name, service in project.services.items()}
    named = {name for name, found in wanted.items() if found or project.services[name].extra_hosts}
    named |= {other for found in wanted.values() for other, _, _ in found}
    addresses = _chosen(project, named)
    files = {
        (name, number): _file(project, service, number, wanted[name], addresses)
        for name, service in project.services.items()
        if wanted[name] or service.extra_hosts
        for number in range(1, service.replicas + 1)
    }
    return Names(addresses, files)


def _wanted(project: Project, service: Service, notes: Notes) -> list[tuple[str, str, str]]:
    """The other services, networks and names that the file of a service has to have."""
    found: dict[tuple[str, str, str], None] = {}
    for at, plug in enumerate(service.plugs):
        network = project.networks[plug.network]
        for other in project.services.values():
            for there in other.plugs:
                if there.network != plug.network or other.name == service.name:
                    continue
                names = list(there.aliases)
                if other.name in service.aliases:
                    names.append(service.aliases[other.name])
                if at > 0 and not _is_near(service, other):
                    names.append(host_name(other.name))
                if names and network.external:
                    _note_external(service, other, plug, notes)
                    continue
                found |= {(other.name, plug.network, name): None for name in names}
    return list(found)


def _is_near(service: Service, other: Service) -> bool:
    """Whether the first network of a service knows the other one."""
    return any(plug.network == service.plugs[0].network for plug in other.plugs)


def _note_external(service: Service, other: Service, plug: Plug, notes: Notes) -> None:
    path = f"services.{service.name}.networks.{plug.network}"
    notes.add(path, f"{other.name} is found by its own name only, where this is the first network; it is external.")


def _chosen(project: Project, named: set[str]) -> dict[Place, str]:
    """The addresses that the file asks for, then those of the named services: each follows from who it is for, so that others
    that come and go change little."""
    found = {
        (service.name, 1, plug.network): plug.address
        for service in project.services.values()
        for plug in service.plugs
        if plug.address
    }
    taken = {(network, address) for (_, _, network), address in found.items()}
    for name in sorted(named):
        service = project.services[name]
        for number in range(1, service.replicas + 1):
            for plug in service.plugs:
                network = project.networks[plug.network]
                place = (name, number, plug.network)
                if network.external or place in found:
                    continue
                for address in _candidates(network, f"{name}:{number}"):
                    if (plug.network, address) not in taken:
                        taken.add((plug.network, address))
                        found[place] = address
                        break
    return found


def _candidates(network: Network, whom: str) -> Iterator[str]:
    """Addresses of the lower half of a network, or of all of a small one, always in the same order."""
    assert network.range is not None
    cidr = ipaddress.IPv4Network(network.range.cidr)
    pool = network.range.pool
    kept = (ipaddress.IPv4Address(pool[0]), ipaddress.IPv4Address(pool[1])) if pool else None
    gateway = ipaddress.IPv4Address(network.range.gateway) if network.range.gateway else cidr[1]
    halved = pool is None and cidr.prefixlen <= _SHORTEST_HALVED
    room = min(cidr.num_addresses // 2 if halved else cidr.num_addresses - 1, 1 << 12) - 1
    first = zlib.crc32(whom.encode())
    for at in range(max(room, 0)):
        address = cidr[1 + (first + at) % room]
        if address != gateway and not (kept and kept[0] <= address <= kept[1]):
            yield str(address)


def _spans(cidr: ipaddress.IPv4Network, without: set[ipaddress.IPv4Address]) -> list[tuple[str, str]]:
    first = cidr[cidr.num_addresses // 2] if cidr.prefixlen <= _SHORTEST_HALVED else cidr[1]
    last = cidr[-2]
    found = []
    for gone in sorted(each for each in without if first <= each <= last):
        if first < gone:
            found.append((str(first), str(gone - 1)))
        first = gone + 1
    return [*found, (str(first), str(last))] if first <= last else found


def _file(
    project: Project, service: Service, number: int, wanted: list[tuple[str, str, str]], addresses: dict[Place, str]
) -> str:
    lines: dict[str, None] = {}
    own = service.hostname or service.container_name or f"{project.name}-{service.name}-{number}"
    for plug in service.plugs:
        if address := addresses.get((service.name, number, plug.network)):
            lines[f"{address} {own if service.hostname else host_name(own)}"] = None
    for other, network, name in wanted:
        for each in range(1, project.services[other].replicas + 1):
            if address := addresses.get((other, each, network)):
                lines[f"{address} {name}"] = None
    for name, address in service.extra_hosts:
        lines[f"{address} {name}"] = None
    return _LOCAL + "".join(f"{line}\n" for line in lines)
