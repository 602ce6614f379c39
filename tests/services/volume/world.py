"""The volume service without HTTP: its operations and reconciler on a real database and a fake storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from boxship.config import Settings
from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.auth.rules import Rules
from boxship.core.db import types
from boxship.core.db.database import SqliteDatabase
from boxship.core.hosts import Hosts
from boxship.drivers.storage.backends import StorageBackends
from boxship.drivers.storage.fake import FakeBlobs, FakeStorage
from boxship.drivers.storage.interface import Storage
from boxship.services.image import public as image
from boxship.services.volume import policy, public
from boxship.services.volume.model import Volume
from boxship.services.volume.operations import volumes
from boxship.services.volume.reconciler import VolumeReconciler
from boxship.services.volume.store import volumes as store

HOLDER = ("container", "c1")
OTHER = ("container", "c2")


def caller(name: str, *roles: str) -> Caller:
    """A member of the project of the same name, unless roles are given."""
    return Caller(f"{name}-id", name, "default", frozenset(roles or {"member", "reader"}), Rules(policy.RULES), name)


class Killed(BaseException):
    """The program died here."""


class Mortal:
    """A storage that kills the program at the n-th call, before or after it took effect."""

    def __init__(self, storage: Storage, at: int, *, after: bool) -> None:
        self._storage = storage
        self._left = at
        self._after = after
        self.died = False

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        if verb == "progress":
            return self._storage.progress  # type: ignore[return-value]  # it is memory, not a call of the world

        async def call(*given: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                self.died = True
                raise Killed
            answer = await getattr(self._storage, verb)(*given, **named)
            if self._left == 0:
                self.died = True
                raise Killed
            return answer

        return call


class World:
    """A database, a storage, and what the loop would do with a reconciler."""

    def __init__(
        self, database: SqliteDatabase, storage: FakeStorage, wakes: list[tuple[str, str]], directory: Path
    ) -> None:
        self.database = database
        self.storage = storage
        self.wakes = wakes
        self.settings = Settings()
        self.images = directory / "images"

    def reconciler(self, storage: Storage | None = None) -> VolumeReconciler:
        """A reconciler without any memory, as after a restart."""
        hosts = Hosts(self.database, self.settings)
        unused: Any = None
        images = image.ImageLive(FakeBlobs(self.images), hosts, unused, unused)
        storages = StorageBackends({"file": storage or self.storage})
        return VolumeReconciler(self.database, storages, images, hosts, deadline=5)

    async def create(self, **wish: Any) -> str:
        async with self.database.write() as transaction:
            chosen = volumes.VolumeWish(**{"project_id": "alice", "size": 1, "name": "data", **wish})
            return (await volumes.create_volume(transaction, caller("alice"), self.settings, chosen)).id

    async def volume(self, id: str) -> Volume | None:
        async with self.database.read() as transaction:
            return await store.get(transaction, id)

    async def status(self, id: str) -> str:
        volume = await self.volume(id)
        return volume.status if volume else "gone"

    async def mount(self, id: str) -> public.MountView:
        async with self.database.read() as transaction:
            return (await public.mounts(transaction, [id]))[0]

    async def attach(self, id: str, holder: tuple[str, str] = HOLDER, mountpoint: str = "/data") -> None:
        async with self.database.write() as transaction:
            await public.attach(transaction, self.settings, id, public.AttachmentWish(holder, mountpoint))

    async def detach(self, id: str, holder: tuple[str, str] = HOLDER) -> None:
        async with self.database.write() as transaction:
            await public.detach(transaction, id, holder)

    async def delete(self, id: str, user: str = "alice") -> None:
        async with self.database.write() as transaction:
            await volumes.delete_volume(transaction, caller(user), id)

    async def settle(self, *ids: str, storage: Storage | None = None) -> None:
        """What the loop does until nothing is left to be done; Busy is not waited for."""
        reconciler = self.reconciler(storage)
        for id in ids or tuple(await reconciler.all()):
            try:
                while await reconciler.reconcile(id) is not None:
                    pass
            except errors.Refused as error:
                await reconciler.give_up(id, error.sentence)


@asynccontextmanager
async def world(directory: Path) -> AsyncIterator[World]:
    """A new world with the default volume type."""
    wakes: list[tuple[str, str]] = []
    path = directory / "boxship.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    types.metadata.create_all(engine)
    engine.dispose()
    database = SqliteDatabase(path, lambda *woken: wakes.append(woken))
    storage = FakeStorage(directory / "volumes")
    await storage.open()
    async with database.write() as transaction:
        await public.bootstrap(transaction)
    try:
        yield World(database, storage, wakes, directory)
    finally:
        await database.close()
