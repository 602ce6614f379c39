"""What projects may have of volumes, snapshots and backups: the limit set for the project, else that of the class
``default``, else the setting; -1 is no limit. A type may have limits of its own: ``volumes_<type>`` and so on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from boxship.config import Settings
from boxship.core import errors as core_errors
from boxship.core.db.database import Transaction
from boxship.services.volume import errors
from boxship.services.volume.store import backups as backup_store
from boxship.services.volume.store import quotas as store
from boxship.services.volume.store import volume_types

DEFAULT_CLASS = "default"
"""The class whose limits are for every project that has none of its own; Cinder knows no others that count."""
PER_TYPE = ("volumes", "snapshots", "gigabytes")
"""What may be limited by type as well."""


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for in addition. ``type_name``: volumes, snapshots and gigabytes are of this type; ``largest``: GiB that a
    single volume is to have."""

    type_name: str = ""
    volumes: int = 0
    snapshots: int = 0
    gigabytes: int = 0
    backups: int = 0
    backup_gigabytes: int = 0
    largest: int = 0


async def require(transaction: Transaction, settings: Settings, project_id: str, demand: Demand) -> None:
    """OverQuota (413): the project would have more than its limit of something that it asks for more of.

    The transaction is alone in this project's quota from here on, so that many requests at once cannot pass the limit
    together.
    """
    await transaction.serialise(f"quota:volume:{project_id}")
    most = await limits(transaction, settings, project_id)
    if 0 <= most["per_volume_gigabytes"] < demand.largest:
        raise errors.VolumeSizeExceedsLimit(demand.largest, most["per_volume_gigabytes"])
    await _require(transaction, project_id, most, _asked(demand))


async def require_typed(transaction: Transaction, project_id: str, limits: Mapping[str, int], demand: Demand) -> None:
    """As ``require``, for what the project has already and is to be of another type: only the type's own limits count."""
    await transaction.serialise(f"quota:volume:{project_id}")
    typed = {name: amount for name, amount in _asked(demand).items() if name.endswith(f"_{demand.type_name}")}
    await _require(transaction, project_id, limits, typed)


async def _require(
    transaction: Transaction, project_id: str, most: Mapping[str, int], wanted: Mapping[str, int]
) -> None:
    asked = {name: amount for name, amount in wanted.items() if amount > 0 and most.get(name, -1) >= 0}
    used = await usage(transaction, project_id) if asked else {}
    for name, amount in asked.items():
        if most[name] < used.get(name, 0) + amount:
            raise errors.exceeded(name, amount, most[name], used.get(name, 0))


def _asked(demand: Demand) -> dict[str, int]:
    names = (*PER_TYPE, "backups", "backup_gigabytes")
    asked = {name: int(getattr(demand, name)) for name in names}
    if demand.type_name:
        asked |= {f"{name}_{demand.type_name}": asked[name] for name in PER_TYPE}
    return asked


async def limits(transaction: Transaction, settings: Settings, project_id: str) -> dict[str, int]:
    """The limits that hold for a project, by resource."""
    return await _known(
        transaction, await defaults(transaction, settings) | await store.of_project(transaction, project_id)
    )


async def defaults(transaction: Transaction, settings: Settings) -> dict[str, int]:
    """The limits of a project that has none of its own."""
    return await of_class(transaction, settings, DEFAULT_CLASS)


async def of_class(transaction: Transaction, settings: Settings, name: str) -> dict[str, int]:
    """The limits of a class; where it has none, the settings, and none for types."""
    typed = dict.fromkeys(_typed(await volume_types.names(transaction)), -1)
    return await _known(transaction, _configured(settings) | typed | await store.of_class(transaction, name))


def _configured(settings: Settings) -> dict[str, int]:
    return {
        "volumes": settings.quota_volumes,
        "snapshots": settings.quota_snapshots,
        "gigabytes": settings.quota_gigabytes,
        "backups": settings.quota_backups,
        "backup_gigabytes": settings.quota_backup_gigabytes,
        "per_volume_gigabytes": settings.quota_per_volume_gigabytes,
    }


def _typed(names: Iterable[str]) -> list[str]:
    return [f"{resource}_{name}" for name in names for resource in PER_TYPE]


async def _known(transaction: Transaction, found: Mapping[str, int]) -> dict[str, int]:
    """Without the limits of types that are gone or have another name now."""
    typed = set(_typed(await volume_types.names(transaction)))
    plain = set(_configured(Settings()))
    return {name: limit for name, limit in found.items() if name in plain or name in typed}


async def usage(transaction: Transaction, project_id: str) -> dict[str, int]:
    """What a project has, by resource; what it has none of is absent."""
    used: Counter[str] = Counter()
    for one in await store.volumes_of(transaction, project_id):
        _count(used, "volumes", one)
    for one in await store.snapshots_of(transaction, project_id):
        _count(used, "snapshots", one)
    used["backups"], used["backup_gigabytes"] = await backup_store.usage(transaction, project_id)
    return dict(used)


def _count(used: Counter[str], resource: str, one: store.Used) -> None:
    """Snapshots count as gigabytes like volumes do, as Cinder's default is."""
    for suffix in ("", f"_{one.type_name}"):
        used[f"{resource}{suffix}"] += one.count
        used[f"gigabytes{suffix}"] += one.gigabytes


async def set_project(
    transaction: Transaction, settings: Settings, project_id: str, wished: Mapping[str, int]
) -> dict[str, int]:
    """Set limits of a project; all of its limits then. BadRequest: no such resource, or less than the project has."""
    await transaction.serialise(f"quota:volume:{project_id}")
    await _require_known(transaction, settings, wished)
    used = await usage(transaction, project_id)
    for name, limit in wished.items():
        if 0 <= limit < used.get(name, 0):
            raise core_errors.BadRequest(
                f"the project has {used[name]} already, which is more than {limit}", field=f"quota_set.{name}"
            )
    await store.set_project(transaction, project_id, wished)
    return await limits(transaction, settings, project_id)


async def _require_known(transaction: Transaction, settings: Settings, wished: Mapping[str, int]) -> None:
    known = await defaults(transaction, settings)
    for name in wished:
        if name not in known:
            raise core_errors.BadRequest(f"{name[:64]!r} is nothing that has a quota here", field="quota_set")


async def reset_project(transaction: Transaction, project_id: str) -> None:
    """Take the limits of a project away: the defaults hold again. Repeatable."""
    await store.forget_project(transaction, project_id)


async def set_class(
    transaction: Transaction, settings: Settings, name: str, wished: Mapping[str, int]
) -> dict[str, int]:
    """Set limits of a class; all of its limits then. BadRequest: no such resource."""
    await transaction.serialise(f"quota:class:volume:{name}")
    await _require_known(transaction, settings, wished)
    await store.set_class(transaction, name, wished)
    return await of_class(transaction, settings, name)
