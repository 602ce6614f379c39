"""The hosts that share the database: who lives, who does what is placed on none, whom a call is passed to. Never moves
anything by itself, and knows no service.

Each host says that it lives every few seconds, in the time of the database, so that no clocks have to agree. What is
placed on no host for good (routers, name services) is claimed: by the host that has it as long as that lives, and then by
the one that comes first in an order that is another for every row and the same on every host (rendezvous hashing), so
that all agree without asking each other. A database that is a file is this host's alone; nothing is ever claimed there.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from boxship.config import Settings
from boxship.core import errors
from boxship.core.db import types
from boxship.core.db.database import Database, Transaction, Wake

BEATS = 4
"""Signs of life within a lease."""


class database_seconds(GenericFunction[float]):  # noqa: N801 (SQLAlchemy names functions as SQL does)
    """Seconds since the epoch as the database counts them now."""

    type = sa.Float()
    inherit_cache = True


@compiles(database_seconds, "postgresql")
def _postgresql_seconds(_element: database_seconds, _compiler: Any, **_options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(database_seconds, "sqlite")
def _sqlite_seconds(_element: database_seconds, _compiler: Any, **_options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


_table = sa.Table(
    "hosts",
    types.metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("url", sa.String(255), nullable=False),
    sa.Column("zone", sa.String(255), nullable=False),
    sa.Column("tunnel_address", sa.String(45), nullable=False),
    sa.Column("works", sa.Boolean, nullable=False),
    sa.Column("started", sa.Float, nullable=False),
    sa.Column("seen", sa.Float, nullable=False),
)


class Host(msgspec.Struct, frozen=True):
    """A host: where its API is for the others, and where it takes the traffic of tenants (empty: nowhere). ``works``: it has
    an engine. ``age``: seconds since its last sign of life; ``up``: seconds from its start to that."""

    name: str
    url: str
    zone: str
    tunnel_address: str
    works: bool
    age: float
    up: float

    def lives(self, lease: float) -> bool:
        """Whether it was heard of within the lease."""
        return self.age < lease


async def known(transaction: Transaction) -> list[Host]:
    """All hosts that ever said that they live, by name."""
    columns = _table.c
    age, up = database_seconds() - columns.seen, columns.seen - columns.started
    select = sa.select(columns.name, columns.url, columns.zone, columns.tunnel_address, columns.works, age, up)
    return [Host(*tuple(row)) for row in await transaction.rows(select.order_by(columns.name))]


async def forget(transaction: Transaction, name: str) -> None:
    """Remove a host that is gone for good; one that lives comes back with its next sign."""
    await transaction.execute(_table.delete().where(_table.c.name == name))


def placed(column: sa.ColumnElement[Any], only: str | None) -> list[sa.ColumnElement[bool]]:
    """The condition that a row is placed on the host ``only`` (see ``Hosts.only``) or on none."""
    return [] if only is None else [column.in_(["", only])]


class Hosts:
    """What this host knows of all of them, as of its last beat."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.here = settings.host_name
        self.shared = settings.shared
        self._database = database
        self._settings = settings
        self._works = settings.engine != "none"
        self._known: dict[str, Host] = {}
        self._missed: dict[str, float] = {}

    @property
    def only(self) -> str | None:
        """The host that rows must be placed on to be this program's matter; None: all are."""
        return self.here if self.shared else None

    def owns(self, host: str | None) -> bool:
        """Whether what is placed on this host is this program's matter; what is placed on none is everybody's."""
        return not self.shared or host in {None, "", self.here}

    def lives(self, name: str) -> bool:
        """Whether this host, or another one, lives."""
        host = self._known.get(name)
        return name == self.here or (host is not None and host.lives(self._settings.host_lease))

    def claims(self, holder: str, key: str, zones: Collection[str] = ()) -> bool:
        """Whether this host is to do what ``holder`` (empty: nobody) has done until now. ``key`` names it. ``zones``: only
        hosts in one of these availability zones are to."""
        if not self.shared or holder == self.here:
            return True
        if not self._works or (holder and self.lives(holder)):
            return False
        able = {host.name: host.zone for host in self._known.values() if host.works and self.lives(host.name)}
        able[self.here] = self._settings.availability_zone
        wanted = [name for name, zone in able.items() if not zones or zone in zones]
        return max(wanted, key=lambda name: _weight(name, key), default="") == self.here

    def inherits(self, holder: str | None, key: str) -> bool:
        """Whether this host is to end what is being deleted on a host that nobody knows any more (see ``forget``)."""
        return self.shared and bool(holder) and holder not in self._known and self.claims("", key)

    def is_gone(self, name: str) -> bool:
        """Whether a host is gone for good (see ``forget``): nobody waits for it any more. It was not known for a whole lease, in
        which one that lives would have come back."""
        if not self.shared or name == self.here or name in self._known:
            self._missed.pop(name, None)
            return False
        return time.monotonic() - self._missed.setdefault(name, time.monotonic()) >= self._settings.host_lease

    def all(self) -> list[Host]:
        """All hosts that are known, by name."""
        return list(self._known.values())

    @property
    def names(self) -> list[str]:
        """All hosts that are known, whether they live or not."""
        return sorted({*self._known, self.here})

    def tunnel_address(self, name: str) -> str:
        """Where a host takes the traffic of tenants; empty: nowhere, or the host is not known."""
        return self._known[name].tunnel_address if name in self._known else ""

    def url(self, name: str) -> str | None:
        """The base URL of a host's API; None: it is not known or does not live."""
        return self._known[name].url if name in self._known and self.lives(name) else None

    def living(self) -> Iterable[Host]:
        """The hosts that live."""
        return [host for host in self._known.values() if self.lives(host.name)]

    async def begin(self) -> None:
        """Make this host known, before anything is placed on it. Conflict: another one that lives has its name."""
        async with self._database.write() as transaction:
            await transaction.serialise("hosts")
            for host in await known(transaction):
                if host.name == self.here and host.url != self._settings.url and self._is_fresh(host):
                    raise errors.Conflict(
                        f"Another host of this database is called {host.name} and answers at {host.url}. "
                        "Give this one a name of its own (--host)."
                    )
            await self._beat(transaction, started=True)

    def _is_fresh(self, host: Host) -> bool:
        return self.shared and host.lives(self._settings.host_lease)

    async def watch(self, wake: Wake) -> None:
        """Say for ever that this host lives, and hear of the others."""
        del wake
        while True:
            async with self._database.write() as transaction:
                await self._beat(transaction, started=False)
            await asyncio.sleep(self._settings.host_lease / BEATS)

    async def _beat(self, transaction: Transaction, *, started: bool) -> None:
        values = self._described() | {"seen": database_seconds()}
        values |= {"started": database_seconds()} if started else {}
        here = _table.c.name == self.here
        if not await transaction.execute(_table.update().where(here).values(**values)):
            first = values | {"name": self.here, "started": database_seconds()}
            await transaction.execute(_table.insert().values(**first))
        self._known = {host.name: host for host in await known(transaction)}

    def _described(self) -> dict[str, object]:
        settings = self._settings
        return {
            "url": settings.url,
            "zone": settings.availability_zone,
            "tunnel_address": settings.tunnel_address,
            "works": self._works,
        }


def _weight(name: str, key: str) -> bytes:
    return hashlib.sha256(f"{name}\0{key}".encode()).digest()
