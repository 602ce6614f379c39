"""Compose: Docker's own plugin where it is there, else Debian's docker-compose; the same files serve both."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.system.engine import Engine


def program() -> list[str]:
    """The command line of Compose, before its options. AssertionError: this host has none."""
    for command in (["docker", "compose"], ["docker-compose"]):
        try:
            subprocess.run([*command, "version"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return command
    raise AssertionError("These tests need Compose; scripts/bootstrap --tests installs docker-compose.")


@dataclass(frozen=True, slots=True)
class Project:
    """One compose file on one engine, under a project name of its own."""

    engine: Engine
    name: str
    file: Path

    def write(self, services: object, networks: object, volumes: object = None) -> None:
        """The file; JSON is YAML."""
        document = {"version": "2.4", "services": services, "networks": networks, "volumes": volumes or {}}
        self.file.write_text(json.dumps(document))

    def __call__(self, *words: str) -> str:
        """What Compose says."""
        command, *rest = program()
        host = ("--host", f"unix://{self.engine.socket}")
        options = (*host, *rest) if command == "docker" and rest else (*rest, *host)
        done = subprocess.run(
            [command, *options, "--project-name", self.name, "--file", str(self.file), *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"compose {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def container(self, service: str) -> str:
        """The id of the first container of a service."""
        return self("ps", "--quiet", service).split()[0]
