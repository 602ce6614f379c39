"""Subnet pools on the wire (Networking API v2.0, "Subnet pools extension")."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.core import clock
from boxship.services.network import model
from boxship.services.network.schemas.fields import Create, Digits, Prefix, Request, Text

Prefixes = Annotated[tuple[Prefix, ...], Meta(min_length=1, max_length=64)]
Length = Annotated[int, Meta(ge=0, le=128)] | Digits
Quota = Annotated[int, Meta(ge=0, le=2**31 - 1)] | Digits


class SubnetPoolCreate(Create, frozen=True, kw_only=True):
    """A pool to be made. There are no address scopes."""

    name: Text
    prefixes: Prefixes
    min_prefixlen: Length | None = None
    max_prefixlen: Length | None = None
    default_prefixlen: Length | None = None
    default_quota: Quota | None = None
    shared: bool = False
    is_default: bool = False
    address_scope_id: None = None


class SubnetPoolUpdate(Request, frozen=True, kw_only=True):
    """What may change of a pool."""

    name: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    prefixes: Prefixes | UnsetType = UNSET
    min_prefixlen: Length | UnsetType = UNSET
    max_prefixlen: Length | UnsetType = UNSET
    default_prefixlen: Length | UnsetType = UNSET
    default_quota: Quota | None | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET
    address_scope_id: None | UnsetType = UNSET


class SubnetPoolCreateBody(Request, frozen=True, kw_only=True):
    """One pool or several."""

    subnetpool: SubnetPoolCreate | UnsetType = UNSET
    subnetpools: Annotated[tuple[SubnetPoolCreate, ...], Meta(min_length=1, max_length=1000)] | UnsetType = UNSET


class SubnetPoolUpdateBody(Request, frozen=True, kw_only=True):
    subnetpool: SubnetPoolUpdate


class SubnetPool(msgspec.Struct, frozen=True):
    """A pool as clients read it."""

    id: str
    name: str
    tenant_id: str
    project_id: str
    description: str
    ip_version: int
    prefixes: tuple[str, ...]
    min_prefixlen: str
    max_prefixlen: str
    default_prefixlen: str
    default_quota: int | None
    shared: bool
    is_default: bool
    tags: tuple[str, ...]
    created_at: str | None
    updated_at: str | None
    revision_number: int
    address_scope_id: str | None = None


def subnetpool(row: model.SubnetPool) -> SubnetPool:
    """The answer for a pool."""
    return SubnetPool(
        row.id,
        row.name,
        row.project_id,
        row.project_id,
        row.description,
        row.ip_version,
        row.prefixes,
        str(row.min_prefixlen),
        str(row.max_prefixlen),
        str(row.default_prefixlen),
        row.default_quota,
        row.shared,
        row.is_default,
        row.tags,
        clock.stamp(row.created_at),
        clock.stamp(row.updated_at),
        row.revision_number,
    )
