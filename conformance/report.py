"""What a person reads: progress, tables, files of results under ``.cache/conformance/results``; judges nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.expectations import Change
from conformance.results import Outcome, Result

_console = Console(highlight=False, soft_wrap=True)
_COLOURS = {Outcome.PASSED: "green", Outcome.SKIPPED: "yellow", Outcome.FAILED: "red"}


def say(text: str) -> None:
    """A line for the reader."""
    _console.print(escape(text))


def progress(number: int, total: int, result: Result) -> None:
    """A line for a test that has ended."""
    colour, name = _COLOURS[result.outcome], result.name.removeprefix("zun_tempest_plugin.tests.")
    text = f"[{number}/{total}] ".rjust(12) + f"{result.outcome:8}"
    _console.print(f"[{colour}]{escape(text)}[/] {escape(name)} [dim]{result.seconds:.1f} s[/]")


def summary(passes: Mapping[str, Sequence[Result]]) -> None:
    """A table with a row per pass."""
    table = Table("pass", "passed", "failed", "skipped", "tests", "seconds")
    for name, found in passes.items():
        count = Counter(result.outcome for result in found)
        figures = [count[Outcome.PASSED], count[Outcome.FAILED], count[Outcome.SKIPPED], len(found)]
        table.add_row(name, *map(str, figures), f"{sum(result.seconds for result in found):.0f}")
    Console(width=110).print(table)


def changes(name: str, found: Sequence[Change]) -> None:
    """What is otherwise than expected, the worse first."""
    for change in sorted(found, key=lambda change: (not change.worse, change.name)):
        colour, word = ("red", "WORSE") if change.worse else ("green", "other")
        _console.print(f"[{colour}]{word}[/] {escape(f'{name}: {change}')}")


def write(directory: Path, name: str, found: Sequence[Result]) -> None:
    """Write ``<name>.json`` with everything, and ``<name>.md`` for reading."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.json").write_text(json.dumps([asdict(result) for result in found], indent=1) + "\n")
    rows = [f"| {result.outcome} | {result.name} | {result.seconds:.1f} | {_cell(result.reason)} |" for result in found]
    count = Counter(result.outcome for result in found)
    head = ", ".join(f"{count[outcome]} {outcome}" for outcome in Outcome)
    lines = [f"# {name}", "", f"{head}.", "", "| | test | seconds | reason |", "|---|---|---|---|", *rows]
    (directory / f"{name}.md").write_text("\n".join(lines) + "\n")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
