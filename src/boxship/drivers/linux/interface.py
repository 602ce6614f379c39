"""What Boxship needs from the kernel's network of this host: tenant networks, ports, filters, routers, names.

The verbs are levels, not events: ``ensure_x(spec)`` makes the world like the spec, whatever it was before, and costs
little when it is right already; ``remove_x(id)`` of what is gone succeeds. Specs refer to each other by id only.
All objects live in network namespaces of this installation but the links to the host (an uplink per external network, and
the ends of cables that an engine is to take); each carries
the installation's mark and its full id. ``kernel.py`` and ``fake.py`` obey, ``tests/conformance/test_fabric.py`` checks.
The fabric never sees the database and never decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path
from typing import Protocol

Address = IPv4Address | IPv6Address
Interface = IPv4Interface | IPv6Interface
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A layer 2 segment. ``segment`` (1..65535, unique on the host) is also its conntrack zone."""

    id: str
    segment: int
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class UplinkSpec:
    """Joins an external network to the host: ``addresses`` are the host's own on it (the subnets' gateways).

    Traffic from these subnets to elsewhere is masqueraded by the host; the host reaches floating IPs directly.
    """

    network_id: str
    addresses: tuple[Interface, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A static route in a sandbox or a router."""

    destination: Network
    via: Address


@dataclass(frozen=True, slots=True)
class AddressPair:
    """Another address (or a range) that a port may send from."""

    mac: str
    network: Network


@dataclass(frozen=True, slots=True)
class PortSpec:
    """One end of a cable in a sandbox.

    ``sandbox`` names a network namespace (made where it is missing), ``interface`` the device in it (``eth0``). An empty
    ``sandbox`` is the host's own namespace: the device (``bxp`` and twelve hexadecimal digits) is made there with its MAC,
    down and without addresses and routes, for somebody else (an engine) to take it into a namespace and back.
    Each address carries its subnet's prefix length. ``guarded`` is Neutron's port_security_enabled: no other MAC or address
    can be sent from, ``groups`` (security group ids) say what may pass, and what no group allows does not.
    """

    id: str
    network_id: str
    mac: str
    addresses: tuple[Interface, ...]
    sandbox: str
    interface: str
    routes: tuple[Route, ...] = ()
    mtu: int = 1500
    guarded: bool = True
    groups: tuple[str, ...] = ()
    pairs: tuple[AddressPair, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A security group rule: what may pass (Neutron API reference, security-group-rules).

    ``direction`` ``ingress`` (to the port) or ``egress``. ``family`` 4 or 6. ``protocol`` an IP protocol number or None for
    any; for ICMP the ports are type and code. ``remote`` is a range, ``remote_group`` the id of a group whose members are
    the other side; both None: anyone.
    """

    direction: str
    family: int
    protocol: int | None = None
    port_min: int | None = None
    port_max: int | None = None
    remote: Network | None = None
    remote_group: str | None = None


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """A security group with the addresses of its members (for rules that name it as remote group). ``stateful``: answers
    to what a rule lets through pass without a rule; else every packet needs one. The groups of a port are all of one kind."""

    id: str
    rules: tuple[RuleSpec, ...]
    members: tuple[Address, ...] = ()
    stateful: bool = True


@dataclass(frozen=True, slots=True)
class RouterPort:
    """A leg of a router in a network; the addresses are the router's own there."""

    port_id: str
    network_id: str
    mac: str
    addresses: tuple[Interface, ...]


@dataclass(frozen=True, slots=True)
class FloatingSpec:
    """``floating`` (on the external network) stands for ``fixed`` (behind the router), one to one, both ways."""

    id: str
    floating: IPv4Address
    fixed: IPv4Address


@dataclass(frozen=True, slots=True)
class ForwardingSpec:
    """Ports ``external`` (first and last) of ``floating`` lead to ports ``internal`` of ``fixed``: as many, one to one, or
    all to one. ``protocol`` is ``tcp``, ``udp``, ``sctp`` or ``dccp``. Nothing leaves under ``floating`` but answers."""

    floating: IPv4Address
    protocol: str
    external: tuple[int, int]
    fixed: IPv4Address
    internal: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Advert:
    """What a router advertises on the leg ``port_id`` (RFC 4861): how stations of a prefix get their addresses.

    ``mode`` is Neutron's ``ipv6_ra_mode``: ``slaac`` (they make them), ``dhcpv6-stateless`` (and ask for the rest),
    ``dhcpv6-stateful`` (they ask for all).
    """

    port_id: str
    prefix: IPv6Network
    mode: str
    mtu: int = 1500
    nameservers: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class RouterSpec:
    """A router. ``gateway`` is its leg in an external network with ``next_hops`` as default routes there;
    ``snat``: inside addresses leave under the gateway's own."""

    id: str
    legs: tuple[RouterPort, ...]
    gateway: RouterPort | None = None
    next_hops: tuple[Address, ...] = ()
    snat: bool = True
    floating: tuple[FloatingSpec, ...] = ()
    routes: tuple[Route, ...] = ()
    forwardings: tuple[ForwardingSpec, ...] = ()
    adverts: tuple[Advert, ...] = ()


@dataclass(frozen=True, slots=True)
class DhcpOption:
    """An option that a single station is told: a name as dnsmasq(8) has it or a number, its value, the IP version."""

    name: str
    value: str
    version: int


@dataclass(frozen=True, slots=True)
class Station:
    """A DHCP client: by its MAC it gets exactly these addresses, and a host name (empty: none)."""

    mac: str
    name: str
    addresses: tuple[Address, ...]
    options: tuple[DhcpOption, ...] = ()


@dataclass(frozen=True, slots=True)
class DhcpRange:
    """A subnet whose stations are told of gateway and routes. ``gives`` is False where they make their addresses themselves
    (IPv6) and only ask for the rest."""

    subnet: Network
    gateway: Address | None = None
    routes: tuple[Route, ...] = ()
    gives: bool = True


@dataclass(frozen=True, slots=True)
class NamesSpec:
    """The name service of a network: dnsmasq on a port of its own (``port_id``, ``mac``, ``addresses``).

    It is the DHCP server of the ``ranges`` as well, in each of which it has an address: for the ``stations``, nobody else.

    ``records`` maps host names (without domain) to addresses; ``domain`` is appended as well (``web`` and ``web.example.org``),
    as are the ``aliases``, other domains.
    Other names are asked of ``forwarders`` through ``gateways``; without forwarders the answer is NXDOMAIN.
    """

    network_id: str
    port_id: str
    mac: str
    addresses: tuple[Interface, ...]
    domain: str
    records: tuple[tuple[str, Address], ...]
    forwarders: tuple[Address, ...] = ()
    gateways: tuple[Address, ...] = ()
    aliases: tuple[str, ...] = ()
    ranges: tuple[DhcpRange, ...] = ()
    stations: tuple[Station, ...] = ()
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A station (``mac``) of a network that is on another host; ``host`` is that host's tunnel address."""

    mac: str
    host: Address


@dataclass(frozen=True, slots=True)
class TunnelSpec:
    """What joins a network to its other hosts: VXLAN (RFC 7348) over UDP, with everything known and nothing learned.

    ``vni`` (1..16777215) is the network's on all hosts, ``local`` this host's tunnel address. ``peers`` are those of all
    other hosts that have the network: they get broadcasts and multicasts, and only from them packets are taken.
    ``neighbours`` are all stations on other hosts; to a MAC that is not among them nothing is sent. An MTU that fits into
    packets of the underlay is for the network's spec to have (50 bytes less over IPv4, 70 over IPv6).
    """

    network_id: str
    vni: int
    local: Address
    peers: tuple[Address, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    port: int = 4789


@dataclass(frozen=True, slots=True)
class FabricSight:
    """The ids of all that carries this installation's mark; sandboxes by name, names and tunnels by their network."""

    networks: frozenset[str]
    ports: frozenset[str]
    groups: frozenset[str]
    routers: frozenset[str]
    names: frozenset[str]
    sandboxes: frozenset[str]
    uplinks: frozenset[str]
    tunnels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MetadataQuestion:
    """A request to the metadata address: it came in by a ``router`` or a name service (``names``) with this id, from an address
    there that nobody else can send from."""

    kind: str
    id: str
    client: Address
    path: str


@dataclass(frozen=True, slots=True)
class MetadataPage:
    """The answer."""

    status: int
    body: bytes
    media: str = "text/plain; charset=utf-8"

    @property
    def reason(self) -> str:
        """The words beside the status."""
        return HTTPStatus(self.status).phrase


MetadataHandler = Callable[[MetadataQuestion], Awaitable[MetadataPage]]


class Fabric(Protocol):
    """The network of this host. Errors, for every verb: ``Busy`` (kernel or tool may do it later), ``Refused`` (never,
    with the reason), ``Absent`` where a spec names a network, group or sandbox that is not there (yet)."""

    async def open(self) -> None:
        """Make the namespaces and base rules that all else stands on; repeatable after a crash or a reboot."""
        ...

    async def close(self) -> None:
        """Let go of sockets. Everything in the kernel, and dnsmasq, runs on."""
        ...

    async def destroy(self) -> None:
        """Remove everything that carries the mark: namespaces, links, rules, dnsmasq processes, files. Repeatable."""
        ...

    async def ensure_network(self, spec: NetworkSpec) -> None: ...

    async def remove_network(self, id: str) -> None: ...

    async def ensure_uplink(self, spec: UplinkSpec) -> None:
        """Join the external network (which exists) to the host, with NAT and forwarding for it."""
        ...

    async def remove_uplink(self, network_id: str) -> None: ...

    def sandbox_path(self, name: str) -> Path:
        """Where the namespace of a sandbox is found by an engine: absolute, the same before and after it exists."""
        ...

    async def ensure_sandbox(self, name: str) -> None:
        """A network namespace with loopback up; unprivileged processes in it may bind any port and send pings."""
        ...

    async def remove_sandbox(self, name: str) -> None:
        """Remove the namespace; links that end in it go with it."""
        ...

    async def ensure_port(self, spec: PortSpec) -> None:
        """Cable, addresses, routes, guard and filter, in an order that never leaves the port open: filters first.

        Absent: the network or one of the groups is not in the kernel.
        """
        ...

    async def remove_port(self, id: str) -> None: ...

    async def ensure_group(self, spec: GroupSpec) -> None:
        """Rules and members, in one atomic change. Flows under way that no rule of their port allows any more are cut."""
        ...

    async def remove_group(self, id: str) -> None:
        """Busy while a port of this host is still filtered by it."""
        ...

    async def ensure_router(self, spec: RouterSpec) -> None: ...

    async def remove_router(self, id: str) -> None: ...

    async def ensure_names(self, spec: NamesSpec) -> None:
        """The name service as specified; changing records does not interrupt it."""
        ...

    async def remove_names(self, network_id: str) -> None: ...

    async def answer_metadata(self, handler: MetadataHandler) -> None:
        """Serve http://169.254.169.254/ by all routers and name services that are made real from now on."""
        ...

    async def ensure_tunnel(self, spec: TunnelSpec) -> None:
        """Join the network (Absent: it is not in the kernel) to its other hosts; costs what has changed.

        Refused: ``local`` is no address of this host, the VNI is another network's, or something is no MAC, peer or port.
        """
        ...

    async def remove_tunnel(self, network_id: str) -> None: ...

    async def sight(self) -> FabricSight:
        """What is there, for finding orphans and for the audit: one look, not one per object."""
        ...
