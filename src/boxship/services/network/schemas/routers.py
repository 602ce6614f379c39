"""Routers and floating IPs on the wire (Networking API v2.0, "Routers" and "Floating IPs")."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.core import clock
from boxship.services.network import model
from boxship.services.network.schemas.fields import Create, Id, Ip, Request, Text, Zones
from boxship.services.network.schemas.forwarding import Exposed, exposed
from boxship.services.network.schemas.ports import FixedIp, FixedIps

Routes = Annotated[tuple[model.HostRoute, ...], Meta(max_length=64)]


class GatewayWish(Request, frozen=True, kw_only=True):
    """The external network that a router leads to. An empty object means none, as null does."""

    network_id: Id | UnsetType = UNSET
    enable_snat: bool | UnsetType = UNSET
    external_fixed_ips: FixedIps | UnsetType = UNSET


class RouterCreate(Create, frozen=True, kw_only=True):
    """A router to be made."""

    name: Text = ""
    admin_state_up: bool = True
    external_gateway_info: GatewayWish | None = None
    availability_zone_hints: Zones = ()


class RouterUpdate(Request, frozen=True, kw_only=True):
    """What may change of a router."""

    name: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    admin_state_up: bool | UnsetType = UNSET
    external_gateway_info: GatewayWish | None | UnsetType = UNSET
    routes: Routes | None | UnsetType = UNSET


class RouterCreateBody(Request, frozen=True, kw_only=True):
    """One router or several."""

    router: RouterCreate | UnsetType = UNSET
    routers: Annotated[tuple[RouterCreate, ...], Meta(min_length=1, max_length=100)] | UnsetType = UNSET


class RouterUpdateBody(Request, frozen=True, kw_only=True):
    router: RouterUpdate


class InterfaceWish(Request, frozen=True, kw_only=True):
    """A leg to add or remove: by the subnet that it serves or by the port that it is."""

    subnet_id: Id | None = None
    port_id: Id | None = None


class RoutesWish(Request, frozen=True, kw_only=True):
    """Routes to add to or to take from a router."""

    routes: Routes


class RoutesBody(Request, frozen=True, kw_only=True):
    router: RoutesWish


class Gateway(msgspec.Struct, frozen=True):
    """The way out of a router."""

    network_id: str
    external_fixed_ips: list[FixedIp]
    enable_snat: bool


class Router(msgspec.Struct, frozen=True):
    """A router as clients read it."""

    id: str
    name: str
    tenant_id: str
    project_id: str
    description: str
    admin_state_up: bool
    status: str
    external_gateway_info: Gateway | None
    routes: tuple[model.HostRoute, ...]
    tags: tuple[str, ...]
    created_at: str | None
    updated_at: str | None
    revision_number: int
    availability_zone_hints: tuple[str, ...] = ()
    availability_zones: tuple[str, ...] = ()
    flavor_id: str | None = None


def router(view: model.RouterView, zones: tuple[str, ...] = ()) -> Router:
    """The answer for a router that is in these availability zones."""
    row = view.router
    gateway = None
    if row.gateway_network_id:
        fixed = [FixedIp(address.subnet_id, address.ip) for address in view.gateway]
        gateway = Gateway(row.gateway_network_id, fixed, row.enable_snat)
    return Router(
        row.id,
        row.name,
        row.project_id,
        row.project_id,
        row.description,
        row.admin_state_up,
        row.status,
        gateway,
        row.routes,
        row.tags,
        clock.stamp(row.created_at),
        clock.stamp(row.updated_at),
        row.revision_number,
        row.zone_hints,
        zones,
    )


class InterfaceChange(msgspec.Struct, frozen=True):
    """The answer to adding or removing a leg."""

    id: str
    tenant_id: str
    project_id: str
    port_id: str
    network_id: str
    subnet_id: str
    subnet_ids: tuple[str, ...]
    tags: tuple[str, ...] = ()


class FloatingCreate(Create, frozen=True, kw_only=True):
    """A floating IP to be made, and where it is to lead."""

    floating_network_id: Id
    subnet_id: Id | None = None
    floating_ip_address: Ip | None = None
    port_id: Id | None = None
    fixed_ip_address: Ip | None = None
    dns_name: Text = ""
    dns_domain: Text = ""


class FloatingUpdate(Request, frozen=True, kw_only=True):
    """Where a floating IP is to lead; ``port_id`` null: nowhere."""

    description: Text | UnsetType = UNSET
    port_id: Id | None | UnsetType = UNSET
    fixed_ip_address: Ip | None | UnsetType = UNSET


class FloatingCreateBody(Request, frozen=True, kw_only=True):
    """One floating IP."""

    floatingip: FloatingCreate


class FloatingUpdateBody(Request, frozen=True, kw_only=True):
    floatingip: FloatingUpdate


class PortDetails(msgspec.Struct, frozen=True):
    """What a floating IP tells of the port it leads to."""

    name: str
    network_id: str
    mac_address: str
    admin_state_up: bool
    status: str
    device_id: str
    device_owner: str


class Floating(msgspec.Struct, frozen=True):
    """A floating IP as clients read it."""

    id: str
    tenant_id: str
    project_id: str
    description: str
    floating_network_id: str
    floating_ip_address: str
    router_id: str | None
    port_id: str | None
    fixed_ip_address: str | None
    status: str
    dns_name: str
    dns_domain: str
    port_details: PortDetails | None
    tags: tuple[str, ...]
    created_at: str | None
    updated_at: str | None
    revision_number: int
    port_forwardings: tuple[Exposed, ...]


def floating(view: model.FloatingView) -> Floating:
    """The answer for a floating IP."""
    row = view.floating
    return Floating(
        row.id,
        row.project_id,
        row.project_id,
        row.description,
        row.floating_network_id,
        row.floating_ip_address,
        row.router_id,
        row.port_id,
        row.fixed_ip_address,
        row.status,
        row.dns_name,
        row.dns_domain,
        _details(view.port),
        row.tags,
        clock.stamp(row.created_at),
        clock.stamp(row.updated_at),
        row.revision_number,
        tuple(exposed(forwarding) for forwarding in view.forwardings),
    )


def _details(port: model.Port | None) -> PortDetails | None:
    if port is None:
        return None
    return PortDetails(
        port.name,
        port.network_id,
        port.mac_address,
        port.admin_state_up,
        port.status,
        port.device_id,
        port.device_owner,
    )
