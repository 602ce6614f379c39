"""The reconcile loop in virtual time: what is run when, how often, and how every failure ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from boxship.core import errors
from boxship.core.db.database import Wake
from boxship.core.reconcile.loop import LONGEST_PAUSE, Loop
from tests.core import virtual

Step = Callable[[str], float | None]


def now() -> float:
    """Virtual seconds since the start, to the millisecond."""
    return round(asyncio.get_running_loop().time(), 3)


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What the loop logs, unprinted."""
    with structlog.testing.capture_logs() as entries:
        yield entries


def settled(_id: str) -> float | None:
    return None


@dataclass
class Recorded:
    """A reconciler that does what a test says and remembers when."""

    step: Step = settled
    takes: float = 0.0
    kind: str = "thing"
    deadline: float = 10.0
    leisure: float = 0.0
    rows: list[str] = field(default_factory=list)
    wanting: list[str] = field(default_factory=list)
    refuse_to_give_up: int = 0
    steps: list[tuple[float, str]] = field(default_factory=list)
    given_up: list[tuple[float, str, str]] = field(default_factory=list)
    sweeps: list[float] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    most: int = 0
    cut: int = 0

    async def all(self) -> Iterable[str]:
        return self.rows

    async def due(self) -> Iterable[str]:
        return self.wanting

    async def share(self, id: str) -> str:
        self.asked.append(id)
        return id.partition("-")[0]

    async def reconcile(self, id: str) -> float | None:
        assert id not in self.inside, "one worker per id"
        self.inside.append(id)
        self.steps.append((now(), id))
        self.most = max(self.most, len(self.inside))
        try:
            await asyncio.sleep(self.takes)
        except asyncio.CancelledError:
            self.cut += 1
            raise
        finally:
            self.inside.remove(id)
        return self.step(id)

    async def give_up(self, id: str, reason: str) -> None:
        if self.refuse_to_give_up:
            self.refuse_to_give_up -= 1
            raise ValueError("the database is away")
        self.given_up.append((now(), id, reason))

    async def sweep(self) -> None:
        self.sweeps.append(now())

    def times(self, id: str = "a") -> list[float]:
        """When the row was worked on."""
        return [moment for moment, worked in self.steps if worked == id]


@asynccontextmanager
async def started(*reconcilers: Recorded, concurrency: int = 16) -> AsyncIterator[Loop]:
    """A loop that scans every 1,000 seconds, past its first scan."""
    loop = Loop(concurrency=concurrency, scan_interval=1000)
    for reconciler in reconcilers:
        loop.add(reconciler)
    loop.start()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    yield loop
    await loop.stop()


async def observed(reconciler: Recorded, seconds: float = 100, *wakes: str) -> Recorded:
    """The reconciler after so many seconds."""
    async with started(reconciler) as loop:
        for id in wakes or ("a",):
            loop.wake("thing", id)
        await asyncio.sleep(seconds)
    return reconciler


def raising(error: Exception) -> Step:
    """A step that always fails like this."""

    def step(_id: str) -> float | None:
        raise error

    return step


def test_a_wake_up_runs_its_row_once_and_leaves_nothing_pending() -> None:
    async def scenario() -> Recorded:
        reconciler = Recorded(takes=1)
        async with started(reconciler) as loop:
            loop.wake("thing", "a")
            assert loop.pending() == {"thing": 1}
            await asyncio.sleep(5)
            assert loop.pending() == {"thing": 0}
        return reconciler

    assert virtual.run(scenario()).times() == [0]


def test_wake_ups_of_a_waiting_row_are_one() -> None:
    found = virtual.run(observed(Recorded(takes=1), 100, "a", "a", "a"))
    assert found.times() == [0, 1], "while it runs further wake-ups are one more run"


def test_wake_ups_while_it_runs_are_one_more_run() -> None:
    async def scenario() -> Recorded:
        reconciler = Recorded(takes=2)
        async with started(reconciler) as loop:
            loop.wake("thing", "a")
            for _ in range(3):
                await asyncio.sleep(0.5)
                loop.wake("thing", "a")
            await asyncio.sleep(50)
            assert loop.pending() == {"thing": 0}
        return reconciler

    assert virtual.run(scenario()).times() == [0, 2]


def test_different_rows_run_beside_each_other_up_to_the_bound() -> None:
    async def scenario() -> Recorded:
        reconciler = Recorded(takes=1)
        async with started(reconciler, concurrency=3) as loop:
            for at in range(9):
                loop.wake("thing", str(at))
            await asyncio.sleep(20)
        return reconciler

    found = virtual.run(scenario())
    assert found.most == 3
    assert sorted(moment for moment, _ in found.steps) == [0] * 3 + [1] * 3 + [2] * 3


