"""Work shown as it goes: a line per step with its name, what came of it and how long it took; on a terminal a spinner or a
progress bar meanwhile. Goes to stderr, so that stdout stays for results."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_WIDTH = 34


class Step:
    """A step under way; ``note`` and ``progress`` are for the one who does it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.outcome = ""
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._total: float | None = None

    def note(self, outcome: str) -> None:
        """What came of it, for the end of the line: ``10.8.0.5`` or ``is there``."""
        self.outcome = outcome

    def progress(self, done: float, total: float) -> None:
        """How far it is, in any unit."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)

    def doing(self, what: str) -> None:
        """What it waits for right now; seen on a terminal only."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=f"  {self.name}: {what}")

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draw it while it is under way, where there is a terminal to draw on."""
        if not sys.stderr.isatty():
            yield
            return
        # rich takes a tenth of a second to load, which only those pay who see it.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(30), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            self._bar, self._task = bar, bar.add_task(f"  {self.name}", total=None)
            yield
            self._bar = None


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Do one step: ``with step("Create network") as it: ...; it.note(id)``. A failure passes through, after its line."""
    under_way = Step(name)
    started = time.monotonic()
    try:
        with under_way.shown():
            yield under_way
    except BaseException:
        _line(click.style("x", fg="red"), under_way.name, f"failed after {time.monotonic() - started:.1f} s")
        raise
    _line(click.style("*", fg="green"), under_way.name, under_way.outcome, time.monotonic() - started)


def say(text: str) -> None:
    """A line between steps."""
    click.echo(text, err=True)


def command() -> str:
    """How the user can call this program again: ``boxship`` where that is found, else the way it was called now."""
    found = shutil.which("boxship")
    called = Path(sys.argv[0])
    if found is not None or called.name != "boxship":
        return "boxship" if found else f"{sys.executable} -m boxship"
    return str(called)


def _line(sign: str, name: str, outcome: str, seconds: float | None = None) -> None:
    taken = "" if seconds is None else f"{seconds:6.1f} s"
    click.echo(f" {sign} {name:<{_WIDTH}}{taken:>9}  {outcome}".rstrip(), err=True)
