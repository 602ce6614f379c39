"""Security groups and rules on the wire (Networking API v2.0, "Security groups")."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.core import clock
from boxship.services.network import errors, model
from boxship.services.network.schemas.fields import Create, Digits, Id, Prefix, Request, Text

Number = Annotated[int, Meta(ge=-(1 << 31), le=(1 << 31) - 1)] | Digits
"""Bounds are checked for their own sentence; see ``RuleCreate.ports``."""
Protocol = Annotated[str, Meta(max_length=32)] | Annotated[int, Meta(ge=-1, le=1 << 31)]


class GroupCreate(Create, frozen=True, kw_only=True):
    """A security group to be made; with the rules that let everything out."""

    name: Text = ""
    stateful: bool = True


class GroupUpdate(Request, frozen=True, kw_only=True):
    """What may change of a security group."""

    name: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    stateful: bool | UnsetType = UNSET


class GroupCreateBody(Request, frozen=True, kw_only=True):
    """One security group or several."""

    security_group: GroupCreate | UnsetType = UNSET
    security_groups: Annotated[tuple[GroupCreate, ...], Meta(min_length=1, max_length=1000)] | UnsetType = UNSET


class GroupUpdateBody(Request, frozen=True, kw_only=True):
    security_group: GroupUpdate


class RuleCreate(Create, frozen=True, kw_only=True):
    """A rule to be added to a group."""

    security_group_id: Id
    direction: Literal["ingress", "egress"]
    ethertype: Annotated[str, Meta(max_length=8)] | None = "IPv4"
    protocol: Protocol | None = None
    port_range_min: Number | None = None
    port_range_max: Number | None = None
    remote_ip_prefix: Prefix | None = None
    remote_group_id: Id | None = None
    remote_address_group_id: None = None

    @property
    def ports(self) -> tuple[int | None, int | None]:
        """The range as numbers. SecurityGroupInvalidPortValue: out of bounds."""
        return _port(self.port_range_min, "port_range_min"), _port(self.port_range_max, "port_range_max")


def _port(value: int | str | None, field: str) -> int | None:
    port = None if value is None else int(value)
    if port is not None and not -1 <= port <= 65535:
        raise errors.SecurityGroupInvalidPortValue(field, port)
    return port


class RuleCreateBody(Request, frozen=True, kw_only=True):
    """One rule or several."""

    security_group_rule: RuleCreate | UnsetType = UNSET
    security_group_rules: Annotated[tuple[RuleCreate, ...], Meta(min_length=1, max_length=1000)] | UnsetType = UNSET


class Rule(msgspec.Struct, frozen=True):
    """A rule as clients read it."""

    id: str
    tenant_id: str
    project_id: str
    security_group_id: str
    direction: str
    ethertype: str
    protocol: str | None
    port_range_min: int | None
    port_range_max: int | None
    remote_ip_prefix: str | None
    normalized_cidr: str | None
    remote_group_id: str | None
    description: str
    created_at: str | None
    updated_at: str | None
    revision_number: int
    remote_address_group_id: str | None = None


class Group(msgspec.Struct, frozen=True):
    """A security group as clients read it."""

    id: str
    name: str
    tenant_id: str
    project_id: str
    description: str
    stateful: bool
    shared: bool
    security_group_rules: list[Rule]
    tags: tuple[str, ...]
    created_at: str | None
    updated_at: str | None
    revision_number: int


def rule(row: model.Rule) -> Rule:
    """The answer for a rule."""
    return Rule(
        row.id,
        row.project_id,
        row.project_id,
        row.security_group_id,
        row.direction,
        row.ethertype,
        row.protocol,
        row.port_range_min,
        row.port_range_max,
        row.written_prefix or row.remote_ip_prefix,
        row.remote_ip_prefix,
        row.remote_group_id,
        row.description,
        clock.stamp(row.created_at),
        clock.stamp(row.updated_at),
        row.revision_number,
    )


def group(view: model.GroupView) -> Group:
    """The answer for a security group, with its rules."""
    row = view.group
    return Group(
        row.id,
        row.name,
        row.project_id,
        row.project_id,
        row.description,
        row.stateful,
        view.shared,
        [rule(entry) for entry in view.rules],
        row.tags,
        clock.stamp(row.created_at),
        clock.stamp(row.updated_at),
        row.revision_number,
    )
