"""The tables of the network service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from boxship.core.db import types

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    _network_removals()
    _network_segments()
    _networks()
    _security_groups()
    _ports()
    _routers()
    _security_group_rules()
    _subnets()
    _address_ranges()
    _floating_ips()
    _network_names()
    _port_addresses()
    _port_security_groups()
    _router_ports()


def downgrade() -> None:
    """Remove them, those that others refer to last."""
    for table in (
        "router_ports",
        "port_security_groups",
        "port_addresses",
        "network_names",
        "floating_ips",
        "address_ranges",
        "subnets",
        "security_group_rules",
        "routers",
        "ports",
        "security_groups",
        "networks",
        "network_segments",
        "network_removals",
    ):
        op.drop_table(table)


def _network_removals() -> None:
    op.create_table(
        "network_removals",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("network_id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_network_removals"),
    )
    op.create_index("ix_network_removals_network_id", "network_removals", ["network_id"], unique=False)
    op.create_index("ix_network_removals_place", "network_removals", ["place"], unique=False)


def _network_segments() -> None:
    op.create_table(
        "network_segments",
        sa.Column("segment", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("network_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("segment", name="pk_network_segments"),
        sa.UniqueConstraint("network_id", name="uq_network_segments_network_id"),
    )


def _networks() -> None:
    op.create_table(
        "networks",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("external", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("mtu", sa.Integer(), nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), nullable=False),
        sa.Column("dns_domain", sa.String(length=255), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_networks"),
        sa.UniqueConstraint("segment", name="uq_networks_segment"),
    )
    op.create_index(
        "ix_networks_behind",
        "networks",
        ["id"],
        unique=False,
        sqlite_where=sa.text("observed != generation"),
        postgresql_where=sa.text("observed != generation"),
    )
    op.create_index(
        "ix_networks_external",
        "networks",
        ["external"],
        unique=False,
        sqlite_where=sa.text("external IS 1"),
        postgresql_where=sa.text("external IS true"),
    )
    op.create_index("ix_networks_name", "networks", ["name"], unique=False)
    op.create_index("ix_networks_project_id", "networks", ["project_id"], unique=False)
    op.create_index(
        "ix_networks_shared",
        "networks",
        ["shared"],
        unique=False,
        sqlite_where=sa.text("shared IS 1"),
        postgresql_where=sa.text("shared IS true"),
    )


def _security_groups() -> None:
    op.create_table(
        "security_groups",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("stateful", sa.Boolean(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_security_groups"),
    )
    op.create_index(
        "ix_security_groups_behind",
        "security_groups",
        ["id"],
        unique=False,
        sqlite_where=sa.text("observed != generation"),
        postgresql_where=sa.text("observed != generation"),
    )
    op.create_index("ix_security_groups_name", "security_groups", ["name"], unique=False)
    op.create_index("ix_security_groups_project_id", "security_groups", ["project_id"], unique=False)
    op.create_index(
        "uq_security_groups_default",
        "security_groups",
        ["project_id"],
        unique=True,
        sqlite_where=sa.text("is_default"),
        postgresql_where=sa.text("is_default"),
    )


def _ports() -> None:
    op.create_table(
        "ports",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("network_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("mac_address", sa.String(length=17), nullable=False),
        sa.Column("device_id", sa.String(length=255), nullable=False),
        sa.Column("device_owner", sa.String(length=255), nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), nullable=False),
        sa.Column("dns_name", sa.String(length=255), nullable=False),
        sa.Column("pairs", sa.Text(), nullable=False),
        sa.Column("vnic_type", sa.String(length=32), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("sandbox", sa.String(length=255), nullable=False),
        sa.Column("interface", sa.String(length=16), nullable=False),
        sa.Column("preserved", sa.Boolean(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["network_id"], ["networks.id"], name="fk_ports_network_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ports"),
        sa.UniqueConstraint("network_id", "mac_address", name="uq_ports_network_id_mac_address"),
    )
    op.create_index(
        "ix_ports_behind",
        "ports",
        ["id"],
        unique=False,
        sqlite_where=sa.text("observed != generation"),
        postgresql_where=sa.text("observed != generation"),
    )
    op.create_index("ix_ports_device_id", "ports", ["device_id"], unique=False)
    op.create_index("ix_ports_name", "ports", ["name"], unique=False)
    op.create_index("ix_ports_project_id", "ports", ["project_id"], unique=False)
    op.create_index("ix_ports_sandbox", "ports", ["sandbox"], unique=False)


def _routers() -> None:
    op.create_table(
        "routers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("gateway_network_id", sa.String(length=64), nullable=True),
        sa.Column("enable_snat", sa.Boolean(), nullable=False),
        sa.Column("routes", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["gateway_network_id"], ["networks.id"], name="fk_routers_gateway_network_id"),
        sa.PrimaryKeyConstraint("id", name="pk_routers"),
    )
    op.create_index(
        "ix_routers_behind",
        "routers",
        ["id"],
        unique=False,
        sqlite_where=sa.text("observed != generation"),
        postgresql_where=sa.text("observed != generation"),
    )
    op.create_index("ix_routers_gateway_network_id", "routers", ["gateway_network_id"], unique=False)
    op.create_index("ix_routers_name", "routers", ["name"], unique=False)
    op.create_index("ix_routers_project_id", "routers", ["project_id"], unique=False)


def _security_group_rules() -> None:
    op.create_table(
        "security_group_rules",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("security_group_id", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("ethertype", sa.String(length=8), nullable=False),
        sa.Column("protocol", sa.String(length=32), nullable=True),
        sa.Column("port_range_min", sa.Integer(), nullable=True),
        sa.Column("port_range_max", sa.Integer(), nullable=True),
        sa.Column("remote_ip_prefix", sa.String(length=64), nullable=True),
        sa.Column("remote_group_id", sa.String(length=64), nullable=True),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["remote_group_id"], ["security_groups.id"], name="fk_security_group_rules_remote_group_id"
        ),
        sa.ForeignKeyConstraint(
            ["security_group_id"], ["security_groups.id"], name="fk_security_group_rules_security_group_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_security_group_rules"),
    )
    op.create_index("ix_security_group_rules_project_id", "security_group_rules", ["project_id"], unique=False)
    op.create_index(
        "ix_security_group_rules_remote_group_id", "security_group_rules", ["remote_group_id"], unique=False
    )
    op.create_index(
        "ix_security_group_rules_security_group_id", "security_group_rules", ["security_group_id"], unique=False
    )


def _subnets() -> None:
    op.create_table(
        "subnets",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("network_id", sa.String(length=64), nullable=False),
        sa.Column("ip_version", sa.Integer(), nullable=False),
        sa.Column("cidr", sa.String(length=64), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("gateway_ip", sa.String(length=64), nullable=True),
        sa.Column("enable_dhcp", sa.Boolean(), nullable=False),
        sa.Column("ipv6_ra_mode", sa.String(length=16), nullable=True),
        sa.Column("ipv6_address_mode", sa.String(length=16), nullable=True),
        sa.Column("allocation_pools", sa.Text(), nullable=False),
        sa.Column("dns_nameservers", sa.Text(), nullable=False),
        sa.Column("host_routes", sa.Text(), nullable=False),
        sa.Column("service_types", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("cursor", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["network_id"], ["networks.id"], name="fk_subnets_network_id"),
        sa.PrimaryKeyConstraint("id", name="pk_subnets"),
    )
    op.create_index("ix_subnets_network_id", "subnets", ["network_id"], unique=False)
    op.create_index("ix_subnets_project_id", "subnets", ["project_id"], unique=False)


def _address_ranges() -> None:
    op.create_table(
        "address_ranges",
        sa.Column("subnet_id", sa.String(length=64), nullable=False),
        sa.Column("first", sa.String(length=32), nullable=False),
        sa.Column("last", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["subnet_id"], ["subnets.id"], name="fk_address_ranges_subnet_id"),
        sa.PrimaryKeyConstraint("subnet_id", "first", name="pk_address_ranges"),
    )


def _floating_ips() -> None:
    op.create_table(
        "floating_ips",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("floating_network_id", sa.String(length=64), nullable=False),
        sa.Column("floating_port_id", sa.String(length=64), nullable=False),
        sa.Column("floating_ip_address", sa.String(length=45), nullable=False),
        sa.Column("created_at", types.Moment(), nullable=False),
        sa.Column("updated_at", types.Moment(), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("router_id", sa.String(length=64), nullable=True),
        sa.Column("port_id", sa.String(length=64), nullable=True),
        sa.Column("fixed_ip_address", sa.String(length=45), nullable=True),
        sa.Column("dns_name", sa.String(length=255), nullable=False),
        sa.Column("dns_domain", sa.String(length=255), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["floating_network_id"], ["networks.id"], name="fk_floating_ips_floating_network_id"),
        sa.ForeignKeyConstraint(["floating_port_id"], ["ports.id"], name="fk_floating_ips_floating_port_id"),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], name="fk_floating_ips_port_id"),
        sa.ForeignKeyConstraint(["router_id"], ["routers.id"], name="fk_floating_ips_router_id"),
        sa.PrimaryKeyConstraint("id", name="pk_floating_ips"),
        sa.UniqueConstraint("floating_port_id", name="uq_floating_ips_floating_port_id"),
        sa.UniqueConstraint(
            "port_id",
            "fixed_ip_address",
            "floating_network_id",
            name="uq_floating_ips_port_id_fixed_ip_address_floating_network_id",
        ),
    )
    op.create_index("ix_floating_ips_floating_ip_address", "floating_ips", ["floating_ip_address"], unique=False)
    op.create_index("ix_floating_ips_floating_network_id", "floating_ips", ["floating_network_id"], unique=False)
    op.create_index("ix_floating_ips_port_id", "floating_ips", ["port_id"], unique=False)
    op.create_index("ix_floating_ips_project_id", "floating_ips", ["project_id"], unique=False)
    op.create_index("ix_floating_ips_router_id", "floating_ips", ["router_id"], unique=False)


def _network_names() -> None:
    op.create_table(
        "network_names",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("port_id", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], name="fk_network_names_port_id"),
        sa.PrimaryKeyConstraint("id", name="pk_network_names"),
        sa.UniqueConstraint("port_id", name="uq_network_names_port_id"),
    )
    op.create_index(
        "ix_network_names_behind",
        "network_names",
        ["id"],
        unique=False,
        sqlite_where=sa.text("observed != generation"),
        postgresql_where=sa.text("observed != generation"),
    )


def _port_addresses() -> None:
    op.create_table(
        "port_addresses",
        sa.Column("port_id", sa.String(length=64), nullable=False),
        sa.Column("network_id", sa.String(length=64), nullable=False),
        sa.Column("subnet_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], name="fk_port_addresses_port_id"),
        sa.ForeignKeyConstraint(["subnet_id"], ["subnets.id"], name="fk_port_addresses_subnet_id"),
        sa.PrimaryKeyConstraint("network_id", "key", name="pk_port_addresses"),
    )
    op.create_index("ix_port_addresses_ip", "port_addresses", ["ip"], unique=False)
    op.create_index("ix_port_addresses_port_id", "port_addresses", ["port_id"], unique=False)
    op.create_index("ix_port_addresses_subnet_id", "port_addresses", ["subnet_id"], unique=False)


def _port_security_groups() -> None:
    op.create_table(
        "port_security_groups",
        sa.Column("port_id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["security_groups.id"], name="fk_port_security_groups_group_id"),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], name="fk_port_security_groups_port_id"),
        sa.PrimaryKeyConstraint("port_id", "group_id", name="pk_port_security_groups"),
    )
    op.create_index("ix_port_security_groups_group_id", "port_security_groups", ["group_id"], unique=False)


def _router_ports() -> None:
    op.create_table(
        "router_ports",
        sa.Column("port_id", sa.String(length=64), nullable=False),
        sa.Column("router_id", sa.String(length=64), nullable=False),
        sa.Column("is_gateway", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], name="fk_router_ports_port_id"),
        sa.ForeignKeyConstraint(["router_id"], ["routers.id"], name="fk_router_ports_router_id"),
        sa.PrimaryKeyConstraint("port_id", name="pk_router_ports"),
    )
    op.create_index("ix_router_ports_router_id", "router_ports", ["router_id"], unique=False)
