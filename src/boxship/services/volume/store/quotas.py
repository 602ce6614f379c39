"""Limits that an admin has set, of projects and of quota classes, and what projects use. What is not set has no row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.services.volume.store.tables import snapshots, volume_types, volumes

_projects = sa.Table(
    "volume_quotas",
    types.metadata,
    sa.Column("project_id", sa.String(64), primary_key=True),
    sa.Column("resource", sa.String(300), primary_key=True),
    sa.Column("hard_limit", sa.Integer, nullable=False),
)
_classes = sa.Table(
    "volume_quota_classes",
    types.metadata,
    sa.Column("class_name", sa.String(255), primary_key=True),
    sa.Column("resource", sa.String(300), primary_key=True),
    sa.Column("hard_limit", sa.Integer, nullable=False),
)


class Used(msgspec.Struct, frozen=True):
    """How many of something a project has, and their GiB; ``type_name``: of which volume type."""

    type_name: str
    count: int
    gigabytes: int


async def of_project(transaction: Transaction, project_id: str) -> dict[str, int]:
    """The limits of this project by resource."""
    return await _limits(transaction, _projects, _projects.c.project_id == project_id)


async def of_class(transaction: Transaction, name: str) -> dict[str, int]:
    """The limits of this class by resource."""
    return await _limits(transaction, _classes, _classes.c.class_name == name)


async def set_project(transaction: Transaction, project_id: str, limits: Mapping[str, int]) -> None:
    """Write these limits of a project; others stay."""
    await _write(transaction, _projects, {"project_id": project_id}, limits)


async def set_class(transaction: Transaction, name: str, limits: Mapping[str, int]) -> None:
    """Write these limits of a class; others stay."""
    await _write(transaction, _classes, {"class_name": name}, limits)


async def forget_project(transaction: Transaction, project_id: str) -> None:
    """Remove all limits of a project."""
    await transaction.execute(_projects.delete().where(_projects.c.project_id == project_id))


async def volumes_of(transaction: Transaction, project_id: str) -> list[Used]:
    """The volumes of a project by type."""
    select = (
        sa.select(volume_types.c.name, sa.func.count(), sa.func.sum(volumes.c.size))
        .join(volume_types, volume_types.c.id == volumes.c.type_id)
        .where(volumes.c.project_id == project_id)
        .group_by(volume_types.c.name)
    )
    return [_used(row) for row in await transaction.rows(select)]


async def snapshots_of(transaction: Transaction, project_id: str) -> list[Used]:
    """The snapshots of a project by the type of their volume."""
    select = (
        sa.select(volume_types.c.name, sa.func.count(), sa.func.sum(snapshots.c.size))
        .join(volumes, volumes.c.id == snapshots.c.volume_id)
        .join(volume_types, volume_types.c.id == volumes.c.type_id)
        .where(snapshots.c.project_id == project_id)
        .group_by(volume_types.c.name)
    )
    return [_used(row) for row in await transaction.rows(select)]


def _used(row: sa.Row[Any]) -> Used:
    name, count, gigabytes = tuple(row)
    return Used(name, int(count), int(gigabytes or 0))


async def _limits(transaction: Transaction, table: sa.Table, whose: sa.ColumnElement[bool]) -> dict[str, int]:
    rows = await transaction.rows(sa.select(table.c.resource, table.c.hard_limit).where(whose))
    return {row.resource: row.hard_limit for row in rows}


async def _write(
    transaction: Transaction, table: sa.Table, whose: Mapping[str, str], limits: Mapping[str, int]
) -> None:
    here = sa.and_(*(table.c[name] == value for name, value in whose.items()))
    for resource, limit in limits.items():
        changed = await transaction.execute(
            table.update().where(here, table.c.resource == resource).values(hard_limit=limit)
        )
        if not changed:
            await transaction.execute(table.insert().values(resource=resource, hard_limit=limit, **whose))
