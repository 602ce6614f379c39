"""The rows of the network service as frozen types; fields stand in the order of the columns in ``store.tables``.

A comment per column group says who writes it. ``generation`` counts wishes, ``observed`` is the generation that was
last made real; a row is settled when they are equal. What is deleted leaves its row at once and a ``Removal`` behind,
until its reconciler has cleaned the world.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated

import msgspec

Ip = IPv4Address | IPv6Address
Range = IPv4Network | IPv6Network
Written = Annotated[str, msgspec.Meta(max_length=64)]
"""An address or a range as clients write it."""


HOST_PLUG = "@host"
"""The ``sandbox`` of a port that ends in the network namespace of its host."""


MOST_SEGMENTS = 65535
"""Of networks: as many as conntrack has zones."""


class Kind(StrEnum):
    """The kinds of rows that reconcilers of this service make real."""

    NETWORK = "network"
    PORT = "port"
    GROUP = "security_group"
    ROUTER = "router"
    NAMES = "names"
    TUNNEL = "tunnel"


class Shared(StrEnum):
    """What is shared by RBAC policies."""

    NETWORK = "network"
    SUBNETPOOL = "subnetpool"
    GROUP = "security_group"


class Access(StrEnum):
    """As what it is shared."""

    SHARED = "access_as_shared"
    EXTERNAL = "access_as_external"


class Status(StrEnum):
    """The status of networks, ports, routers and floating IPs (Networking API v2.0)."""

    ACTIVE = "ACTIVE"
    DOWN = "DOWN"
    BUILD = "BUILD"
    ERROR = "ERROR"


class Owner(StrEnum):
    """``device_owner`` of the ports that this service makes for itself (neutron-lib, constants)."""

    DHCP = "network:dhcp"
    INTERFACE = "network:router_interface"
    GATEWAY = "network:router_gateway"
    FLOATING = "network:floatingip"


PROTOCOLS: dict[str, int] = {
    "icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33, "ipv6-encap": 41, "ipv6-route": 43,
    "ipv6-frag": 44, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58, "icmpv6": 58, "ipv6-nonxt": 59,
    "ipv6-opts": 60, "ospf": 89, "vrrp": 112, "pgm": 113, "sctp": 132, "udplite": 136,
}  # fmt: skip
"""Names of IP protocols and their numbers (neutron-lib, constants.IP_PROTOCOL_MAP)."""


def protocol_number(protocol: str | None) -> int | None:
    """The number of a protocol that is stored by name or number; None: any."""
    if protocol is None:
        return None
    return PROTOCOLS[protocol] if protocol in PROTOCOLS else int(protocol)


def protocol_spellings(protocol: str) -> list[str]:
    """Everything that a stored protocol may be called: its number and all its names."""
    number = protocol_number(protocol)
    return [str(number), *(name for name, known in PROTOCOLS.items() if known == number)]


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of allowed_address_pairs."""

    ip_address: str
    mac_address: str


