"""The reconcile loop: level-triggered, one worker per id, safe to kill at any instant.

A reconciler is given an id and nothing else. It loads the row, looks at the world, takes one step, records what it
saw. A wake-up is a hint that something changed; the truth is the full scan at the start and the scan on a clock.

- The same id never runs twice at once; a wake-up that comes while it runs makes it run once more.
- Where more waits than runs at once, projects take turns (``turns``).
- ``Busy`` and unforeseen errors are tried again with growing pauses (0.1 s doubling to 30 s). Busy for longer than
  the reconciler's ``deadline`` becomes ``give_up``: the row gets its Error and its reason, nothing stays stuck.
- ``Refused`` is ``give_up`` at once. ``Absent`` means that the look was stale: look again, with the same pauses.

The loop holds no work that the database does not: what it forgets in a crash, the next scan finds.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from boxship.core import errors, metrics
from boxship.core.db.database import Wake
from boxship.core.reconcile.turns import Turns

log = structlog.get_logger("reconcile")

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0


class Reconciler(Protocol):
    """Makes one kind of row real."""

    kind: str
    deadline: float
    """Seconds that Busy may last before the row is given up."""
    leisure: float
    """Seconds of rest for the same row per second of work on it; 0 for none. For rows whose work grows with how many wake
    them (all names of a network, all members of a group): many changes are then made real at once."""

    async def all(self) -> Iterable[str]:
        """The ids of all rows: the scan at the start, when anything may have happened to the world."""
        ...

    async def due(self) -> Iterable[str]:
        """The ids whose wish is not met; from an index, so that what is settled costs nothing."""
        ...

    async def share(self, id: str) -> str:
        """Whose work the row is (its project): shares that wait take turns."""
        ...

    async def reconcile(self, id: str) -> float | None:
        """Take the next steps. None: settled, or somebody else will wake it. A number: look again in so many seconds.

        A row that is gone is settled.
        """
        ...

    async def give_up(self, id: str, reason: str) -> None:
        """Record that it cannot be done: the state Error and the sentence. What may be undone is undone."""
        ...

    async def sweep(self) -> None:
        """Remove from the world what carries our mark and has no row."""
        ...


_AWAY = (errors.DriverError, errors.Unavailable)
"""The world or the database does not answer: a line in the log is enough."""

Watcher = Callable[[Wake], Awaitable[None]]
"""Follows what the world itself reports and wakes rows; returns or raises a DriverError when the world goes away."""


@dataclass(slots=True)
class _Work:
    running: bool = False
    again: bool = False
    failures: int = 0
    busy_since: float | None = None
    timer: asyncio.TimerHandle | None = None
    rests: bool = False


@dataclass(slots=True)
class _Lane:
    """The work of one reconciler."""

    reconciler: Reconciler
    places: Turns
    work: dict[str, _Work] = field(default_factory=dict)


class Loop:
    """Runs reconcilers until stopped. ``concurrency`` bounds how many ids of one kind are worked on at once."""

    def __init__(self, *, concurrency: int = 16, scan_interval: float = 15.0) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._watchers: list[Watcher] = []
        self._concurrency = concurrency
        self._scan_interval = scan_interval
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = False
        self._early: dict[tuple[str, str], None] = {}
        self._listing = True

    def add(self, reconciler: Reconciler) -> None:
        """Register before ``start``."""
        self._lanes[reconciler.kind] = _Lane(reconciler, Turns(self._concurrency))

    def watch(self, watcher: Watcher) -> None:
        """Register before ``start``; a watcher that ends is started again after a pause."""
        self._watchers.append(watcher)

    def start(self) -> None:
        """Scan everything, then go on by wake-ups and clock."""
        self._open = True
        self._spawn(self._begin())
        for watcher in self._watchers:
            self._spawn(self._follow(watcher))

    async def stop(self) -> None:
        """Take no new step and let the running ones end or be cut; both are safe."""
        self._open = False
        for lane in self._lanes.values():
            for work in lane.work.values():
                if work.timer:
                    work.timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self, kind: str, id: str) -> None:
        """Look at this row soon. Kinds without a reconciler here are another host's."""
        lane = self._lanes.get(kind)
        if lane is None or not self._open:
            return
        if self._listing:
            self._early[kind, id] = None
            return
        work = lane.work.setdefault(id, _Work())
        if work.running or work.rests:
            work.again = True
            return
        self._launch(lane, id, work)

    def rescan(self) -> None:
        """Look at every row once more: what other programs said may have been missed."""
        for lane in self._lanes.values() if self._open else ():
            self._spawn(self._look_again(lane))

    async def _look_again(self, lane: _Lane) -> None:
        for id in await self._listed(lane, everything=True):
            self.wake(lane.reconciler.kind, id)

    def pending(self) -> dict[str, int]:
        """How many ids of each kind are running or waiting to be tried again."""
        return {
            kind: sum(work.again or not work.rests for work in lane.work.values()) for kind, lane in self._lanes.items()
        }

    def _launch(self, lane: _Lane, id: str, work: _Work) -> None:
        if work.timer:
            work.timer.cancel()
            work.timer = None
        work.running, work.again = True, False
        self._spawn(self._run(lane, id, work))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _begin(self) -> None:
        """Every kind is listed before any row is worked on, and before any wake-up counts: a list may find, and record, what a
        reboot took away."""
        listed = [(lane, await self._listed(lane, everything=True)) for lane in self._lanes.values()]
        self._listing = False
        for lane, ids in listed:
            early = [id for kind, id in self._early if kind == lane.reconciler.kind]
            self._spawn(self._scan(lane, [*dict.fromkeys([*ids, *early])]))
        self._early.clear()

    async def _scan(self, lane: _Lane, ids: list[str]) -> None:
        """One kind's clock: everything once, then what is due, and orphans."""
        while self._open:
            for id in ids:
                self.wake(lane.reconciler.kind, id)
            await self._sweep(lane)
            await asyncio.sleep(self._scan_interval)
            ids = await self._listed(lane, everything=False)

    async def _follow(self, watcher: Watcher) -> None:
        """Keep one watcher going. What it missed while it was away is found by the sweep."""
        while self._open:
            try:
                await watcher(self.wake)
            except _AWAY as error:
                log.info("watcher ended", reason=error.sentence)
            except Exception as error:
                log.error("watcher failed", error=repr(error), exc_info=True)
            await asyncio.sleep(1.0)

    async def _listed(self, lane: _Lane, *, everything: bool) -> list[str]:
        try:
            return list(await (lane.reconciler.all() if everything else lane.reconciler.due()))
        except _AWAY as error:
            log.warning("scan put off", kind=lane.reconciler.kind, reason=error.sentence)
            return []
        except Exception as error:  # noqa: BLE001 (the one loop: a failed scan must not end the clock)
            log.error("scan failed", kind=lane.reconciler.kind, error=repr(error))
            return []

    async def _sweep(self, lane: _Lane) -> None:
        try:
            await lane.reconciler.sweep()
        except _AWAY as error:
            log.warning("sweep put off", kind=lane.reconciler.kind, reason=error.sentence)
        except Exception as error:
            log.error("sweep failed", kind=lane.reconciler.kind, error=repr(error), exc_info=True)

    async def _run(self, lane: _Lane, id: str, work: _Work) -> None:
        async with lane.places.place(functools.partial(self._share, lane, id)):
            began = asyncio.get_running_loop().time()
            pause = await self._step(lane, id, work)
        work.running = False
        if not self._open:
            return  # it ended although stop cut it: nothing may follow
        rest = lane.reconciler.leisure * (asyncio.get_running_loop().time() - began)
        if rest and (work.again or pause is None):
            work.rests = True
            work.timer = asyncio.get_running_loop().call_later(rest, self._rested, lane, id, work)
        elif work.again:
            self._launch(lane, id, work)
        elif pause is None:
            lane.work.pop(id, None)
        else:
            work.timer = asyncio.get_running_loop().call_later(pause, self._launch, lane, id, work)

    def _rested(self, lane: _Lane, id: str, work: _Work) -> None:
        work.rests = False
        if work.again:
            self._launch(lane, id, work)
        else:
            lane.work.pop(id, None)

    async def _share(self, lane: _Lane, id: str) -> str:
        try:
            return await lane.reconciler.share(id)
        except Exception as error:  # noqa: BLE001 (who cannot be told apart shares one place in the queue)
            log.warning("share unknown", kind=lane.reconciler.kind, id=id, error=repr(error))
            return ""

    async def _step(self, lane: _Lane, id: str, work: _Work) -> float | None:
        kind = lane.reconciler.kind
        with metrics.reconcile_seconds.labels(kind).time():
            try:
                pause = await lane.reconciler.reconcile(id)
            except errors.Refused as error:
                return await self._give_up(lane, id, work, error)
            except (errors.Absent, errors.Busy) as error:
                return await self._later(lane, id, work, error)
            except errors.Unavailable as error:  # the database is away, which no row is to blame for
                log.info("put off", kind=kind, id=id, reason=error.sentence)
                return self._pause(work)
            except Exception as error:
                log.error("reconcile failed", kind=kind, id=id, error=repr(error), exc_info=True)
                metrics.reconcile_failures.labels(kind).inc()
                return self._pause(work)
        work.failures, work.busy_since = 0, None
        return pause

    async def _later(self, lane: _Lane, id: str, work: _Work, error: errors.DriverError) -> float | None:
        now = asyncio.get_running_loop().time()
        if work.busy_since is None:
            work.busy_since = now
        log.info("busy", kind=lane.reconciler.kind, id=id, reason=error.sentence, detail=error.detail)
        if now - work.busy_since > lane.reconciler.deadline:
            return await self._give_up(lane, id, work, error)
        return self._pause(work)

    async def _give_up(self, lane: _Lane, id: str, work: _Work, error: errors.DriverError) -> float | None:
        log.warning("given up", kind=lane.reconciler.kind, id=id, reason=error.sentence, detail=error.detail)
        try:
            await lane.reconciler.give_up(id, error.sentence)
        except Exception as failure:
            log.error("giving up failed", kind=lane.reconciler.kind, id=id, error=repr(failure), exc_info=True)
            return self._pause(work)
        work.failures, work.busy_since = 0, None
        return None

    def _pause(self, work: _Work) -> float:
        pause = min(FIRST_PAUSE * 2.0 ** min(work.failures, 30), LONGEST_PAUSE)  # a float's exponent ends at 1023
        work.failures += 1
        return pause
