"""Volume types: list, show, choose; create, change and delete for admins."""

from __future__ import annotations

import msgspec

from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import filters, listing
from boxship.core.http.call import Query, new_id
from boxship.services.volume import errors
from boxship.services.volume.model import Volume, VolumeType
from boxship.services.volume.store import volume_types as store

DEFAULT = "__DEFAULT__"
"""The name of the default type; upstream's."""


async def create_default(transaction: Transaction) -> None:
    """The default type, on the first start; repeatable."""
    if await store.named(transaction, DEFAULT) is None:
        await store.insert(transaction, VolumeType(new_id(), DEFAULT, "Default Volume Type", True, {}, clock.now()))


async def create_type(transaction: Transaction, volume_type: VolumeType) -> VolumeType:
    """A new type; its id and time are filled in here. VolumeTypeExists."""
    if await store.named(transaction, volume_type.name):
        raise errors.VolumeTypeExists(volume_type.name)
    made = msgspec.structs.replace(volume_type, id=new_id(), created_at=clock.now())
    await store.insert(transaction, made)
    return made


async def get_type(transaction: Transaction, caller: Caller, id: str) -> VolumeType:
    """The type, by id or ``default``. VolumeTypeNotFound: there is none, or it is private and not for the caller."""
    found = await (store.named(transaction, DEFAULT) if id == "default" else store.get(transaction, id))
    if found is None or not await _sees(transaction, caller, found):
        raise errors.VolumeTypeNotFound(id)
    return found


async def _sees(transaction: Transaction, caller: Caller, volume_type: VolumeType) -> bool:
    if volume_type.is_public or caller.is_admin:
        return True
    return caller.project_id in await store.projects(transaction, volume_type.id)


async def of_volume(transaction: Transaction, volume: Volume) -> VolumeType:
    """The type of a volume, whoever may see it."""
    return (await store.of(transaction, [volume.type_id]))[volume.type_id]


async def chosen_type(transaction: Transaction, caller: Caller, name_or_id: str | None) -> VolumeType:
    """The type that a request names, None the default. UnknownVolumeType."""
    name_or_id = name_or_id or DEFAULT
    found = await store.get(transaction, name_or_id) or await store.named(transaction, name_or_id)
    if found is None or not await _sees(transaction, caller, found):
        raise errors.UnknownVolumeType(name_or_id)
    return found


async def list_types(transaction: Transaction, caller: Caller, query: Query) -> tuple[list[VolumeType], bool]:
    """One page of the types that the caller sees, and whether more may follow; ``is_public`` is for admins."""
    page = listing.page(query, store.COLUMNS, default_sort="created_at", descending=True)
    conditions = listing.filters(query, {"name": store.COLUMNS["name"]})
    conditions.extend(store.has_spec(key, value) for key, value in filters.pairs(query, "extra_specs").items())
    if not caller.is_admin:
        conditions.append(store.seen_by(caller.project))
    elif (query.one("is_public") or "none").lower() != "none":
        conditions.append(store.PUBLIC if query.flag("is_public") else store.PRIVATE)
    types = await store.page(transaction, conditions, page)
    return types, listing.next_marker(types, page)


async def update_type(transaction: Transaction, caller: Caller, id: str, changes: dict[str, object]) -> VolumeType:
    """Change name, description or is_public. VolumeTypeNotFound, VolumeTypeExists."""
    found = await get_type(transaction, caller, id)
    changed = msgspec.structs.replace(found, **changes)
    namesake = await store.named(transaction, changed.name)
    if namesake and namesake.id != found.id:
        raise errors.VolumeTypeExists(changed.name)
    await store.update(transaction, changed)
    return changed


async def get_spec(transaction: Transaction, caller: Caller, id: str, key: str) -> str:
    """One extra spec. VolumeTypeNotFound, ExtraSpecNotFound."""
    found = await get_type(transaction, caller, id)
    if key not in found.extra_specs:
        raise errors.ExtraSpecNotFound(id, key)
    return found.extra_specs[key]


async def set_specs(transaction: Transaction, caller: Caller, id: str, specs: dict[str, str]) -> VolumeType:
    """Add extra specs. VolumeTypeNotFound."""
    found = await get_type(transaction, caller, id)
    changed = msgspec.structs.replace(found, extra_specs={**found.extra_specs, **specs})
    await store.update(transaction, changed)
    return changed


async def delete_spec(transaction: Transaction, caller: Caller, id: str, key: str) -> None:
    """Remove an extra spec. VolumeTypeNotFound, ExtraSpecNotFound."""
    found = await get_type(transaction, caller, id)
    if key not in found.extra_specs:
        raise errors.ExtraSpecNotFound(id, key)
    rest = {name: value for name, value in found.extra_specs.items() if name != key}
    await store.update(transaction, msgspec.structs.replace(found, extra_specs=rest))


async def delete_type(transaction: Transaction, caller: Caller, id: str) -> None:
    """Remove a type. VolumeTypeNotFound, VolumeTypeDefault, VolumeTypeInUse."""
    found = await get_type(transaction, caller, id)
    if found.name == DEFAULT:
        raise errors.VolumeTypeDefault(id)
    if await store.is_used(transaction, found.id):
        raise errors.VolumeTypeInUse(id)
    await store.delete(transaction, found.id)


async def list_access(transaction: Transaction, caller: Caller, id: str) -> tuple[VolumeType, list[str]]:
    """A private type and the projects that have access. VolumeTypeNotFound; TypeAccessNotFound: everybody has."""
    found = await get_type(transaction, caller, id)
    if found.is_public:
        raise errors.TypeAccessNotFound(id, "all projects")
    return found, await store.projects(transaction, found.id)


async def add_access(transaction: Transaction, caller: Caller, id: str, project_id: str) -> None:
    """Give a project access to a private type. VolumeTypeNotFound, TypeIsPublic, TypeAccessExists."""
    found = await get_type(transaction, caller, id)
    if found.is_public:
        raise errors.TypeIsPublic(id)
    if project_id in await store.projects(transaction, found.id):
        raise errors.TypeAccessExists(id, project_id)
    await store.give(transaction, found.id, project_id)


async def remove_access(transaction: Transaction, caller: Caller, id: str, project_id: str) -> None:
    """Take a project's access to a private type away. VolumeTypeNotFound, TypeIsPublic, TypeAccessNotFound."""
    found = await get_type(transaction, caller, id)
    if found.is_public:
        raise errors.TypeIsPublic(id)
    if not await store.take(transaction, found.id, project_id):
        raise errors.TypeAccessNotFound(id, project_id)


def multi(volume_type: VolumeType) -> bool:
    """Whether volumes of the type may be attached several times (extra spec ``multiattach``, as Cinder writes it)."""
    return volume_type.extra_specs.get("multiattach", "").lower() == "<is> true"
