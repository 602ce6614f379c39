"""Software configs and deployments: what agents on servers are to apply, and what they say of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.http import listing
from boxship.core.http.call import Query
from boxship.services.orchestration import errors
from boxship.services.orchestration.model import SoftwareConfig, SoftwareDeployment
from boxship.services.orchestration.store import configs as store

_TYPES = {"String", "Number", "CommaDelimitedList", "Json", "Boolean"}


@dataclass(frozen=True, slots=True)
class ConfigWish:
    """A config as a caller gives it."""

    name: str | None = None
    group: str | None = None
    config: str | None = None
    inputs: Sequence[Mapping[str, Any]] = ()
    outputs: Sequence[Mapping[str, Any]] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


async def create_config(transaction: Transaction, caller: Caller, wish: ConfigWish) -> SoftwareConfig:
    """Store a config. NotSupported: an input or output is not well described."""
    config = SoftwareConfig(
        id=str(uuid.uuid4()),
        project_id=caller.project,
        name=wish.name,
        group=wish.group or "Heat::Ungrouped",
        config=wish.config or "",
        inputs=[_described(each, "inputs") for each in wish.inputs],
        outputs=[_described(each, "outputs") for each in wish.outputs],
        options=dict(wish.options),
        created_at=clock.now(),
    )
    await store.insert_config(transaction, config)
    return config


def _described(given: Mapping[str, Any], place: str) -> dict[str, Any]:
    known = {"name", "description", "type", "default", "replace_on_change", "value", "error_output"}
    unknown = set(given) - known
    if unknown or not isinstance(given.get("name"), str):
        raise errors.NotSupported(f"{place}: each has a name, and of the rest only {', '.join(sorted(known))}")
    if given.get("type", "String") not in _TYPES:
        raise errors.NotSupported(f"{place}: type is one of {', '.join(sorted(_TYPES))}")
    filled = {"type": "String", **given}
    if place == "outputs":
        filled.setdefault("error_output", False)
    return filled


async def get_config(transaction: Transaction, caller: Caller, id: str) -> SoftwareConfig:
    """EntityNotFound: there is none for the caller."""
    found = await store.config(transaction, id)
    if found is None or not caller.sees(found.project_id):
        raise errors.EntityNotFound("Software config with id", id)
    return found


async def list_configs(
    transaction: Transaction, caller: Caller, query: Query, *, everybodys: bool
) -> list[SoftwareConfig]:
    """A page of configs, the newest first."""
    page = listing.page(query, store.CONFIG_COLUMNS, default_sort="created_at", descending=True)
    return await store.config_page(transaction, None if everybodys else caller.project, page)


async def delete_config(transaction: Transaction, caller: Caller, id: str) -> None:
    """NotSupported: it is deployed."""
    config = await get_config(transaction, caller, id)
    if await store.is_deployed(transaction, config.id):
        raise errors.NotSupported(f"Software config with id {id} can not be deleted as it is referenced.")
    await store.delete_config(transaction, config.id)


@dataclass(frozen=True, slots=True)
class DeploymentWish:
    """A deployment as a caller gives it; None: as it is, or the default."""

    config_id: str | None = None
    server_id: str | None = None
    action: str | None = None
    status: str | None = None
    status_reason: str | None = None
    input_values: Mapping[str, Any] | None = None
    output_values: Mapping[str, Any] | None = None


async def create_deployment(transaction: Transaction, caller: Caller, wish: DeploymentWish) -> SoftwareDeployment:
    """Store a deployment. EntityNotFound: there is no such config."""
    config = await get_config(transaction, caller, wish.config_id or "")
    deployment = SoftwareDeployment(
        id=str(uuid.uuid4()),
        project_id=caller.project,
        config_id=config.id,
        server_id=wish.server_id or "",
        created_at=clock.now(),
        action=wish.action or "INIT",
        status=wish.status or "COMPLETE",
        status_reason=wish.status_reason or "",
        input_values=dict(wish.input_values or {}),
        output_values=dict(wish.output_values or {}),
        updated_at=None,
    )
    await store.insert_deployment(transaction, deployment)
    return deployment


async def get_deployment(transaction: Transaction, caller: Caller, id: str) -> SoftwareDeployment:
    """EntityNotFound: there is none for the caller."""
    found = await store.deployment(transaction, id)
    if found is None or not caller.sees(found.project_id):
        raise errors.EntityNotFound("Deployment with id", id)
    return found


async def list_deployments(transaction: Transaction, caller: Caller, query: Query) -> list[SoftwareDeployment]:
    """A page of deployments, also of one server alone, the newest first."""
    page = listing.page(query, store.DEPLOYMENT_COLUMNS, default_sort="created_at", descending=True)
    conditions = [store.of_project(caller.project), *listing.filters(query, store.DEPLOYMENT_COLUMNS)]
    return await store.deployment_page(transaction, conditions, page)


async def metadata(
    transaction: Transaction, caller: Caller, server_id: str
) -> list[tuple[SoftwareDeployment, SoftwareConfig]]:
    """What the agent of a server is to apply."""
    return await store.for_server(transaction, caller.project, server_id)


async def update_deployment(
    transaction: Transaction, caller: Caller, id: str, wish: DeploymentWish
) -> SoftwareDeployment:
    """Change what is given."""
    found = await get_deployment(transaction, caller, id)
    given = {
        "action": wish.action,
        "status": wish.status,
        "status_reason": wish.status_reason,
        "input_values": wish.input_values,
        "output_values": wish.output_values,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if wish.config_id is not None:
        changes["config_id"] = (await get_config(transaction, caller, wish.config_id)).id
    return await store.update_deployment(transaction, found, updated_at=clock.now(), **changes)


async def delete_deployment(transaction: Transaction, caller: Caller, id: str) -> None:
    """Forget a deployment."""
    found = await get_deployment(transaction, caller, id)
    await store.delete_deployment(transaction, found.id)
