"""Brings the images that admins want to this host, tells how far it is, and removes them again where no container needs
them. Never decides who may have which."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable

from boxship.core.db.database import Database
from boxship.drivers.engine.interface import ImageSight, PullProgress
from boxship.services.container import model
from boxship.services.container.operations import host_images as operations
from boxship.services.container.reconciler.pulling import Pulling
from boxship.services.container.reconciler.world import World
from boxship.services.container.store import containers as containers_store
from boxship.services.container.store import images as store

REPORT = 1.0
"""Seconds between two writes of how far a transfer is: users look on, and the disk has better things to do."""


class ImageReconciler:
    """One image after the other on this host."""

    kind = operations.KIND
    leisure = 0.0

    def __init__(self, database: Database, world: World, images: Pulling, *, deadline: float) -> None:
        self.deadline = deadline
        self._database = database
        self._world = world
        self._images = images
        self._host = world.hosts.here

    async def all(self) -> Iterable[str]:
        async with self._database.read() as transaction:
            return await store.ids(transaction, self._host, due_only=False)

    async def due(self) -> Iterable[str]:
        async with self._database.read() as transaction:
            return await store.ids(transaction, self._host, due_only=True)

    async def share(self, id: str) -> str:
        """The project that asked."""
        async with self._database.read() as transaction:
            row = await store.get(transaction, id)
        return row.project_id if row else ""

    async def reconcile(self, id: str) -> float | None:
        async with self._database.read() as transaction:
            row = await store.get(transaction, id)
        if row is None or row.host != self._host:
            return None
        if row.deleting:
            await self._remove(row)
        elif row.observed != row.generation:
            await self._record(row, await self._bring(row))
        return None

    async def _bring(self, row: model.HostImage) -> ImageSight:
        """Refused: there is none, or it may not be had."""
        async with self._images.turn(row.engine_image):
            if row.glance_id:
                return await self._images.load(row.glance_id, row.engine_image)
            async with self._telling(row) as progress:
                return await self._images.pull(row.engine_image, progress)

    @contextlib.asynccontextmanager
    async def _telling(self, row: model.HostImage) -> AsyncIterator[Callable[[PullProgress], None]]:
        """What is given how far it is, while somebody else writes it down from time to time."""
        heard: list[PullProgress] = []

        async def tell() -> None:
            while True:
                await asyncio.sleep(REPORT)
                if heard:
                    last = heard[-1]
                    heard.clear()
                    async with self._database.write() as transaction:
                        await store.update(transaction, row.id, done=last.done, total=last.total)

        telling = asyncio.create_task(tell())
        try:
            yield heard.append
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _record(self, row: model.HostImage, sight: ImageSight) -> None:
        seen = {"image_id": sight.id, "size": sight.size, "done": sight.size, "total": sight.size, "fault": None}
        async with self._database.write() as transaction:
            await store.update(transaction, row.id, observed=row.generation, **seen)

    async def _remove(self, row: model.HostImage) -> None:
        """The engine itself keeps what a container runs on; the rest is asked of the rows: what is to be made of it."""
        async with self._images.turn(row.engine_image):
            async with self._database.read() as transaction:
                needed = await containers_store.needs_image(transaction, row.host, row) or await store.like(
                    transaction, row
                )
            if not needed:
                await self._world.engine.remove_image(row.engine_image)
            async with self._database.write() as transaction:
                await store.forget(transaction, row.id)

    async def give_up(self, id: str, reason: str) -> None:
        """The image tells why it is not there; one that is to be deleted is tried again by the next scan."""
        async with self._database.write() as transaction:
            row = await store.get(transaction, id)
            if row is not None and not row.deleting:
                await store.update(transaction, id, fault=reason, observed=row.generation)

    async def sweep(self) -> None:
        """Tell of images that somebody else removed from the host."""
        async with self._database.read() as transaction:
            rows = await store.active(transaction, self._host)
        for row in rows:
            if await self._world.engine.image(row.engine_image) is None:
                await self.give_up(row.id, "The image was removed from the host by somebody else.")
