"""Brings images to the engine: once for all who wait for the same one, and from private registries for those who may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from msgspec import structs

from boxship.core import errors
from boxship.core.db.database import Database
from boxship.drivers.engine.interface import Credentials
from boxship.services.container import model, states
from boxship.services.container.operations import registries
from boxship.services.container.reconciler.world import World


class Pulling:
    """The images of containers on this host."""

    def __init__(self, database: Database, world: World) -> None:
        self._database = database
        self._world = world
        self._locks: dict[str, asyncio.Lock] = {}

    async def ready(self, row: model.Container, *, guarded: bool) -> bool:
        """Whether the image is here. A ``guarded`` one, from a private registry, is asked for anew by every container, so
        that the registry itself decides who may have it."""
        if row.wish is states.Wish.GONE:
            return False
        if (row.image_pull_policy == "always" or guarded) and not row.pulling:
            return False
        return await self._world.engine.image(row.engine_image) is not None

    async def bring(self, row: model.Container, *, guarded: bool) -> None:
        """Fetch the image, unless somebody else did while this one waited. Refused: there is none, or it may not be had."""
        async with self._locks.setdefault(row.engine_image, asyncio.Lock()):
            if not await self.ready(structs.replace(row, pulling=False), guarded=guarded):
                await self._fetch(row)

    async def _fetch(self, row: model.Container) -> None:
        if row.image_id:
            await self._world.engine.load(self._archive(row.image_id), row.engine_image)
            return
        try:
            await self._world.engine.pull(row.engine_image, credentials=await self._credentials(row.registry_id))
        except errors.Busy as error:
            await self._world.engine.info()  # Busy as well where it is the engine that is away
            raise errors.Refused(error.sentence, detail=error.detail) from error

    async def _credentials(self, registry_id: str | None) -> Credentials | None:
        if registry_id is None:
            return None
        async with self._database.read() as transaction:
            return await registries.credentials(transaction, self._world.vault, registry_id)

    async def _archive(self, image_id: str) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._world.blobs.read(image_id):
                yield chunk
        except errors.Absent as error:
            raise errors.Refused("The image was deleted before the container was made.") from error
