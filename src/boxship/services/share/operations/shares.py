"""Shares: create, show, list, rename, delete, metadata. Writes wishes; never touches the storage."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from boxship.config import Settings
from boxship.core import clock
from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db import holds
from boxship.core.db.database import Transaction
from boxship.core.http import filters, listing
from boxship.core.http.call import Query, new_id
from boxship.services.share import errors
from boxship.services.share.model import KIND, SNAPSHOT, Share, ShareType, Snapshot
from boxship.services.share.operations import locations, messages, placement, quotas, types
from boxship.services.share.states import SnapshotState, State, rules_shown
from boxship.services.share.store import rules as rule_store
from boxship.services.share.store import shares as store
from boxship.services.share.store import snapshots as snapshot_store

PROTOCOL = "NFS"
"""The one protocol that shares are used by."""
_DELETED = frozenset({State.AVAILABLE, State.ERROR, State.ERROR_DELETING})
"""States that a share may be deleted in, besides the errors of a change."""


class ShareWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new share shall be; ``size`` in GiB; ``share_type`` a name or id, None the default type or that of the share whose
    snapshot it begins with."""

    size: int
    share_proto: str
    name: str | None = None
    description: str | None = None
    share_type: str | None = None
    availability_zone: str | None = None
    snapshot_id: str | None = None
    is_public: bool = False
    metadata: dict[str, str] = {}


class ShareDetail(msgspec.Struct, frozen=True):
    """A share with what belongs to it in other tables. ``rules``: the state of its access rules together."""

    share: Share
    share_type: ShareType
    metadata: dict[str, str]
    rules: str


class _Origin(msgspec.Struct, frozen=True):
    """What a share begins with: of which type it is, and where (None: anywhere)."""

    type_id: str | None = None
    place: placement.Place | None = None


async def create_share(transaction: Transaction, caller: Caller, settings: Settings, wish: ShareWish) -> Share:
    """Ask for a share: empty, or with what a snapshot holds.

    BadRequest (protocol, zone, size), SnapshotNotFound, ShareTypeNotFound, OverQuota; Forbidden: only admins make public ones.
    """
    if wish.share_proto.upper() != PROTOCOL:
        raise core_errors.BadRequest(
            f"Invalid share protocol provided: {wish.share_proto[:32]}. It is either disabled or unsupported. "
            f"Available protocols: {PROTOCOL}.",
            field="share.share_proto",
        )
    origin = await _origin(transaction, caller, wish)
    share_type = await types.choose(transaction, caller, wish.share_type or origin.type_id)
    types.require_fit(share_type, wish.size, origin.place.zone if origin.place else wish.availability_zone)
    demand = quotas.Demand(
        shares=1, gigabytes=wish.size, type_id=share_type.id, user_id=caller.user_id, largest=wish.size
    )
    await quotas.require(transaction, settings, caller.project, demand)
    place = await placement.choose(transaction, settings, share_type, wish.availability_zone, origin.place)
    share = Share(
        id=new_id(),
        project_id=caller.project,
        user_id=caller.user_id,
        type_id=share_type.id,
        share_proto=PROTOCOL,
        availability_zone=place.zone if place else wish.availability_zone or settings.availability_zone,
        created_at=clock.now(),
        host=place.host if place else "",
        snapshot_id=wish.snapshot_id,
        name=wish.name,
        description=wish.description,
        is_public=wish.is_public,
        size=wish.size,
    )
    share = await (_insert(transaction, share) if place else _insert_nowhere(transaction, share))
    await store.put_metadata(transaction, share.id, wish.metadata, replace=False)
    return share


async def _origin(transaction: Transaction, caller: Caller, wish: ShareWish) -> _Origin:
    """BadRequest: the snapshot is not there yet, is larger or in another zone, or its share may not be copied."""
    if wish.snapshot_id is None:
        return _Origin()
    snapshot = await snapshot_store.get(transaction, wish.snapshot_id, lock=True)
    if snapshot is None or not caller.sees(snapshot.project_id):
        raise errors.SnapshotNotFound(wish.snapshot_id)
    if snapshot.status != SnapshotState.AVAILABLE:
        raise core_errors.BadRequest(
            f"the snapshot is {snapshot.status}; it must be available", field="share.snapshot_id"
        )
    if wish.size < snapshot.size:
        raise core_errors.BadRequest(
            f"Share size must be equal or greater than snapshot size: {wish.size} is less than {snapshot.size}",
            field="share.size",
        )
    parent = await store.get(transaction, snapshot.share_id)
    if parent is None or not types.may_copy(await types.of_id(transaction, parent.type_id)):
        raise core_errors.BadRequest(
            f"A new share may not be created from snapshot '{snapshot.id}', because the snapshot's parent share does not "
            "have that capability.",
            field="share.snapshot_id",
        )
    if wish.availability_zone not in {None, parent.availability_zone}:
        raise core_errors.BadRequest(
            "The specified availability zone must be the same as the parent share when creating from snapshot.",
            field="share.availability_zone",
        )
    return _Origin(parent.type_id, placement.Place(snapshot.host, parent.availability_zone))


