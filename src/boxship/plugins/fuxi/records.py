"""What this host has taken upon itself: per volume who uses it, which attachment we made, and whether we began to format it.

A record is a file of its own that is whole or not there (written beside, flushed, renamed). It is written before the world
is changed, so it may say too much after a crash, and never too little. Secrets are not in it.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import field
from msgspec.structs import replace

from boxship.core import errors

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Use(msgspec.Struct, frozen=True):
    """A mount of Docker's: how often it was asked for and not yet given back, and since when (seconds of the epoch)."""

    count: int
    since: float


class Record(msgspec.Struct, frozen=True):
    """``id`` is the volume's or share's; ``attachment`` is Cinder's attachment or Manila's access rule, empty: none is ours.
    ``device`` is where it is on this host.
    ``formatting``: the attachment under which we began to format the device, which was blank. ``boot``: of this host."""

    name: str
    provider: str
    id: str
    attachment: str = ""
    device: str = ""
    formatting: str = ""
    boot: str = ""
    uses: dict[str, Use] = field(default_factory=dict)

    def used(self, by: str) -> Record:
        """The same with one use more."""
        before = self.uses.get(by)
        count = before.count + 1 if before else 1
        return replace(self, uses=self.uses | {by: Use(count, time.time())})

    def given_back(self, by: str) -> Record:
        """The same with one use less; one that is not known is none."""
        before = self.uses.get(by)
        rest = {other: use for other, use in self.uses.items() if other != by}
        if before is not None and before.count > 1:
            rest[by] = Use(before.count - 1, before.since)
        return replace(self, uses=rest)

    def forgotten(self) -> Record:
        """The same with no uses."""
        return replace(self, uses={})

    def settled(self, seconds: float) -> bool:
        """Whether no use began within the last seconds."""
        return all(time.time() - use.since > seconds for use in self.uses.values())


def boot() -> str:
    """Which start of this host it is."""
    return _BOOT.read_text(encoding="ascii").strip()


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one plugin in their directory."""

    directory: Path

    def read(self, name: str) -> Record | None:
        """The record of a volume; None: we have nothing to do with it. Uses of before the last start of the host are over."""
        try:
            content = self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        try:
            found = msgspec.json.decode(content, type=Record)
        except msgspec.DecodeError as error:
            raise errors.Unavailable(f"The record {self._path(name)} cannot be read: {error}.") from error
        return found if found.boot == boot() else replace(found, boot=boot(), device="", uses={})

    def write(self, record: Record) -> Record:
        """Keep it; it is durable when this returns."""
        path = self._path(record.name)
        beside = path.with_suffix(".new")
        content = msgspec.json.encode(replace(record, boot=boot()))
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor, not a path)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        beside.rename(path)
        self._flush()
        return record

    def remove(self, name: str) -> None:
        """We have nothing to do with it any more."""
        self._path(name).unlink(missing_ok=True)
        self._flush()

    def names(self) -> list[str]:
        """All names that have a record."""
        return sorted(path.name.removesuffix(".json") for path in self.directory.glob("*.json"))

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.json"

    def _flush(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def opened(directory: Path) -> Iterator[Records]:
    """The records in this directory, for this process alone. Unavailable: another plugin has it, or it cannot be made."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise errors.Unavailable(f"The directory {directory} cannot be used: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise errors.Unavailable(f"Another plugin works with {directory}; choose another --volume-dir.") from error
        yield Records(directory)
    finally:
        os.close(descriptor)


class Names:
    """One call at a time per name."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy: set[str] = set()

    @contextmanager
    def held(self, name: str, seconds: float) -> Iterator[None]:
        """Have the name to oneself. Conflict: another call has had it for so long."""
        with self._changed:
            if not self._changed.wait_for(lambda: name not in self._busy, seconds):
                raise errors.Conflict(f"Another call about the volume {name} takes its time; try again.")
            self._busy.add(name)
        try:
            yield
        finally:
            with self._changed:
                self._busy.discard(name)
                self._changed.notify_all()
