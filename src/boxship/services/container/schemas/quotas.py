"""Quotas on the wire: a limit per resource, as a number or as text."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.core import errors

Limit = Annotated[int, Meta(ge=-1, le=2**31 - 1)] | Annotated[str, Meta(max_length=11, pattern=r"^-?[0-9]+$")]
_MOST = 2**31 - 1


class QuotaRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of PUT; what is left out stays."""

    containers: Limit | UnsetType = UNSET
    memory: Limit | UnsetType = UNSET
    cpu: Limit | UnsetType = UNSET
    disk: Limit | UnsetType = UNSET


def limits(request: QuotaRequest) -> dict[str, int]:
    """The limits that are to be set. BadRequest: one is below -1 or too large."""
    asked = {name: getattr(request, name) for name in ("containers", "memory", "cpu", "disk")}
    found = {name: int(value) for name, value in asked.items() if value is not UNSET}
    for name, value in found.items():
        if not -1 <= value <= _MOST:
            raise errors.BadRequest(f"{value} is not a limit: -1 (none) to {_MOST}", field=name)
    return found


def name(text: str, field: str, most: int) -> str:
    """The name of a project or class in a path. BadRequest: too long to be one."""
    if len(text) > most:
        raise errors.BadRequest(f"it has more than {most} characters", field=field)
    return text
