"""Places to work at, taken in turns: who asked for two hundred things does not keep one who asked for one waiting.

Each waiting piece of work belongs to a share (a project). A place that becomes free goes to the share that has waited
longest since its last turn; within a share the order is that of arrival. Nothing is kept of shares that do not wait.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class Turns:
    """So many places."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def place(self, share: Callable[[], Awaitable[str]]) -> AsyncIterator[None]:
        """Work at a place; ``share`` tells whose work it is, and is asked only where one has to wait."""
        if self._free and not self._waiting:
            self._free -= 1
        else:
            await self._wait(await share())
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, share: str) -> None:
        if self._free and not self._waiting:  # a place became free while the share was asked for
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(share, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the place to the next share in turn, or to nobody."""
        while self._waiting:
            share, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[share] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
