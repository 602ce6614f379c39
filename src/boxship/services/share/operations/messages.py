"""Messages tell users why something failed after the request was accepted; they are told for a month and then forgotten.

Actions and details carry the numbers that Manila gives them (manila/message/message_field.py), as clients and their users
look those up; the reason behind them is our own sentence.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import msgspec

from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import filters, listing
from boxship.core.http.call import Query, new_id
from boxship.services.share import errors
from boxship.services.share.model import Share, Snapshot
from boxship.services.share.store import messages as store
from boxship.services.share.store.messages import Message

LIFETIME = timedelta(days=30)
"""How long a message is told; Manila's ``message_ttl``."""
LONGEST = 2000
"""Characters of a reason that are kept."""


class Resource(StrEnum):
    """What a message is about."""

    SHARE = "SHARE"
    SNAPSHOT = "SHARE_SNAPSHOT"


class Action(StrEnum):
    """What was being done; Manila's numbers."""

    ALLOCATE_HOST = "001"
    CREATE = "002"
    UPDATE = "005"
    REVERT = "006"
    DELETE = "007"
    EXTEND = "008"
    SHRINK = "009"
    UPDATE_RULES = "010"


ACTIONS = {
    Action.ALLOCATE_HOST: "allocate host",
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.REVERT: "revert to snapshot",
    Action.DELETE: "delete",
    Action.EXTEND: "extend",
    Action.SHRINK: "shrink",
    Action.UPDATE_RULES: "update access rules",
}
"""The actions as users read them."""


class Detail(StrEnum):
    """Why it failed; Manila's numbers."""

    UNKNOWN = "001"
    NO_VALID_HOST = "002"
    EXTEND = "015"
    FROM_SNAPSHOT = "017"
    REFUSED_SHRINK = "018"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What failed: of which resource, doing what, and why, as a number of Manila's and as a sentence."""

    resource_id: str
    action: Action
    reason: str
    detail: Detail = Detail.UNKNOWN
    resource_type: Resource = Resource.SHARE


def of_share(share: Share, reason: str) -> Failure:
    """What failed when a share's reconciler gave up, from what was wished of it then."""
    action, detail = _failed(share)
    return Failure(resource_id=share.id, action=action, detail=detail, reason=reason)


def _failed(share: Share) -> tuple[Action, Detail]:
    if share.deleting:
        return Action.DELETE, Detail.UNKNOWN
    if not share.made:
        return Action.CREATE, Detail.FROM_SNAPSHOT if share.snapshot_id else Detail.UNKNOWN
    if share.revert_asked != share.reverted:
        return Action.REVERT, Detail.UNKNOWN
    if share.made_size < share.size:
        return Action.EXTEND, Detail.EXTEND
    if share.made_size > share.size:
        return Action.SHRINK, Detail.REFUSED_SHRINK
    return Action.UPDATE_RULES, Detail.UNKNOWN


def of_snapshot(snapshot: Snapshot, reason: str) -> Failure:
    """The same for a snapshot."""
    action = Action.DELETE if snapshot.deleting else Action.CREATE
    return Failure(resource_id=snapshot.id, action=action, reason=reason, resource_type=Resource.SNAPSHOT)


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
        request_id=f"req-{id}",  # a reconciler serves no request; clients expect one
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


async def list_messages(transaction: Transaction, caller: Caller, query: Query) -> tuple[list[Message], bool]:
    """One page of the project's messages, for admins of everybody's, newest first, and whether more may follow.

    BadRequest: a filter that is none.
    """
    page = filters.page(query, store.COLUMNS, default_sort="created_at", descending=True)
    conditions = [
        *listing.filters(query, store.COLUMNS),
        store.lasting(clock.now()),
    ]
    if not caller.is_admin:
        conditions.append(store.of_project(caller.project))
    since, before = query.one("created_since"), query.one("created_before")
    if since:
        conditions.append(store.since(listing.moment("created_since", since)))
    if before:
        conditions.append(store.before(listing.moment("created_before", before)))
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
