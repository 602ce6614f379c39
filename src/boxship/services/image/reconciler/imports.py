"""Fetches the bytes of images that are imported. Never decides who may have them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

from boxship.core import errors as core_errors
from boxship.core.db.database import Database
from boxship.services.image import errors
from boxship.services.image.live import ImageLive
from boxship.services.image.model import IMPORT, Status
from boxship.services.image.operations import imports
from boxship.services.image.store import images as store

_AT_ONCE = 4
"""Imports of a project that run beside each other: slow servers of one must not take the places of all."""
_PAUSE = 1.0
"""Seconds until a project that has so many is looked at again."""


class ImportReconciler:
    """One image at a time, from its row alone; begins anew after a crash."""

    kind = IMPORT
    leisure = 0.0

    def __init__(self, database: Database, images: ImageLive, *, deadline: float, most: int) -> None:
        self.deadline = deadline
        self._database = database
        self._images = images
        self._most = most
        self._running: Counter[str] = Counter()

    async def all(self) -> Iterable[str]:
        """The same as ``due``: an image at rest is not fetched."""
        return await self.due()

    async def due(self) -> Iterable[str]:
        async with self._database.read() as transaction:
            return await store.importing(transaction)

    async def share(self, id: str) -> str:
        """The project of the image."""
        async with self._database.read() as transaction:
            image = await store.get(transaction, id)
        return image.owner if image else ""

    async def reconcile(self, id: str) -> float | None:
        """Refused: it will never be there; Busy: not now."""
        async with self._database.read() as transaction:
            image = await store.get(transaction, id)
        if image is None or image.status != Status.IMPORTING:
            return None
        if self._running[image.owner] >= _AT_ONCE:
            return _PAUSE
        self._running[image.owner] += 1
        try:
            await self._fetch(id)
        finally:
            self._running[image.owner] -= 1
            self._running += Counter()  # forgets who has none
        return None

    async def _fetch(self, id: str) -> None:
        try:
            async with asyncio.timeout(self.deadline):
                await self._images.fetch(self._database, id, self._most)
        except errors.ImageGone:
            return
        except errors.ImageTooLarge as error:
            raise core_errors.Refused(error.sentence, detail=error.detail) from error
        except TimeoutError as error:
            raise core_errors.Refused(f"It takes longer than {self.deadline:g} seconds to fetch the image.") from error

    async def give_up(self, id: str, reason: str) -> None:
        """Queued again, with the reason."""
        async with self._database.write() as transaction:
            await imports.fail(transaction, id, reason)

    async def sweep(self) -> None:
        """Nothing: what an import left without its image goes with the bytes of no image."""
