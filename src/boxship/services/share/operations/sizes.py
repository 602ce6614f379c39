"""What is done to a share that is there: extend, shrink, revert, and what admins declare. Writes wishes only."""

from __future__ import annotations

from boxship.config import Settings
from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.services.share import errors
from boxship.services.share.model import KIND, SNAPSHOT, Share
from boxship.services.share.operations import quotas, shares, types
from boxship.services.share.states import SnapshotState, State, rules_shown
from boxship.services.share.store import rules as rule_store
from boxship.services.share.store import snapshots as snapshot_store

_SHRUNK = (State.AVAILABLE, State.DATA_LOSS)
"""States that a share may be made smaller in."""


async def extend(transaction: Transaction, caller: Caller, settings: Settings, id: str, size: int) -> None:
    """Ask for more room, used or not. InvalidShare: its state; BadRequest: not larger; Forbidden: over quota."""
    share = await shares.own_share(transaction, caller, id)
    if share.status != State.AVAILABLE:
        raise errors.InvalidShare(
            f"Share {id} status must be 'available' to extend, but current status is: {share.status}."
        )
    if size <= share.size:
        raise core_errors.BadRequest(
            f"New size for extend must be greater than current size. (current: {share.size}, extended: {size}).",
            field="extend.new_size",
        )
    types.require_fit(await types.of_id(transaction, share.type_id), size, None, extended=caller.is_admin)
    try:
        await quotas.require(transaction, settings, share.project_id, _more(share, size))
    except core_errors.OverQuota as error:
        raise core_errors.Forbidden(error.sentence) from error  # as Manila answers here, and nowhere else
    await shares.change(transaction, share, size=size)


def _more(share: Share, size: int) -> quotas.Demand:
    return quotas.Demand(gigabytes=size - share.size, type_id=share.type_id, user_id=share.user_id, largest=size)


async def shrink(transaction: Transaction, caller: Caller, id: str, size: int) -> None:
    """Ask for less room; what does not fit is not touched. InvalidShare: its state; BadRequest: not smaller."""
    share = await shares.own_share(transaction, caller, id)
    if share.status not in _SHRUNK:
        raise errors.InvalidShare(
            f"Share {id} status must in ({', '.join(_SHRUNK)}) to shrink, but current status is: {share.status}."
        )
    if not 0 < size < share.size:
        raise core_errors.BadRequest(
            f"New size for shrink must be less than current size and greater than 0 "
            f"(current: {share.size}, new: {size}).",
            field="shrink.new_size",
        )
    types.require_fit(await types.of_id(transaction, share.type_id), size, None)
    await shares.change(transaction, share, size=size)


async def revert(transaction: Transaction, caller: Caller, settings: Settings, id: str, snapshot_id: str) -> None:
    """Have a share hold again what its last snapshot holds.

    ShareNotFound; BadRequest: the type does not allow it, no such snapshot of this share; Conflict: the state of either, a
    newer snapshot, rules that are not in force yet; OverQuota: the snapshot is larger than the share is now.
    """
    share = await shares.own_share(transaction, caller, id)
    snapshot = await snapshot_store.get(transaction, snapshot_id, lock=True)
    if snapshot is None or not caller.sees(snapshot.project_id):
        raise core_errors.BadRequest(f"Snapshot {snapshot_id[:64]} could not be found.", field="revert.snapshot_id")
    if not types.may_revert(await types.of_id(transaction, share.type_id)):
        raise core_errors.BadRequest(
            f"Share {id} may not be reverted to snapshot {snapshot.id}, because the share does not have that capability."
        )
    if snapshot.share_id != id:
        raise core_errors.BadRequest(
            f"Snapshot {snapshot.id} is not associated with share {id}.", field="revert.snapshot_id"
        )
    if share.status != State.AVAILABLE:
        raise core_errors.Conflict(
            f"Share {id} is in '{share.status}' state, but it must be in 'available' state to be reverted to a snapshot."
        )
    if snapshot.status != SnapshotState.AVAILABLE:
        raise core_errors.Conflict(
            f"Snapshot {snapshot.id} is in '{snapshot.status}' state, but it must be in 'available' state to be restored."
        )
    newest = (await snapshot_store.of(transaction, id))[-1]
    if newest.id != snapshot.id:
        raise core_errors.Conflict(
            f"Snapshot {snapshot.id} may not be restored because it is not the most recent snapshot of share {id}. "
            f"Currently the latest snapshot is {newest.id}."
        )
    if rules_shown((await rule_store.of(transaction, [id])).get(id, [])) != "active":
        raise core_errors.Conflict(f"Share {id} has access rules that are not active.")
    if snapshot.size > share.size:
        await quotas.require(transaction, settings, share.project_id, _more(share, snapshot.size))
    await holds.hold(transaction, (SNAPSHOT, snapshot.id), (KIND, id))
    await shares.change(
        transaction, share, size=snapshot.size, revert_to=snapshot.id, revert_asked=share.revert_asked + 1
    )


async def reset_status(transaction: Transaction, caller: Caller, id: str, status: str) -> None:
    """Declare a share to be in a state: broken (``error``), found anew (``available``) or any other; for admins."""
    share = await shares.own_share(transaction, caller, id)
    if share.deleting and status != State.AVAILABLE:
        return
    declared = "" if status in {State.ERROR, State.AVAILABLE} else status
    await shares.change(transaction, share, condemned=status == State.ERROR, declared=declared, **_undeleted(share))


def _undeleted(share: Share) -> dict[str, bool]:
    """A share whose removal failed may be declared to be there again."""
    return {"deleting": False} if share.deleting and share.fault is not None else {}
