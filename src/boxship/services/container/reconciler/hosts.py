"""Keeps what is known of this host true: its size, what its engine offers, and that it is alive. Never decides whether it
is given containers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from boxship.config import Settings
from boxship.core import clock, errors
from boxship.core.db.database import Database
from boxship.drivers.engine.interface import Engine, HostSight
from boxship.services.container import model
from boxship.services.container.operations import hosts as operations
from boxship.services.container.store import hosts as store

HEARTBEAT = 60.0
"""Seconds after which a sign of life is written although nothing else changed; Zun's report interval."""
_PATIENCE = 5.0
"""Seconds that a start of the program waits for the engine to tell how large the host is."""
_MIB, _GIB = 1 << 20, 1 << 30


class HostReconciler:
    """This host; there is one."""

    kind = operations.KIND
    leisure = 0.0

    def __init__(self, database: Database, engine: Engine, settings: Settings) -> None:
        self.deadline = settings.step_deadline
        self.hostname = settings.host_name
        self._id = operations.identity(self.hostname)
        self._database = database
        self._engine = engine
        self._settings = settings
        self._heartbeat = timedelta(seconds=min(HEARTBEAT, settings.host_down_after / 3))

    async def register(self) -> None:
        """Make the host known before requests are answered; how large it is may follow later, where the engine is away."""
        async with self._database.write() as transaction:
            await operations.register(transaction, self._settings, self.hostname)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self.reconcile(self._id)

    async def all(self) -> Iterable[str]:
        return [self._id]

    async def due(self) -> Iterable[str]:
        """Always: what a host is has to be asked for."""
        return [self._id]

    async def share(self, id: str) -> str:  # noqa: ARG002 (the signature is the protocol's)
        """Nobody's."""
        return ""

    async def reconcile(self, id: str) -> float | None:
        """Write what is not as the row says, or a sign of life where the last one is old. A host whose engine is away is
        alive: its containers wait for the engine."""
        sight: HostSight | None = None
        with contextlib.suppress(errors.DriverError):
            sight = await self._engine.host()
        async with self._database.read() as transaction:
            row = await store.named(transaction, id)
        if row is None:  # an admin deleted the service of a host that lives
            async with self._database.write() as transaction:
                await operations.register(transaction, self._settings, self.hostname)
                row = await store.named(transaction, id)
        changed = self._changed(row, sight, clock.now()) if row else {}
        if changed:
            async with self._database.write() as transaction:
                await store.update(transaction, id, **changed)
        return None

    def _changed(self, row: model.Host, sight: HostSight | None, now: datetime) -> dict[str, object]:
        seen = _told(sight) if sight else {}
        changed = {name: value for name, value in seen.items() if getattr(row, name) != value}
        if changed or abs(now - row.last_seen_up) >= self._heartbeat:
            changed |= {"last_seen_up": now, "report_count": row.report_count + 1}
        return changed

    async def give_up(self, id: str, reason: str) -> None:
        """Nothing: the next scan looks again."""

    async def sweep(self) -> None:
        """Nothing is made in the world."""


def _told(sight: HostSight) -> dict[str, object]:
    """As columns. What is used of the disk counts in whole GiB, so that it does not differ at every look."""
    return {
        "cpus": sight.cpus,
        "memory": sight.memory // _MIB,
        "disk": sight.disk // _GIB,
        "disk_used": sight.disk_used // _GIB,
        "disk_quota": sight.disk_quota,
        "architecture": sight.architecture[:64],
        "os": sight.os[:255],
        "os_type": sight.os_type[:64],
        "kernel": sight.kernel[:255],
        "labels": dict(sight.labels),
        "runtimes": list(sight.runtimes),
    }
