"""What of each port may be in the kernel, kept beside the kernel's state (in /run, gone with the next boot as that is).

A program that was killed between two steps finds here what it may have left: a record names everything that may be
in the kernel before it is put there, and says so once all of it is there.
"""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from boxship.core import errors
from boxship.drivers.linux.nfnetlink import Element


class Filter(msgspec.Struct, frozen=True):
    """What of a port is in the filters: its elements, and the shared chain they lead to (``filter.shared``)."""

    elements: tuple[Element, ...] = ()
    chain: str = ""


class Record(msgspec.Struct, frozen=True):
    """``whole`` is the text of the spec that is in force, cable and all (empty: a step was cut off, or is under way).

    ``bridge`` is the device that has the port's cable, ``number`` the port's in the filters. ``filters`` holds what may be in
    them: one, if that is known; more, if it is not known how far the program came in putting one for another. ``sandbox``
    and ``device`` say where the cable ends, ``addresses`` and ``routes`` (destination, next hop) what was set there.
    """

    whole: str = ""
    bridge: str = ""
    number: int = 0
    filters: tuple[Filter, ...] = ()
    sandbox: str = ""
    device: str = ""
    addresses: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()

    @property
    def is_plug(self) -> bool:
        """Whether the cable was made whole and ends on the host, for an engine to take."""
        return bool(self.whole and self.device) and not self.sandbox


NOTHING = Record()


class Records:
    """One file per port, and a copy in memory. While a port is changed there is a second one, with what it is to be."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, Record] = {}
        self._numbers: dict[int, str] = {}
        self._holders: Counter[str | Element] = Counter()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Read what an earlier program left. A file that cannot be read says nothing."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._known.clear()
        self._numbers.clear()
        self._holders.clear()
        done, begun = self._read(".json"), self._read(".begun")
        for id, record in done.items():
            self.remember(id, record)
        for id, record in begun.items():
            self.remember(id, self._in_doubt(id, record))

    def _read(self, suffix: str) -> dict[str, Record]:
        found = {}
        for path in self._directory.glob(f"*{suffix}"):
            with contextlib.suppress(msgspec.DecodeError):
                found[path.stem] = msgspec.json.decode(path.read_bytes(), type=Record)
        return found

    def get(self, id: str) -> Record:
        return self._known.get(id, NOTHING)

    def begin(self, id: str, record: Record) -> None:
        """A change begins: from now on something of this record may be in the kernel, besides what was there."""
        self._begun(id).write_bytes(msgspec.json.encode(record))
        self.remember(id, self._in_doubt(id, record))

    def _in_doubt(self, id: str, record: Record) -> Record:
        """Something of this, and something of what was there."""
        return msgspec.structs.replace(record, whole="", filters=(*self.get(id).filters, *record.filters))

    def finish(self, id: str, record: Record) -> None:
        """All of the record that ``begin`` was told of is in the kernel, and nothing else."""
        self._begun(id).rename(self._done(id))
        self.remember(id, record)

    def _begun(self, id: str) -> Path:
        return self._directory / f"{id}.begun"

    def _done(self, id: str) -> Path:
        return self._directory / f"{id}.json"

    def remember(self, id: str, record: Record) -> None:
        """Keep it in memory only: what the next program need not know."""
        with self._lock:
            self._holders.subtract(_held(self.get(id)))
            self._known[id] = record
            self._holders.update(_held(record))
            if record.number:
                self._numbers[record.number] = id

    def forget(self, id: str) -> None:
        """The port is gone, filters and all."""
        with self._lock:
            record = self._known.pop(id, NOTHING)
            self._holders -= Counter(_held(record))
            if self._numbers.get(record.number) == id:
                del self._numbers[record.number]
        self._begun(id).unlink(missing_ok=True)
        self._done(id).unlink(missing_ok=True)

    def forget_all(self) -> None:
        for id in self.ids():
            self.forget(id)

    def keep_only(self, ids: Iterable[str]) -> None:
        """Forget all but these ports, and of these what was in the filters."""
        kept = {id: msgspec.structs.replace(self.get(id), filters=(), number=0) for id in ids}
        self.forget_all()
        for id, record in kept.items():
            self.begin(id, record)
            self.finish(id, record)

    def ids(self) -> frozenset[str]:
        return frozenset(self._known)

    def inside(self, sandbox: str) -> list[str]:
        """The ports whose cables end in the sandbox."""
        known = list(self._known.items())  # in one go: other threads add and remove
        return [id for id, record in known if record.sandbox == sandbox]

    def number(self, id: str, most: int) -> int:
        """The port's number, chosen now if it has none: from 1 to ``most`` (a power of two less one), and no other port's."""
        with self._lock:
            number = self.get(id).number or zlib.crc32(id.encode()) & most or 1
            while self._numbers.setdefault(number, id) != id:
                number = number % most + 1
            return number

    def place(self, id: str, bridges: Sequence[str], room: int) -> str:
        """The bridge that the port is on, or the first of these that has fewer ports than there is room for.

        Refused: all are full.
        """
        with self._lock:
            record = self.get(id)
            if record.bridge in bridges:
                return record.bridge
            free = next((bridge for bridge in bridges if self._holders[bridge] < room), None)
            if free is None:
                raise errors.Refused(f"The network has {len(bridges) * room} ports on this host; it takes no more.")
            self._known[id] = msgspec.structs.replace(record, bridge=free)
            self._holders.subtract(_held(record))
            self._holders.update(_held(self._known[id]))
            return free

    def holders(self, held: str | Element) -> int:
        """How many ports may have this shared chain or this element in the filters, or are on this bridge."""
        return self._holders[held]


def _held(record: Record) -> set[str | Element]:
    held: set[str | Element] = {record.bridge}
    for one in record.filters:
        held.add(one.chain)
        held.update(one.elements)
    return held
