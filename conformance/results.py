"""What became of the tests of a pass; knows nothing of how they were run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

_LABEL = re.compile(r"\[[^\]]*\bid-[0-9a-f-]{36}[^\]]*\]$")
_SET_UP = re.compile(r"^setUpClass \((?P<test_class>[^)]*)\)")
_RAISED = re.compile(r"^(?:(?:[a-z_]\w*\.)+[A-Z]\w*|[A-Z]\w*(?:Error|Exception|Mismatch|Timeout))(?::|$)")
_CHANGING = (
    (re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"), "ID"),
    (re.compile(r"\b(tempest[\w-]*?)-\d{6,}\b"), r"\1-N"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*"), "TIME"),
    (re.compile(r"\b\d{9,}(\.\d+)?\b"), "N"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "ADDRESS"),
    (re.compile(r"127\.0\.0\.1:\d+"), "HOST"),
)


class Outcome(StrEnum):
    """How a test ended, the best first."""

    PASSED = "passed"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """A test, how it ended, how long it took in seconds, why (empty where it passed) and all that was said (a trace)."""

    name: str
    outcome: Outcome
    seconds: float = 0.0
    reason: str = ""
    said: str = ""


def plain(identifier: str) -> str:
    """The name of a test without the labels that Tempest puts behind it."""
    return _LABEL.sub("", identifier)


def reason(outcome: Outcome, said: str) -> str:
    """The sentence that tells why, the same in every run: identifiers, times and ports are left out."""
    if outcome is Outcome.PASSED:
        return ""
    lines = [line.strip() for line in said.strip().splitlines() if line.strip()]
    text = _exception(said.splitlines()) if outcome is Outcome.FAILED else " ".join(lines)
    for pattern, replacement in _CHANGING:
        text = pattern.sub(replacement, text)
    return text[:220].rstrip()


def _exception(lines: Sequence[str]) -> str:
    """The last exception of a trace, with the first lines of what it says."""
    raised = [place for place, line in enumerate(lines) if _RAISED.match(line)]
    if not raised:
        return lines[-1].strip() if lines else "no reason given"
    return " ".join(line.strip() for line in lines[raised[-1] : raised[-1] + 4] if line.strip())


def complete(wanted: Iterable[str], seen: Mapping[str, Result]) -> list[Result]:
    """A result for each wanted test. Tests whose class could not be set up are not reported one by one: they share what
    became of their class. Failures of a class's clean-up are results of their own, as they belong to no test."""
    fixtures = {match["test_class"]: result for name, result in seen.items() if (match := _SET_UP.match(name))}
    results = []
    for name in sorted(set(wanted)):
        found = seen.get(name) or fixtures.get(name.rpartition(".")[0])
        if found is None:
            found = Result(name, Outcome.FAILED, reason="it was not run: its process ended before")
        results.append(Result(name, found.outcome, found.seconds, found.reason, found.said))
    cleaned = [result for name, result in sorted(seen.items()) if name.startswith("tearDownClass")]
    return results + [result for result in cleaned if result.outcome is Outcome.FAILED]
