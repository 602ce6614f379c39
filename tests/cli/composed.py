"""Compose files as the translation sees them, for tests: read, filled in and composed in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from boxship.cli.compose import files, merging, reading, translation
from boxship.cli.compose.context import Context
from boxship.cli.compose.fields import Notes

Document = dict[str, Any]


class Composed:
    """What a file becomes."""

    def __init__(self, text: str | Document, directory: Path = Path("/nowhere"), **environment: str) -> None:
        parsed = files.parse(text if isinstance(text, str) else yaml.safe_dump(text, sort_keys=False), "compose.yaml")
        document = merging.extended(parsed)
        variables, self._notes = files.Variables(environment), Notes()
        profiles = frozenset(filter(None, environment.get("COMPOSE_PROFILES", "").split(",")))
        context = Context(directory, variables, profiles, self._notes, {})
        self.project = reading.read(files.filled(document, variables), "p", context)
        translation.check_addresses(self.project)
        made = translation.compose(self.project, self._notes, {})
        self.document, self.secrets = made.document, made.secrets
        self.resources: Document = made.document["resources"]

    @property
    def notes(self) -> dict[str, str]:
        return {note.path: note.reason for note in self._notes.found}

    def container(self, name: str = "web:1") -> Document:
        return dict(self.resources[f"service:{name}"]["properties"])

    def of(self, kind: str) -> list[str]:
        return [name for name in self.resources if name.partition(":")[0] == kind]


def one(**keys: Any) -> Document:
    """A file with one service."""
    return {"services": {"web": {"image": "busybox", **keys}}}


def two(**keys: Any) -> Document:
    """A service and another one that it may need; ``keys`` are those of the first."""
    health = {"test": "true"}
    return {"services": {"web": {"image": "busybox", **keys}, "db": {"image": "busybox", "healthcheck": health}}}
