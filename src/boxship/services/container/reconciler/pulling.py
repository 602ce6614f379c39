"""Brings images to the engine: once for all who wait for the same one, and from private registries for those who may."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from boxship.core import errors
from boxship.core.db.database import Database
from boxship.drivers.engine.interface import Credentials, ImageSight, PullProgress
from boxship.services.container import model, states
from boxship.services.container.operations import registries
from boxship.services.container.reconciler.world import World
from boxship.services.image import public as image


class Pulling:
    """The images of containers on this host."""

    def __init__(self, database: Database, world: World) -> None:
        self._database = database
        self._world = world
        self._locks: dict[str, asyncio.Lock] = {}
        self._asked: dict[str, int] = {}  # per container: the build that an image was asked for, whoever had it before

    async def ready(self, row: model.Container) -> bool:
        """Whether the image is here. One from a private repository is asked for anew by every container, so that the registry
        itself decides who may have it; so is one that is ``always`` pulled.

        Private is noted before such an image arrives, and asked after it was seen: it cannot slip through in between.
        """
        if row.wish is states.Wish.GONE:
            self._asked.pop(row.id, None)
            return False
        asked = self._asked.get(row.id) == row.rebuilds
        if row.image_pull_policy == "always" and not asked:
            return False
        if await self._world.engine.image(row.engine_image) is None:
            return False
        return asked or not await self._private(row)

    async def bring(self, row: model.Container) -> None:
        """Fetch the image, unless somebody else did while this one waited. Refused: there is none, or it may not be had."""
        async with self.turn(row.engine_image):
            if not await self.ready(row):
                await self._fetch(row)
                self._asked[row.id] = row.rebuilds

    def turn(self, reference: str) -> asyncio.Lock:
        """Whoever has it is the only one who fetches this image."""
        return self._locks.setdefault(reference, asyncio.Lock())

    async def load(self, image_id: str, reference: str) -> ImageSight:
        """Bring an image of the image service. Refused: it is no image of a container, or it was deleted."""
        return await self._world.engine.load(self._archive(image_id), reference)

    async def pull(
        self,
        reference: str,
        progress: Callable[[PullProgress], None] | None = None,
        credentials: Credentials | None = None,
    ) -> ImageSight:
        """Fetch an image from its registry. Refused: there is none, it may not be had, or the registry is out of reach."""
        try:
            return await self._world.engine.pull(reference, progress, credentials)
        except errors.Busy as error:
            await self._world.engine.info()  # Busy as well where it is the engine that is away
            raise errors.Refused(error.sentence, detail=error.detail) from error

    async def _private(self, row: model.Container) -> bool:
        if row.image_id:
            return False
        async with self._database.read() as transaction:
            return await registries.guards(transaction, row.engine_image)

    async def _fetch(self, row: model.Container) -> None:
        if row.image_id:
            await self.load(row.image_id, row.engine_image)
            return
        credentials = await self._credentials(row)
        if credentials is not None and not await self._private(row):
            with contextlib.suppress(errors.Refused):
                await self.pull(row.engine_image)  # what anybody may have is not made private by who asks
                return
            async with self._database.write() as transaction:
                await registries.note_private(transaction, row.engine_image)
        await self.pull(row.engine_image, credentials=credentials)

    async def _credentials(self, row: model.Container) -> Credentials | None:
        if row.registry_id is None:
            return None
        async with self._database.read() as transaction:
            login = await registries.credentials(transaction, self._world.vault, row.registry_id, row.engine_image)
        return Credentials(login.username, login.password) if login else None

    async def _archive(self, image_id: str) -> AsyncIterator[bytes]:
        async with self._database.read() as transaction:
            host = await image.host_of(transaction, image_id)
        try:
            async for chunk in self._world.images.read(host, image_id):
                yield chunk
        except errors.Absent as error:
            raise errors.Refused("The image was deleted before the container was made.") from error
