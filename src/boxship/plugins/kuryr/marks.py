"""How what Kuryr makes in Neutron is named, and how what it found there is marked; pure.

What we make is known by its name, which is there from its first moment: no step lies between making and marking. Tags are
put on networks as upstream does, so that either program finds the other's, and on ports of users, which keep their names.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

OWNER = "compute:kuryr"
"""``device_owner`` of ports with an endpoint."""
UNBOUND = "kuryr-unbound-port"
"""The name of a port that holds an address for an endpoint to come."""
RESERVED = "kuryr-reserved-port"
"""The name of a port that keeps an auxiliary address from being given out."""
EXISTING_PORT = "kuryr.port.existing"
_NET, _SUBNET, _POOL = "kuryr-net-", "kuryr-subnet-", "kuryrPool-"
_PORT, _LONE, _GROUP = "kuryr-port-", "kuryr-endpoint-", "kuryr-expose-"
_LOW, _HIGH, _EXISTING_NET = "kuryr.net.uuid.lh:", "kuryr.net.uuid.uh:", "kuryr.net.existing:"
_STANDS_FOR = "A network of Docker: "
_MAC, _ADDED = "kuryr.mac:", "kuryr.added:"
_POOL_NOTE = re.compile(r"Docker range of host=(\S*)(?: range=(\S+))?(?: subnet=(\S+))?")


def network(docker_id: str) -> str:
    """The name of the network that is made for a Docker network."""
    return f"{_NET}{docker_id}"


def network_tags(docker_id: str) -> list[str]:
    """The tags by which a Docker network is found; in two halves, because a tag has at most 60 characters."""
    return [f"{_LOW}{docker_id[:32]}", *([f"{_HIGH}{docker_id[32:64]}"] if len(docker_id) > 32 else [])]


def existing_network_tag(docker_id: str) -> str:
    """The tag of a network that was there before the Docker network."""
    return f"{_EXISTING_NET}{docker_id[:12]}"


def stand_in_note(network_id: str) -> str:
    """The description of the security group, named like the network that would be made, which stands for a network that may
    not be tagged."""
    return f"{_STANDS_FOR}{network_id}"


def stood_for(description: str) -> str | None:
    """The id of the network that a security group stands for; None: it stands for none."""
    return description.removeprefix(_STANDS_FOR) if description.startswith(_STANDS_FOR) else None


def is_shared_with_others(tags: tuple[str, ...], docker_id: str) -> bool:
    """Whether the tags say that another Docker network stands for this one too."""
    own = set(network_tags(docker_id))
    return any(tag.startswith(_LOW) and tag not in own for tag in tags)


def is_existing_network(tags: tuple[str, ...]) -> bool:
    """Whether the network was there before any Docker network."""
    return any(tag.startswith(_EXISTING_NET) for tag in tags)


def subnet(cidr: Network) -> str:
    """The name of a subnet that we make."""
    return f"{_SUBNET}{cidr}"


def is_our_subnet(name: str) -> bool:
    return name.startswith(_SUBNET)


def pool(cidr: Network) -> str:
    """The name of a subnet pool that we make."""
    return f"{_POOL}{cidr}"


def pool_note(host: str, part: Network | None, subnet_id: str | None = None) -> str:
    """The description of a subnet pool that we make: whose, which part of it is for containers, and the subnet of others
    that it stands for."""
    ends = f" range={part}" if part else ""
    return f"Docker range of host={host.replace(' ', '_')}{ends}{f' subnet={subnet_id}' if subnet_id else ''}"


def pool_host(description: str) -> str | None:
    """The host in the description of a pool of ours; None: it is not ours."""
    match = _POOL_NOTE.fullmatch(description)
    return match[1] if match else None


def pool_part(description: str) -> Network | None:
    """The part of the range that is for containers; None: all of it."""
    match = _POOL_NOTE.fullmatch(description)
    return ip_network(match[2]) if match and match[2] else None


def pool_subnet(description: str) -> str | None:
    """The subnet of others that a pool of ours stands for."""
    match = _POOL_NOTE.fullmatch(description)
    return match[3] if match else None


def is_our_pool(name: str, description: str) -> bool:
    return name.startswith(_POOL) and pool_host(description) is not None


def port(endpoint_id: str) -> str:
    """The name of a port with an endpoint, whose address came from our IPAM."""
    return f"{_PORT}{endpoint_id}"


def lone_port(endpoint_id: str) -> str:
    """The name of a port with an endpoint whose address came from another IPAM: it goes with the endpoint."""
    return f"{_LONE}{endpoint_id}"


def is_lone_port(name: str) -> bool:
    return name.startswith(_LONE)


def is_our_port(name: str, tags: tuple[str, ...]) -> bool:
    """Whether we made the port, so that it is ours to delete."""
    ours = name in {UNBOUND, RESERVED} or name.startswith((_PORT, _LONE))
    return ours and EXISTING_PORT not in tags


def group(endpoint_id: str) -> str:
    """The name of the security group with the exposed ports of an endpoint."""
    return f"{_GROUP}{endpoint_id}"


def mac_tag(mac: str) -> str:
    """The tag that keeps the MAC that a user's port had."""
    return f"{_MAC}{mac}"


def added_tag(ip: str) -> str:
    """The tag that says that a user's port did not have this address."""
    return f"{_ADDED}{ip}"


def kept_mac(tags: tuple[str, ...]) -> str | None:
    """The MAC that a user's port had; None: it has it still."""
    return next((tag.removeprefix(_MAC) for tag in tags if tag.startswith(_MAC)), None)


def added(tags: tuple[str, ...]) -> frozenset[str]:
    """The addresses that a user's port did not have."""
    return frozenset(tag.removeprefix(_ADDED) for tag in tags if tag.startswith(_ADDED))


def without_port_marks(tags: tuple[str, ...]) -> list[str]:
    """The tags that a user's port had before it was used."""
    return [tag for tag in tags if tag != EXISTING_PORT and not tag.startswith((_MAC, _ADDED))]
