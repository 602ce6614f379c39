"""What a project may see and use of others: the rows of RBAC policies, and the flags ``shared`` and ``router:external``,
which say that there is a policy for everybody. Whoever changes one changes the other, here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http.call import new_id
from boxship.services.network import model
from boxship.services.network.store import rbac as store
from boxship.services.network.store import rows, tables

Flagged = TypeVar("Flagged", model.Network, model.SubnetPool)

EVERYBODY = store.EVERYBODY


def policy(owner: tuple[str, str, str], action: str, target: str = EVERYBODY) -> model.Rbac:
    """A policy of an object, given as project, type and id."""
    project_id, object_type, object_id = owner
    return model.Rbac(new_id(), project_id, clock.now(), object_type, object_id, action, target)


async def follow_network(transaction: Transaction, before: model.Network | None, network: model.Network) -> None:
    """Bring the policies for everybody in line with the flags of a network that is new or has changed."""
    owner = (network.project_id, model.Shared.NETWORK, network.id)
    flags = ((model.Access.SHARED, "shared"), (model.Access.EXTERNAL, "external"))
    for action, flag in flags:
        was, now = before is not None and getattr(before, flag), getattr(network, flag)
        if now and not was:
            await store.drop(transaction, network.id, action, EVERYBODY)
            await rows.insert(transaction, tables.rbac, policy(owner, action))
        elif was and not now:
            target = None if action == model.Access.EXTERNAL else EVERYBODY
            await store.drop(transaction, network.id, action, target)


async def follow_pool(transaction: Transaction, pool: model.SubnetPool) -> None:
    """The same for a new subnet pool."""
    if pool.shared:
        owner = (pool.project_id, model.Shared.SUBNETPOOL, pool.id)
        await rows.insert(transaction, tables.rbac, policy(owner, model.Access.SHARED))


async def network_as_seen(transaction: Transaction, caller: Caller, network: model.Network) -> model.Network | None:
    """A network as it is for the caller, whose own it may not be; None: the caller does not see it."""
    if caller.sees(network.project_id):
        return network
    actions = await store.actions(transaction, network.id, caller.project_id)
    if not actions:
        return None
    shared, external = model.Access.SHARED in actions, network.external and model.Access.EXTERNAL in actions
    return msgspec.structs.replace(network, shared=shared, external=external)


async def networks_as_seen(
    transaction: Transaction, caller: Caller, found: Sequence[model.Network]
) -> list[model.Network]:
    """Networks that the caller sees, as they are for it: shared where they are shared with its project."""
    return await _as_seen(transaction, caller, found)


async def pools_as_seen(
    transaction: Transaction, caller: Caller, found: Sequence[model.SubnetPool]
) -> list[model.SubnetPool]:
    """The same for subnet pools."""
    return await _as_seen(transaction, caller, found)


async def _as_seen(transaction: Transaction, caller: Caller, found: Sequence[Flagged]) -> list[Flagged]:
    others = [one.id for one in found if not one.shared and not caller.sees(one.project_id)]
    if not others:
        return list(found)
    shared = await store.shared(transaction, others, caller.project_id)
    return [msgspec.structs.replace(one, shared=True) if one.id in shared else one for one in found]


async def may_use(transaction: Transaction, caller: Caller, project_id: str, object_id: str) -> bool:
    """Whether the caller may use something of this project: it is its own, or shared with it."""
    return caller.sees(project_id) or model.Access.SHARED in await store.actions(
        transaction, object_id, caller.project_id
    )


async def bereft(transaction: Transaction, owner: str, gone: Sequence[model.Rbac]) -> set[str]:
    """The projects, other than the owner's, that use what these policies of one object and action let them use, and that no
    other policy of it lets use it."""
    if not gone:
        return set()
    kind, object_id, action = gone[0].object_type, gone[0].object_id, gone[0].action
    ids = {row.id for row in gone}
    kept = {
        row.target
        for row in await store.of_object(transaction, object_id)
        if row.action == action and row.id not in ids
    }
    targets = {row.target for row in gone}
    using = await _using(transaction, kind, object_id, action)
    if EVERYBODY in kept:
        return set()
    return {project for project in using - kept - {owner} if project in targets or EVERYBODY in targets}


async def _using(transaction: Transaction, kind: str, object_id: str, action: str) -> set[str]:
    """The projects that use something; what was cut from a pool does not need it any more."""
    if kind == model.Shared.GROUP:
        return await store.projects_in(transaction, object_id)
    if kind == model.Shared.NETWORK and action == model.Access.SHARED:
        return await store.projects_on(transaction, object_id)
    return await store.projects_behind(transaction, object_id) if kind == model.Shared.NETWORK else set()
