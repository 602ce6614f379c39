"""Subnet pools: ranges that subnets are cut from. What was cut is in the subnets' rows alone, so that nothing is to be given
back when one of them goes."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import UnsetType

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query, new_id
from boxship.services.network import errors, model
from boxship.services.network.operations import access, checks, sharing
from boxship.services.network.schemas import networks as subnet_wire
from boxship.services.network.schemas import subnetpools as wire
from boxship.services.network.schemas.fields import given, whole
from boxship.services.network.store import rbac, rows, tables
from boxship.services.network.store import subnetpools as store

_SHORTEST, _LONGEST = {4: 8, 6: 64}, {4: 32, 6: 128}
"""The lengths of prefixes where a pool says nothing else (neutron, ipam/subnet_alloc)."""
_UNIT = {4: 32, 6: 64}
"""A pool's quota counts ranges of this length."""


async def create_subnetpool(
    transaction: Transaction, caller: Caller, settings: Settings, wish: wire.SubnetPoolCreate
) -> model.SubnetPool:
    """A new pool. PrefixVersionMismatch, IllegalSubnetPoolPrefixBounds, DefaultSubnetPoolExists, OverQuota."""
    access.privileged(caller, "create_subnetpool:shared", wanted=wish.shared)
    access.privileged(caller, "create_subnetpool:is_default", wanted=wish.is_default)
    project_id = access.owner(caller, wish, "create_subnetpool")
    version, prefixes = _prefixes(wish.prefixes)
    longest = _LONGEST[version]
    least = _length(wish.min_prefixlen, "min_prefixlen", longest, _SHORTEST[version])
    now = clock.now()
    pool = model.SubnetPool(
        id=new_id(),
        project_id=project_id,
        ip_version=version,
        created_at=now,
        updated_at=now,
        revision_number=0,
        name=wish.name,
        description=wish.description,
        prefixes=prefixes,
        min_prefixlen=least,
        max_prefixlen=_length(wish.max_prefixlen, "max_prefixlen", longest, longest),
        default_prefixlen=_length(wish.default_prefixlen, "default_prefixlen", longest, least),
        default_quota=whole(wish.default_quota, "default_quota", 0, 2**31 - 1),
        shared=wish.shared,
        is_default=wish.is_default,
        tags=wish.tags,
    )
    _bounds(pool)
    if pool.is_default:
        await _only_default(transaction, pool)
    await access.quota(transaction, settings, "subnetpool", project_id)
    await rows.insert(transaction, tables.subnetpools, pool)
    await sharing.follow_pool(transaction, pool)
    return pool


def _length(asked: int | str | None, field: str, longest: int, default: int) -> int:
    found = whole(asked, field, 0, longest)
    return default if found is None else found


