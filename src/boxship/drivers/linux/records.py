"""What was last applied for each port, kept beside the kernel's state (in /run, gone with the next boot as that is).

A program that was killed between two steps finds here what it may have left: a record names everything that may be
in the kernel before it is put there, and what is there once it is.
"""

from __future__ import annotations

from pathlib import Path

import msgspec


class Record(msgspec.Struct, frozen=True):
    """``applied`` is the text of the spec that is in force (empty: not known), ``place`` where the cable ends, and ``undo``
    the nft commands that remove all that may be there."""

    applied: str = ""
    place: str = ""
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
        for path in self._directory.glob("*.json"):
            try:
                self._known[path.stem] = msgspec.json.decode(path.read_bytes(), type=Record)
            except msgspec.DecodeError:
                continue

    def get(self, id: str) -> Record:
        return self._known.get(id, NOTHING)

    def put(self, id: str, record: Record) -> None:
        """Keep the record; it is on disk, whole, when this returns."""
        path = self._directory / f"{id}.json"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(record))
        fresh.rename(path)
        self._known[id] = record

    def forget(self, id: str) -> None:
        """Nothing of the port is left; repeatable."""
        self._known.pop(id, None)
        (self._directory / f"{id}.json").unlink(missing_ok=True)

    def ids(self) -> frozenset[str]:
        return frozenset(self._known)
