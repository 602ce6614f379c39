"""Removes the bytes of deleted images and ends the uploads that a crash interrupted. Never makes or reads bytes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from boxship.core.db.database import Database
from boxship.core.hosts import Hosts
from boxship.drivers.storage.interface import Blobs
from boxship.services.image import live
from boxship.services.image.model import KIND, Image, Status
from boxship.services.image.operations import uploads
from boxship.services.image.store import images as store

UPLOAD_PAUSE = 1.0
"""Seconds between looks at a deleted image whose upload has not ended."""


class ImageReconciler:
    """What is deleted loses its bytes, then its row; what is called saving and nobody sends is queued."""

    kind = KIND
    leisure = 0.0

    def __init__(self, database: Database, blobs: Blobs, hosts: Hosts, *, deadline: float) -> None:
        self.deadline = deadline
        self._hosts = hosts
        self._database = database
        self._blobs = blobs

    async def all(self) -> Iterable[str]:
        """The same as ``due``: an image at rest has nothing to be done."""
        return await self.due()

    async def due(self) -> Iterable[str]:
        async with self._database.read() as transaction:
            return await store.due(transaction)

    async def share(self, id: str) -> str:  # noqa: ARG002 (bytes are moved and removed one after the other anyway)
        """One for all."""
        return ""

    async def reconcile(self, id: str) -> float | None:
        async with self._database.read() as transaction:
            image = await store.unfinished(transaction, id)
        if image is None or not self._hosts.owns(image.host):
            return None
        if image.upload in live.running:
            return UPLOAD_PAUSE if image.status == Status.DELETED else None
        if image.status == Status.DELETED:
            await self._remove(image)
        elif image.upload:
            await self._requeue(image, image.upload)
        return None

    async def _remove(self, image: Image) -> None:
        await self._blobs.remove(image.id)
        async with self._database.write() as transaction:
            await store.forget(transaction, image.id)

    async def _requeue(self, image: Image, upload: str) -> None:
        """The client of this upload never heard of success, so bytes that are complete by chance do not count. It may have ended
        well since the row was read: so the upload is taken over first, which only works while it has not."""
        mine = uuid.uuid4().hex
        async with self._database.write() as transaction:
            if not await uploads.take_over(transaction, image.id, upload, mine):
                return
        await self._blobs.remove(image.id)
        async with self._database.write() as transaction:
            await uploads.abandon(transaction, image.id, mine)

    async def give_up(self, id: str, reason: str) -> None:
        """Nothing is recorded, as nobody sees a deleted image: the next scan tries again."""

    async def sweep(self) -> None:
        """Remove blobs of no image: what was seen before the rows were read, as a row comes before its bytes."""
        seen = await self._blobs.ids()
        if not seen:
            return
        async with self._database.read() as transaction:
            known = await store.with_bytes(transaction)
        for id in seen - known:
            await self._blobs.remove(id)
