"""The official OpenStack clients, unmodified, as a user runs them: one command line after the other, each in a process of
its own. A server process in the clients' environment has them loaded already and forks, because starting Python and
loading them takes longer than most commands."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venvs" / "clients" / "bin" / "python"
SERVER = Path(__file__).with_name("clients_server.py")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command line ended."""

    command: str
    code: int
    output: str
    errors: str


class Clients:
    """The ``openstack`` command, for the clouds in a clouds.yaml."""

    def __init__(self, config: Path) -> None:
        assert PYTHON.exists(), "The official clients are not installed; scripts/clients does it (make test as well)."
        self._config = config
        self._server = subprocess.Popen(
            [PYTHON, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def close(self) -> None:
        """End the server process."""
        assert self._server.stdin and self._server.stdout
        self._server.stdin.close()
        self._server.wait(30)
        self._server.stdout.close()

    def end(self, *words: str, cloud: str = "boxship", environment: Mapping[str, str] | None = None) -> Ended:
        """Run ``openstack`` with these words, however it ends. ``cloud`` is one of the clouds.yaml."""
        assert self._server.stdin and self._server.stdout
        variables = {"OS_CLIENT_CONFIG_FILE": str(self._config), "OS_CLOUD": cloud, **(environment or {})}
        self._server.stdin.write(json.dumps({"words": words, "environment": variables}) + "\n")
        self._server.stdin.flush()
        answer = json.loads(self._server.stdout.readline())
        return Ended("openstack " + " ".join(words), answer["code"], answer["output"], answer["errors"])

    def run(self, *words: str, cloud: str = "boxship") -> str:
        """Its output. AssertionError: it failed."""
        ended = self.end(*words, cloud=cloud)
        assert ended.code == 0, f"{ended.command} ended with {ended.code}:\n{ended.output}\n{ended.errors}"
        return ended.output

    def json(self, *words: str, cloud: str = "boxship") -> Any:
        """Its output in JSON (``-f json``)."""
        return json.loads(self.run(*words, "-f", "json", cloud=cloud))