def test_a_row_with_leisure_rests_between_runs() -> None:
    """However often it is woken, it works a fifth of the time, and the last wake-up is never lost."""

    async def scenario() -> Recorded:
        reconciler = Recorded(takes=1, leisure=4)
        async with started(reconciler) as loop:
            for _ in range(20):
                loop.wake("thing", "a")
                await asyncio.sleep(0.5)
            await asyncio.sleep(50)
            assert loop.pending() == {"thing": 0}
            loop.wake("thing", "a")
            await asyncio.sleep(50)
        return reconciler

    assert virtual.run(scenario()).times() == [0, 5, 10, 60]


def test_projects_take_turns() -> None:
    """Who woke two hundred rows does not keep one who woke three waiting until they are done."""

    async def scenario() -> Recorded:
        reconciler = Recorded(takes=1)
        async with started(reconciler, concurrency=2) as loop:
            for at in range(200):
                loop.wake("thing", f"many-{at}")
            for at in range(3):
                loop.wake("thing", f"few-{at}")
            await asyncio.sleep(200)
        return reconciler

    found = virtual.run(scenario())
    assert len(found.steps) == 203
    assert [moment for moment, id in found.steps if id.startswith("few")] == [1, 2, 3]
    many = [int(id.partition("-")[2]) for _, id in found.steps if id.startswith("many")]
    assert many == sorted(many), "within a project the order is that of arrival"


def test_whose_work_it_is_is_asked_only_where_work_waits() -> None:
    async def scenario() -> Recorded:
        reconciler = Recorded(takes=1)
        async with started(reconciler, concurrency=2) as loop:
            for at in range(3):
                loop.wake("thing", f"a-{at}")
            await asyncio.sleep(5)
        return reconciler

    assert virtual.run(scenario()).asked == ["a-2"]


def test_a_number_is_a_look_later() -> None:
    pauses = iter([5.0, 2.0, None])
    assert virtual.run(observed(Recorded(lambda _id: next(pauses)))).times() == [0, 5, 7]


def test_a_wake_up_does_not_wait_for_the_pause_and_replaces_it() -> None:
    async def scenario() -> Recorded:
        pauses = iter([50.0, None, None])
        reconciler = Recorded(lambda _id: next(pauses))
        async with started(reconciler) as loop:
            loop.wake("thing", "a")
            await asyncio.sleep(1)
            loop.wake("thing", "a")
            await asyncio.sleep(200)
        return reconciler

    assert virtual.run(scenario()).times() == [0, 1]


@pytest.mark.parametrize("error", [errors.Busy("wait"), errors.Absent("gone"), ValueError("what")])
def test_failures_are_tried_again_with_growing_pauses(error: Exception) -> None:
    found = virtual.run(observed(Recorded(raising(error), deadline=1e9), 200))
    pauses = [later - sooner for sooner, later in zip(found.times(), found.times()[1:], strict=False)]
    doubling = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6]
    assert pauses == pytest.approx([*doubling, *[LONGEST_PAUSE] * (len(pauses) - 9)])
    assert len(pauses) > 11
    assert found.given_up == []


def test_pauses_are_short_again_after_a_success() -> None:
    outcomes = iter([errors.Busy("x"), errors.Busy("x"), 1.0, errors.Busy("x"), None])

    def step(_id: str) -> float | None:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert virtual.run(observed(Recorded(step))).times() == pytest.approx([0, 0.1, 0.3, 1.3, 1.4])


def test_what_fails_for_ever_is_tried_for_ever() -> None:
    day = 24 * 3600
    found = virtual.run(observed(Recorded(raising(ValueError("always"))), day))
    assert found.times()[-1] > day - LONGEST_PAUSE - 1


def test_busy_beyond_the_deadline_is_given_up_with_the_reason() -> None:
    found = virtual.run(observed(Recorded(raising(errors.Busy("the engine is away")), deadline=10)))
    (moment, id, reason) = found.given_up[0]
    assert (id, reason) == ("a", "the engine is away")
    assert 10 < moment <= 10 + 12.8
    assert found.times()[-1] == moment, "and it is left alone"
    assert len(found.given_up) == 1


def test_refused_is_given_up_at_once() -> None:
    found = virtual.run(observed(Recorded(raising(errors.Refused("no such image")))))
    assert found.given_up == [(0, "a", "no such image")]
    assert found.times() == [0]


def test_a_failure_is_logged_with_kind_and_id(logs: list[MutableMapping[str, Any]]) -> None:
    virtual.run(observed(Recorded(raising(ValueError("what"))), 0.05))
    (entry,) = (entry for entry in logs if entry["log_level"] == "error")
    assert (entry["kind"], entry["id"], entry["error"]) == ("thing", "a", "ValueError('what')")


