"""The command line as users run it, in processes of its own, with a state directory and a port of each test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.system.installation import free_port


@dataclass(slots=True)
class CommandLine:
    """Runs ``boxship`` for one state directory; the environment of the test process does not show through."""

    state_dir: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The command, however it ends."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("BOXSHIP_", "OS_", "XDG_"))
        }
        own = {"BOXSHIP_STATE_DIR": str(self.state_dir)}
        return subprocess.run(
            [sys.executable, "-m", "boxship", *words],
            env={**inherited, **own, **self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def ok(self, *words: str, **environment: str) -> str:
        """Its output. AssertionError: it failed."""
        done = self.run(*words, **environment)
        assert done.returncode == 0, f"boxship {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def up(self) -> str:
        """Start a fake cloud in the background."""
        return self.ok("up", "--detach", "--engine", "fake", "--listen", f"127.0.0.1:{self.port}")


@pytest.fixture
def boxship(tmp_path: Path) -> Iterator[CommandLine]:
    """A command line with a state directory that does not exist yet; whatever is started is removed."""
    line = CommandLine(tmp_path / "state", free_port())
    yield line
    line.run("destroy", "--yes")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A fake cloud that runs, shared by the tests of a module."""
    line = CommandLine(tmp_path_factory.mktemp("cloud") / "state", free_port())
    line.up()
    yield line
    line.ok("destroy", "--yes")
