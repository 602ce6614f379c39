"""Security groups and their rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.network import model
from boxship.services.network.store import rbac, rows, tables

_groups, _rules = tables.groups, tables.rules

GROUP_COLUMNS: listing.Columns = {
    **{
        name: _groups.c[name]
        for name in (
            "id", "name", "description", "project_id", "stateful", "created_at", "updated_at", "revision_number",
        )
    },
    "tenant_id": _groups.c.project_id,
}  # fmt: skip

RULE_COLUMNS: listing.Columns = {
    **{column.name: column for column in _rules.c if column.name != "written_prefix"},
    "tenant_id": _rules.c.project_id,
    "remote_ip_prefix": sa.func.coalesce(_rules.c.written_prefix, _rules.c.remote_ip_prefix),
    "normalized_cidr": _rules.c.remote_ip_prefix,
}


_SAYS = (
    "direction",
    "ethertype",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
)
"""What a rule says beside its protocol; two rules of a group must differ in it."""


def visible(project_id: str | None) -> sa.ColumnElement[bool]:
    """The groups that a project sees: its own and those that are shared with it."""
    return sa.or_(_groups.c.project_id == project_id, shared_with(project_id, wanted=True))


def shared_with(project_id: str | None, *, wanted: bool) -> sa.ColumnElement[bool]:
    """The groups that are shared with a project; or else those that are not."""
    shared = _groups.c.id.in_(rbac.granted(model.Shared.GROUP, project_id))
    return shared if wanted else sa.not_(shared)


def rule_visible(project_id: str | None) -> sa.ColumnElement[bool]:
    """The rules of a project, and those of its groups."""
    mine = sa.select(_groups.c.id).where(_groups.c.project_id == project_id)
    return sa.or_(_rules.c.project_id == project_id, _rules.c.security_group_id.in_(mine))


async def default_of(transaction: Transaction, project_id: str) -> model.Group | None:
    """The project's group ``default``."""
    found = await rows.find(
        transaction, _groups, model.Group, _groups.c.project_id == project_id, _groups.c.is_default.is_(True)
    )
    return found[0] if found else None


async def rules_of(transaction: Transaction, group_ids: Sequence[str]) -> dict[str, list[model.Rule]]:
    """The rules of each group, oldest first."""
    if not group_ids:
        return {}
    select = (
        sa.select(_rules).where(_rules.c.security_group_id.in_(group_ids)).order_by(_rules.c.created_at, _rules.c.id)
    )
    found: dict[str, list[model.Rule]] = {}
    for row in await transaction.rows(select):
        found.setdefault(row.security_group_id, []).append(rows.built(model.Rule, row))
    return found


async def joined(transaction: Transaction, ids: Sequence[str]) -> list[model.Group]:
    """The groups with these ids, none of which is closed before this transaction ends; others may join as well."""
    if not ids:
        return []
    select = sa.select(_groups).where(_groups.c.id.in_(ids)).order_by(_groups.c.id)
    found = await transaction.rows(select.with_for_update(read=True, key_share=True))
    return [rows.built(model.Group, row) for row in found]


async def close(transaction: Transaction, id: str) -> None:
    """Nobody joins the group until this transaction ends."""
    await transaction.row(sa.select(_groups.c.id).where(_groups.c.id == id).with_for_update())


async def same_rule(transaction: Transaction, rule: model.Rule) -> str | None:
    """The id of a rule of the same group that says the same."""
    equal = [_rules.c[name] == value for name in _SAYS if (value := getattr(rule, name)) is not None]
    absent = [_rules.c[name].is_(None) for name in (*_SAYS, "protocol") if getattr(rule, name) is None]
    if rule.protocol is not None:
        equal.append(_rules.c.protocol.in_(model.protocol_spellings(rule.protocol)))
    found: str | None = await transaction.scalar(
        sa.select(_rules.c.id).where(_rules.c.security_group_id == rule.security_group_id, *equal, *absent).limit(1)
    )
    return found


async def named_as_remote(transaction: Transaction, group_ids: Iterable[str]) -> list[str]:
    """Those of the groups that some rule names as its remote group: their members matter to the kernel."""
    wanted = list(group_ids)
    if not wanted:
        return []
    found = await transaction.rows(
        sa.select(_rules.c.remote_group_id).where(_rules.c.remote_group_id.in_(wanted)).distinct()
    )
    return [row[0] for row in found]
