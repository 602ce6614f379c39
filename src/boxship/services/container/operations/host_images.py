"""Images on hosts: an admin has them fetched before anybody waits for them, and removed again.

As in Zun these are the images that somebody asked for here; what containers brought to a host is not listed.
"""

from __future__ import annotations

import re
import uuid

from boxship.core import clock, errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import call as http
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.container import errors as container_errors
from boxship.services.container import model
from boxship.services.container.operations import images
from boxship.services.container.schemas import images as schemas
from boxship.services.container.store import hosts as hosts_store
from boxship.services.container.store import images as store

KIND = "container_image"


async def pull(transaction: Transaction, caller: Caller, request: schemas.PullRequest) -> model.HostImage:
    """Wish for an image on a host. BadRequest: no such host, or no name of an image. ImageAlreadyExists: it is wished for;
    one that could not be fetched is tried anew."""
    host = await hosts_store.named(transaction, request.host)
    if host is None:
        raise errors.BadRequest(f"The host {request.host} does not exist.", field="host")
    wished = await _named(transaction, caller, request.repo, host.hostname)
    await transaction.serialise("container images")
    other = await store.like(transaction, wished)
    if other is not None and other.status != "error":
        raise container_errors.ImageAlreadyExists(wished.repo, wished.tag)
    if other is not None:
        await store.renew(transaction, other.id)
        wished = await store.get(transaction, other.id) or other
    else:
        await store.insert(transaction, wished)
    transaction.wake(KIND, wished.id)
    return wished


async def _named(transaction: Transaction, caller: Caller, name: str, hostname: str) -> model.HostImage:
    glance = _is_id(name)
    chosen = await images.resolve(transaction, caller, name, "glance" if glance else None)
    repo, tag = (name, "") if glance else split(chosen.reference)
    return model.HostImage(
        id=http.new_id(),
        project_id=caller.project,
        user_id=caller.user_id,
        created_at=clock.now(),
        repo=repo,
        tag=tag,
        host=hostname,
        glance_id=chosen.id,
    )


def _is_id(name: str) -> bool:
    """Whether it is a UUID, which Zun takes for an image of Glance."""
    try:
        return str(uuid.UUID(name)) == name.lower()
    except ValueError:
        return False


def split(reference: str) -> tuple[str, str]:
    """Repository and tag (or digest) of a name."""
    name, at, digest = reference.partition("@")
    if at:
        return re.sub(r":[^:/]*$", "", name), digest
    repo, colon, tag = reference.rpartition(":")
    return (repo, tag) if colon and "/" not in tag else (reference, "latest")


async def find(transaction: Transaction, id: str) -> model.HostImage:
    """The image with this id. HostImageNotFound."""
    found = await store.get(transaction, id)
    if found is None or found.deleting:
        raise container_errors.HostImageNotFound(id)
    return found


async def show_all(transaction: Transaction, query: Query) -> tuple[list[model.HostImage], listing.Page]:
    """A page of the images on hosts."""
    page = listing.page(query, store.SORTS, default_sort="id")
    return await store.page(transaction, page), page


async def delete(transaction: Transaction, row: model.HostImage) -> None:
    """Wish it gone: it is not shown any more, and leaves the host where no container needs it."""
    await store.update(transaction, row.id, deleting=True)
    transaction.wake(KIND, row.id)
