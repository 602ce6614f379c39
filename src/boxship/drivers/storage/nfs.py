"""Volumes as files in a directory that several hosts share, behind loop devices of the host that has the volume just now. Obeys
``interface.SharedStorage``; beyond ``file.py`` it makes sure of two things, and of nothing else:

- The directory is what it should be. Every verb asks first whether it is mounted: what a program writes into the empty
  directory below a mount that is not there would be lost to sight, and what it does not find there is not gone.
- One host at a time works on a volume (``owners.py``), and for as long as the volume has a device. A host lets go of it when its
  bytes are with the server. One that dies keeps what it has until it is back, or an operator says that it never comes back.

    <directory>/boxship/files, snapshots    as in ``file.py``; what is being made has the host's name
    <directory>/boxship/owners, hosts, identity    who has what, who uses the directory, and which one it is

Mount points are not in the directory, as they are each host's own.
"""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from boxship.core.errors import Busy, Refused
from boxship.drivers.storage import disk, mounts
from boxship.drivers.storage.file import FileStorage
from boxship.drivers.storage.interface import Capacity, Extent, SnapshotSight, Source, VolumeSight
from boxship.drivers.storage.owners import Owners

NFS = "nfs"
_KINDS = {NFS: {"nfs", "nfs4"}}
"""The kernel's names of file systems, by the operator's."""
_OPTIONS = "nosuid,nodev"
_IDENTITY = "identity"
"""The file in which a host remembers what directory it uses."""
_THREADS = 8
_PATIENCE = 60.0
"""Seconds to wait for the server to answer."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files are: the directory ``at``, which is on a file system of this kind; with ``share`` (``host:/path``) the
    program mounts that there, with these options."""

    at: Path
    kind: str = NFS
    share: str = ""
    options: str = ""

    def ready(self) -> bool:
        """Whether the directory is on such a file system."""
        return mounts.kind_of(self.at.resolve()) in _KINDS.get(self.kind, {self.kind})

    def mount(self) -> None:
        """Have it mounted, where that is the program's matter. Busy: it is not, or the server does not answer. Refused: a
        program is missing."""
        if self.ready():
            return
        if not self.share:
            raise Busy(f"{self.at} is not on a file system of the kind {self.kind} now; mount it.")
        self.at.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = ",".join(filter(None, (_OPTIONS, self.options)))
        command = ["mount.nfs", self.share, str(self.at), "-o", options]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
            )
        except FileNotFoundError as error:
            raise Refused("The program mount.nfs is missing on this host; install nfs-common.") from error
        except subprocess.TimeoutExpired as error:
            raise Busy(f"{self.share} does not answer.") from error
        if done.returncode or not self.ready():
            raise Busy(f"{self.share} cannot be mounted now.", detail=done.stderr.decode(errors="replace").strip())

    def unmount(self) -> None:
        """Take away what ``mount`` made. OSError: it is in use."""
        if self.share and mounts.mounted(self.at.parent).get(self.at):
            mounts.unmount(self.at)
            self.at.rmdir()


