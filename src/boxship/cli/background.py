"""Starting the program in the background: in a session of its own, watched until it answers or says why it cannot."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import click

from boxship.cli import api, steps
from boxship.cli.failure import Failure
from boxship.config import Settings
from boxship.installation import choice, directory, lock, secrets

_PATIENCE = 60.0
"""Seconds until a program that neither answers nor ends is taken for stuck."""


def start(settings: Settings, given: Mapping[str, object], prepare: Callable[[Settings, dict[str, str]], None]) -> None:
    """Start the program unless it runs already; returns when it answers.

    Failure: it did not come up, with its own reason; or it runs with other options than these.
    """
    running = lock.program(settings.state_dir)
    if running is not None:
        _check_same(settings, given)
        steps.say(f"The cloud is running already (process {running.pid}).")
    else:
        prepare(settings, choice.told(given))
        with steps.step("Start the program") as step, tempfile.TemporaryFile() as output:
            child = _spawn(settings, given, output)
            _watch(settings, child, output)
            step.note(f"process {child.pid}, {settings.url}")
    click.echo(greeting(settings))


def greeting(settings: Settings) -> str:
    """How to use the cloud, for the one who started it."""
    option = "" if settings.state_dir == directory.default() else f" --state-dir {settings.state_dir}"
    fake = (
        "\nTHE ENGINE IS FAKE: the API answers as if containers ran, but nothing runs."
        if settings.engine == "fake"
        else ""
    )
    wildcard = not settings.public_url and settings.address[0] in {"0.0.0.0", "::"}  # noqa: S104 (looked at, not bound)
    bare = "" if settings.tls else ", without TLS"
    everywhere = f"\nIt listens on all addresses{bare}. Set public_url to what its clients call it." if wildcard else ""
    boxship = steps.command()
    return f"""
The cloud is at {settings.url}.{fake}{everywhere}

  eval "$({boxship} env{option})"
      then use any OpenStack client: openstack token issue
  export OS_CLIENT_CONFIG_FILE={settings.state_dir / secrets.CLOUDS_FILE} OS_CLOUD=boxship
      the same through clouds.yaml; the cloud boxship-admin is its administrator
  {boxship} run{option} busybox -- sleep 1000
      a container without any client; more: {boxship} --help
"""


def _check_same(settings: Settings, given: Mapping[str, object]) -> None:
    """Failure: ``up`` is asked for something that the running program does not do."""
    different = choice.changes(settings.state_dir, choice.told(given))
    if different:
        # The values stay unsaid: that of ``database`` may hold a password.
        raise Failure(
            f"The cloud is running with another {', '.join(different)}. Stop it first with 'boxship down'; "
            "containers run on."
        )


def _spawn(settings: Settings, given: Mapping[str, object], output: IO[bytes]) -> subprocess.Popen[bytes]:
    """The program in a session of its own. Its options travel in the environment, which others cannot read."""
    return subprocess.Popen(
        [sys.executable, "-m", "boxship", "up", "--quiet"],
        env=choice.environment(settings.state_dir, given),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        start_new_session=True,
    )


def _watch(settings: Settings, child: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    """Wait until the program answers. Failure: it ended, or does not get there in time."""
    deadline = time.monotonic() + _PATIENCE
    problem = "it does not answer"
    while time.monotonic() < deadline:
        if child.poll() is not None:
            output.seek(0)
            raise Failure(_reason(output.read().decode(errors="replace"), settings.state_dir))
        running = lock.program(settings.state_dir)
        found = api.local_health(settings) if running and running.pid == child.pid else None
        if found and found["status"] == "ok":
            return
        if found:
            problem = str(found.get("problem", problem))
        time.sleep(0.02)
    child.send_signal(signal.SIGTERM)
    child.wait(30)
    raise Failure(f"The program did not come up within {_PATIENCE:.0f} s: {problem}{_log(settings.state_dir)}")


def _reason(said: str, state_dir: Path) -> str:
    """What the program said last, and where it was."""
    lines = [line for line in said.splitlines() if line.strip()]
    last = lines[-1].removeprefix("boxship: ") if lines else "The program ended without a word."
    return f"{last}{_log(state_dir)}"


def _log(state_dir: Path) -> str:
    from boxship.installation import logs

    lines = logs.tail(state_dir)
    return f"\n\nThe end of {state_dir / logs.NAME}:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
