"""An event loop whose time is virtual: where it would sleep, its clock jumps; nothing in it may wait for threads or sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        selector = self._selector  # type: ignore[attr-defined]  # the one place where a selector loop waits
        select = selector.select

        def jump(timeout: float | None) -> Any:
            assert timeout is not None, "everything waits for something that will never come"
            self._now += max(timeout, 0)
            return select(0)

        selector.select = jump

    def time(self) -> float:
        """Seconds since the start."""
        return self._now


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