class DhcpOption(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An entry of extra_dhcp_opts: a name as dnsmasq has it or a number, one line of value, and the IP version."""

    opt_name: str
    opt_value: str
    ip_version: int


class Pool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of allocation_pools; both ends belong to it."""

    start: Written
    end: Written


class HostRoute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of a subnet's host_routes or a router's routes."""

    destination: Written
    nexthop: Written


class Network(msgspec.Struct, frozen=True):
    """A layer 2 segment of a project."""

    id: str
    # operations, once
    project_id: str
    segment: int
    created_at: datetime
    # operations
    updated_at: datetime
    revision_number: int
    name: str
    description: str
    admin_state_up: bool
    shared: bool
    external: bool
    is_default: bool
    mtu: int
    port_security_enabled: bool
    dns_domain: str
    tags: tuple[str, ...]
    generation: int
    # reconciler
    observed: int
    status: str
    reason: str | None
    # operations, once
    zone_hints: tuple[str, ...] = ()


class Subnet(msgspec.Struct, frozen=True):
    """A range of addresses in a network. All written by operations."""

    id: str
    project_id: str
    network_id: str
    ip_version: int
    cidr: str
    created_at: datetime
    updated_at: datetime
    revision_number: int
    name: str
    description: str
    gateway_ip: str | None
    enable_dhcp: bool
    ipv6_ra_mode: str | None
    ipv6_address_mode: str | None
    allocation_pools: tuple[Pool, ...]
    dns_nameservers: tuple[str, ...]
    host_routes: tuple[HostRoute, ...]
    service_types: tuple[str, ...]
    tags: tuple[str, ...]
    cursor: str
    """The key of the address given out last (see ``store.addresses``)."""
    subnetpool_id: str | None = None
    """The pool that the range is from; it is the pool's again when the subnet is gone."""

    @property
    def is_slaac(self) -> bool:
        """Whether addresses follow from the MAC (EUI-64) and none can be chosen."""
        return self.ipv6_address_mode in {"slaac", "dhcpv6-stateless"}


class SubnetPool(msgspec.Struct, frozen=True):
    """Ranges that subnets are cut from, so that those of one pool never overlap. All written by operations."""

    id: str
    project_id: str
    ip_version: int
    created_at: datetime
    updated_at: datetime
    revision_number: int
    name: str
    description: str
    prefixes: tuple[str, ...]
    min_prefixlen: int
    max_prefixlen: int
    default_prefixlen: int
    default_quota: int | None
    shared: bool
    is_default: bool
    tags: tuple[str, ...]


class Port(msgspec.Struct, frozen=True, gc=False):
    """An attachment to a network, with MAC, addresses and security groups."""

    id: str
    # operations, once
    project_id: str
    network_id: str
    created_at: datetime
    # operations
    updated_at: datetime
    revision_number: int
    name: str
    description: str
    admin_state_up: bool
    mac_address: str
    device_id: str
    device_owner: str
    port_security_enabled: bool
    dns_name: str
    pairs: tuple[Pair, ...]
    vnic_type: str
    profile: dict[str, object]
    host: str
    sandbox: str
    """The network namespace it is to be wired into; empty: none."""
    interface: str
    preserved: bool
    """Whether it outlives its holder, because a user made it."""
    tags: tuple[str, ...]
    generation: int
    # reconciler
    observed: int
    status: str
    reason: str | None
    # operations
    dhcp_options: tuple[DhcpOption, ...] = ()


class Address(msgspec.Struct, frozen=True, gc=False):
    """An address that a port has, with what its subnet says of it. Written by operations."""

    port_id: str
    network_id: str
    subnet_id: str
    key: str
    ip: str


class Group(msgspec.Struct, frozen=True):
    """A security group."""

    id: str
    # operations, once
    project_id: str
    created_at: datetime
    is_default: bool
    # operations
    updated_at: datetime
    revision_number: int
    name: str
    description: str
    stateful: bool
    tags: tuple[str, ...]
    generation: int
    # reconciler
    observed: int
    reason: str | None


class Rule(msgspec.Struct, frozen=True):
    """A rule of a security group; never changed. ``protocol`` is a name or a number as the user gave it."""

    id: str
    project_id: str
    security_group_id: str
    direction: str
    ethertype: str
    protocol: str | None
    port_range_min: int | None
    port_range_max: int | None
    remote_ip_prefix: str | None
    remote_group_id: str | None
    description: str
    created_at: datetime
    updated_at: datetime
    revision_number: int
    written_prefix: str | None = None
    """``remote_ip_prefix`` as its user wrote it, host bits included."""


class Router(msgspec.Struct, frozen=True):
    """A router; its legs are rows of ``Leg``."""

    id: str
    # operations, once
    project_id: str
    created_at: datetime
    # operations
    updated_at: datetime
    revision_number: int
    name: str
    description: str
    admin_state_up: bool
    gateway_network_id: str | None
    enable_snat: bool
    routes: tuple[HostRoute, ...]
    tags: tuple[str, ...]
    generation: int
    # reconciler
    observed: int
    status: str
    reason: str | None
    host: str = ""
    """Where it is; written by who takes it over."""
    zone_hints: tuple[str, ...] = ()
    """Written by operations, once."""


class Leg(msgspec.Struct, frozen=True):
    """A port of a router. The ports' device_id and device_owner only show this, so that nobody can forge a leg."""

    port_id: str
    router_id: str
    is_gateway: bool


class FloatingIP(msgspec.Struct, frozen=True):
    """An address of an external network that stands for a fixed one."""

    id: str
    # operations, once
    project_id: str
    floating_network_id: str
    floating_port_id: str
    floating_ip_address: str
    created_at: datetime
    # operations
    updated_at: datetime
    revision_number: int
    description: str
    router_id: str | None
    port_id: str | None
    fixed_ip_address: str | None
    dns_name: str
    dns_domain: str
    tags: tuple[str, ...]
    # the router's reconciler
    status: str


class Forwarding(msgspec.Struct, frozen=True):
    """Ports of a floating IP that lead to ports of an address inside. All written by operations; it is real with its router.

    As many ports inside as outside, one to one, or all to one inside.
    """

    id: str
    floatingip_id: str
    created_at: datetime
    internal_port_id: str
    internal_ip_address: str
    protocol: str
    internal_port: int
    internal_last: int
    external_port: int
    external_last: int
    description: str


class Names(msgspec.Struct, frozen=True):
    """The name service of a network, on a port of its own."""

    id: str
    """The network's id."""
    # operations
    port_id: str
    generation: int
    # reconciler
    observed: int
    reason: str | None
    host: str = ""
    """Where it is; written by who takes it over."""


class Station(msgspec.Struct, frozen=True, gc=False):
    """What DHCP is to know of a wired port."""

    mac_address: str
    dns_name: str
    addresses: tuple[str, ...]
    dhcp_options: tuple[DhcpOption, ...]


class Rbac(msgspec.Struct, frozen=True):
    """A project (``*``: every one) may use something of another one. All written by operations."""

    id: str
    project_id: str
    created_at: datetime
    object_type: str
    object_id: str
    action: str
    target: str


class Removal(msgspec.Struct, frozen=True):
    """What is left of a deleted row until the world is clean. Written by operations, removed by reconcilers.

    A port that is unbound leaves one as well. ``network_id`` is a network that cannot go before this has; ``place`` is
    where it is: the router that undoes a leg, the sandbox that a port was wired into.
    """

    kind: str
    id: str
    network_id: str
    place: str
    host: str = ""
    """The host that has it in its world; empty: any."""


class NetworkView(msgspec.Struct, frozen=True):
    """A network with the ids of its subnets."""

    network: Network
    subnets: tuple[str, ...]


class PortView(msgspec.Struct, frozen=True, gc=False):
    """A port with its addresses and the ids of its groups."""

    port: Port
    addresses: tuple[Address, ...]
    groups: tuple[str, ...]


class GroupView(msgspec.Struct, frozen=True):
    """A security group with its rules. ``shared``: with the project that asks."""

    group: Group
    rules: tuple[Rule, ...]
    shared: bool = False


class RouterView(msgspec.Struct, frozen=True):
    """A router with the addresses of its gateway port."""

    router: Router
    gateway: tuple[Address, ...]


class FloatingView(msgspec.Struct, frozen=True):
    """A floating IP with the port it leads to, or what it forwards."""

    floating: FloatingIP
    port: Port | None
    forwardings: tuple[Forwarding, ...] = ()