def test_giving_up_that_fails_is_tried_again() -> None:
    found = virtual.run(observed(Recorded(raising(errors.Refused("no")), refuse_to_give_up=3)))
    assert [(id, reason) for _, id, reason in found.given_up] == [("a", "no")]
    assert found.times() == pytest.approx([0, 0.1, 0.3, 0.7])


def test_one_row_that_fails_does_not_hinder_others() -> None:
    def step(id: str) -> float | None:
        if id == "bad":
            raise ValueError(id)
        return None

    assert virtual.run(observed(Recorded(step), 10, "bad", "a")).times() == [0]


def test_the_scan_starts_with_all_and_goes_on_with_what_is_due() -> None:
    async def scenario() -> Recorded:
        reconciler = Recorded(rows=["a", "b"], wanting=["b"])
        async with started(reconciler):
            await asyncio.sleep(2500)
        return reconciler

    found = virtual.run(scenario())
    assert (found.times("a"), found.times("b")) == ([0], [0, 1000, 2000])
    assert found.sweeps == [0, 1000, 2000]


@pytest.mark.parametrize("rows", [["a"], []], ids=["listed", "new"])
def test_nothing_is_worked_on_before_every_kind_is_listed(rows: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a wake-up nor by a look again: a list may find what a reboot took away, and others rely on that."""

    async def scenario() -> Recorded:
        reconciler, slow = Recorded(rows=rows), Recorded(kind="slow")

        async def listed() -> Iterable[str]:
            await asyncio.sleep(1)
            return []

        monkeypatch.setattr(slow, "all", listed)
        async with started(reconciler, slow) as loop:
            loop.wake("thing", "a")
            loop.rescan()
            await asyncio.sleep(500)
        return reconciler

    assert virtual.run(scenario()).times() == [1]


@pytest.mark.parametrize("part", ["all", "due", "sweep"])
@pytest.mark.parametrize("error", [errors.Unavailable("away"), errors.Busy("busy"), ValueError("what")])
def test_a_scan_that_fails_does_not_end_the_clock(part: str, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> Recorded:
        reconciler = Recorded(rows=["a"], wanting=["a"])

        async def fail() -> Iterable[str]:
            monkeypatch.undo()
            raise error

        monkeypatch.setattr(reconciler, part, fail)
        async with started(reconciler):
            await asyncio.sleep(2500)
        return reconciler

    assert virtual.run(scenario()).times()[-1] == 2000


def test_a_watcher_wakes_and_is_started_again_whatever_ends_it() -> None:
    async def scenario() -> tuple[Recorded, list[float]]:
        reconciler = Recorded()
        starts: list[float] = []
        endings = iter([errors.Busy("the engine is away"), ValueError("what"), None])

        async def watcher(wake: Wake) -> None:
            starts.append(now())
            wake("thing", "a")
            ending = next(endings, asyncio.CancelledError())
            if ending:
                raise ending

        loop = Loop(scan_interval=1000)
        loop.add(reconciler)
        loop.watch(watcher)
        loop.start()
        await asyncio.sleep(10)
        await loop.stop()
        return reconciler, starts

    reconciler, starts = virtual.run(scenario())
    assert starts == [0, 1, 2, 3]
    assert reconciler.times() == starts


def test_wake_ups_of_other_kinds_and_before_the_start_do_nothing() -> None:
    async def scenario() -> Recorded:
        reconciler = Recorded()
        loop = Loop(scan_interval=1000)
        loop.add(reconciler)
        loop.wake("thing", "early")
        async with started(reconciler) as open_loop:
            open_loop.wake("other", "a")
            await asyncio.sleep(10)
        return reconciler

    assert virtual.run(scenario()).steps == []


def test_stop_cuts_what_runs_and_starts_nothing_more() -> None:
    async def scenario() -> Recorded:
        reconciler = Recorded(lambda _id: 5.0, takes=1)
        async with started(reconciler) as loop:
            loop.wake("thing", "waits")
            await asyncio.sleep(2)
            loop.wake("thing", "runs")
            await asyncio.sleep(0.5)
        loop.wake("thing", "late")
        await asyncio.sleep(100)
        return reconciler

    found = virtual.run(scenario())
    assert found.steps == [(0, "waits"), (2, "runs")]
    assert (found.cut, found.inside) == (1, [])


def test_a_step_that_ends_well_although_it_is_cut_starts_nothing_more() -> None:
    class Stubborn(Recorded):
        async def reconcile(self, id: str) -> float | None:
            try:
                return await super().reconcile(id)
            except asyncio.CancelledError:
                return 1.0

    async def scenario() -> Recorded:
        reconciler = Stubborn(takes=10)
        async with started(reconciler) as loop:
            loop.wake("thing", "a")
            await asyncio.sleep(1)
            loop.wake("thing", "a")
        await asyncio.sleep(100)
        return reconciler

    assert virtual.run(scenario()).times() == [0]
