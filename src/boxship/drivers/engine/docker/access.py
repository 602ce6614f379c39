"""How all parts of the Docker driver reach the engine: the connection, the names and labels of what carries this
installation's mark, and what is read before most verbs. Never changes anything in the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boxship.core import errors
from boxship.drivers.engine.connection import Connection, Missing, Taken

LABEL_MARK, LABEL_ID, LABEL_SANDBOX = "io.boxship.mark", "io.boxship.id", "io.boxship.sandbox"
LABEL_BUILD, LABEL_POD = "io.boxship.build", "io.boxship.pod"
LABELS = (LABEL_MARK, LABEL_ID, LABEL_SANDBOX, LABEL_BUILD, LABEL_POD)
GRACE = 60.0
"""How long the engine itself may take, in seconds, apart from what the container takes."""


class Access:
    """One engine and our mark in it. ``directory`` (root's alone) holds the files shown in containers."""

    def __init__(self, socket: Path, mark: str, directory: Path) -> None:
        self._mark = mark
        self._directory = directory
        self._socket = socket
        self._docker = Connection(socket)

    def _name(self, id: str) -> str:
        return f"boxship-{self._mark}-{id}"

    async def _inspected(self, id: str) -> dict[str, Any]:
        with named(id):
            shown: dict[str, Any] = await self._docker.json("GET", f"/containers/{self._name(id)}/json")
        return shown


@contextlib.contextmanager
def named(id: str) -> Iterator[None]:
    """Say which container the engine does not know."""
    try:
        yield
    except Missing as error:
        raise Missing(f"The container {id} is not in the engine.", detail=error.sentence) from error


@contextlib.contextmanager
def running() -> Iterator[None]:
    """Tell a container that does not run from one that is on its way."""
    try:
        yield
    except Taken as error:
        for state, sentence in _HINDRANCES.items():
            if state in error.sentence:
                raise errors.Refused(sentence, detail=error.sentence) from error
        raise


_HINDRANCES = {"is not running": "The container is not running.", "is paused": "The container is paused."}
"""What the engine says, and what the user reads."""
