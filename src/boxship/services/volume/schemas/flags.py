"""Booleans in bodies in all the spellings that clients of Cinder use; nothing else."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from boxship.core.http.call import Query

Flag = bool | Annotated[str, Meta(max_length=8)] | Annotated[int, Meta(ge=0, le=1)]
"""A boolean, its name, or 0 and 1."""


def is_set(flag: bool | str | int, field: str) -> bool:
    """What the flag says. BadRequest: it is no boolean."""
    text = str(flag).strip()
    return Query(((field, text or "?"),)).flag(field)