class NfsStorage(FileStorage):
    """The volumes in one shared directory, as the host ``here`` sees them. ``own`` is a directory of this host alone; ``mark``
    names the installation in the kernel's notes."""

    def __init__(self, place: Place, own: Path, mark: str, here: str) -> None:
        super().__init__(place.at / "boxship", mark, maker=here, mounts=own / "mounts")
        self._place = place
        self._own = own.resolve()
        self._owners = Owners(self._root, here)
        self._opened = False
        self._opening = threading.Lock()
        self._filling: set[str] = set()
        self._threads = ThreadPoolExecutor(_THREADS, "shared")

    async def fill(self, id: str, size: int, extents: AsyncIterator[Extent]) -> VolumeSight:
        await self._thread(self._take, disk.checked(id))
        self._filling.add(id)
        try:
            return await super().fill(id, size, extents)
        finally:
            self._filling.discard(id)
            await self._thread(self._let_go, id)

    async def sight(self, id: str) -> VolumeSight | None:
        found = await self._there(super().sight, id)
        if found and found.device is None:
            await self._thread(self._let_go_idle, id)
        return await self._own_sight(found) if found else None

    async def sights(self) -> list[VolumeSight]:
        return [await self._own_sight(sight) for sight in await self._there(super().sights)]

    async def _own_sight(self, sight: VolumeSight) -> VolumeSight:
        """Without the device of another host: hosts may share a kernel, as in containers and in tests."""
        if sight.device is None or await self.owner(sight.id) in {None, self._owners.here}:
            return sight
        return VolumeSight(sight.id, sight.size)

    async def snapshot_sight(self, id: str) -> SnapshotSight | None:
        return await self._there(super().snapshot_sight, id)

    async def snapshots(self) -> list[SnapshotSight]:
        return await self._there(super().snapshots)

    async def read(self, source: Source) -> AsyncIterator[Extent]:
        await self._thread(self._ready)
        async for extent in super().read(source):
            yield extent
        await self._thread(self._ready)

    async def capacity(self) -> Capacity:
        return await self._there(super().capacity)

    async def owner(self, id: str) -> str | None:
        async def look(id: str) -> str | None:
            return await self._thread(self._owners.owner, id)

        return await self._there(look, disk.checked(id))

    async def disown(self, id: str, host: str) -> None:
        await self._thread(self._ready)
        await self._thread(self._owners.let_go, disk.checked(id), host)

    async def _there(self, look: Callable[..., Awaitable[T]], *given: str) -> T:
        """What is seen in the directory; not what is seen where it should be while it is away."""
        await self._thread(self._ready)
        found = await look(*given)
        await self._thread(self._ready)
        return found

    async def _thread(self, work: Callable[..., T], *given: object) -> T:
        """In threads of its own, as all that touches a server that is away may wait for ever, and nothing else may then."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *given))
        try:
            return await asyncio.wait_for(running, _PATIENCE)
        except TimeoutError as error:
            raise Busy(f"The file system of {self._place.at} does not answer.") from error

    # What the threads do.

    @contextmanager
    def _alone(self, id: str, doing: str) -> Iterator[None]:
        with super()._alone(id, doing):
            self._take(id)
            try:
                yield
            finally:
                self._let_go(id)

    def _take(self, id: str) -> None:
        """Busy: the directory is away, or another host has the volume."""
        self._ready()
        with disk.translated("have the volume", self._root):
            self._owners.take(id)

    def _let_go(self, id: str) -> None:
        """Unless it has a device here. What was written to that is with the server before anybody else gets the volume."""
        with disk.translated("let go of the volume", self._root):
            present = self._devices.sight(id)
            if present and present.device:
                return
            if present:
                disk.sync(self._files.volume(id))
            self._owners.let_go(id)

    def _let_go_idle(self, id: str) -> None:
        """Of a volume whose device went away by itself, after the last of other users: no verb was there to see it."""
        lock = self._locks.setdefault(id, threading.Lock())
        if id in self._filling or not lock.acquire(blocking=False):
            return
        try:
            if self._owners.owner(id) == self._owners.here:
                self._let_go(id)
        finally:
            lock.release()

    def _ready(self) -> None:
        """Busy: the directory is not there, or another one is."""
        with disk.translated("reach the volumes", self._root), self._opening:
            if not self._opened:
                self._open_first()
            elif self._owners.identity() != self._remembered():
                self._place.mount()
                self._compare()

    def _open(self) -> None:
        self._ready()

    def _open_first(self) -> None:
        """What was begun by a program that was killed is ended: nobody else of this host is at work yet."""
        self._own.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._place.mount()
        self._compare()
        self._owners.open()
        super()._open()
        self._owners.tidy()
        for id in self._owners.taken():
            self._let_go(id)
        self._opened = True

    def _compare(self) -> None:
        """Busy: it is not the directory that was used before, as when another one is mounted there."""
        remembered = self._remembered()
        if remembered is None:
            draft = self._own / f"{_IDENTITY}.new"
            draft.write_text(self._owners.identify())
            disk.sync(draft)
            draft.replace(self._own / _IDENTITY)
        elif self._owners.identity() != remembered:
            raise Busy(
                f"{self._place.at} is not the directory that the volumes were in before; mount that one. "
                f"If they were moved for good without the file boxship/identity, remove {self._own / _IDENTITY}."
            )

    def _remembered(self) -> str | None:
        try:
            return (self._own / _IDENTITY).read_text() or None
        except FileNotFoundError:
            return None

    def _destroy(self) -> None:
        """What this host has is let go of; the volumes go with the last host that uses the directory."""
        if not self._opened and self._remembered() is None:
            return
        self._ready()
        self._unmount_all()
        self._owners.leave()
        if not self._owners.others():
            self._remove_all()
        (self._own / _IDENTITY).unlink(missing_ok=True)
        self._opened = False
        self._devices.close()
        with disk.translated("unmount the directory of the volumes", self._root), suppress(FileNotFoundError):
            self._place.unmount()
        with suppress(OSError):  # mount points of before a power failure may be left; they go with the state directory
            self._own.rmdir()

    def _unmount_all(self) -> None:
        """Every volume is tried before the first that is in use is reported."""
        busy: Busy | None = None
        here = [sight.id for sight in self._devices.sights() if sight.device]
        for id in sorted({*here, *self._devices.strangers()}):
            try:
                with self._alone(id, "unmount the volume"):
                    self._devices.unmount(id, keep_device=False)
            except Busy as error:
                busy = error
        if busy:
            raise busy

    def _remove_all(self) -> None:
        for id in self._files.volumes():
            self._remove(id)
        for sight in self._files.snapshots():
            self._remove_snapshot(sight.id)
        for half_made in self._root.glob("*/*.new"):  # of hosts that were killed, and are gone
            half_made.unlink(missing_ok=True)
        self._owners.close()
        self._files.close()
