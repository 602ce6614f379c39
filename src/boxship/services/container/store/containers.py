"""The rows of containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from boxship.core import clock, hosts
from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.container import model, states

_table = sa.Table(
    "containers",
    types.metadata,
    types.identifier(),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("created_at", types.Moment, nullable=False, index=True),
    sa.Column("name", sa.String(255), nullable=False, index=True),
    sa.Column("image", sa.String(255), nullable=False),
    sa.Column("image_driver", sa.String(16), nullable=False),
    sa.Column("image_id", sa.String(64)),
    sa.Column("image_pull_policy", sa.String(16)),
    sa.Column("command", types.Json(list[str])),
    sa.Column("entrypoint", types.Json(list[str])),
    sa.Column("environment", types.Json(dict[str, str]), nullable=False),
    sa.Column("labels", types.Json(dict[str, str]), nullable=False),
    sa.Column("workdir", sa.String(4096)),
    sa.Column("hostname", sa.String(63)),
    sa.Column("cpu", sa.Float),
    sa.Column("memory", sa.Integer),
    sa.Column("disk", sa.Integer, nullable=False),
    sa.Column("restart_policy", types.Json(model.RestartPolicy)),
    sa.Column("healthcheck", types.Json(model.HealthCheck)),
    sa.Column("interactive", sa.Boolean, nullable=False),
    sa.Column("tty", sa.Boolean, nullable=False),
    sa.Column("privileged", sa.Boolean, nullable=False),
    sa.Column("auto_remove", sa.Boolean, nullable=False),
    sa.Column("auto_heal", sa.Boolean, nullable=False),
    sa.Column("availability_zone", sa.String(255)),
    sa.Column("cpu_policy", sa.String(16)),
    sa.Column("runtime", sa.String(64)),
    sa.Column("registry_id", sa.String(64)),
    sa.Column("exposed_ports", types.Json(list[str]), nullable=False),
    sa.Column("group_id", sa.String(64)),
    sa.Column("capsule_id", sa.String(64), index=True),
    sa.Column("role", sa.String(8), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("mounts", types.Json(list[model.Mount]), nullable=False),
    sa.Column("files", types.Json(list[model.InjectedFile]), nullable=False),
    sa.Column("plugs", types.Json(list[model.Plug]), nullable=False),
    sa.Column("wish", sa.String(16), nullable=False),
    sa.Column("starts", sa.Integer, nullable=False),
    sa.Column("task", sa.String(32)),
    sa.Column("reboots", sa.Integer, nullable=False),
    sa.Column("kills", sa.Integer, nullable=False),
    sa.Column("kill_signal", sa.String(16), nullable=False),
    sa.Column("rebuilds", sa.Integer, nullable=False),
    sa.Column("resizes", sa.Integer, nullable=False),
    sa.Column("stop_timeout", sa.Integer, nullable=False),
    sa.Column("stop_first", sa.Boolean, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("updated_at", types.Moment),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("status_reason", sa.Text),
    sa.Column("pulling", sa.Boolean, nullable=False),
    sa.Column("observed", sa.Integer, nullable=False),
    sa.Column("started", sa.Integer, nullable=False),
    sa.Column("rebooted", sa.Integer, nullable=False),
    sa.Column("killed", sa.Integer, nullable=False),
    sa.Column("rebuilt", sa.Integer, nullable=False),
    sa.Column("resized", sa.Integer, nullable=False),
    sa.Column("engine_id", sa.String(64)),
    sa.Column("boot_id", sa.String(64)),
    sa.Column("exit_code", sa.Integer),
    sa.Column("started_at", types.Moment),
    sa.Column("finished_at", types.Moment),
    sa.Column("health", sa.String(16)),
    sa.Column("host", sa.String(255)),
)
# What is settled costs the scan nothing.
sa.Index("ix_containers_due", _table.c.id, sqlite_where=_table.c.observed != _table.c.generation)
sa.Index("ix_containers_wish", _table.c.wish)
# The sums for quotas and placement are read from the index alone; lists of a project come in the order of creation.
sa.Index("ix_containers_usage", _table.c.project_id, _table.c.memory, _table.c.cpu, _table.c.disk)
sa.Index("ix_containers_placed", _table.c.host, _table.c.memory, _table.c.cpu, _table.c.disk)
sa.Index("ix_containers_listed", _table.c.project_id, _table.c.created_at)

_columns = _table.c
# The same as model.Container.shown_status and task_state, for filters.
_shown_status = sa.case(
    (_columns.wish == states.Wish.GONE, states.Status.DELETING.value),
    (_columns.rebuilds > _columns.rebuilt, states.Status.REBUILDING.value),
    (_columns.reboots > _columns.rebooted, states.Status.RESTARTING.value),
    else_=_columns.status,
)
_shown_task = sa.case(
    (_columns.wish == states.Wish.GONE, states.TaskState.DELETING.value),
    (_columns.observed == _columns.generation, sa.null()),
    (_columns.pulling, states.TaskState.IMAGE_PULLING.value),
    else_=_columns.task,
)

#: What lists may be filtered and sorted by (Zun's container_allowed_filters).
FILTERS: listing.Columns = {
    "name": _columns.name,
    "image": _columns.image,
    "project_id": _columns.project_id,
    "user_id": _columns.user_id,
    "memory": _columns.memory,
    "host": _columns.host,
    "status": _shown_status,
    "task_state": _shown_task,
    "auto_remove": _columns.auto_remove,
}
SORTS: listing.Columns = {
    **FILTERS,
    "id": _columns.created_at,
    "uuid": _columns.id,
    "created_at": _columns.created_at,
    "updated_at": _columns.updated_at,
    "cpu": _columns.cpu,
}


_alone = _columns.capsule_id.is_(None)
"""Containers of capsules are shown with their capsule only."""


async def insert(transaction: Transaction, container: model.Container) -> None:
    """Store a new container."""
    values = {column.name: getattr(container, column.name) for column in _columns}
    await transaction.execute(_table.insert().values(values))


async def get(transaction: Transaction, id: str) -> model.Container | None:
    """The container with this id."""
    row = await transaction.row(sa.select(_table).where(_columns.id == id))
    return _container(row) if row else None


async def project(transaction: Transaction, id: str) -> str:
    """The project of the container with this id; empty where it is gone."""
    return str(await transaction.scalar(sa.select(_columns.project_id).where(_columns.id == id)) or "")


async def uses_image(transaction: Transaction, image_id: str) -> bool:
    """Whether any container is made of this image of the image service."""
    return await transaction.scalar(sa.select(_columns.id).where(_columns.image_id == image_id).limit(1)) is not None


async def generation(transaction: Transaction, id: str) -> int | None:
    """How often the wish has changed; None where the container is gone."""
    found: int | None = await transaction.scalar(sa.select(_columns.generation).where(_columns.id == id))
    return found


async def named(transaction: Transaction, name: str, project_id: str | None) -> list[model.Container]:
    """The containers with this id or name, at most two; of one project, or of all where it is None."""
    query = sa.select(_table).where(_alone, sa.or_(_columns.id == name, _columns.name == name)).limit(2)
    if project_id is not None:
        query = query.where(_columns.project_id == project_id)
    return [_container(row) for row in await transaction.rows(query)]


async def page(
    transaction: Transaction,
    page: listing.Page,
    conditions: Sequence[sa.ColumnElement[bool]],
    project_id: str | None,
) -> list[model.Container]:
    """A page of containers; of one project, or of all where it is None."""
    query = sa.select(_table).where(_alone, *conditions)
    if project_id is not None:
        query = query.where(_columns.project_id == project_id)
    return [_container(row) for row in await listing.fetch(transaction, query, page, SORTS, key=_columns.id)]


async def usage(transaction: Transaction, project_id: str) -> tuple[int, int, float, int]:
    """Containers, MiB of memory, CPUs and GiB of disk that the project uses."""
    row = await transaction.row(
        sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(_columns.memory), 0),
            sa.func.coalesce(sa.func.sum(_columns.cpu), 0.0),
            sa.func.coalesce(sa.func.sum(_columns.disk), 0),
        ).where(_columns.project_id == project_id)
    )
    assert row is not None
    containers, memory, cpu, disk = tuple(row)
    return int(containers), int(memory), float(cpu), int(disk)


async def shares(transaction: Transaction) -> dict[str, model.Share]:
    """Per host: what all containers there were promised, those that are being removed included."""
    sums = [sa.func.coalesce(sa.func.sum(column), 0) for column in (_columns.memory, _columns.cpu, _columns.disk)]
    query = sa.select(_columns.host, sa.func.count(), *sums).where(_columns.host.is_not(None)).group_by(_columns.host)
    return {
        host: model.Share(int(containers), int(memory), float(cpu), int(disk))
        for host, containers, memory, cpu, disk in map(tuple, await transaction.rows(query))
    }


async def uses_registry(transaction: Transaction, registry_id: str) -> bool:
    """Whether a container was made with this registry."""
    query = sa.select(_columns.id).where(_columns.registry_id == registry_id).limit(1)
    return await transaction.scalar(query) is not None


async def needs_image(transaction: Transaction, host: str, image: model.HostImage) -> bool:
    """Whether a container of this host was made of this image."""
    same = _columns.image_id == image.glance_id if image.glance_id else _columns.image == image.engine_image
    return await transaction.scalar(sa.select(_columns.id).where(_columns.host == host, same).limit(1)) is not None


async def of_capsules(transaction: Transaction, capsule_ids: Sequence[str]) -> list[model.Container]:
    """The containers of these capsules, init containers first, each role in its order."""
    query = sa.select(_table).where(_columns.capsule_id.in_(capsule_ids))
    return [_container(row) for row in await transaction.rows(query.order_by(_columns.role, _columns.position))]


async def update(transaction: Transaction, id: str, **values: Any) -> None:
    """Write columns of the specification that ask nothing of the world."""
    await transaction.execute(_table.update().where(_columns.id == id).values(updated_at=clock.now(), **values))


async def change_wish(transaction: Transaction, id: str, **values: Any) -> None:
    """Write columns of the wish (or of a specification that must be made real again) and count the change."""
    await transaction.execute(
        _table.update()
        .where(_columns.id == id)
        .values(generation=_columns.generation + 1, updated_at=clock.now(), **values)
    )


async def count_event(transaction: Transaction, id: str, counter: str, **values: Any) -> None:
    """Increment ``starts``, ``reboots``, ``kills``, ``rebuilds`` or ``resizes`` and write columns of the wish."""
    await change_wish(transaction, id, **{counter: _columns[counter] + 1}, **values)


async def record(transaction: Transaction, id: str, **seen: Any) -> None:
    """Write columns of what was seen; the wish is never touched."""
    await transaction.execute(_table.update().where(_columns.id == id).values(**seen))


async def mark_unknown(transaction: Transaction, only: str | None, reason: str) -> None:
    """Say of every container that was made on this host (None: on all) that nobody knows what it does now."""
    known = _columns.status.in_([states.Status.RUNNING, states.Status.PAUSED, states.Status.RESTARTING])
    lost = _table.update().where(known, *hosts.placed(_columns.host, only))
    await transaction.execute(lost.values(status=states.Status.UNKNOWN.value, status_reason=reason))


async def forget(transaction: Transaction, id: str) -> None:
    """Remove the row of a container that is wanted gone."""
    await transaction.execute(_table.delete().where(_columns.id == id, _columns.wish == states.Wish.GONE))


async def ids(transaction: Transaction, only: str | None, *, due_only: bool) -> list[str]:
    """The ids of all containers of this host (None: of all), or of those whose wish is not met."""
    query = sa.select(_columns.id).where(*hosts.placed(_columns.host, only))
    if due_only:
        query = query.where(_columns.observed != _columns.generation)
    return [row.id for row in await transaction.rows(query)]


async def orphaned(transaction: Transaction, known: Sequence[str]) -> list[str]:
    """The ids of containers that are wanted gone from hosts that are not known any more."""
    lost = sa.and_(_columns.wish == states.Wish.GONE, _columns.host.not_in(["", *known]))
    return [row.id for row in await transaction.rows(sa.select(_columns.id).where(lost))]


async def statuses(transaction: Transaction, only: str | None) -> dict[str, tuple[str, str]]:
    """Per id: the wish and the status that was last seen, of all containers of this host (None: of all)."""
    select = sa.select(_columns.id, _columns.wish, _columns.status).where(*hosts.placed(_columns.host, only))
    rows = await transaction.rows(select)
    return {row.id: (row.wish, row.status) for row in rows}


def _container(row: sa.Row[Any]) -> model.Container:
    values = dict(row._mapping)
    values["wish"] = states.Wish(values["wish"])
    values["status"] = states.Status(values["status"])
    values["task"] = values["task"] and states.TaskState(values["task"])
    values["role"] = model.Role(values["role"])
    return model.Container(**values)
