"""Exposed ports: a security group per endpoint that lets everybody reach them. It lives and dies with the endpoint."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from boxship.core import errors
from boxship.plugins.kuryr import marks, protocol, resources
from boxship.plugins.kuryr.neutron import Neutron

_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 132: "sctp"}
_WITH_PORTS = frozenset(("tcp", "udp", "sctp"))


def read(options: protocol.Named | None) -> list[protocol.Exposed]:
    """The exposed ports in an endpoint's options. BadRequest: they are none, or of a protocol that has none."""
    said = (options or {}).get(protocol.EXPOSED) or []
    try:
        found = msgspec.convert(said, list[protocol.Exposed])
    except msgspec.ValidationError as error:
        raise errors.BadRequest(f"{error}.", field=protocol.EXPOSED) from error
    for exposed in found:
        if exposed.protocol not in _PROTOCOLS:
            raise errors.BadRequest(
                f"Ports of the protocol {exposed.protocol} cannot be exposed.", field=protocol.EXPOSED
            )
    return found


def spans(exposed: Sequence[protocol.Exposed]) -> list[tuple[str, int, int]]:
    """Protocol, first and last port of each row of neighbours: one rule for a range."""
    found: list[tuple[str, int, int]] = []
    for number, port in sorted({(entry.protocol, entry.port) for entry in exposed}):
        name = _PROTOCOLS[number]
        if found and found[-1][0] == name and found[-1][2] == port - 1:
            found[-1] = (name, found[-1][1], port)
        else:
            found.append((name, port, port))
    return found


def ensure(neutron: Neutron, endpoint_id: str, exposed: Sequence[protocol.Exposed]) -> str | None:
    """The id of the group with these ports; None: there are none. A group that is there is made anew."""
    discard(neutron, endpoint_id)
    if not exposed:
        return None
    group = neutron.create(
        "/security-groups",
        "security_group",
        resources.Group,
        name=marks.group(endpoint_id),
        description="The ports that a container of Docker exposes.",
    )
    try:
        for name, first, last in spans(exposed):
            for version in ("IPv4", "IPv6"):
                _open(neutron, group.id, version, (name, first, last))
    except errors.BoxshipError:
        neutron.afterwards(5.0).delete(f"/security-groups/{group.id}")
        raise
    return group.id


def _open(neutron: Neutron, group_id: str, version: str, span: tuple[str, int, int]) -> None:
    name, first, last = span
    ports = {"port_range_min": first, "port_range_max": last} if name in _WITH_PORTS else {}
    neutron.create(
        "/security-group-rules",
        "security_group_rule",
        resources.Group,
        security_group_id=group_id,
        direction="ingress",
        ethertype=version,
        protocol="ipv6-icmp" if (name, version) == ("icmp", "IPv6") else name,
        **ports,
    )


def find(neutron: Neutron, endpoint_id: str) -> list[str]:
    """The ids of the groups of an endpoint: one, or none."""
    found = neutron.find("/security-groups", resources.Group, name=marks.group(endpoint_id))
    return [group.id for group in found]


def discard(neutron: Neutron, endpoint_id: str) -> None:
    """Delete the group of an endpoint; repeatable. Conflict: a port is still in it."""
    for id in find(neutron, endpoint_id):
        neutron.delete(f"/security-groups/{id}")
