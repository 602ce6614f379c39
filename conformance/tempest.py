"""Runs Tempest in its own environment: which tests there are, a pass over some of them; judges nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from conformance import results
from conformance.passes import Pass
from conformance.results import Outcome, Result

ROOT = Path(__file__).parents[1]
ENVIRONMENT = ROOT / ".venvs" / "tempest"
LONGEST = 600
"""Seconds that a single test may take."""

_OUTCOMES = {"success": Outcome.PASSED, "skip": Outcome.SKIPPED, "fail": Outcome.FAILED, "xfail": Outcome.PASSED}
_UNSKIP = "import testtools\n\ntesttools.skip = lambda reason: lambda test: test\n"


class Failed(Exception):
    """Tempest could not even begin; with what it said."""


def packages() -> Path:
    """Where Tempest is installed."""
    (found,) = ENVIRONMENT.glob("lib/python3*/site-packages")
    return found


def names(configuration: Path) -> dict[str, str]:
    """All tests of Tempest and its plugins: their plain names, and what the runner calls them."""
    _forget(configuration)
    said = _stestr(configuration, "list")
    return {
        results.plain(line): line
        for line in said.splitlines()
        if line.startswith(("tempest.", "zun_", "manila_", "heat_"))
    }


def run(
    run: Pass, configuration: Path, tests: Mapping[str, str], concurrency: int, seen: Callable[[Result], None]
) -> list[Result]:
    """Run the tests (plain name: runner's name); ``seen`` hears of each when it has ended."""
    directory = configuration.parent
    (directory / "tests.txt").write_text("".join(f"{name}\n" for name in tests.values()))
    _forget(configuration)
    environment = _environment(configuration)
    if run.unskip:
        (directory / "unskip").mkdir(exist_ok=True)
        (directory / "unskip" / "sitecustomize.py").write_text(_UNSKIP)
        environment["PYTHONPATH"] = str(directory / "unskip")
    found: dict[str, Result] = {}
    with _stream(directory, environment, concurrency) as lines:
        for line in lines:
            result = _result(line)
            if result is not None:
                found[result.name] = result
                seen(result)
    return results.complete(tests, found)


def _result(line: str) -> Result | None:
    """A line of ``stream.py``; None: of a test that is still running."""
    told = json.loads(line)
    if told["status"] not in _OUTCOMES and told["status"] != "inprogress":
        return None
    outcome = _OUTCOMES.get(told["status"], Outcome.FAILED)
    said = told["said"] if told["status"] != "inprogress" else "its process ended while it ran"
    name = results.plain(told["id"])
    return Result(name, outcome, told["seconds"], results.reason(outcome, said), said)


@contextmanager
def _stream(directory: Path, environment: Mapping[str, str], concurrency: int) -> Iterator[Iterator[str]]:
    """The lines of ``stream.py`` while the tests run; nothing of it runs on at the end."""
    workers = ["--serial"] if concurrency == 1 else ["--concurrency", str(concurrency)]
    command = [str(ENVIRONMENT / "bin" / "stestr"), "run", "--subunit", "--load-list", "tests.txt", *workers]
    with (directory / "runner.log").open("wb") as log:
        tests = subprocess.Popen(
            command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    reader = subprocess.Popen(
        [ENVIRONMENT / "bin" / "python", Path(__file__).with_name("stream.py")],
        stdin=tests.stdout, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert tests.stdout and reader.stdout
    tests.stdout.close()
    try:
        yield iter(reader.stdout)
    finally:
        for process in (tests, reader):
            _end(process)
        reader.stdout.close()


def _end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """End it and all that it started; what has ended already is only waited for."""
    if process.poll() is None:
        try:
            process.wait(10)  # the stream's end comes a moment before the process's
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(configuration: Path) -> dict[str, str]:
    """What the tests see of this process's environment, and where their configuration is."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "PYTHON", "BOXSHIP_"))}
    own = {
        "PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
        "TEMPEST_CONFIG_DIR": str(configuration.parent),
        "TEMPEST_CONFIG": configuration.name,
        "OS_TEST_TIMEOUT": str(LONGEST),
        "OS_STDOUT_CAPTURE": "1",
        "OS_STDERR_CAPTURE": "1",
    }
    return kept | own


def _forget(configuration: Path) -> None:
    """Remove what an earlier run left there."""
    directory = configuration.parent
    (directory / "tempest.log").unlink(missing_ok=True)
    if (directory / ".stestr").exists():
        shutil.rmtree(directory / ".stestr")
    _stestr(configuration, "init")


def _stestr(configuration: Path, word: str) -> str:
    """What a command of the runner says. Failed: it went wrong."""
    command = [str(ENVIRONMENT / "bin" / "stestr"), word]
    environment = _environment(configuration)
    done = subprocess.run(
        command, cwd=configuration.parent, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"stestr {word}: {done.stderr[-2000:]}{done.stdout[-2000:]}")
    return done.stdout
