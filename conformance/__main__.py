"""Runs OpenStack's own tests against a cloud of their own: `make conformance`, or `python -m conformance`; needs root."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

from conformance import cloud, configuration, expectations, passes, report, tempest
from conformance.images import ProgramMissing
from conformance.passes import Pass
from conformance.proxy import PortTaken
from conformance.results import Outcome, Result
from tests.system import installation

CACHE = tempest.ROOT / ".cache" / "conformance"


def main() -> int:
    """0: nothing is worse than expected; 1: something is; 2: it could not run."""
    options = _options()
    chosen = passes.chosen(options.only, options.run)
    if not chosen:
        report.say(f"There is no such pass; there are: {', '.join(entry.name for entry in passes.PASSES)}.")
        return 2
    signal.signal(signal.SIGTERM, _terminated)
    try:
        installation.check_host()
        found = _run(chosen, options)
    except (AssertionError, PortTaken, ProgramMissing, tempest.Failed) as error:
        report.say(f"This went wrong: {error}")
        return 2
    except KeyboardInterrupt:
        report.say("Interrupted; everything that was started is removed.")
        return 130
    report.summary(found)
    report.say(f"Everything per test: {CACHE / 'results'}")
    if options.record:
        return _record(found)
    return _judge(found, partly=bool(options.filter))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make conformance ARGS=...", description=__doc__)
    parser.add_argument("--only", choices=["zun", "core", "shares", "stacks"], default="", help="one of the suites")
    parser.add_argument(
        "--pass", dest="run", metavar="NAME", default="", help="one pass, such as 1.40, unskipped or core"
    )
    parser.add_argument("--filter", metavar="REGEX", default="", help="only tests whose names match")
    parser.add_argument("--record", action="store_true", help="what is found is what is expected from now on")
    parser.add_argument("--keep", action="store_true", help="wait with the removal, to look at the cloud")
    parser.add_argument(
        "--concurrency",
        type=int,
        default=4,
        metavar="N",
        help="tests at a time, which wait more than they work (default: 4)",
    )
    options = parser.parse_args()
    if options.record and options.filter:
        parser.error("--record needs whole passes: leave out --filter.")
    return options


def _terminated(_number: int, _frame: FrameType | None) -> None:
    """The end by a signal is Ctrl-C: all that was started is removed on the way out."""
    raise KeyboardInterrupt


def _run(chosen: Sequence[Pass], options: argparse.Namespace) -> dict[str, list[Result]]:
    report.say("Starting an engine, its images and a cloud ...")
    found: dict[str, list[Result]] = {}
    with cloud.running(keep=options.keep) as there:
        everything: dict[str, str] = {}
        for entry in chosen:
            path = configuration.write(CACHE / entry.name, there, entry, tempest.packages())
            everything = everything or tempest.names(path)
            tests = {
                name: called
                for name, called in everything.items()
                if entry.selects(name) and re.search(options.filter, name)
            }
            if not tests:
                continue
            report.say(f"{entry.name}: {len(tests)} tests")
            offered = {name: called for name, called in tests.items() if not passes.not_offered(name)}
            ran = tempest.run(entry, path, offered, options.concurrency, _counting(len(offered))) if offered else []
            found[entry.name] = sorted([*ran, *_left_out(tests)], key=lambda result: result.name)
            report.write(CACHE / "results", entry.name, found[entry.name])
            _keep_log(there, entry.name)
    return found


def _left_out(tests: Mapping[str, str]) -> list[Result]:
    """The tests that ask for what is not offered, as skipped."""
    reasons = ((name, passes.not_offered(name)) for name in tests)
    return [Result(name, Outcome.SKIPPED, 0, why, why) for name, why in reasons if why]


def _counting(total: int) -> Callable[[Result], None]:
    number = 0

    def seen(result: Result) -> None:
        nonlocal number
        number += 1
        report.progress(number, total, result)

    return seen


def _keep_log(there: cloud.Cloud, name: str) -> None:
    """The program's log up to now, beside Tempest's: what it was doing when a test failed."""
    (CACHE / name / "boxship.log").write_bytes(Path(there.installation.log).read_bytes())


def _record(found: Mapping[str, Sequence[Result]]) -> int:
    for name, entries in found.items():
        report.say(f"Recorded: {expectations.write(name, entries).relative_to(tempest.ROOT)}")
    return 0


def _judge(found: Mapping[str, Sequence[Result]], *, partly: bool) -> int:
    worse = 0
    for name, entries in found.items():
        expected = expectations.read(name)
        if expected is None:
            report.say(f"{name}: nothing is expected yet; --record writes what was found.")
            worse += any(result.outcome is Outcome.FAILED for result in entries)
            continue
        changed = expectations.compare(expected, entries, partly=partly)
        report.changes(name, changed)
        worse += any(change.worse for change in changed)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
