"""Messages tell users why something failed after the request was accepted; they are told for a month and then forgotten.

Actions and details carry the numbers that Cinder gives them (cinder/message/message_field.py), as clients and their
users look those up; the reason behind them is our own sentence.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import msgspec

from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query, new_id
from boxship.services.volume import errors
from boxship.services.volume.model import Volume
from boxship.services.volume.store import messages as store
from boxship.services.volume.store.messages import Message

LIFETIME = timedelta(days=30)
"""How long a message is told; Cinder's ``message_ttl``."""
LONGEST = 2000
"""Characters of a reason that are kept."""


class Resource(StrEnum):
    """What a message is about."""

    VOLUME = "VOLUME"
    SNAPSHOT = "VOLUME_SNAPSHOT"
    BACKUP = "VOLUME_BACKUP"


class Action(StrEnum):
    """What was being done; Cinder's numbers."""

    SCHEDULE = "001"
    ATTACH_VOLUME = "002"
    COPY_VOLUME_TO_IMAGE = "003"
    UPDATE_ATTACHMENT = "004"
    COPY_IMAGE_TO_VOLUME = "005"
    EXTEND_VOLUME = "007"
    CREATE_VOLUME = "008"
    SNAPSHOT_CREATE = "009"
    SNAPSHOT_DELETE = "010"
    BACKUP_CREATE = "013"
    BACKUP_DELETE = "014"
    BACKUP_RESTORE = "015"
    DELETE_VOLUME = "900"  # Boxship's own; Cinder has no number for it


ACTIONS = {
    Action.SCHEDULE: "schedule allocate volume",
    Action.ATTACH_VOLUME: "attach volume",
    Action.COPY_VOLUME_TO_IMAGE: "copy volume to image",
    Action.UPDATE_ATTACHMENT: "update attachment",
    Action.COPY_IMAGE_TO_VOLUME: "copy image to volume",
    Action.EXTEND_VOLUME: "extend volume",
    Action.CREATE_VOLUME: "create volume from backend storage",
    Action.SNAPSHOT_CREATE: "create snapshot",
    Action.SNAPSHOT_DELETE: "delete snapshot",
    Action.BACKUP_CREATE: "create backup",
    Action.BACKUP_DELETE: "delete backup",
    Action.BACKUP_RESTORE: "restore backup",
    Action.DELETE_VOLUME: "delete volume",
}
"""The actions as users read them."""


class Detail(StrEnum):
    """Why it failed; Cinder's numbers."""

    UNKNOWN = "001"
    NO_BACKEND = "003"
    FAILED_TO_UPLOAD = "004"
    QUOTA_EXCEEDED = "006"
    NO_SPACE_FOR_IMAGE = "007"
    FAILED_TO_EXTEND = "010"
    FAILED_TO_CREATE = "012"
    SNAPSHOT_CREATE = "013"
    SNAPSHOT_DELETE = "016"
    BACKUP_CREATE = "020"
    ATTACH = "021"
    DETACH = "022"
    BACKUP_DELETE = "025"
    BACKUP_RESTORE = "026"
    INVALID_STATE = "027"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What failed: of which resource, doing what, and why, as a number of Cinder's and as a sentence."""

    resource_id: str
    action: Action
    detail: Detail
    reason: str
    resource_type: Resource = Resource.VOLUME
    request_id: str = ""


def of_volume(volume: Volume, reason: str) -> Failure:
    """What failed when a volume's reconciler gave up, from what was wished of it then."""
    action, detail = _failed(volume)
    return Failure(resource_id=volume.id, action=action, detail=detail, reason=reason)


def _failed(volume: Volume) -> tuple[Action, Detail]:
    if volume.deleting:
        return Action.DELETE_VOLUME, Detail.UNKNOWN
    if not volume.made:
        image = volume.source_kind == "image"
        return (Action.COPY_IMAGE_TO_VOLUME if image else Action.CREATE_VOLUME), Detail.FAILED_TO_CREATE
    if volume.made_size < volume.size:
        return Action.EXTEND_VOLUME, Detail.FAILED_TO_EXTEND
    return (Action.ATTACH_VOLUME, Detail.ATTACH) if volume.attached else (Action.UPDATE_ATTACHMENT, Detail.DETACH)


async def write(transaction: Transaction, project_id: str, failure: Failure) -> None:
    """Tell the project of the failure; the same one again, as from a reconciler that tried again, is not told twice."""
    now = clock.now()
    last = await store.last(transaction, failure.resource_id)
    reason = failure.reason[:LONGEST]
    if last and (last.action, last.detail, last.reason) == (failure.action, failure.detail, reason):
        return
    await store.delete_expired(transaction, now)
    id = new_id()
    message = Message(
        id=id,
        project_id=project_id,
        request_id=failure.request_id or f"req-{id}",  # a reconciler serves no request; clients expect one
        resource_type=failure.resource_type,
        resource_id=failure.resource_id,
        action=failure.action,
        detail=failure.detail,
        reason=reason,
        level="ERROR",
        created_at=now,
        expires_at=now + LIFETIME,
    )
    await store.insert(transaction, message)


async def list_messages(transaction: Transaction, project_id: str, query: Query) -> tuple[list[Message], bool]:
    """One page of the project's messages, newest first, and whether more may follow."""
    page = listing.page(query, store.COLUMNS, default_sort="created_at", descending=True)
    conditions = [*listing.filters(query, store.COLUMNS), store.of_project(project_id), store.lasting(clock.now())]
    found = await store.page(transaction, conditions, page)
    return found, listing.next_marker(found, page)


async def get_message(transaction: Transaction, caller: Caller, id: str) -> Message:
    """The message. MessageNotFound: there is none, it is another project's, or its time is over."""
    found = await store.get(transaction, id)
    if found is None or not caller.sees(found.project_id) or found.expires_at <= clock.now():
        raise errors.MessageNotFound(id)
    return found


async def delete_message(transaction: Transaction, caller: Caller, id: str) -> None:
    """Remove a message. MessageNotFound."""
    await get_message(transaction, caller, id)
    await store.delete(transaction, id)
