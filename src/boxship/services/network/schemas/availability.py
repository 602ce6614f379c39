"""The availability of addresses on the wire (Networking API v2.0, "Network IP availability and usage stats")."""

from __future__ import annotations

import msgspec


class SubnetAvailability(msgspec.Struct, frozen=True):
    """How many addresses a subnet gives out, and how many of its range are had."""

    subnet_id: str
    subnet_name: str
    ip_version: int
    cidr: str
    total_ips: int
    used_ips: int


class NetworkAvailability(msgspec.Struct, frozen=True):
    """The same for a network, with its subnets."""

    network_id: str
    network_name: str
    tenant_id: str
    project_id: str
    total_ips: int
    used_ips: int
    subnet_ip_availability: list[SubnetAvailability]
