"""Finding what a user or Docker named. Several of a name are an error that names their ids; nothing is ever chosen by chance."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from boxship.core import errors
from boxship.plugins.kuryr import marks, resources
from boxship.plugins.kuryr.neutron import Neutron
from boxship.plugins.kuryr.options import Choice

Resource = TypeVar("Resource", resources.Network, resources.Subnet, resources.Pool)

_PLACES: dict[type[msgspec.Struct], tuple[str, str, str]] = {
    resources.Network: ("/networks", "network", "network"),
    resources.Subnet: ("/subnets", "subnet", "subnet"),
    resources.Pool: ("/subnetpools", "subnetpool", "subnet pool"),
}


def chosen(neutron: Neutron, choice: Choice, kind: type[Resource]) -> Resource:
    """What the user named. NotFound; Conflict: several have the name."""
    path, name, word = _PLACES[kind]
    if choice.id:
        found = neutron.find(path, kind, id=choice.id)
        if not found:
            raise errors.NotFound(f"There is no {word} with the id {choice.id}.")
        return found[0]
    found = neutron.find(path, kind, name=choice.name)
    if not found:
        raise errors.NotFound(f"There is no {word} with the name {choice.name}.")
    if len(found) > 1:
        ids = ", ".join(row.id for row in found)
        raise errors.Conflict(
            f"Several {word}s have the name {choice.name}: {ids}. Use neutron.{_OPTIONS[name]}.uuid instead."
        )
    return found[0]


_OPTIONS = {"network": "net", "subnet": "subnet", "subnetpool": "pool"}


def network(neutron: Neutron, docker_id: str) -> resources.Network | None:
    """The network of a Docker network."""
    if neutron.has_tags():
        tags = ",".join(marks.network_tags(docker_id))
        found = neutron.find("/networks", resources.Network, tags=tags)
        if found:
            return _first(found)
    found = neutron.find("/networks", resources.Network, name=marks.network(docker_id))
    return _first(found) if found else _stood_for(neutron, docker_id)


def _stood_for(neutron: Neutron, docker_id: str) -> resources.Network | None:
    """The network that could not be tagged; it is shown with the tag that it would have."""
    for group in stand_ins(neutron, docker_id):
        try:
            found = neutron.get(f"/networks/{marks.stood_for(group.description)}", "network", resources.Network)
        except errors.NotFound:
            continue
        return msgspec.structs.replace(found, tags=(*found.tags, marks.existing_network_tag(docker_id)))
    return None


def stand_ins(neutron: Neutron, docker_id: str) -> list[resources.Group]:
    """The security groups that say which network a Docker network stands for: one, or none."""
    found = neutron.find("/security-groups", resources.Group, name=marks.network(docker_id))
    return [group for group in found if marks.stood_for(group.description)]


def _first(found: list[resources.Network]) -> resources.Network:
    """Of two that were made at once the one that stays: it has subnets, and is older."""
    return min(found, key=lambda row: (not row.subnets, row.created_at, row.id))


def need_network(neutron: Neutron, docker_id: str) -> resources.Network:
    """The same. NotFound: there is none."""
    found = network(neutron, docker_id)
    if found is None:
        raise errors.NotFound(f"The Docker network {docker_id} has no network in the cloud.")
    return found


def ports_with(neutron: Neutron, network_id: str, ip: str) -> list[resources.Port]:
    """The ports of a network that have this address: one, or none."""
    return neutron.find("/ports", resources.Port, network_id=network_id, fixed_ips=f"ip_address={ip}")


def port_of(neutron: Neutron, endpoint_id: str) -> resources.Port | None:
    """The port of an endpoint."""
    found = neutron.find("/ports", resources.Port, device_id=endpoint_id, device_owner=marks.OWNER)
    return found[0] if found else None


def subnet(neutron: Neutron, id: str) -> resources.Subnet | None:
    """The subnet with this id."""
    try:
        return neutron.get(f"/subnets/{id}", "subnet", resources.Subnet)
    except errors.NotFound:
        return None


def pool(neutron: Neutron, id: str) -> resources.Pool | None:
    """The subnet pool with this id."""
    try:
        return neutron.get(f"/subnetpools/{id}", "subnetpool", resources.Pool)
    except errors.NotFound:
        return None
