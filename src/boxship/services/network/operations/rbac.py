"""RBAC policies as callers ask for them: sharing what is one's own with single projects, and as an admin with all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from boxship.config import Settings
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.network import errors, model
from boxship.services.network.operations import access, groups, networks, sharing, subnetpools
from boxship.services.network.schemas import rbac as wire
from boxship.services.network.schemas.fields import known
from boxship.services.network.store import rbac as store
from boxship.services.network.store import rows, tables

Owned = model.Network | model.SubnetPool | model.Group
_SEEN: dict[str, Callable[[Transaction, Caller, str], Awaitable[Owned]]] = {
    model.Shared.NETWORK: networks.seen,
    model.Shared.SUBNETPOOL: subnetpools.seen,
    model.Shared.GROUP: groups.seen,
}
_ACTIONS = {
    model.Shared.NETWORK: (model.Access.SHARED, model.Access.EXTERNAL),
    model.Shared.SUBNETPOOL: (model.Access.SHARED,),
    model.Shared.GROUP: (model.Access.SHARED,),
}


async def create_policy(
    transaction: Transaction, caller: Caller, settings: Settings, wish: wire.RbacCreate
) -> model.Rbac:
    """Share something. InvalidInput, PolicyNotAuthorized, DuplicateRbacPolicy, OverQuota; NetworkNotFound and the like."""
    kind = _kind(wish)
    found = await _SEEN[kind](transaction, caller, wish.object_id)
    access.own(caller, found.project_id, "create_rbac_policy")
    project_id = known(wish.project_id) or known(wish.tenant_id) or found.project_id
    access.own(caller, project_id, "create_rbac_policy")
    target = wish.target
    _may_target(caller, target, "create_rbac_policy")
    external = wish.action == model.Access.EXTERNAL
    access.privileged(caller, "update_network:router:external", wanted=external)
    await access.quota(transaction, settings, "rbac_policy", project_id)
    await _lock(transaction, wish.object_id)
    policies = await store.of_object(transaction, wish.object_id)
    if any((row.action, row.target) == (wish.action, target) for row in policies):
        raise errors.DuplicateRbacPolicy
    policy = sharing.policy((project_id, kind, wish.object_id), wish.action, target)
    await rows.insert(transaction, tables.rbac, policy)
    await _flag(transaction, kind, wish.object_id)
    return policy


def _kind(wish: wire.RbacCreate) -> model.Shared:
    """The type, which must know the action. InvalidInput."""
    try:
        kind = model.Shared(wish.object_type.strip().lower())
    except ValueError as error:
        raise errors.InvalidInput(
            f"'{wish.object_type}' is not a valid RBAC object type", field="object_type"
        ) from error
    if wish.action not in _ACTIONS[kind]:
        raise errors.InvalidInput(
            f"'{wish.action}' is no action on a {kind}; there is {', '.join(_ACTIONS[kind])}", field="action"
        )
    return kind


def _may_target(caller: Caller, target: str, rule: str) -> None:
    """PolicyNotAuthorized: only an admin shares with all projects."""
    access.privileged(caller, f"{rule}:target_tenant", wanted=target == sharing.EVERYBODY)


async def _lock(transaction: Transaction, object_id: str) -> None:
    """One transaction at a time changes who may use something."""
    await transaction.serialise(f"network:rbac:{object_id}")


async def _flag(transaction: Transaction, kind: str, object_id: str) -> None:
    """Bring the flags of an object in line with its policies; it has changed by that, too. NetworkInUse."""
    policies = await store.of_object(transaction, object_id)
    everybody = any((row.action, row.target) == (model.Access.SHARED, sharing.EVERYBODY) for row in policies)
    flags: dict[str, bool] = {} if kind == model.Shared.GROUP else {"shared": everybody}
    if kind == model.Shared.NETWORK:
        flags["external"] = any(row.action == model.Access.EXTERNAL for row in policies)
        await _turn(transaction, await networks.of(transaction, object_id), flags)
    await rows.revise(transaction, _TABLES[kind], object_id, **flags)


async def _turn(transaction: Transaction, network: model.Network, flags: dict[str, bool]) -> None:
    changed = msgspec.structs.replace(network, **flags)
    await networks.may_turn(transaction, network, changed)
    if network.external != changed.external:
        await rows.wish(transaction, tables.networks, [network.id], model.Kind.NETWORK)


async def list_policies(
    transaction: Transaction, caller: Caller, query: Query
) -> tuple[list[model.Rbac], listing.Page]:
    """The policies of the caller's project; an admin sees all."""
    conditions = [] if caller.is_admin else [tables.rbac.c.project_id == caller.project_id]
    return await access.listed(transaction, query, (tables.rbac, model.Rbac, store.COLUMNS), conditions)


async def get_policy(transaction: Transaction, caller: Caller, id: str) -> model.Rbac:
    """One policy. RbacPolicyNotFound."""
    policy = await rows.get(transaction, tables.rbac, model.Rbac, id)
    if policy is None or not caller.sees(policy.project_id):
        raise errors.RbacPolicyNotFound(id)
    return policy


async def update_policy(transaction: Transaction, caller: Caller, id: str, wish: wire.RbacUpdate) -> model.Rbac:
    """Share with another project instead. RbacPolicyInUse: the one before needs it; and what making one raises."""
    policy = await get_policy(transaction, caller, id)
    target = wish.target
    _may_target(caller, target, "update_rbac_policy")
    if target == policy.target:
        return policy
    await _lock(transaction, policy.object_id)
    others = [row for row in await store.of_object(transaction, policy.object_id) if row.id != id]
    if any((row.action, row.target) == (policy.action, target) for row in others):
        raise errors.DuplicateRbacPolicy
    changed = msgspec.structs.replace(policy, target=target)
    await _needless(transaction, policy, new=target)
    await rows.change(transaction, tables.rbac, id, target=target)
    await _flag(transaction, policy.object_type, policy.object_id)
    return changed


async def _needless(transaction: Transaction, policy: model.Rbac, new: str = "") -> None:
    """RbacPolicyInUse: projects use what the policy lets them use, and nothing else would, nor the ``new`` target."""
    owner = await rows.project(transaction, _TABLES[policy.object_type], policy.object_id)
    bereft = await sharing.bereft(transaction, owner, [policy])
    if bereft - {new} and new != sharing.EVERYBODY:
        raise errors.RbacPolicyInUse(policy.object_id)


_TABLES: dict[str, access.Table] = {
    model.Shared.NETWORK: tables.networks,
    model.Shared.SUBNETPOOL: tables.subnetpools,
    model.Shared.GROUP: tables.groups,
}


async def delete_policy(transaction: Transaction, caller: Caller, id: str) -> None:
    """Share no longer. RbacPolicyNotFound, RbacPolicyInUse; NetworkInUse: it would be external for nobody."""
    policy = await get_policy(transaction, caller, id)
    await _lock(transaction, policy.object_id)
    await _needless(transaction, policy)
    await rows.delete(transaction, tables.rbac, id)
    await _flag(transaction, policy.object_type, policy.object_id)
