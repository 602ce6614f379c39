"""Stacks of what is there already: a stack that was abandoned, or whose parts somebody lists by id."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from boxship.config import Settings
from boxship.core import clock
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.orchestration import errors
from boxship.services.orchestration.model import Action, Resource, Stack, Status
from boxship.services.orchestration.operations import previews, requests, stacks
from boxship.services.orchestration.operations.blueprints import Blueprint
from boxship.services.orchestration.operations.requests import Sent
from boxship.services.orchestration.operations.stacks import Wanted
from boxship.services.orchestration.store import events
from boxship.services.orchestration.store import resources as rows_store
from boxship.services.orchestration.store import stacks as stacks_store
from boxship.services.orchestration.template import parsing


async def adopt(transaction: Transaction, caller: Caller, settings: Settings, sent: Sent, wanted: Wanted) -> Stack:
    """Begin a stack of ``sent.adopted``, whose resources are there. BadRequest: that is not the data of a stack."""
    data = sent.adopted or {}
    document = parsing.parse(data, limit=settings.max_body) if isinstance(data, str) else dict(data)
    given = document.get("resources")
    if not isinstance(given, dict) or not isinstance(document.get("template"), dict):
        raise errors.NotSupported("adopt_stack_data must be a map with template and resources")
    sent = replace(
        sent,
        template=sent.template or document["template"],
        environment=sent.environment or document.get("environment") or {},
        files={**(document.get("files") or {}), **sent.files},
    )
    raw = requests.raw(sent, settings)
    stack = stacks.drafted(caller, settings, wanted, raw, Action.ADOPT)
    await stacks.require_free(transaction, stack, settings)
    blueprint = stacks.blueprint(raw, stack, settings)
    await stacks_store.insert_raw(transaction, raw)
    await stacks_store.insert(transaction, stack)
    await events.of_stack(transaction, stack)
    rows = [_row(stack, blueprint, name, entry) for name, entry in given.items() if name in blueprint.wanted]
    await rows_store.insert(transaction, rows)
    return stack


def _row(stack: Stack, blueprint: Blueprint, name: str, entry: Any) -> Resource:
    """A resource that was made before; its properties are taken to be what the template says."""
    if not isinstance(entry, dict) or not entry.get("resource_id"):
        raise errors.NotSupported(f"Resource ID was not provided for {name[:100]}.")
    data, metadata = entry.get("resource_data") or {}, entry.get("metadata")
    return Resource(
        id=str(uuid.uuid4()),
        stack_id=stack.id,
        name=name,
        created_at=clock.now(),
        type=blueprint.wanted[name].type,
        kind=blueprint.kinds[name],
        action=Action.ADOPT,
        status=Status.COMPLETE,
        reason="Resource ADOPT completed",
        physical_id=str(entry["resource_id"]),
        properties=previews.draft_properties(blueprint, name),
        data={str(key): str(value) for key, value in data.items()} if isinstance(data, dict) else {},
        metadata=metadata if isinstance(metadata, dict) else {},
        needs=[],
        policy="Delete",
        replaced_by=None,
        generation=0,
        updated_at=None,
    )
