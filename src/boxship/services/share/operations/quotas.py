"""What projects may have of shares and snapshots: the limit set for the project, else that of the class ``default``, else the
setting; -1 is no limit. A share type may have limits of its own within a project."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from boxship.config import Settings
from boxship.core import errors as core_errors
from boxship.core.db.database import Transaction
from boxship.services.share import errors
from boxship.services.share.model import TYPE, USER, Part
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


_LONGEST = 64
"""Characters of an id or name that limits are set for."""


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for in addition, of which type and by whom. ``largest``: GiB that a single share is to have."""

    shares: int = 0
    gigabytes: int = 0
    snapshots: int = 0
    snapshot_gigabytes: int = 0
    type_id: str = ""
    user_id: str = ""
    largest: int = 0


async def require(transaction: Transaction, settings: Settings, project_id: str, demand: Demand) -> None:
    """OverQuota (413): the project would have more than its limit of something, in all, of the type or by the user.

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
    for part in (Part(TYPE, demand.type_id), Part(USER, demand.user_id)):
        own = await store.of(transaction, part.scope, part.within(project_id))
        if own:
            _require(asked, own, await usage(transaction, project_id, part))


def _require(asked: Mapping[str, int], most: Mapping[str, int], used: Mapping[str, int]) -> None:
    for name, amount in asked.items():
        limit = most.get(name, -1)
        if amount > 0 and 0 <= limit < used[name] + amount:
            raise errors.exceeded(name, amount, limit, used[name])


async def usage(transaction: Transaction, project_id: str, part: Part | None = None) -> dict[str, int]:
    """What a project has, by resource; with ``part`` only what is of that type or user."""
    return await store.usage(transaction, project_id, part)


async def limits(
    transaction: Transaction, settings: Settings, project_id: str, part: Part | None = None
) -> dict[str, int]:
    """The limits that hold for a project, by resource; or for a type or user in it, which are the project's unless set."""
    found = await defaults(transaction, settings) | await store.of(transaction, store.PROJECT, project_id)
    return found | (await store.of(transaction, part.scope, part.within(project_id)) if part else {})


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


async def of_type(transaction: Transaction, name_or_id: str) -> Part:
    """What is of a share type. ShareTypeNotFound."""
    found = await type_store.get(transaction, name_or_id) or await type_store.named(transaction, name_or_id)
    if found is None:
        raise errors.ShareTypeNotFound(name_or_id)
    return Part(TYPE, found.id)


def of_user(user_id: str) -> Part:
    """What is of a user. BadRequest: no id of one."""
    _require_short(user_id, "user_id")
    return Part(USER, user_id)


class Whose(msgspec.Struct, frozen=True):
    """Whose limits are set: a project's, or of a part of it."""

    project_id: str
    part: Part | None = None


async def put(
    transaction: Transaction, settings: Settings, whose: Whose, wished: Mapping[str, int], *, force: bool
) -> dict[str, int]:
    """Set limits; all of them then. BadRequest: no id of a project; unless forced, less than is used, or for a part of a
    project more than it has."""
    project_id, part = whose.project_id, whose.part
    _require_short(project_id, "project_id")
    await transaction.serialise(f"quota:share:{project_id}")
    if not force:
        if part is not None:
            _require_within(wished, await limits(transaction, settings, project_id))
        _require_room(wished, await usage(transaction, project_id, part))
    scope, id = (part.scope, part.within(project_id)) if part else (store.PROJECT, project_id)
    await store.put(transaction, scope, id, wished)
    return await limits(transaction, settings, project_id, part)


def _require_short(id: str, field: str) -> None:
    if len(id) > _LONGEST:
        raise core_errors.BadRequest(f"longer than {_LONGEST} characters", field=field)


def _require_within(wished: Mapping[str, int], most: Mapping[str, int]) -> None:
    for name, limit in wished.items():
        if most[name] >= 0 and not 0 <= limit <= most[name]:
            raise core_errors.BadRequest(f"Quota limit must be less than {most[name]}.", field=f"quota_set.{name}")


def _require_room(wished: Mapping[str, int], used: Mapping[str, int]) -> None:
    for name, limit in wished.items():
        if 0 <= limit < used.get(name, 0):
            raise core_errors.BadRequest(
                f"Quota value {limit} for {name} is smaller than already used and reserved {used[name]}.",
                field=f"quota_set.{name}",
            )


async def reset(transaction: Transaction, whose: Whose) -> None:
    """Take limits away: the defaults hold again. Repeatable."""
    if whose.part is None:
        await store.forget(transaction, store.PROJECT, whose.project_id)
    else:
        await store.forget(transaction, whose.part.scope, whose.part.within(whose.project_id))


async def set_class(
    transaction: Transaction, settings: Settings, name: str, wished: Mapping[str, int]
) -> dict[str, int]:
    """Set limits of a class; all of its limits then. BadRequest: a name that is too long."""
    _require_short(name, "quota_class_set")
    await transaction.serialise(f"quota:class:share:{name}")
    await store.put(transaction, store.CLASS, name, wished)
    return await of_class(transaction, settings, name)
