"""What the reconcilers of rows that are on a host have in common: which rows are theirs. Takes no step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Protocol

import sqlalchemy as sa

from boxship.core.db import placed
from boxship.core.db.database import Database
from boxship.core.hosts import Hosts


class Row(Protocol):
    """A row that is on a host."""

    @property
    def id(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def deleting(self) -> bool: ...


class Placed:
    """The rows of one table that are this host's, or were a host's that is gone for good and are to be forgotten."""

    table: ClassVar[sa.Table]
    leisure = 0.0

    def __init__(self, database: Database, hosts: Hosts, *, deadline: float) -> None:
        self.deadline = deadline
        self._database = database
        self._hosts = hosts

    async def all(self) -> Iterable[str]:
        async with self._database.read() as transaction:
            return await placed.ids(transaction, self.table, self._hosts.only)

    async def due(self) -> Iterable[str]:
        async with self._database.read() as transaction:
            ids = await placed.due(transaction, self.table, self._hosts.only)
            shared = self._hosts.shared
            lost = await placed.orphaned(transaction, self.table, self._hosts.names) if shared else []
        return [*ids, *lost]

    async def share(self, id: str) -> str:
        """The project of the row."""
        async with self._database.read() as transaction:
            return await placed.project(transaction, self.table, id)

    def _is_here(self, row: Row) -> bool:
        """Whether it is this host's, or is to be forgotten with a host that is gone for good."""
        return self._hosts.owns(row.host) or (row.deleting and self._hosts.inherits(row.host, row.id))
