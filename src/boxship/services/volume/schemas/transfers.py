"""Transfers of volumes on the wire."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.core import clock
from boxship.core.http.call import Call
from boxship.services.volume import versions
from boxship.services.volume.operations.transfers import Offer
from boxship.services.volume.schemas.flags import Flag, is_set
from boxship.services.volume.store.transfers import Transfer

Text = Annotated[str, Meta(max_length=255)]


class NewTransfer(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The transfer in POST; ``no_snapshots`` since 3.55."""

    volume_id: Annotated[str, Meta(min_length=1, max_length=64)]
    name: Text | None = None
    no_snapshots: Flag | None = None


class CreateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /os-volume-transfer and /volume-transfers."""

    transfer: NewTransfer


class Key(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The key in POST .../accept; clients write a key of digits as a number."""

    auth_key: Annotated[str, Meta(min_length=1, max_length=255)] | Annotated[int, Meta(ge=0, le=2**63 - 1)]


class AcceptRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST .../accept."""

    accept: Key


def offer(call: Call[Any]) -> Offer:
    """What the body offers."""
    new = call.read(CreateRequest).transfer
    no_snapshots = is_set(new.no_snapshots, "transfer.no_snapshots") if new.no_snapshots is not None else False
    name = new.name.strip() if new.name is not None else None
    return Offer(new.volume_id, name, no_snapshots)


def brief(call: Call[Any], transfer: Transfer) -> dict[str, Any]:
    """A transfer in the short list, and as it is answered when it was accepted."""
    return {
        "id": transfer.id,
        "volume_id": transfer.volume_id,
        "name": transfer.name,
        "links": _links(call, transfer.id),
    }


def shown(call: Call[Any], transfer: Transfer) -> dict[str, Any]:
    """A transfer as it is shown; one that was accepted is gone, so nobody is ever named as who took it."""
    answer = {**brief(call, transfer), "created_at": clock.stamp_micro(transfer.created_at)}
    if call.version >= versions.TRANSFERS_WITH_SNAPSHOTS:
        answer["no_snapshots"] = transfer.no_snapshots
    if call.version >= versions.TRANSFER_HISTORY:
        answer |= {"source_project_id": transfer.project_id, "destination_project_id": None, "accepted": False}
    return answer


def _links(call: Call[Any], id: str) -> list[dict[str, str]]:
    project = call.parameters["project_id"]
    collection = call.path.split(f"/{project}/", 1)[-1].split("/", 1)[0]
    return [
        {"rel": "self", "href": f"{call.base_url}/v3/{project}/{collection}/{id}"},
        {"rel": "bookmark", "href": f"{call.base_url}/{project}/{collection}/{id}"},
    ]
