"""Actions on shares and snapshots on the wire: an object with one member, which names the action."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from boxship.core.errors import BadRequest
from boxship.core.http.microversions import Version
from boxship.services.share import versions
from boxship.services.share.schemas.shares import Flag, Metadata, Size, Text

Body = dict[str, Any]
"""Any action; ``action`` reads what it says."""


class Allow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """allow_access."""

    access_type: Text
    access_to: Text
    access_level: Text | None = None
    metadata: Metadata | None = None


class Deny(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """deny_access."""

    access_id: Text


class Resize(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """extend and shrink; ``new_size`` in GiB."""

    new_size: Size
    force: Flag | None = None


class Revert(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """revert."""

    snapshot_id: Text


STATUSES = frozenset(
    {
        "available",
        "creating",
        "creating_from_snapshot",
        "deleting",
        "error",
        "error_deleting",
        "extending",
        "extending_error",
        "shrinking",
        "shrinking_error",
        "shrinking_possible_data_loss_error",
        "reverting",
        "reverting_error",
        "restoring",
        "migrating",
        "inactive",
        "manage_starting",
        "manage_error",
        "unmanage_starting",
        "unmanage_error",
        "unmanaged",
        "replication_change",
    }
)
"""What an admin may declare a share or a snapshot to be."""


class Reset(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """reset_status."""

    status: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    os_status: str | None = msgspec.field(default=None, name="os-status")


def status(reset: Reset) -> str:
    """The state that is declared. BadRequest: it is none."""
    found = reset.status or reset.os_status
    if found is None or found not in STATUSES:
        raise BadRequest(f"Must specify a valid status, not {found!r}.", field="reset_status.status")
    return found


class TaskState(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """reset_task_state: shares do not move, so there is no state to set, and none to take away either; clients ask for that with
    every change of a share."""

    task_state: None = None


_SHAPES: dict[str, Any] = {
    "allow_access": Allow,
    "deny_access": Deny,
    "access_list": Any,
    "extend": Resize,
    "shrink": Resize,
    "revert": Revert,
    "reset_status": Reset,
    "force_delete": Any,
    "reset_task_state": TaskState,
}
"""The actions on shares; those on snapshots are among them."""
_NEVER_WITH_PREFIX = frozenset({"revert"})


def action(body: Body, version: Version, known: frozenset[str]) -> tuple[str, Any]:
    """The name of an action without its prefix of old, and what it says. BadRequest: not one of ``known`` in this version."""
    if len(body) != 1:
        raise BadRequest("exactly one action is needed", field="body")
    ((said, content),) = body.items()
    old = version < versions.NO_OS_PREFIX
    name = said.removeprefix("os-") if old else said
    if name not in known or (old and not said.startswith("os-") and name not in _NEVER_WITH_PREFIX):
        raise BadRequest(f"There is no such action: {said[:64]}", field="body")
    try:
        return name, msgspec.convert(content, _SHAPES[name])
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise BadRequest(reason.replace("`", ""), field=f"{said}{path.rstrip('`')}") from error