async def _insert(transaction: Transaction, share: Share) -> Share:
    made = await store.insert(transaction, share)
    if share.snapshot_id:
        await holds.hold(transaction, (SNAPSHOT, share.snapshot_id), (KIND, share.id))
    transaction.wake(KIND, share.id)
    return made


async def _insert_nowhere(transaction: Transaction, share: Share) -> Share:
    """In error from the beginning, with the reason, as Manila does: the request was a good one."""
    broken = msgspec.structs.replace(share, condemned=True, snapshot_id=None, fault=placement.NOWHERE)
    made = await store.insert(transaction, broken)
    failure = messages.Failure(
        resource_id=made.id,
        action=messages.Action.ALLOCATE_HOST,
        detail=messages.Detail.NO_VALID_HOST,
        reason=placement.NOWHERE,
    )
    await messages.write(transaction, made.project_id, failure)
    return made


async def get_share(transaction: Transaction, caller: Caller, id: str, *, lock: bool = False) -> Share:
    """The share, to look at. ShareNotFound: there is none, or it is neither public nor of a project that the caller sees."""
    share = await store.get(transaction, id, lock=lock)
    if share is None or not (share.is_public or caller.sees(share.project_id)):
        raise errors.ShareNotFound(id)
    return share


async def own_share(transaction: Transaction, caller: Caller, id: str) -> Share:
    """The share, locked, to change. ShareNotFound; Forbidden: it is public, but another project's."""
    share = await get_share(transaction, caller, id, lock=True)
    if not caller.sees(share.project_id):
        raise core_errors.Forbidden(f"Share {id} is another project's.")
    return share


async def describe(transaction: Transaction, shares: Sequence[Share]) -> list[ShareDetail]:
    """The shares with type, metadata and the state of their rules, in a fixed number of queries."""
    ids = [share.id for share in shares]
    found = await types.of(transaction, list({share.type_id for share in shares}))
    metadata = await store.metadata_of(transaction, ids)
    rules = await rule_store.of(transaction, ids)
    return [
        ShareDetail(share, found[share.type_id], metadata.get(share.id, {}), rules_shown(rules.get(share.id, [])))
        for share in shares
    ]


async def list_shares(transaction: Transaction, caller: Caller, query: Query) -> tuple[list[Share], bool]:
    """One page of the project's shares (for admins with ``all_tenants`` of all; with ``is_public`` everybody's as well), and
    whether more may follow. BadRequest: a filter or sort key that is none."""
    page = filters.page(query, store.COLUMNS, default_sort="created_at", descending=True)
    shares = await store.page(transaction, await conditions(transaction, caller, query), page)
    return shares, listing.next_marker(shares, page)


async def all_shares(transaction: Transaction, query: Query) -> list[Share]:
    """One page of the shares of all projects, for admins; with ``export_location_id`` or ``_path`` that one."""
    page = filters.page(query, store.COLUMNS, default_sort="created_at", descending=True)
    return await store.page(transaction, _at(query), page)


def _at(query: Query) -> list[sa.ColumnElement[bool]]:
    """Filters by where a share can be mounted from."""
    path, location = query.one("export_location_path"), query.one("export_location_id")
    found = [] if path is None else [store.at_location(path)]
    return found if location is None else [*found, store.among(locations.shares_of(location))]


async def count_shares(transaction: Transaction, caller: Caller, query: Query) -> int:
    """How many shares the list has in all its pages."""
    return await store.count(transaction, await conditions(transaction, caller, query))


_ADMINS = frozenset({"project_id", "user_id"})
"""Filters that are for admins."""
_OWN = frozenset({"is_public", "host"})
"""Fields that mean more than to be equal."""


async def conditions(transaction: Transaction, caller: Caller, query: Query) -> list[sa.ColumnElement[bool]]:
    """What the query wants of shares. BadRequest: a value that none can have; Forbidden: a filter that is for admins."""
    everywhere = caller.is_admin and (query.flag("all_tenants") or query.flag("all_projects"))
    public = query.one("is_public") is not None and query.flag("is_public")
    names = [name for name in store.COLUMNS if name not in _OWN and (caller.is_admin or name not in _ADMINS)]
    found = listing.filters(query, {name: store.COLUMNS[name] for name in names})
    found.extend(filters.like(query, store.COLUMNS))
    if not everywhere:
        found.append(store.of_project(caller.project, public=public))
    found.extend(store.has_metadata(key, value) for key, value in filters.pairs(query, "metadata").items())
    specs = filters.pairs(query, "extra_specs")
    if specs:
        found.append(store.COLUMNS["share_type_id"].in_(await types.with_specs(transaction, specs)))
    found.extend(_at(query))
    if not caller.is_admin and any(query.one(name) for name in ("host", "share_server_id")):
        raise core_errors.Forbidden("Only admins filter by where shares are.")
    host = query.one("host")
    if host is not None:
        found.append(store.COLUMNS["host"] == host.partition("@")[0])
    if any(query.one(name) for name in ("share_network_id", "share_server_id", "share_group_id")):
        found.append(sa.false())  # no share here has one
    if query.flag("is_soft_deleted"):
        found.append(sa.false())  # nothing is in the recycle bin, ever
    return found


