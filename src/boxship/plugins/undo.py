"""Steps back: what a call made is taken back when it cannot be made whole. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

import structlog

from boxship.core import errors

log = structlog.get_logger("plugin")


class Undo:
    """Steps back, taken in reverse where the ``with`` ends in an error. A step that fails is logged: the error that counts
    is the first one."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def add(self, step: Callable[[], object]) -> None:
        """A step, for the case that a later one fails."""
        self._steps.append(step)

    def __enter__(self) -> Undo:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            return
        for step in reversed(self._steps):
            try:
                step()
            except (errors.BoxshipError, OSError) as failure:
                log.warning("a step could not be undone", reason=str(failure))
