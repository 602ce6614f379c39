"""Networks and subnets on the wire (Networking API v2.0, "Networks" and "Subnets")."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from boxship.core import clock
from boxship.services.network import model
from boxship.services.network.schemas.fields import Create, Digits, Id, Ip, Prefix, Request, Text, Zones, whole

MTU = (68, 65535)
"""The smallest that IPv4 allows, and the largest that a frame can have."""
Mtu = Annotated[int, Meta(ge=68, le=65535)] | Digits
SEGMENTS = (1, model.MOST_SEGMENTS)
Segment = Annotated[int, Meta(ge=1, le=model.MOST_SEGMENTS)] | Digits
Pools = Annotated[tuple[model.Pool, ...], Meta(max_length=64)]
Nameservers = Annotated[tuple[Ip, ...], Meta(max_length=16)]
HostRoutes = Annotated[tuple[model.HostRoute, ...], Meta(max_length=64)]
ServiceTypes = Annotated[tuple[Text, ...], Meta(max_length=16)]
Length = Annotated[int, Meta(ge=0, le=128)] | Digits
Ipv6Mode = Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"]


class NetworkCreate(Create, frozen=True, kw_only=True):
    """A network to be made."""

    name: Text = ""
    admin_state_up: bool = True
    shared: bool = False
    external: bool = field(name="router:external", default=False)
    is_default: bool = False
    mtu: Mtu | None = None
    port_security_enabled: bool = True
    dns_domain: Text = ""
    availability_zone_hints: Zones = ()
    network_type: Literal["vxlan", "local"] | None = field(name="provider:network_type", default=None)
    physical_network: None = field(name="provider:physical_network", default=None)
    segmentation_id: Segment | None = field(name="provider:segmentation_id", default=None)

    @property
    def frame(self) -> int | None:
        """The MTU as a number. InvalidInput: out of bounds."""
        return whole(self.mtu, "mtu", *MTU)

    @property
    def segment(self) -> int | None:
        """The segment that is asked for. InvalidInput: out of bounds."""
        return whole(self.segmentation_id, "provider:segmentation_id", *SEGMENTS)


class NetworkUpdate(Request, frozen=True, kw_only=True):
    """What may change of a network."""

    name: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    admin_state_up: bool | UnsetType = UNSET
    shared: bool | UnsetType = UNSET
    external: bool | UnsetType = field(name="router:external", default=UNSET)
    is_default: bool | UnsetType = UNSET
    mtu: Mtu | UnsetType = UNSET
    port_security_enabled: bool | UnsetType = UNSET
    dns_domain: Text | UnsetType = UNSET

    @property
    def frame(self) -> int | None:
        """The MTU as a number, if it is to change. InvalidInput: out of bounds."""
        return None if isinstance(self.mtu, UnsetType) else whole(self.mtu, "mtu", *MTU)


class NetworkCreateBody(Request, frozen=True, kw_only=True):
    """One network or several."""

    network: NetworkCreate | UnsetType = UNSET
    networks: Annotated[tuple[NetworkCreate, ...], Meta(min_length=1, max_length=1000)] | UnsetType = UNSET


class NetworkUpdateBody(Request, frozen=True, kw_only=True):
    network: NetworkUpdate


class Network(msgspec.Struct, frozen=True):
    """A network as clients read it."""

    id: str
    name: str
    tenant_id: str
    project_id: str
    description: str
    admin_state_up: bool
    status: str
    subnets: tuple[str, ...]
    shared: bool
    external: bool = field(name="router:external")
    is_default: bool
    mtu: int
    port_security_enabled: bool
    dns_domain: str
    tags: tuple[str, ...]
    created_at: str | None
    updated_at: str | None
    revision_number: int
    availability_zone_hints: tuple[str, ...] = ()
    availability_zones: tuple[str, ...] = ()
    ipv4_address_scope: str | None = None
    ipv6_address_scope: str | None = None
    network_type: str | UnsetType = field(name="provider:network_type", default=UNSET)
    physical_network: str | UnsetType | None = field(name="provider:physical_network", default=UNSET)
    segmentation_id: int | UnsetType | None = field(name="provider:segmentation_id", default=UNSET)


def network_type(*, external: bool) -> str:
    """An external network is each host's own; the others are joined by VXLAN where there are more hosts."""
    return "local" if external else "vxlan"


