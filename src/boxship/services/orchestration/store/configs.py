"""Software configs and deployments in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.services.orchestration.model import SoftwareConfig, SoftwareDeployment
from boxship.services.orchestration.store.tables import configs, deployments

CONFIG_COLUMNS: listing.Columns = {
    "id": configs.c.id,
    "name": configs.c.name,
    "group": configs.c.group,
    "created_at": configs.c.created_at,
}
DEPLOYMENT_COLUMNS: listing.Columns = {
    "id": deployments.c.id,
    "server_id": deployments.c.server_id,
    "created_at": deployments.c.created_at,
}
"""What lists sort and filter by."""


async def insert_config(transaction: Transaction, config: SoftwareConfig) -> None:
    """Store a new config."""
    await transaction.execute(configs.insert().values(**msgspec.structs.asdict(config)))


async def config(transaction: Transaction, id: str) -> SoftwareConfig | None:
    """One config."""
    row = await transaction.row(sa.select(configs).where(configs.c.id == id))
    return SoftwareConfig(*tuple(row)) if row else None


async def config_page(transaction: Transaction, project_id: str | None, page: listing.Page) -> list[SoftwareConfig]:
    """One page of the configs of a project (None: of all)."""
    conditions = [] if project_id is None else [configs.c.project_id == project_id]
    select = sa.select(configs).where(*conditions)
    rows = await listing.fetch(transaction, select, page, CONFIG_COLUMNS, key=configs.c.id)
    return [SoftwareConfig(*tuple(row)) for row in rows]


async def delete_config(transaction: Transaction, id: str) -> None:
    """Forget a config."""
    await transaction.execute(configs.delete().where(configs.c.id == id))


async def is_deployed(transaction: Transaction, config_id: str) -> bool:
    """Whether any deployment is of this config."""
    found = sa.select(deployments.c.id).where(deployments.c.config_id == config_id).limit(1)
    return await transaction.scalar(found) is not None


async def insert_deployment(transaction: Transaction, deployment: SoftwareDeployment) -> None:
    """Store a new deployment."""
    await transaction.execute(deployments.insert().values(**msgspec.structs.asdict(deployment)))


async def deployment(transaction: Transaction, id: str) -> SoftwareDeployment | None:
    """One deployment."""
    row = await transaction.row(sa.select(deployments).where(deployments.c.id == id))
    return SoftwareDeployment(*tuple(row)) if row else None


async def deployment_page(
    transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]], page: listing.Page
) -> list[SoftwareDeployment]:
    """One page of the deployments that meet the conditions."""
    select = sa.select(deployments).where(*conditions)
    rows = await listing.fetch(transaction, select, page, DEPLOYMENT_COLUMNS, key=deployments.c.id)
    return [SoftwareDeployment(*tuple(row)) for row in rows]


def of_project(project_id: str) -> sa.ColumnElement[bool]:
    """The condition that a deployment is this project's."""
    return deployments.c.project_id == project_id


async def for_server(
    transaction: Transaction, project_id: str, server_id: str
) -> list[tuple[SoftwareDeployment, SoftwareConfig]]:
    """The deployments for a server with their configs, by the names of these."""
    joined = sa.select(deployments, configs).join(configs, configs.c.id == deployments.c.config_id)
    here = sa.and_(deployments.c.server_id == server_id, deployments.c.project_id == project_id)
    rows = await transaction.rows(joined.where(here).order_by(configs.c.name, configs.c.id))
    width = len(deployments.c)
    return [(SoftwareDeployment(*tuple(row)[:width]), SoftwareConfig(*tuple(row)[width:])) for row in rows]


async def update_deployment(transaction: Transaction, row: SoftwareDeployment, **changes: Any) -> SoftwareDeployment:
    """Store the changed columns."""
    await transaction.execute(deployments.update().where(deployments.c.id == row.id).values(**changes))
    return msgspec.structs.replace(row, **changes)


async def delete_deployment(transaction: Transaction, id: str) -> None:
    """Forget a deployment."""
    await transaction.execute(deployments.delete().where(deployments.c.id == id))
