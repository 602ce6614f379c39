"""Which backends the hosts have, as each said when its program started; a row per backend."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from boxship.core.db import types
from boxship.core.db.database import Transaction
from boxship.services.volume.model import Backend

_backends = sa.Table(
    "volume_host_backends",
    types.metadata,
    sa.Column("host", sa.String(255), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
)


async def everything(transaction: Transaction) -> dict[str, list[Backend]]:
    """The backends by host, each host's in its order."""
    found: dict[str, list[Backend]] = {}
    for row in await transaction.rows(sa.select(_backends).order_by(_backends.c.position)):
        found.setdefault(row.host, []).append(Backend(row.name, row.kind, row.shared))
    return found


async def put(transaction: Transaction, host: str, backends: Sequence[Backend]) -> None:
    """From now on a host has these."""
    await transaction.execute(_backends.delete().where(_backends.c.host == host))
    for position, backend in enumerate(backends):
        values = {"host": host, "position": position, **msgspec.structs.asdict(backend)}
        await transaction.execute(_backends.insert().values(**values))
