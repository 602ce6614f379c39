"""Share types: list, show, choose; create, change and delete for admins. What a type says of its shares by extra specs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from boxship.core import clock
from boxship.core import errors as core_errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import filters
from boxship.core.http.call import Query, new_id
from boxship.services.share import errors
from boxship.services.share.model import ShareType
from boxship.services.share.store import types as store

DEFAULT = "default"
"""The name of the default type."""
DHSS = "driver_handles_share_servers"
"""The extra spec that every type has; no shares here have servers of their own."""
SNAPSHOTS = "snapshot_support"
COPIES = "create_share_from_snapshot_support"
REVERTS = "revert_to_snapshot_support"
MOUNTS = "mount_snapshot_support"
OPTIONAL = (SNAPSHOTS, COPIES, REVERTS, MOUNTS)
"""Extra specs that are booleans, and false where a type does not say."""
TENANT_VISIBLE = frozenset({DHSS, *OPTIONAL, "replication_type", "availability_zones"})
"""Extra specs that everybody sees."""
_LEAST, _MOST, _EXTENDED = (f"provisioning:{name}_share_size" for name in ("min", "max", "max_extend"))
_TRUE = frozenset({"true", "1", "yes", "on", "t", "y", "<is> true"})
_FALSE = frozenset({"false", "0", "no", "off", "f", "n", "<is> false"})


async def create_default(transaction: Transaction) -> None:
    """The default type, on the first start; repeatable."""
    if await store.named(transaction, DEFAULT) is None:
        specs = {DHSS: "False", SNAPSHOTS: "True", COPIES: "True", REVERTS: "True"}
        await store.insert(transaction, ShareType(new_id(), DEFAULT, "Default share type", True, specs, clock.now()))


async def create_type(transaction: Transaction, share_type: ShareType) -> ShareType:
    """A new type; its id and time are filled in here. ShareTypeExists; BadRequest: its extra specs."""
    if DHSS not in share_type.extra_specs:
        raise core_errors.BadRequest(f"Invalid extra_spec: Required extra specs {DHSS} not specified.")
    _require_valid(share_type.extra_specs)
    if await store.named(transaction, share_type.name):
        raise errors.ShareTypeExists(share_type.name)
    made = msgspec.structs.replace(share_type, id=new_id(), created_at=clock.now())
    await store.insert(transaction, made)
    return made


def _require_valid(specs: Mapping[str, str]) -> None:
    for name in (DHSS, *OPTIONAL):
        if name in specs and specs[name].lower() not in _TRUE | _FALSE:
            raise core_errors.BadRequest(f"Invalid extra_spec: {name}: {specs[name][:64]} is not a boolean.")
    for name in (_LEAST, _MOST, _EXTENDED):
        if name in specs and not (specs[name].isdecimal() and len(specs[name]) < 10 and int(specs[name])):
            raise core_errors.BadRequest(f"Invalid extra_spec: {name}: {specs[name][:64]} is not a size in GiB.")
    if all(name in specs for name in (_LEAST, _MOST)) and int(specs[_LEAST]) > int(specs[_MOST]):
        raise core_errors.BadRequest(f"Invalid extra_spec: {_LEAST} is larger than {_MOST}.")


async def get_type(transaction: Transaction, caller: Caller, id: str) -> ShareType:
    """The type, by id or ``default``. ShareTypeNotFound: there is none, or it is private and not for the caller."""
    found = await (store.named(transaction, DEFAULT) if id == "default" else store.get(transaction, id))
    if found is None or not await _sees(transaction, caller, found):
        raise errors.ShareTypeNotFound(id)
    return found


async def _sees(transaction: Transaction, caller: Caller, share_type: ShareType) -> bool:
    if share_type.is_public or caller.is_admin:
        return True
    return caller.project_id in await store.projects(transaction, share_type.id)


async def find(transaction: Transaction, caller: Caller, name_or_id: str | None) -> ShareType:
    """The type that a request names, None the default. ShareTypeNotFound."""
    wanted = name_or_id or DEFAULT
    found = await store.get(transaction, wanted) or await store.named(transaction, wanted)
    if found is None or not await _sees(transaction, caller, found):
        raise errors.ShareTypeNotFound(wanted)
    return found


async def choose(transaction: Transaction, caller: Caller, name_or_id: str | None) -> ShareType:
    """The same for a new share: nobody removes the type until the transaction ends. ShareTypeNotFound."""
    found = await find(transaction, caller, name_or_id)
    if not await store.keep(transaction, found.id):
        raise errors.ShareTypeNotFound(found.id)
    return found


async def of(transaction: Transaction, ids: Sequence[str]) -> dict[str, ShareType]:
    """Several types by id, whoever may see them."""
    return await store.of(transaction, ids)


async def of_id(transaction: Transaction, id: str) -> ShareType:
    """The type of a share that exists, whoever may see it."""
    return (await store.of(transaction, [id]))[id]


async def with_specs(transaction: Transaction, specs: Mapping[str, str]) -> list[str]:
    """The ids of the types that have these extra specs."""
    return [share_type.id for share_type in await store.all_of(transaction, []) if _has(share_type, specs)]


def _has(share_type: ShareType, specs: Mapping[str, str]) -> bool:
    """Compared here and not by the database: SQLite would take no notice of case."""
    return specs.items() <= share_type.extra_specs.items()


async def list_types(transaction: Transaction, caller: Caller, query: Query) -> list[ShareType]:
    """The types that the caller sees, newest first; ``is_public`` is for admins."""
    conditions = []
    wanted = (query.one("is_public") or "true").lower()
    if not caller.is_admin:
        conditions.append(store.seen_by(caller.project))
    elif wanted not in {"none", "all"}:
        public = query.flag("is_public", default=True)
        conditions.append(store.seen_by(caller.project) if public else store.PRIVATE)
    specs = filters.pairs(query, "extra_specs")
    return [share_type for share_type in await store.all_of(transaction, conditions) if _has(share_type, specs)]


async def update_type(transaction: Transaction, caller: Caller, id: str, changes: dict[str, object]) -> ShareType:
    """Change name, description or is_public. ShareTypeNotFound, ShareTypeExists; BadRequest: the default type keeps its name."""
    found = await get_type(transaction, caller, id)
    changed = msgspec.structs.replace(found, **changes)
    if found.name == DEFAULT != changed.name:
        raise core_errors.BadRequest(f"The type {DEFAULT} is the one that shares have by default; it keeps its name.")
    namesake = await store.named(transaction, changed.name)
    if namesake and namesake.id != found.id:
        raise errors.ShareTypeExists(changed.name)
    await store.update(transaction, changed)
    return changed


async def delete_type(transaction: Transaction, caller: Caller, id: str) -> None:
    """Remove a type. ShareTypeNotFound; BadRequest: shares have it, or it is the default."""
    found = await get_type(transaction, caller, id)
    if found.name == DEFAULT:
        raise core_errors.BadRequest(f"The type {DEFAULT} is the one that shares have by default; it stays.")
    await store.lock(transaction, found.id)
    if await store.is_used(transaction, found.id):
        raise core_errors.BadRequest("Target share type is still in use.")
    await store.delete(transaction, found.id)


async def set_specs(transaction: Transaction, caller: Caller, id: str, specs: dict[str, str]) -> ShareType:
    """Add extra specs. ShareTypeNotFound; BadRequest."""
    found = await get_type(transaction, caller, id)
    changed = msgspec.structs.replace(found, extra_specs={**found.extra_specs, **specs})
    _require_valid(changed.extra_specs)
    await store.update(transaction, changed)
    return changed


async def get_spec(transaction: Transaction, caller: Caller, id: str, key: str) -> str:
    """One extra spec. ShareTypeNotFound, ExtraSpecNotFound."""
    found = await get_type(transaction, caller, id)
    if key not in found.extra_specs:
        raise errors.ExtraSpecNotFound(id, key)
    return found.extra_specs[key]


async def delete_spec(transaction: Transaction, caller: Caller, id: str, key: str) -> None:
    """Remove an extra spec. ShareTypeNotFound, ExtraSpecNotFound; Forbidden: every type has it."""
    found = await get_type(transaction, caller, id)
    if key == DHSS:
        raise core_errors.Forbidden(f"Extra spec '{key}' can't be deleted.")
    await get_spec(transaction, caller, id, key)
    rest = {name: value for name, value in found.extra_specs.items() if name != key}
    await store.update(transaction, msgspec.structs.replace(found, extra_specs=rest))


async def list_access(transaction: Transaction, caller: Caller, id: str) -> tuple[ShareType, list[str]]:
    """A private type and the projects that have access. ShareTypeNotFound: there is none, or everybody has."""
    found = await get_type(transaction, caller, id)
    if found.is_public:
        raise core_errors.NotFound("Access list not available for public share types.")
    return found, await store.projects(transaction, found.id)


async def add_access(transaction: Transaction, caller: Caller, id: str, project_id: str) -> None:
    """Give a project access to a private type. ShareTypeNotFound; Conflict: the type is public, or the project has access."""
    found = await get_type(transaction, caller, id)
    if found.is_public:
        raise core_errors.Conflict("Project cannot be added to public share_type.")
    if project_id in await store.projects(transaction, found.id):
        raise core_errors.Conflict(f"Share type access for {id} / {project_id} combination already exists.")
    await store.give(transaction, found.id, project_id)


async def remove_access(transaction: Transaction, caller: Caller, id: str, project_id: str) -> None:
    """Take a project's access to a private type away. ShareTypeNotFound; Conflict: it is public; NotFound: it has none."""
    found = await get_type(transaction, caller, id)
    if found.is_public:
        raise core_errors.Conflict("Project cannot be removed from public share_type.")
    if not await store.take(transaction, found.id, project_id):
        raise core_errors.NotFound(f"Share type access not found for {id} / {project_id} combination.")


