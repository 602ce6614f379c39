"""Image bytes, passed through between the client and the blobs; the database only hears how an upload ended."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Database
from boxship.core.hosts import Hosts
from boxship.core.http.peers import Peers
from boxship.drivers.storage.interface import Blobs, BlobSight
from boxship.drivers.web.interface import Web
from boxship.services.image import errors
from boxship.services.image.model import Image
from boxship.services.image.operations import imports, uploads

log = structlog.get_logger("image")

running: set[str] = set()
"""The uploads that this program is receiving; the reconciler leaves them alone. After a crash it is empty, and so the
reconciler ends what the database still calls saving."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many bytes may come, and how many were announced (None: unknown)."""

    most: int
    announced: int | None


class ImageLive:
    """Receives, fetches and sends the bytes of images. They are on the host that received them; ``peers`` reaches the others,
    ``web`` what is outside."""

    def __init__(self, blobs: Blobs, hosts: Hosts, peers: Peers, web: Web) -> None:
        self._web = web
        self._blobs = blobs
        self._hosts = hosts
        self._peers = peers

    async def receive(
        self, database: Database, caller: Caller | None, id: str, data: AsyncIterator[bytes], sizes: Sizes
    ) -> None:
        """Store the stream as the bytes of a queued image: all of it, and the image is active, or nothing, and it is
        queued again. Without a caller they are the program's own, as of a snapshot.

        ImageNotFound, NotTheOwner, NotUploadable, FormatsMissing; ImageTooLarge; BadRequest: the stream broke off or
        is not as long as announced; ImageGone: deleted meanwhile.
        """
        upload = uuid.uuid4().hex
        running.add(upload)
        try:
            async with database.write() as transaction:
                await uploads.begin(transaction, caller, id, (upload, self._hosts.here))
            await self._store(database, id, upload, data, sizes)
        finally:
            running.discard(upload)

    @property
    def here(self) -> str:
        """The host that receives what comes now."""
        return self._hosts.here

    async def fetch(self, database: Database, id: str, most: int) -> None:
        """Store what is at the URL that an image is to be imported from, if it still is. What cuts it short leaves the image to
        be fetched from the beginning.

        Refused, ImageTooLarge: there is nothing that can be stored. Busy: not now. ImageGone: deleted meanwhile.
        """
        upload = uuid.uuid4().hex
        running.add(upload)
        try:
            async with database.write() as transaction:
                image = await imports.begin(transaction, id, upload, self._hosts)
            if image is None or image.source is None:
                return
            async with aclosing(self._web.read(image.source)) as data:
                sight = await self._write(id, data, Sizes(most, None))
            async with database.write() as transaction:
                await uploads.finish(transaction, id, upload, size=sight.size, md5=sight.md5, sha512=sight.sha512)
        finally:
            running.discard(upload)

    async def _store(self, database: Database, id: str, upload: str, data: AsyncIterator[bytes], sizes: Sizes) -> None:
        stored = False
        try:
            sight = await self._write(id, data, sizes)
            async with database.write() as transaction:
                await uploads.finish(transaction, id, upload, size=sight.size, md5=sight.md5, sha512=sight.sha512)
            stored = True
        finally:
            if not stored:
                await self._abandon(database, id, upload)

    async def _write(self, id: str, data: AsyncIterator[bytes], sizes: Sizes) -> BlobSight:
        try:
            async with aclosing(_measured(data, sizes)) as measured:
                return await self._blobs.write(id, measured, sizes.most)
        except core_errors.Refused as error:
            raise errors.ImageTooLarge(error.sentence, detail=error.detail) from error

    async def _abandon(self, database: Database, id: str, upload: str) -> None:
        """Bytes first, then the row: while the row says saving, nobody else writes them."""
        try:
            await self._blobs.remove(id)
            async with database.write() as transaction:
                await uploads.abandon(transaction, id, upload)
        except core_errors.BoxshipError as error:
            log.warning("an interrupted upload is left to the reconciler", image=id, reason=error.sentence)

    async def send(self, database: Database, caller: Caller, id: str) -> tuple[Image, AsyncIterator[bytes]] | None:
        """The image and its bytes; None: it has none yet. ImageNotFound, ImageDeactivated; Elsewhere: another host has the
        bytes; Absent: they are lost."""
        async with database.read() as transaction:
            image = await uploads.readable(transaction, caller, id)
        if image is None:
            return None
        if not self._hosts.owns(image.host):
            raise core_errors.Elsewhere(image.host)
        stream = self._blobs.read(id)
        first = await anext(stream, b"")
        return image, _rejoined(first, stream)

    def read(self, host: str, id: str) -> AsyncIterator[bytes]:
        """The bytes of an image that the host has, for this program's own use. Absent: it has not; Busy: it is away."""
        if self._hosts.owns(host):
            return self._blobs.read(id)
        return self._peers.read(host, f"/image/v2/images/{id}/file")


async def _measured(data: AsyncIterator[bytes], sizes: Sizes) -> AsyncGenerator[bytes, None]:
    """The stream as it comes, with an error at the first byte too much or where bytes are missing at its end."""
    if sizes.announced is not None and sizes.announced > sizes.most:
        raise errors.ImageTooLarge(f"The image is larger than the {sizes.most} bytes that are allowed.")
    size = 0
    async for chunk in data:
        size += len(chunk)
        if size > sizes.most:
            raise errors.ImageTooLarge(f"The image is larger than the {sizes.most} bytes that are allowed.")
        yield chunk
    if sizes.announced is not None and size != sizes.announced:
        raise core_errors.BadRequest(
            f"{size} bytes came where {sizes.announced} were announced", field="X-OpenStack-Image-Size"
        )


async def _rejoined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for chunk in rest:
        yield chunk