async def update_share(
    transaction: Transaction, caller: Caller, id: str, changes: dict[str, str | bool | None]
) -> Share:
    """Rename, describe, or show to all projects or to the own one only."""
    return await write(transaction, await own_share(transaction, caller, id), **changes)


async def delete_share(transaction: Transaction, caller: Caller, id: str, *, force: bool = False) -> None:
    """Ask for the removal; asked again after a failure it is tried again. With ``force`` in any state, and snapshots go along.

    ShareNotFound; ShareInUse (403): its state, its snapshots, or somebody who has it mounted.
    """
    share = await own_share(transaction, caller, id)
    if share.deleting and share.observed != share.generation:
        return
    if not force and share.status not in _DELETED and not share.status.endswith("_error"):
        raise errors.ShareInUse(f"Share status must be one of {', '.join(sorted(_DELETED))}, but is {share.status}")
    snapshots = await _snapshots(transaction, id, force=force)
    if await _users(transaction, id):
        raise errors.ShareInUse(f"share {id} is mounted in containers; delete these first")
    for snapshot in snapshots:
        await discard_snapshot(transaction, snapshot)
    await change(transaction, share, deleting=True)


async def _snapshots(transaction: Transaction, id: str, *, force: bool) -> list[Snapshot]:
    found = await snapshot_store.of(transaction, id)
    staying = [snapshot for snapshot in found if not snapshot.deleting]
    if staying and not force:
        raise errors.ShareInUse(f"Share still has {len(staying)} dependent snapshots.")
    return staying


async def _users(transaction: Transaction, id: str) -> list[holds.Resource]:
    """Who needs the share, besides its own snapshots."""
    return [holder for holder in await holds.holders(transaction, (KIND, id)) if holder[0] != SNAPSHOT]


async def discard_snapshot(transaction: Transaction, snapshot: Snapshot) -> None:
    """Have a snapshot removed, whatever its state; after a failure it is tried again."""
    if snapshot.deleting and snapshot.observed != snapshot.generation:
        return
    changed = await snapshot_store.update(transaction, snapshot, generation=snapshot.generation + 1, deleting=True)
    if changed is None:
        raise core_errors.Conflict(f"Snapshot {snapshot.id} is being changed by another request; try again.")
    transaction.wake(SNAPSHOT, snapshot.id)


async def get_metadata(transaction: Transaction, caller: Caller, id: str) -> dict[str, str]:
    """The metadata of a share."""
    await get_share(transaction, caller, id)
    return (await store.metadata_of(transaction, [id])).get(id, {})


async def get_metadata_item(transaction: Transaction, caller: Caller, id: str, key: str) -> str:
    """One value of the metadata. MetadataNotFound."""
    pairs = await get_metadata(transaction, caller, id)
    if key not in pairs:
        raise errors.MetadataNotFound
    return pairs[key]


async def set_metadata(
    transaction: Transaction, caller: Caller, id: str, pairs: dict[str, str], *, replace: bool
) -> dict[str, str]:
    """Add pairs to the metadata or replace it; what it is afterwards."""
    await own_share(transaction, caller, id)
    await store.put_metadata(transaction, id, pairs, replace=replace)
    return (await store.metadata_of(transaction, [id])).get(id, {})


async def delete_metadata(transaction: Transaction, caller: Caller, id: str, key: str) -> None:
    """Remove one pair. MetadataNotFound."""
    await own_share(transaction, caller, id)
    if not await store.drop_metadata(transaction, id, key):
        raise errors.MetadataNotFound


async def change(transaction: Transaction, share: Share, **changes: bool | int | str | None) -> Share:
    """Write a changed wish and wake the reconciler; the failure of the last one is forgotten. Conflict: somebody else changed
    it at the same moment."""
    changed = await write(transaction, share, generation=share.generation + 1, **({"declared": ""} | changes))
    transaction.wake(KIND, share.id)
    return changed


async def write(transaction: Transaction, share: Share, **changes: object) -> Share:
    """Write what is no wish. Conflict."""
    changed = await store.update(transaction, share, **changes)
    if changed is None:
        raise core_errors.Conflict(f"Share {share.id} is being changed by another request; try again.")
    return changed
