"""The tables of the network service.

Columns stand in the order of the fields in ``model``, as rows become Structs by position.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from boxship.core.db import types
from boxship.services.network import model

Moment, Json = types.Moment, types.Json


def _text(name: str, length: int = 255, **kwargs: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, **kwargs)


def _maybe(name: str, length: int = 255) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=True)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _number(name: str, **kwargs: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, **kwargs)


def _json(name: str, shape: Any) -> sa.Column[Any]:
    return sa.Column(name, Json(shape), nullable=False)


def _moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, Moment, nullable=False)


def _behind(table: sa.Table) -> sa.Index:
    """An index of the rows whose wish is not met: empty when all is settled."""
    behind = table.c.observed != table.c.generation
    return sa.Index(f"ix_{table.name}_behind", table.c.id, sqlite_where=behind, postgresql_where=behind)


def _only(column: sa.Column[bool]) -> sa.Index:
    """An index of the few rows where this is true."""
    true = column.is_(True)
    return sa.Index(f"ix_{column.table.name}_{column.name}", column, sqlite_where=true, postgresql_where=true)


networks = sa.Table(
    "networks",
    types.metadata,
    types.identifier(),
    _text("project_id", 64, index=True),
    _number("segment", unique=True),
    _moment("created_at"),
    _moment("updated_at"),
    _number("revision_number"),
    _text("name", index=True),
    _text("description"),
    _flag("admin_state_up"),
    _flag("shared"),
    _flag("external"),
    _flag("is_default"),
    _number("mtu"),
    _flag("port_security_enabled"),
    _text("dns_domain"),
    _json("tags", tuple[str, ...]),
    _number("generation"),
    _number("observed"),
    _text("status", 16),
    sa.Column("reason", sa.Text),
    _json("zone_hints", tuple[str, ...]),
)
_behind(networks)
_only(networks.c.shared)
_only(networks.c.external)

segments = sa.Table(
    "network_segments",
    types.metadata,
    sa.Column("segment", sa.Integer, primary_key=True, autoincrement=False),
    _text("network_id", 64, unique=True),
)
"""Segments stay taken until the kernel has let go of the network, which is after its row is gone."""

subnets = sa.Table(
    "subnets",
    types.metadata,
    types.identifier(),
    _text("project_id", 64, index=True),
    types.reference("network_id", "networks.id", nullable=False, index=True),
    _number("ip_version"),
    _text("cidr", 64),
    _moment("created_at"),
    _moment("updated_at"),
    _number("revision_number"),
    _text("name"),
    _text("description"),
    _maybe("gateway_ip", 64),
    _flag("enable_dhcp"),
    _maybe("ipv6_ra_mode", 16),
    _maybe("ipv6_address_mode", 16),
    _json("allocation_pools", tuple[model.Pool, ...]),
    _json("dns_nameservers", tuple[str, ...]),
    _json("host_routes", tuple[model.HostRoute, ...]),
    _json("service_types", tuple[str, ...]),
    _json("tags", tuple[str, ...]),
    _text("cursor", 32),
    sa.Column("subnetpool_id", sa.String(64), nullable=True, index=True),
)

subnetpools = sa.Table(
    "subnetpools",
    types.metadata,
    types.identifier(),
    _text("project_id", 64, index=True),
    _number("ip_version"),
    _moment("created_at"),
    _moment("updated_at"),
    _number("revision_number"),
    _text("name"),
    _text("description"),
    _json("prefixes", tuple[str, ...]),
    _number("min_prefixlen"),
    _number("max_prefixlen"),
    _number("default_prefixlen"),
    sa.Column("default_quota", sa.Integer, nullable=True),
    _flag("shared"),
    _flag("is_default"),
    _json("tags", tuple[str, ...]),
)

ranges = sa.Table(
    "address_ranges",
    types.metadata,
    sa.Column("subnet_id", sa.String(64), sa.ForeignKey("subnets.id"), primary_key=True),
    sa.Column("first", sa.String(32), primary_key=True),
    _text("last", 32),
)
"""What is free in the pools of a subnet, as ranges that neither touch nor overlap; keys as in ``store.addresses``."""

ports = sa.Table(
    "ports",
    types.metadata,
    types.identifier(),
    _text("project_id", 64, index=True),
    types.reference("network_id", "networks.id", nullable=False),
    _moment("created_at"),
    _moment("updated_at"),
    _number("revision_number"),
    _text("name", index=True),
    _text("description"),
    _flag("admin_state_up"),
    _text("mac_address", 17),
    _text("device_id", index=True),
    _text("device_owner"),
    _flag("port_security_enabled"),
    _text("dns_name"),
    _json("pairs", tuple[model.Pair, ...]),
    _text("vnic_type", 32),
    _json("profile", dict[str, object]),
    _text("host", index=True),
    _text("sandbox", index=True),
    _text("interface", 16),
    _flag("preserved"),
    _json("tags", tuple[str, ...]),
    _number("generation"),
    _number("observed"),
    _text("status", 16),
    sa.Column("reason", sa.Text),
    _json("dhcp_options", tuple[model.DhcpOption, ...]),
    sa.UniqueConstraint("network_id", "mac_address"),
)
_behind(ports)

addresses = sa.Table(
    "port_addresses",
    types.metadata,
    types.reference("port_id", "ports.id", nullable=False, index=True),
    sa.Column("network_id", sa.String(64), primary_key=True),
    types.reference("subnet_id", "subnets.id", nullable=False, index=True),
    sa.Column("key", sa.String(32), primary_key=True),
    _text("ip", 45, index=True),
)
"""An address is had once in a network, which the primary key guards; overlapping subnets in one are refused."""

groups = sa.Table(
    "security_groups",
    types.metadata,
    types.identifier(),
    _text("project_id", 64, index=True),
    _moment("created_at"),
    _flag("is_default"),
    _moment("updated_at"),
    _number("revision_number"),
    _text("name", index=True),
    _text("description"),
    _flag("stateful"),
    _json("tags", tuple[str, ...]),
    _number("generation"),
    _number("observed"),
    sa.Column("reason", sa.Text),
)
_behind(groups)
sa.Index(
    "uq_security_groups_default",
    groups.c.project_id,
    unique=True,
    sqlite_where=groups.c.is_default,
    postgresql_where=groups.c.is_default,
)

rules = sa.Table(
    "security_group_rules",
    types.metadata,
    types.identifier(),
    _text("project_id", 64, index=True),
    types.reference("security_group_id", "security_groups.id", nullable=False, index=True),
    _text("direction", 8),
    _text("ethertype", 8),
    _maybe("protocol", 32),
    sa.Column("port_range_min", sa.Integer),
    sa.Column("port_range_max", sa.Integer),
    _maybe("remote_ip_prefix", 64),
    types.reference("remote_group_id", "security_groups.id", nullable=True, index=True),
    _text("description"),
    _moment("created_at"),
    _moment("updated_at"),
    _number("revision_number"),
    _maybe("written_prefix", 64),
)

memberships = sa.Table(
    "port_security_groups",
    types.metadata,
    sa.Column("port_id", sa.String(64), sa.ForeignKey("ports.id"), primary_key=True),
    sa.Column("group_id", sa.String(64), sa.ForeignKey("security_groups.id"), primary_key=True, index=True),
)

routers = sa.Table(
    "routers",
    types.metadata,
    types.identifier(),
    _text("project_id", 64, index=True),
    _moment("created_at"),
    _moment("updated_at"),
    _number("revision_number"),
    _text("name", index=True),
    _text("description"),
    _flag("admin_state_up"),
    types.reference("gateway_network_id", "networks.id", nullable=True, index=True),
    _flag("enable_snat"),
    _json("routes", tuple[model.HostRoute, ...]),
    _json("tags", tuple[str, ...]),
    _number("generation"),
    _number("observed"),
    _text("status", 16),
    sa.Column("reason", sa.Text),
    _text("host", index=True),
    _json("zone_hints", tuple[str, ...]),
)
_behind(routers)

legs = sa.Table(
    "router_ports",
    types.metadata,
    sa.Column("port_id", sa.String(64), sa.ForeignKey("ports.id"), primary_key=True),
    types.reference("router_id", "routers.id", nullable=False, index=True),
    _flag("is_gateway"),
)

floating = sa.Table(
    "floating_ips",
    types.metadata,
    types.identifier(),
    _text("project_id", 64, index=True),
    types.reference("floating_network_id", "networks.id", nullable=False, index=True),
    types.reference("floating_port_id", "ports.id", nullable=False, unique=True),
    _text("floating_ip_address", 45, index=True),
    _moment("created_at"),
    _moment("updated_at"),
    _number("revision_number"),
    _text("description"),
    types.reference("router_id", "routers.id", nullable=True, index=True),
    types.reference("port_id", "ports.id", nullable=True, index=True),
    _maybe("fixed_ip_address", 45),
    _text("dns_name"),
    _text("dns_domain"),
    _json("tags", tuple[str, ...]),
    _text("status", 16),
    sa.UniqueConstraint("port_id", "fixed_ip_address", "floating_network_id"),
)

forwardings = sa.Table(
    "port_forwardings",
    types.metadata,
    types.identifier(),
    types.reference("floatingip_id", "floating_ips.id", nullable=False, index=True),
    _moment("created_at"),
    types.reference("internal_port_id", "ports.id", nullable=False, index=True),
    _text("internal_ip_address", 45),
    _text("protocol", 8),
    _number("internal_port"),
    _number("internal_last"),
    _number("external_port"),
    _number("external_last"),
    _text("description"),
    sa.UniqueConstraint("floatingip_id", "protocol", "external_port"),
)

names = sa.Table(
    "network_names",
    types.metadata,
    types.identifier(),
    types.reference("port_id", "ports.id", nullable=False, unique=True),
    _number("generation"),
    _number("observed"),
    sa.Column("reason", sa.Text),
    _text("host", index=True),
)
_behind(names)

removals = sa.Table(
    "network_removals",
    types.metadata,
    sa.Column("kind", sa.String(32), primary_key=True),
    types.identifier(),
    _text("network_id", 64, index=True),
    _text("place", 255, index=True),
    _text("host"),
)

limits = sa.Table(
    "network_limits",
    types.metadata,
    sa.Column("project_id", sa.String(64), primary_key=True),
    sa.Column("resource", sa.String(64), primary_key=True),
    _number("most"),
)
"""What single projects may have, where it is not what the settings say; -1: any number."""

agents = sa.Table(
    "network_agents",
    types.metadata,
    types.identifier(),
    _text("description"),
    sa.Column("forgotten", sa.Float, nullable=True),
)
"""What admins say of agents. ``forgotten``: when one was removed, in seconds of the database; it is back if its host is."""

rbac = sa.Table(
    "network_rbac",
    types.metadata,
    types.identifier(),
    _text("project_id", 64, index=True),
    _moment("created_at"),
    _text("object_type", 32),
    _text("object_id", 64),
    _text("action", 32),
    _text("target", 64, index=True),
    sa.UniqueConstraint("object_id", "action", "target"),
)
"""What is not of the owner's project alone: a row for each project that may use it, and for ``*``."""
