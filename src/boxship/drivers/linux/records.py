"""What of each port may be in the kernel, kept beside the kernel's state (in /run, gone with the next boot as that is).

A program that was killed between two steps finds here what it may have left: a record names everything that may be
in the kernel before it is put there, and says so once all of it is there.
"""

from __future__ import annotations

from pathlib import Path

import msgspec


class Record(msgspec.Struct, frozen=True):
    """``whole`` is the text of the spec that is in force, cable and all (empty: a step was cut off, or is under way).

    ``sandbox`` and ``device`` say where the cable ends, ``addresses`` and ``routes`` (destination, next hop) what was
    set there, ``undo`` holds what ``filter.no_elements`` says of all that may be in the filters.
    """

    whole: str = ""
    sandbox: str = ""
    device: str = ""
    addresses: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    undo: tuple[str, ...] = ()


NOTHING = Record()


class Records:
    """One file per port, and a copy in memory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, Record] = {}

    def open(self) -> None:
        """Read what an earlier program left. A file that cannot be read says nothing."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._known.clear()
        for path in self._directory.glob("*.json"):
            try:
                self._known[path.stem] = msgspec.json.decode(path.read_bytes(), type=Record)
            except msgspec.DecodeError:
                continue

    def get(self, id: str) -> Record:
        return self._known.get(id, NOTHING)

    def put(self, id: str, record: Record) -> None:
        """Keep the record; the file is whole at any moment."""
        path = self._directory / f"{id}.json"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(record))
        fresh.rename(path)
        self._known[id] = record

    def forget(self, id: str) -> None:
        """The port is gone, filters and all."""
        self._known.pop(id, None)
        (self._directory / f"{id}.json").unlink(missing_ok=True)

    def forget_all(self) -> None:
        for id in self.ids():
            self.forget(id)

    def ids(self) -> frozenset[str]:
        return frozenset(self._known)

    def inside(self, sandbox: str) -> list[str]:
        """The ports whose cables end in the sandbox."""
        return [id for id, record in self._known.items() if record.sandbox == sandbox]
