"""Ports on the wire (Networking API v2.0, "Ports"); shaped for speed, as lists of thousands are read.

The answers are kept from the garbage collector (``gc=False``): they hold no cycles, and it would walk them all.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from boxship.services.network import model
from boxship.services.network.schemas.fields import Create, Id, Ids, Ip, Mac, Request, Text

DOMAIN = "openstacklocal."
"""The domain of names within a network: Neutron's default (``dns_domain``), with the dot that it answers with."""


class FixedIpWish(Request, frozen=True, kw_only=True):
    """An address asked for: any of a subnet, a certain one, or both."""

    subnet_id: Id | None = None
    ip_address: Ip | None = None


class PairWish(Request, frozen=True, kw_only=True):
    """An allowed address pair; without a MAC the port's own is meant."""

    ip_address: Ip
    mac_address: Mac | None = None


class DhcpOptionWish(Request, frozen=True, kw_only=True):
    """A DHCP option asked for; without a value it is none, or no more."""

    opt_name: Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*\Z")]
    opt_value: Annotated[str, Meta(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*\Z")] | None
    ip_version: Literal[4, 6] | Literal["4", "6"] = 4


FixedIps = Annotated[tuple[FixedIpWish, ...], Meta(max_length=64)]
DhcpOptions = Annotated[tuple[DhcpOptionWish, ...], Meta(max_length=64)]
Pairs = Annotated[tuple[PairWish, ...], Meta(max_length=64)]
Profile = Annotated[dict[str, Any], Meta(max_length=64)]
VnicType = Annotated[str, Meta(max_length=32)]


class PortCreate(Create, frozen=True, kw_only=True):
    """A port to be made."""

    network_id: Id
    name: Text = ""
    admin_state_up: bool = True
    mac_address: Mac | None | UnsetType = UNSET
    fixed_ips: FixedIps | UnsetType = UNSET
    security_groups: Ids | None | UnsetType = UNSET
    device_id: Text = ""
    device_owner: Text = ""
    allowed_address_pairs: Pairs | None = ()
    port_security_enabled: bool | UnsetType = UNSET
    dns_name: Text = ""
    host: Text | None | UnsetType = field(name="binding:host_id", default=UNSET)
    profile: Profile | None | UnsetType = field(name="binding:profile", default=UNSET)
    vnic_type: VnicType = field(name="binding:vnic_type", default="normal")
    extra_dhcp_opts: DhcpOptions | None = ()


class PortUpdate(Request, frozen=True, kw_only=True):
    """What may change of a port."""

    name: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    admin_state_up: bool | UnsetType = UNSET
    mac_address: Mac | None | UnsetType = UNSET
    fixed_ips: FixedIps | UnsetType = UNSET
    security_groups: Ids | None | UnsetType = UNSET
    device_id: Text | UnsetType = UNSET
    device_owner: Text | UnsetType = UNSET
    allowed_address_pairs: Pairs | None | UnsetType = UNSET
    port_security_enabled: bool | UnsetType = UNSET
    dns_name: Text | UnsetType = UNSET
    host: Text | None | UnsetType = field(name="binding:host_id", default=UNSET)
    profile: Profile | None | UnsetType = field(name="binding:profile", default=UNSET)
    vnic_type: VnicType | UnsetType = field(name="binding:vnic_type", default=UNSET)
    extra_dhcp_opts: DhcpOptions | None | UnsetType = UNSET


class PortCreateBody(Request, frozen=True, kw_only=True):
    """One port or several."""

    port: PortCreate | UnsetType = UNSET
    ports: Annotated[tuple[PortCreate, ...], Meta(min_length=1, max_length=1000)] | UnsetType = UNSET


class PortUpdateBody(Request, frozen=True, kw_only=True):
    port: PortUpdate


class FixedIp(msgspec.Struct, frozen=True, gc=False):
    """An address of a port."""

    subnet_id: str
    ip_address: str


class Assignment(msgspec.Struct, frozen=True, gc=False):
    """The name that an address of a port has."""

    ip_address: str
    hostname: str
    fqdn: str


class Port(msgspec.Struct, frozen=True, gc=False):
    """A port as clients read it; what only an admin sees is left out for others."""

    id: str
    name: str
    network_id: str
    tenant_id: str
    project_id: str
    mac_address: str
    admin_state_up: bool
    status: str
    device_id: str
    device_owner: str
    fixed_ips: list[FixedIp]
    allowed_address_pairs: tuple[model.Pair, ...]
    security_groups: tuple[str, ...]
    description: str
    port_security_enabled: bool
    dns_name: str
    dns_assignment: list[Assignment]
    tags: tuple[str, ...]
    created_at: str
    updated_at: str
    revision_number: int
    extra_dhcp_opts: tuple[model.DhcpOption, ...]
    vnic_type: str = field(name="binding:vnic_type")
    host: str | UnsetType = field(name="binding:host_id", default=UNSET)
    profile: dict[str, object] | UnsetType = field(name="binding:profile", default=UNSET)
    vif_type: str | UnsetType = field(name="binding:vif_type", default=UNSET)
    vif_details: dict[str, object] | UnsetType = field(name="binding:vif_details", default=UNSET)


def port(view: model.PortView, *, admin: bool = False) -> Port:
    """The answer for a port."""
    row = view.port
    created = f"{row.created_at.isoformat()[:19]}Z"
    same = row.updated_at == row.created_at
    return Port(
        row.id,
        row.name,
        row.network_id,
        row.project_id,
        row.project_id,
        row.mac_address,
        row.admin_state_up,
        row.status,
        row.device_id,
        row.device_owner,
        [FixedIp(address.subnet_id, address.ip) for address in view.addresses],
        row.pairs,
        view.groups,
        row.description,
        row.port_security_enabled,
        row.dns_name,
        [_assignment(row.dns_name, address.ip) for address in view.addresses],
        row.tags,
        created,
        created if same else f"{row.updated_at.isoformat()[:19]}Z",
        row.revision_number,
        row.dhcp_options,
        row.vnic_type,
        *(_binding(row) if admin else ()),
    )


def _binding(row: model.Port) -> tuple[str, dict[str, object], str, dict[str, object]]:
    """Neutron's vif_type: ``unbound`` until a host is named, then how the host does it."""
    if not row.host:
        return "", row.profile, "unbound", {}
    details: dict[str, object] = {"port_filter": row.port_security_enabled, "connectivity": "l2"}
    if row.sandbox == model.HOST_PLUG:
        return row.host, row.profile, "boxship", {**details, "interface": row.interface}
    return row.host, row.profile, "bridge", details


def _assignment(name: str, ip: str) -> Assignment:
    """Neutron names an address without a name after its digits."""
    hostname = name or f"host-{ip.replace('.', '-') if '.' in ip else _dashed(ip)}"
    return Assignment(ip, hostname, f"{hostname}.{DOMAIN}")


def _dashed(ip: str) -> str:
    return ipaddress.ip_address(ip).exploded.replace(":", "-")
