"""Who may see, change and have how many: the same few questions for every resource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from boxship.config import Settings
from boxship.core import errors as core
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.network import errors
from boxship.services.network.schemas.fields import Create
from boxship.services.network.store import limits, rows, tables

Shape = TypeVar("Shape", bound=msgspec.Struct)

MOST = 5000
"""Rows of one answer; the rest is behind its ``next`` link."""

_GENERAL = frozenset(("fields", "limit", "marker", "sort_key", "sort_dir", "page_reverse"))
_TAGS = ("tags", "tags-any", "not-tags", "not-tags-any")

Table = sa.Table
QUOTAS: dict[str, tuple[str, Table]] = {
    "network": ("quota_networks", tables.networks),
    "subnet": ("quota_subnets", tables.subnets),
    "subnetpool": ("quota_subnets", tables.subnetpools),  # a pool without a subnet is of no use
    "port": ("quota_ports", tables.ports),
    "router": ("quota_routers", tables.routers),
    "floatingip": ("quota_floating_ips", tables.floating),
    "security_group": ("quota_security_groups", tables.groups),
    "security_group_rule": ("quota_security_group_rules", tables.rules),
    "rbac_policy": ("quota_rbac_policies", tables.rbac),
}
"""What a quota counts: the setting with its limit, and the table."""


def owner(caller: Caller, wish: Create, rule: str) -> str:
    """The project that a new resource belongs to. BadRequest: not the caller's, who is no admin (Neutron answers so, although
    it is the ``rule`` that forbids it)."""
    project_id = wish.owner or caller.project
    if not caller.sees(project_id):
        raise core.BadRequest(
            f"Only admins may say a project_id or tenant_id that is not their own ({rule}).", field="project_id"
        )
    return project_id


def own(caller: Caller, project_id: str, rule: str) -> None:
    """PolicyNotAuthorized: what the caller sees belongs to another project."""
    if not caller.sees(project_id):
        raise errors.PolicyNotAuthorized(rule)


def privileged(caller: Caller, rule: str, *, wanted: bool) -> None:
    """PolicyNotAuthorized: something is wanted that the rule keeps for others (by default for admins)."""
    if wanted and not caller.may(rule):
        raise errors.PolicyNotAuthorized(rule)


def default_limit(settings: Settings, resource: str) -> int:
    """How many of a resource a project may have of which no admin said anything else; -1: any number."""
    return int(getattr(settings, QUOTAS[resource][0]))


async def lock(transaction: Transaction, project_id: str) -> None:
    """One transaction at a time changes how much a project has, or may have."""
    await transaction.serialise(f"quota:network:{project_id}")


async def quota(transaction: Transaction, settings: Settings, resource: str, project_id: str, more: int = 1) -> None:
    """OverQuota: the project may not have so many more."""
    await lock(transaction, project_id)
    default = default_limit(settings, resource)
    most, used = await limits.room(transaction, project_id, resource, QUOTAS[resource][1], default)
    if most >= 0 and used + more > most:
        raise errors.OverQuota(resource)


async def listed(
    transaction: Transaction,
    query: Query,
    source: tuple[sa.Table, type[Shape], listing.Columns],
    conditions: Sequence[sa.ColumnElement[bool]],
    special: frozenset[str] = frozenset(),
) -> tuple[list[Shape], listing.Page]:
    """A page of a table, filtered and sorted as asked, seen under the conditions; oldest first by default.

    ``special`` are filters that the caller has turned into conditions. BadRequest: a filter that is none.
    """
    table, shape, columns = source
    known_filters(query, frozenset(columns) | special | (frozenset(_TAGS) if "tags" in table.c else frozenset()))
    page = listing.page(query, columns, default_sort="created_at", most=MOST)
    wanted = [*conditions, *listing.filters(query, columns)]
    if "tags" in table.c:
        wanted += _tagged(query, table.c.tags)
    return await rows.page(transaction, (table, shape, columns), page, wanted), page


def known_filters(query: Query, names: frozenset[str]) -> None:
    """As Neutron's filter-validation: a misspelt filter must not answer with everything. BadRequest: it is none of these."""
    unknown = sorted({name for name, _ in query.pairs} - names - _GENERAL)
    if unknown:
        raise core.BadRequest(f"{unknown} is invalid attribute for filtering", field=unknown[0])


def _tagged(query: Query, column: sa.ColumnElement[str]) -> list[sa.ColumnElement[bool]]:
    """Neutron's four tag filters, each a list joined by commas."""
    asked = {name: [tag for value in query.all(name) for tag in value.split(",") if tag] for name in _TAGS}
    conditions = {name: [_has_tag(column, tag) for tag in tags] for name, tags in asked.items() if tags}
    found = []
    if "tags" in conditions:
        found.append(sa.and_(*conditions["tags"]))
    if "tags-any" in conditions:
        found.append(sa.or_(*conditions["tags-any"]))
    if "not-tags" in conditions:
        found.append(sa.not_(sa.and_(*conditions["not-tags"])))
    if "not-tags-any" in conditions:
        found.append(sa.not_(sa.or_(*conditions["not-tags-any"])))
    return found


def _has_tag(column: sa.ColumnElement[str], tag: str) -> sa.ColumnElement[bool]:
    """Tags are stored as a JSON list, so a tag is found with its quotes."""
    return sa.type_coerce(column, sa.Text).contains(msgspec.json.encode(tag).decode(), autoescape=True)
