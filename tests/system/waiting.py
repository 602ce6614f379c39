"""Waiting for what must become true, with a deadline; never for time to pass."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = float(os.environ.get("BOXSHIP_PATIENCE", "3"))
"""Deadlines are multiplied by this: the machines that run tests are shared and slow. `make chaos` sets 1."""


def until(condition: Callable[[], T], what: str, seconds: float = 10.0, pause: float = 0.05) -> T:
    """What the condition gives once it is something true. AssertionError: not within so many seconds, patience applied."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds * PATIENCE:.0f} s: {what} (seen last: {found!r})")
        time.sleep(pause)


def stays(condition: Callable[[], T], what: str, seconds: float = 1.0, pause: float = 0.1) -> None:
    """Look again and again for so many seconds. AssertionError: it was true once."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        assert not found, f"{what}: {found!r}"
        time.sleep(pause)