def network(view: model.NetworkView, zones: tuple[str, ...] = (), *, provider: bool = False) -> Network:
    """The answer for a network that is in these availability zones; ``provider``: with what only operators see."""
    row = view.network
    shown = _network(view, zones)
    if not provider:
        return shown
    return msgspec.structs.replace(
        shown,
        network_type=network_type(external=row.external),
        physical_network=None,
        segmentation_id=None if row.external else row.segment,
    )


def _network(view: model.NetworkView, zones: tuple[str, ...]) -> Network:
    row = view.network
    return Network(
        row.id,
        row.name,
        row.project_id,
        row.project_id,
        row.description,
        row.admin_state_up,
        row.status,
        view.subnets,
        row.shared,
        row.external,
        row.is_default,
        row.mtu,
        row.port_security_enabled,
        row.dns_domain,
        row.tags,
        clock.stamp(row.created_at),
        clock.stamp(row.updated_at),
        row.revision_number,
        row.zone_hints,
        zones,
    )


class SubnetCreate(Create, frozen=True, kw_only=True):
    """A subnet to be made. ``gateway_ip`` not given: the first address; null: none. Without ``cidr`` its range is cut from
    a pool, of the length ``prefixlen`` or else of the pool's usual one."""

    network_id: Id
    ip_version: Literal[4, 6] | Literal["4", "6"]
    cidr: Prefix | None = None
    prefixlen: Length | None = None
    use_default_subnetpool: bool = False
    name: Text = ""
    gateway_ip: Ip | None | UnsetType = UNSET
    allocation_pools: Pools | UnsetType = UNSET
    enable_dhcp: bool = True
    dns_nameservers: Nameservers = ()
    host_routes: HostRoutes = ()
    ipv6_ra_mode: Ipv6Mode | None = None
    ipv6_address_mode: Ipv6Mode | None = None
    service_types: ServiceTypes = ()
    subnetpool_id: Id | None = None
    segment_id: None = None

    @property
    def version(self) -> int:
        """The IP version as a number."""
        return int(self.ip_version)

    @property
    def length(self) -> int | None:
        """The prefix length that is asked for. InvalidInput: longer than an address."""
        return whole(self.prefixlen, "prefixlen", 0, 32 if self.version == 4 else 128)


class SubnetUpdate(Request, frozen=True, kw_only=True):
    """What may change of a subnet."""

    name: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    gateway_ip: Ip | None | UnsetType = UNSET
    allocation_pools: Pools | UnsetType = UNSET
    enable_dhcp: bool | UnsetType = UNSET
    dns_nameservers: Nameservers | UnsetType = UNSET
    host_routes: HostRoutes | UnsetType = UNSET
    service_types: ServiceTypes | UnsetType = UNSET


class SubnetCreateBody(Request, frozen=True, kw_only=True):
    """One subnet or several."""

    subnet: SubnetCreate | UnsetType = UNSET
    subnets: Annotated[tuple[SubnetCreate, ...], Meta(min_length=1, max_length=1000)] | UnsetType = UNSET


class SubnetUpdateBody(Request, frozen=True, kw_only=True):
    subnet: SubnetUpdate


class Subnet(msgspec.Struct, frozen=True):
    """A subnet as clients read it."""

    id: str
    name: str
    tenant_id: str
    project_id: str
    network_id: str
    ip_version: int
    cidr: str
    gateway_ip: str | None
    allocation_pools: tuple[model.Pool, ...]
    enable_dhcp: bool
    dns_nameservers: tuple[str, ...]
    host_routes: tuple[model.HostRoute, ...]
    ipv6_ra_mode: str | None
    ipv6_address_mode: str | None
    service_types: tuple[str, ...]
    description: str
    tags: tuple[str, ...]
    created_at: str | None
    updated_at: str | None
    revision_number: int
    subnetpool_id: str | None = None


def subnet(row: model.Subnet) -> Subnet:
    """The answer for a subnet."""
    return Subnet(
        row.id,
        row.name,
        row.project_id,
        row.project_id,
        row.network_id,
        row.ip_version,
        row.cidr,
        row.gateway_ip,
        row.allocation_pools,
        row.enable_dhcp,
        row.dns_nameservers,
        row.host_routes,
        row.ipv6_ra_mode,
        row.ipv6_address_mode,
        row.service_types,
        row.description,
        row.tags,
        clock.stamp(row.created_at),
        clock.stamp(row.updated_at),
        row.revision_number,
        row.subnetpool_id,
    )