def _prefixes(texts: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """IP version and ranges, those that touch made one. PrefixVersionMismatch, InvalidInput."""
    found = [checks.prefix(text, "prefixes") for text in texts]
    if len({cidr.version for cidr in found}) > 1:
        raise errors.PrefixVersionMismatch
    for cidr in found:
        checks.subnet_cidr(str(cidr), cidr.version)
    return found[0].version, _merged(found)


def _merged(ranges: Iterable[model.Range]) -> tuple[str, ...]:
    v4 = [cidr for cidr in ranges if isinstance(cidr, ipaddress.IPv4Network)]
    v6 = [cidr for cidr in ranges if isinstance(cidr, ipaddress.IPv6Network)]
    return tuple(str(cidr) for cidr in (*ipaddress.collapse_addresses(v4), *ipaddress.collapse_addresses(v6)))


def _bounds(pool: model.SubnetPool) -> None:
    """The shortest, the usual and the longest prefix are in this order. IllegalSubnetPoolPrefixBounds."""
    least, most, usual = pool.min_prefixlen, pool.max_prefixlen, pool.default_prefixlen
    if least > most:
        raise errors.IllegalSubnetPoolPrefixBounds("min_prefixlen", least, "max_prefixlen", most)
    if usual < least:
        raise errors.IllegalSubnetPoolPrefixBounds("default_prefixlen", usual, "min_prefixlen", least)
    if usual > most:
        raise errors.IllegalSubnetPoolPrefixBounds("default_prefixlen", usual, "max_prefixlen", most)


async def _only_default(transaction: Transaction, pool: model.SubnetPool) -> None:
    await transaction.serialise("network:default-subnetpool")
    other = await store.default(transaction, pool.ip_version)
    if other is not None and other.id != pool.id:
        raise errors.DefaultSubnetPoolExists(pool.ip_version)


async def list_subnetpools(
    transaction: Transaction, caller: Caller, query: Query
) -> tuple[list[model.SubnetPool], listing.Page]:
    """The pools that the caller may cut from."""
    conditions = [] if caller.is_admin else [store.visible(caller.project_id)]
    source = (tables.subnetpools, model.SubnetPool, store.COLUMNS)
    found, page = await access.listed(transaction, query, source, conditions)
    return await sharing.pools_as_seen(transaction, caller, found), page


async def seen(transaction: Transaction, caller: Caller, id: str) -> model.SubnetPool:
    """One pool, where the caller sees it. SubnetPoolNotFound."""
    pool = await rows.get(transaction, tables.subnetpools, model.SubnetPool, id)
    if pool is None or not await sharing.may_use(transaction, caller, pool.project_id, id):
        raise errors.SubnetPoolNotFound(id)
    return (await sharing.pools_as_seen(transaction, caller, [pool]))[0]


async def update_subnetpool(
    transaction: Transaction, caller: Caller, id: str, wish: wire.SubnetPoolUpdate
) -> model.SubnetPool:
    """Change a pool. IllegalSubnetPoolPrefixUpdate: it would lose a range; and the errors of making one."""
    pool = await seen(transaction, caller, id)
    access.own(caller, pool.project_id, "update_subnetpool")
    access.privileged(caller, "update_subnetpool:is_default", wanted=wish.is_default is True)
    await _lock(transaction, id)
    changed = _changed(pool, wish)
    _bounds(changed)
    if changed.is_default:
        await _only_default(transaction, changed)
    await rows.change(transaction, tables.subnetpools, id, **rows.differing(pool, changed))
    return changed


def _changed(pool: model.SubnetPool, wish: wire.SubnetPoolUpdate) -> model.SubnetPool:
    values = given(wish)
    values.pop("address_scope_id", None)
    for field in ("min_prefixlen", "max_prefixlen", "default_prefixlen"):
        if field in values:
            values[field] = whole(getattr(wish, field), field, 0, _LONGEST[pool.ip_version])
    if not isinstance(wish.default_quota, UnsetType):
        values["default_quota"] = whole(wish.default_quota, "default_quota", 0, 2**31 - 1)
    if not isinstance(wish.prefixes, UnsetType):
        values["prefixes"] = _grown(pool, wish.prefixes)
    return msgspec.structs.replace(pool, **values, updated_at=clock.now(), revision_number=pool.revision_number + 1)


def _grown(pool: model.SubnetPool, texts: Sequence[str]) -> tuple[str, ...]:
    version, prefixes = _prefixes(texts)
    if version != pool.ip_version:
        raise errors.PrefixVersionMismatch
    if not all(_inside(ipaddress.ip_network(old), prefixes) for old in pool.prefixes):
        raise errors.IllegalSubnetPoolPrefixUpdate
    return prefixes


def _inside(cidr: model.Range, prefixes: Iterable[str]) -> bool:
    """Whether one of the prefixes holds the whole range."""
    found = (ipaddress.ip_network(prefix) for prefix in prefixes)
    return any(int(one[0]) <= int(cidr[0]) and int(cidr[-1]) <= int(one[-1]) for one in found)


async def delete_subnetpool(transaction: Transaction, caller: Caller, id: str) -> None:
    """Delete a pool. SubnetPoolDeleteError: a subnet has a range of it."""
    pool = await seen(transaction, caller, id)
    access.own(caller, pool.project_id, "delete_subnetpool")
    await _lock(transaction, id)
    if await store.ranges(transaction, id):
        raise errors.SubnetPoolDeleteError
    await rbac.drop(transaction, id)
    await rows.delete(transaction, tables.subnetpools, id)


async def _lock(transaction: Transaction, id: str) -> None:
    """One transaction at a time cuts from a pool or changes it."""
    await transaction.serialise(f"network:subnetpool:{id}")


async def cut(
    transaction: Transaction, caller: Caller, wish: subnet_wire.SubnetCreate, project_id: str
) -> subnet_wire.SubnetCreate:
    """The wish with a range of the pool that it names, as asked or the first that is free; without a pool, as it is.

    SubnetPoolNotFound, InvalidInput, MinPrefixSubnetAllocationError, MaxPrefixSubnetAllocationError,
    SubnetAllocationError: the pool has no room; SubnetPoolQuotaExceeded: not for this project.
    """
    pool_id = await _pool_of(transaction, wish)
    if pool_id is None:
        return wish
    await _lock(transaction, pool_id)
    pool = await seen(transaction, caller, pool_id)
    _fits(pool, wish)
    taken = await store.ranges(transaction, pool.id)
    ranges = [ipaddress.ip_network(cidr) for _, cidr in taken]
    cidr = _asked(pool, wish, ranges)
    own = [range for (owner, _), range in zip(taken, ranges, strict=True) if owner == project_id]
    _within_quota(pool, [*own, cidr])
    return msgspec.structs.replace(wish, cidr=str(cidr), subnetpool_id=pool.id)


async def _pool_of(transaction: Transaction, wish: subnet_wire.SubnetCreate) -> str | None:
    """The pool that is named, or the default one. InvalidInput: both, none there, or a length without a pool."""
    if wish.use_default_subnetpool:
        if wish.subnetpool_id is not None:
            raise errors.InvalidInput(
                "subnetpool_id and use_default_subnetpool cannot both be given.", field="subnetpool_id"
            )
        found = await store.default(transaction, wish.version)
        if found is None:
            raise errors.InvalidInput(
                f"No default subnetpool found for IPv{wish.version}", field="use_default_subnetpool"
            )
        return found.id
    if wish.subnetpool_id is None and wish.prefixlen is not None:
        raise errors.InvalidInput("prefixlen is for subnets that are cut from a subnet pool.", field="prefixlen")
    return wish.subnetpool_id


def _fits(pool: model.SubnetPool, wish: subnet_wire.SubnetCreate) -> None:
    if wish.version != pool.ip_version:
        raise errors.InvalidInput(f"The subnet pool is of IPv{pool.ip_version}.", field="ip_version")
    if wish.cidr is not None and wish.prefixlen is not None:
        raise errors.InvalidInput("cidr and prefixlen must not be supplied together", field="prefixlen")


def _asked(pool: model.SubnetPool, wish: subnet_wire.SubnetCreate, taken: Sequence[model.Range]) -> model.Range:
    """The range that is asked for, or the first free one of the length."""
    wanted = None if wish.cidr is None else checks.subnet_cidr(wish.cidr, pool.ip_version)
    length = wish.length if wanted is None else wanted.prefixlen
    length = pool.default_prefixlen if length is None else length
    if length < pool.min_prefixlen:
        raise errors.MinPrefixSubnetAllocationError(length, pool.min_prefixlen)
    if length > pool.max_prefixlen:
        raise errors.MaxPrefixSubnetAllocationError(length, pool.max_prefixlen)
    if wanted is None:
        return first_free(pool.prefixes, taken, length)
    if not _inside(wanted, pool.prefixes) or any(wanted.overlaps(other) for other in taken):
        raise errors.SubnetAllocationError("Cannot allocate requested subnet from the available set of prefixes")
    return wanted


def first_free(prefixes: Iterable[str], taken: Iterable[model.Range], length: int) -> model.Range:
    """The lowest range of this length in the prefixes that overlaps with nothing taken. SubnetAllocationError: none."""
    spans = sorted((int(cidr[0]), int(cidr[-1])) for cidr in taken)
    for prefix in sorted((ipaddress.ip_network(text) for text in prefixes), key=lambda cidr: int(cidr[0])):
        size = 1 << (prefix.max_prefixlen - length)
        start = int(prefix[0])
        for first, last in spans:
            if first < start + size and last >= start:
                start = (last // size + 1) * size
        if length >= prefix.prefixlen and start + size - 1 <= int(prefix[-1]):
            return (
                ipaddress.ip_network((start, length)) if prefix.version == 4 else ipaddress.IPv6Network((start, length))
            )
    raise errors.SubnetAllocationError("Insufficient prefix space to allocate subnet size /" + str(length))


def _within_quota(pool: model.SubnetPool, ranges: Iterable[model.Range]) -> None:
    """SubnetPoolQuotaExceeded: a project would have more of the pool than it allows, counted in addresses (IPv6: in /64)."""
    if pool.default_quota is None:
        return
    unit = _UNIT[pool.ip_version]
    if sum(1 << max(unit - cidr.prefixlen, 0) for cidr in ranges) > pool.default_quota:
        raise errors.SubnetPoolQuotaExceeded