def says(share_type: ShareType, spec: str) -> bool:
    """Whether a boolean extra spec is there and true."""
    return share_type.extra_specs.get(spec, "").lower() in _TRUE


def has_snapshots(share_type: ShareType) -> bool:
    """Whether snapshots are taken of its shares."""
    return says(share_type, SNAPSHOTS)


def may_copy(share_type: ShareType) -> bool:
    """Whether shares are made from the snapshots of its shares."""
    return says(share_type, COPIES)


def may_revert(share_type: ShareType) -> bool:
    """Whether its shares go back to what a snapshot holds."""
    return says(share_type, REVERTS)


def require_fit(share_type: ShareType, size: int, zone: str | None, *, extended: bool = False) -> None:
    """BadRequest: the type is not for shares of this size, or not for this availability zone. ``extended``: an admin makes it
    larger, for whom the type may have another limit."""
    specs = share_type.extra_specs
    most = specs.get(_EXTENDED if extended and _EXTENDED in specs else _MOST)
    if size < int(specs.get(_LEAST, 1)):
        raise core_errors.BadRequest(
            f"Share size of {size}GiB cannot be smaller than {specs[_LEAST]}GiB, the least of share type {share_type.name}."
        )
    if most is not None and size > int(most):
        raise core_errors.BadRequest(
            f"Share size of {size}GiB cannot be larger than {most}GiB, the most of share type {share_type.name}."
        )
    zones = [name.strip() for name in specs.get("availability_zones", "").split(",") if name.strip()]
    if zone and zones and zone not in zones:
        raise core_errors.BadRequest(
            f"Share type {share_type.name} is not supported within the availability zone chosen {zone[:64]}."
        )
