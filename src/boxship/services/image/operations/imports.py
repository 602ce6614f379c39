"""Imports: a queued image is to get the bytes at a URL. Never fetches them."""

from __future__ import annotations

from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.hosts import Hosts
from boxship.services.image.model import IMPORT, Image, Status
from boxship.services.image.operations import images, uploads
from boxship.services.image.store import images as store


async def order(transaction: Transaction, caller: Caller, id: str, url: str, host: str) -> None:
    """Have the bytes fetched from the URL by this host. What is wrong with the URL alone, the caller has said.

    ImageNotFound, NotTheOwner, NotUploadable (has bytes, or gets them now), FormatsMissing.
    """
    image = await images.own_image(transaction, caller, id)
    uploads.require_empty(image)
    wish = {"status": Status.IMPORTING, "source": url, "failure": None, "upload": None, "host": host}
    await store.update(transaction, id, **wish, updated_at=clock.now())
    transaction.wake(IMPORT, id)


async def begin(transaction: Transaction, id: str, upload: str, hosts: Hosts) -> Image | None:
    """The image that this host fetches now, as this upload; None: there is nothing to fetch. An upload that a crash cut short
    counts no more."""
    image = await store.get(transaction, id, lock=True)
    if image is None or image.status != Status.IMPORTING or not hosts.owns(image.host):
        return None
    await store.update(transaction, id, upload=upload)
    return image


async def fail(transaction: Transaction, id: str, reason: str) -> None:
    """The bytes cannot be had: the image is queued again, and says why. Repeatable."""
    image = await store.get(transaction, id, lock=True)
    if image is not None and image.status == Status.IMPORTING:
        ended = {"status": Status.QUEUED, "failure": reason, "source": None, "upload": None}
        await store.update(transaction, id, **ended, updated_at=clock.now())
