"""Making an image of a container: the image is described and the wish stored; the reconciler brings the bytes."""

from __future__ import annotations

from typing import Any

from boxship.core import clock
from boxship.core.http.call import Call
from boxship.services.container import model
from boxship.services.container.operations import actions
from boxship.services.container.store import commits as store
from boxship.services.image import public as image

KIND = "commit"


async def commit(call: Call[Any], row: model.Container, repository: str, tag: str) -> str:
    """Wish for an image of the container's present files, named ``repository`` and tagged ``tag`` in the image service, where
    it is queued until its bytes are there; its id.

    InvalidState; Forbidden (the caller may not add images); OverQuota.
    """
    actions.check_legal(row, "commit")
    wish = image.Snapshot(name=repository, tag=tag)
    id = await image.create_snapshot(call.transaction, call.caller, call.settings, wish)
    asked = model.Commit(
        id=id,
        container_id=row.id,
        project_id=call.caller.project,
        request_id=call.request_id,
        created_at=clock.now(),
        host=row.host or "",
    )
    await store.insert(call.transaction, asked)
    await actions.note_action(
        call.transaction, call.caller, call.request_id, row, "commit", generation=model.APART_FROM_WISHES
    )
    call.transaction.wake(KIND, id)
    return id
