"""What projects may have of shares and snapshots: the limit set for the project, else that of the class ``default``, else the
setting; -1 is no limit. A share type may have limits of its own within a project."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from boxship.config import Settings
from boxship.core import errors as core_errors
from boxship.core.db.database import Transaction
from boxship.services.share import errors
from boxship.services.share.store import quotas as store
from boxship.services.share.store import types as type_store

DEFAULT_CLASS = "default"
"""The class whose limits are for every project that has none of its own; Manila knows no others that count."""
COUNTED = ("shares", "gigabytes", "snapshots", "snapshot_gigabytes")
"""What is counted, and may be limited by share type as well."""
LARGEST = "per_share_gigabytes"
"""What a single share may have."""
ABSENT = {
    "share_networks": 0,
    "share_groups": 0,
    "share_group_snapshots": 0,
    "share_replicas": 0,
    "replica_gigabytes": 0,
}
"""What Manila limits besides and nobody has here."""


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for in addition, of which type. ``largest``: GiB that a single share is to have."""

    shares: int = 0
    gigabytes: int = 0
    snapshots: int = 0
    snapshot_gigabytes: int = 0
    type_id: str = ""
    largest: int = 0


class OfType(msgspec.Struct, frozen=True):
    """A share type within a project."""

    project_id: str
    type_id: str


async def require(transaction: Transaction, settings: Settings, project_id: str, demand: Demand) -> None:
    """OverQuota (413): the project would have more than its limit of something that it asks for more of, in all or of the type.

    The transaction is alone in this project's quota from here on, so that many requests at once cannot pass the limit
    together.
    """
    await transaction.serialise(f"quota:share:{project_id}")
    most = await limits(transaction, settings, project_id)
    if 0 <= most[LARGEST] < demand.largest:
        raise core_errors.OverQuota(
            f"Requested share size {demand.largest} is larger than maximum allowed limit {most[LARGEST]}."
        )
    asked = {name: getattr(demand, name) for name in COUNTED}
    _require(asked, most, await usage(transaction, project_id))
    typed = await store.of(transaction, store.TYPE, f"{project_id}/{demand.type_id}")
    if typed:
        _require(asked, typed, await usage(transaction, project_id, demand.type_id))


def _require(asked: Mapping[str, int], most: Mapping[str, int], used: Mapping[str, int]) -> None:
    for name, amount in asked.items():
        limit = most.get(name, -1)
        if amount > 0 and 0 <= limit < used[name] + amount:
            raise errors.exceeded(name, amount, limit, used[name])


async def usage(transaction: Transaction, project_id: str, type_id: str | None = None) -> dict[str, int]:
    """What a project has, by resource; with ``type_id`` of that type only."""
    return await store.usage(transaction, project_id, type_id)


async def limits(transaction: Transaction, settings: Settings, project_id: str) -> dict[str, int]:
    """The limits that hold for a project, by resource."""
    return await defaults(transaction, settings) | await store.of(transaction, store.PROJECT, project_id)


async def limits_of_type(transaction: Transaction, settings: Settings, project_id: str, type_id: str) -> dict[str, int]:
    """The limits that hold for a type in a project; where it has none of its own, those of the project."""
    most = await limits(transaction, settings, project_id)
    return most | await store.of(transaction, store.TYPE, f"{project_id}/{type_id}")


async def defaults(transaction: Transaction, settings: Settings) -> dict[str, int]:
    """The limits of a project that has none of its own."""
    return await of_class(transaction, settings, DEFAULT_CLASS)


async def of_class(transaction: Transaction, settings: Settings, name: str) -> dict[str, int]:
    """The limits of a class; where it has none, the settings."""
    return _configured(settings) | await store.of(transaction, store.CLASS, name)


def _configured(settings: Settings) -> dict[str, int]:
    return {
        "shares": settings.quota_shares,
        "gigabytes": settings.quota_share_gigabytes,
        "snapshots": settings.quota_share_snapshots,
        "snapshot_gigabytes": settings.quota_share_snapshot_gigabytes,
        LARGEST: settings.quota_per_share_gigabytes,
    }


async def type_id(transaction: Transaction, name_or_id: str) -> str:
    """The id of a share type. ShareTypeNotFound."""
    found = await type_store.get(transaction, name_or_id) or await type_store.named(transaction, name_or_id)
    if found is None:
        raise errors.ShareTypeNotFound(name_or_id)
    return found.id


async def set_project(
    transaction: Transaction, settings: Settings, project_id: str, wished: Mapping[str, int], *, force: bool
) -> dict[str, int]:
    """Set limits of a project; all of its limits then. BadRequest: less than the project has, unless forced."""
    await transaction.serialise(f"quota:share:{project_id}")
    if not force:
        _require_room(wished, await usage(transaction, project_id))
    await store.put(transaction, store.PROJECT, project_id, wished)
    return await limits(transaction, settings, project_id)


async def set_type(
    transaction: Transaction, settings: Settings, of: OfType, wished: Mapping[str, int], *, force: bool
) -> dict[str, int]:
    """Set limits of a type in a project; all of its limits then. BadRequest: more than the project's, less than is used."""
    project_id, type_id = of.project_id, of.type_id
    await transaction.serialise(f"quota:share:{project_id}")
    most = await limits(transaction, settings, project_id)
    for name, limit in wished.items():
        if 0 <= most[name] < limit or (limit == -1 and most[name] >= 0):
            raise core_errors.BadRequest(f"Quota limit must be less than {most[name]}.", field=f"quota_set.{name}")
    if not force:
        _require_room(wished, await usage(transaction, project_id, type_id))
    await store.put(transaction, store.TYPE, f"{project_id}/{type_id}", wished)
    return await limits_of_type(transaction, settings, project_id, type_id)


def _require_room(wished: Mapping[str, int], used: Mapping[str, int]) -> None:
    for name, limit in wished.items():
        if 0 <= limit < used.get(name, 0):
            raise core_errors.BadRequest(
                f"Quota value {limit} for {name} is smaller than already used and reserved {used[name]}.",
                field=f"quota_set.{name}",
            )


async def reset_project(transaction: Transaction, project_id: str, type_id: str | None = None) -> None:
    """Take the limits of a project, or of a type in it, away: the defaults hold again. Repeatable."""
    if type_id is None:
        await store.forget(transaction, store.PROJECT, project_id)
    else:
        await store.forget(transaction, store.TYPE, f"{project_id}/{type_id}")


async def set_class(
    transaction: Transaction, settings: Settings, name: str, wished: Mapping[str, int]
) -> dict[str, int]:
    """Set limits of a class; all of its limits then."""
    await transaction.serialise(f"quota:class:share:{name}")
    await store.put(transaction, store.CLASS, name, wished)
    return await of_class(transaction, settings, name)
