"""What is expected of each test, kept in ``expected/<pass>.txt``: a line per test, in order of names; judges, runs nothing.

``passed NAME``, ``failed NAME  # reason`` or ``skipped NAME  # reason``. Reasons are for readers and not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.results import Outcome, Result

DIRECTORY = Path(__file__).parent / "expected"
_RANK = {Outcome.PASSED: 2, Outcome.SKIPPED: 1, Outcome.FAILED: 0}


@dataclass(frozen=True, slots=True)
class Change:
    """A test that ended otherwise than expected; None: it was not known, or it was not run."""

    name: str
    expected: Outcome | None
    found: Outcome | None
    reason: str

    @property
    def worse(self) -> bool:
        """Whether this must not be: what passed passes no more, what was skipped fails, or something new fails."""
        if self.expected is None:
            return self.found is Outcome.FAILED
        if self.found is None:
            return self.expected is Outcome.PASSED
        return _RANK[self.found] < _RANK[self.expected]

    def __str__(self) -> str:
        text = f"{self.name}: expected {self.expected or 'nothing'}, found {self.found or 'nothing'}"
        return f"{text} ({self.reason})" if self.reason else text


def read(name: str) -> dict[str, Outcome] | None:
    """The expectation of a pass; None: none was recorded yet. ValueError: a line that says nothing known."""
    path = DIRECTORY / f"{name}.txt"
    if not path.exists():
        return None
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    expected = {}
    for line in lines:
        outcome, _, rest = line.partition(" ")
        expected[rest.partition("  # ")[0].strip()] = Outcome(outcome)
    return expected


def write(name: str, results: Sequence[Result]) -> Path:
    """Record what was found as what is expected from now on."""
    path = DIRECTORY / f"{name}.txt"
    DIRECTORY.mkdir(exist_ok=True)
    path.write_text("".join(f"{line(result)}\n" for result in sorted(results, key=lambda result: result.name)))
    return path


def line(result: Result) -> str:
    """A result as it stands in the file."""
    text = f"{result.outcome} {result.name}"
    return f"{text}  # {result.reason}" if result.reason else text


def compare(expected: Mapping[str, Outcome], results: Iterable[Result], *, partly: bool) -> list[Change]:
    """What changed. ``partly``: only some tests were run on purpose, so the others are not missing."""
    found = {result.name: result for result in results}
    changes = [
        Change(name, expected.get(name), result.outcome, result.reason)
        for name, result in found.items()
        if expected.get(name) is not result.outcome
    ]
    if not partly:
        changes += [Change(name, outcome, None, "") for name, outcome in expected.items() if name not in found]
    return changes
