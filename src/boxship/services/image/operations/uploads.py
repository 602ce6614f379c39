"""The two ends of an upload: a queued image starts saving, and becomes active or queued again. Never sees the bytes."""

from __future__ import annotations

from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.image import errors
from boxship.services.image.model import KIND, Image, Status
from boxship.services.image.operations import images
from boxship.services.image.store import images as store


async def begin(transaction: Transaction, caller: Caller | None, id: str, upload: tuple[str, str]) -> None:
    """Reserve the image for this upload (its name, and the host that receives it); without a caller it is the program's own.

    ImageNotFound, NotTheOwner, NotUploadable (has bytes, or gets them now), FormatsMissing.
    """
    image = await (images.own_image(transaction, caller, id) if caller else store.get(transaction, id, lock=True))
    if image is None:
        raise errors.ImageNotFound(id)
    require_empty(image)
    name, host = upload
    beginning = {"status": Status.SAVING, "upload": name, "host": host, "failure": None}
    await store.update(transaction, id, **beginning, updated_at=clock.now())


def require_empty(image: Image) -> None:
    """NotUploadable, FormatsMissing: the image cannot get bytes."""
    if image.status != Status.QUEUED:
        raise errors.NotUploadable(image.id, image.status)
    if not image.container_format or not image.disk_format:
        raise errors.FormatsMissing()


async def finish(transaction: Transaction, id: str, upload: str, *, size: int, md5: str, sha512: str) -> None:
    """The bytes are stored. ImageGone: the image was deleted meanwhile."""
    ended = await store.end_upload(
        transaction,
        id,
        upload,
        status=Status.ACTIVE,
        source=None,
        size=size,
        checksum=md5,
        sha512=sha512,
        updated_at=clock.now(),
    )
    if not ended:
        raise errors.ImageGone(id)


async def take_over(transaction: Transaction, id: str, upload: str, mine: str) -> bool:
    """The image waits for another upload in the place of this one; False: it waits for this one no more."""
    return await store.exchange_upload(transaction, id, upload, mine)


async def abandon(transaction: Transaction, id: str, upload: str) -> None:
    """The upload ended without bytes: the image is queued again. Repeatable."""
    await store.end_upload(transaction, id, upload, status=Status.QUEUED, updated_at=clock.now())
    transaction.wake(KIND, id)


async def readable(transaction: Transaction, caller: Caller, id: str) -> Image | None:
    """The image whose bytes the caller may fetch; None: it has none yet. ImageNotFound, ImageDeactivated."""
    image = await images.get_image(transaction, caller, id)
    if image.status == Status.DEACTIVATED and not caller.is_admin:
        raise errors.ImageDeactivated()
    return image if image.status in {Status.ACTIVE, Status.DEACTIVATED} else None
