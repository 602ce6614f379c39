"""What is read of Neutron's resources (Networking API v2.0); fields that we do not need are skipped."""

from __future__ import annotations

import msgspec
from msgspec import field


class Network(msgspec.Struct, frozen=True):
    """A network. ``created_at`` is empty where the API does not say."""

    id: str
    name: str = ""
    shared: bool = False
    mtu: int | None = None
    tags: tuple[str, ...] = ()
    created_at: str = ""
    project_id: str = ""
    subnets: tuple[str, ...] = ()


class HostRoute(msgspec.Struct, frozen=True):
    """A route that hosts on a subnet have."""

    destination: str
    nexthop: str


class Subnet(msgspec.Struct, frozen=True):
    """A subnet; ``gateway_ip`` None: it has no gateway."""

    id: str
    network_id: str
    ip_version: int
    cidr: str
    name: str = ""
    gateway_ip: str | None = None
    subnetpool_id: str | None = None
    host_routes: tuple[HostRoute, ...] = ()


class Pool(msgspec.Struct, frozen=True):
    """A subnet pool."""

    id: str
    name: str
    ip_version: int
    prefixes: tuple[str, ...]
    description: str = ""
    shared: bool = False
    default_prefixlen: int | str = 0
    created_at: str = ""


class FixedIp(msgspec.Struct, frozen=True):
    """An address of a port."""

    subnet_id: str
    ip_address: str


class Port(msgspec.Struct, frozen=True):
    """A port. Bindings are shown to admins, and to services by a Boxship."""

    id: str
    network_id: str
    mac_address: str
    status: str
    name: str = ""
    device_id: str = ""
    device_owner: str = ""
    admin_state_up: bool = True
    fixed_ips: tuple[FixedIp, ...] = ()
    security_groups: tuple[str, ...] = ()
    port_security_enabled: bool = True
    tags: tuple[str, ...] = ()
    host: str = field(name="binding:host_id", default="")
    vif_type: str = field(name="binding:vif_type", default="")
    vif_details: dict[str, object] = field(name="binding:vif_details", default_factory=dict)

    @property
    def is_bound(self) -> bool:
        """Whether it belongs to a device already."""
        return bool(self.device_id or self.device_owner or self.host)


class Group(msgspec.Struct, frozen=True):
    """A security group."""

    id: str
    name: str = ""
    description: str = ""


class Extension(msgspec.Struct, frozen=True):
    """An extension of the API."""

    alias: str
