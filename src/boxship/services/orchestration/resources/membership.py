"""Which members a group has, and how it comes from some to others in batches. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

Definition = Mapping[str, Any]
Members = Mapping[str, Definition]

MOST = 10_000
"""Members of a group, whatever a stack may have: each costs time before that is counted."""


def names(count: int, removed: Collection[str]) -> list[str]:
    """The names of so many members: whole numbers from 0, without those that were removed for good."""
    found: list[str] = []
    at = 0
    while len(found) < count:
        if str(at) not in removed:
            found.append(str(at))
        at += 1
    return found


def substituted(value: Any, placeholder: str, name: str) -> Any:
    """The value with the placeholder (``%index%``) replaced by the name, in keys too."""
    if isinstance(value, str):
        return value.replace(placeholder, name)
    if isinstance(value, list):
        return [substituted(each, placeholder, name) for each in value]
    if isinstance(value, dict):
        return {
            substituted(key, placeholder, name): substituted(each, placeholder, name) for key, each in value.items()
        }
    return value


def next_step(
    present: Members, target: Members, *, most: int, least: int, surge: Callable[[str], Definition]
) -> Members:
    """The members after the next batch on the way from ``present`` to ``target``.

    At most ``most`` members are made or changed at once, and at least ``least`` are left in peace; where that leaves nobody to
    change, members are added for the time of the change, which ``surge`` defines. What is not wanted any more goes at the end.
    """
    new = [name for name in target if name not in present]
    if new:
        return {**present, **{name: target[name] for name in new[:most]}}
    stale = [name for name in target if present[name] != target[name]]
    if not stale:
        return dict(target)
    able = min(most, len(present) - least)
    if able <= 0:
        wanted = min(most, least + 1 - len(present)) if least >= len(present) else 1
        extra = [f"surge-{at}" for at in range(max(wanted, 1))]
        return {**present, **{name: surge(name) for name in extra}}
    return {**present, **{name: target[name] for name in stale[:able]}}


def adjusted(size: int, kind: str, by: float, *, least: int, most: int, step: int | None = None) -> int:
    """The size of a group after an adjustment, kept in its bounds; a share of less than one member is one, or ``step``."""
    if kind in {"exact_capacity", "ExactCapacity"}:
        wanted = int(by)
    elif kind in {"percent_change_in_capacity", "PercentChangeInCapacity"}:
        delta = size * by / 100
        rounded = math.floor(delta) if delta >= 0 else math.ceil(delta)
        if abs(delta) < 1:
            rounded = 1 if delta > 0 else -1
        if step is not None and abs(rounded) < step:
            rounded = step if delta > 0 else -step
        wanted = size + rounded
    else:
        wanted = size + int(by)
    return max(least, min(most, wanted))


def resized(members: Sequence[str], size: int, fresh: Callable[[], str]) -> list[str]:
    """The members of a group of that size: the oldest go first, and new ones come at the end."""
    kept = list(members[max(len(members) - size, 0) :]) if size else []
    return kept + [fresh() for _ in range(size - len(kept))]
