"""The door of the share service: what services that run things may ask. Their own checks come first; never HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.services.share import errors
from boxship.services.share.model import KIND, Share
from boxship.services.share.operations import types
from boxship.services.share.states import State
from boxship.services.share.store import shares as store

__all__ = ["MountView", "ShareView", "attach", "bootstrap", "detach", "find_share", "mounts"]

_USED = frozenset({State.AVAILABLE, State.EXTENDING, State.EXTENDING_ERROR, State.DATA_LOSS, State.SHRINKING_ERROR})
"""States in which a share is mounted."""


class ShareView(msgspec.Struct, frozen=True):
    """A share as other services see it; ``size`` in GiB."""

    id: str
    name: str | None
    size: int
    status: str
    host: str


class MountView(msgspec.Struct, frozen=True):
    """Where a share is: ``path`` of its file system on its host, None until it is; ``reason`` of an error.

    A share that is gone has the status ``deleted``.
    """

    share_id: str
    path: Path | None
    status: str
    reason: str | None


async def bootstrap(transaction: Transaction) -> None:
    """What must be there before the first request: the default share type. Repeatable."""
    await types.create_default(transaction)


async def find_share(transaction: Transaction, caller: Caller, name_or_id: str) -> ShareView | None:
    """A share of a project that the caller sees, by id, or by its name in the caller's project. SeveralShares: not unique."""
    found = await store.get(transaction, name_or_id)
    if found is not None and caller.sees(found.project_id):
        return _view(found)
    namesakes = await store.named(transaction, caller.project, name_or_id) if name_or_id else []
    if len(namesakes) > 1:
        raise errors.SeveralShares(name_or_id)
    return _view(namesakes[0]) if namesakes else None


def _view(share: Share) -> ShareView:
    return ShareView(share.id, share.name, share.size, share.status, share.host)


async def attach(transaction: Transaction, share_id: str, holder: holds.Resource) -> None:
    """Hold a share for one that mounts it, which is woken when the share changes. Repeatable. ShareNotFound; InvalidShare: its
    state."""
    share = await store.get(transaction, share_id, lock=True)
    if share is None:
        raise errors.ShareNotFound(share_id)
    if share.deleting or (share.made and share.status not in _USED):
        raise errors.InvalidShare(f"share {share_id} is {share.status}; it must be available to be mounted")
    await holds.hold(transaction, (KIND, share_id), holder)


async def detach(transaction: Transaction, share_id: str, holder: holds.Resource) -> None:
    """The holder has undone its own mounts and lets go. Repeatable; a share that is gone is fine."""
    await holds.release(transaction, (KIND, share_id), holder)
    transaction.wake(KIND, share_id)


async def mounts(transaction: Transaction, share_ids: Sequence[str]) -> list[MountView]:
    """Where the shares are, in the order asked for."""
    found = {share.id: share for share in await store.of(transaction, share_ids)}
    return [_mount(id, found.get(id)) for id in share_ids]


def _mount(id: str, share: Share | None) -> MountView:
    if share is None:
        return MountView(id, None, "deleted", f"Share {id} does not exist any more.")
    path = Path(share.path) if share.path and share.status in _USED else None
    return MountView(id, path, share.status, share.fault)
