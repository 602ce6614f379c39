"""Fills images with the bytes of volumes: of a snapshot, where somebody uses the volume. Never decides who may have them."""

from __future__ import annotations

from collections.abc import Iterable

from boxship.core import errors as core_errors
from boxship.core.db.database import Database
from boxship.core.hosts import Hosts
from boxship.drivers.storage.interface import Backends, Kind, Source
from boxship.services.image import public as image
from boxship.services.volume.model import GIB, UPLOAD, Upload, Volume
from boxship.services.volume.operations import errands, messages
from boxship.services.volume.reconciler.streams import flat
from boxship.services.volume.store import uploads as store
from boxship.services.volume.store import volumes as volume_store

_QUEUED = "queued"


class UploadReconciler:
    """One upload at a time, from its row, the image and the storage alone."""

    kind = UPLOAD
    leisure = 0.0

    def __init__(
        self, database: Database, storages: Backends, images: image.ImageLive, hosts: Hosts, *, deadline: float
    ) -> None:
        self.deadline = deadline
        self._database = database
        self._storages = storages
        self._images = images
        self._hosts = hosts

    async def all(self) -> Iterable[str]:
        async with self._database.read() as transaction:
            return await store.ids(transaction, self._hosts.only)

    async def due(self) -> Iterable[str]:
        """All: a row lives until its image has its bytes."""
        return await self.all()

    async def share(self, id: str) -> str:
        """The project of the volume."""
        async with self._database.read() as transaction:
            upload = await store.get(transaction, id)
            volume = await volume_store.get(transaction, upload.volume_id) if upload else None
        return volume.project_id if volume else ""

    async def reconcile(self, id: str) -> float | None:
        async with self._database.read() as transaction:
            upload = await store.get(transaction, id)
            volume = await volume_store.get(transaction, upload.volume_id) if upload else None
            status = await image.snapshot_status(transaction, id)
        if upload is None or not self._hosts.owns(upload.host):
            return None
        if volume is not None and status == _QUEUED and upload.fault is None:
            await self._send(upload, volume)
        await self._end(upload, volume)
        return None

    async def _send(self, upload: Upload, volume: Volume) -> None:
        """Refused: too large, the disk is full, or the image was deleted or filled by somebody else."""
        source, storage = Source(Kind.VOLUME, volume.id), self._storages.of(upload.backend)
        if volume.device or volume.path:
            await storage.snapshot(upload.id, volume.id)
            source = Source(Kind.SNAPSHOT, upload.id)
        size = volume.made_size * GIB
        stream = flat(storage.read(source), size)
        try:
            await self._images.receive(self._database, None, upload.id, stream, image.Sizes(size, size))
        except core_errors.RequestError as error:
            raise core_errors.Refused(error.sentence, detail=error.detail) from error

    async def _end(self, upload: Upload, volume: Volume | None) -> None:
        await self._storages.of(upload.backend).remove_snapshot(upload.id)
        async with self._database.write() as transaction:
            await store.forget(transaction, upload.id)
            if volume is not None:
                await errands.end(transaction, volume.id)

    async def give_up(self, id: str, reason: str) -> None:
        """The image that got no bytes is withdrawn, the volume is as it was, and a message tells the reason."""
        async with self._database.write() as transaction:
            upload = await store.get(transaction, id)
            if upload is None:
                return
            await store.fail(transaction, id, reason)
            await image.withdraw_snapshot(transaction, id)
            volume = await volume_store.get(transaction, upload.volume_id)
            if volume is not None:
                failure = messages.Failure(
                    resource_id=volume.id,
                    action=messages.Action.COPY_VOLUME_TO_IMAGE,
                    detail=messages.Detail.FAILED_TO_UPLOAD,
                    reason=reason,
                )
                await messages.write(transaction, volume.project_id, failure)
            transaction.wake(UPLOAD, id)

    async def sweep(self) -> None:
        """Nothing: rows go after what they left in the storage."""
