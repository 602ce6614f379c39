"""Directories as volumes, as in ``fake.py``, that several hosts reach. Obeys ``interface.SharedStorage``; for fake clouds of
several hosts, and for tests. Mounts and devices are each host's own; the rest is in one directory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from boxship.drivers.storage import disk
from boxship.drivers.storage.fake import FakeStorage
from boxship.drivers.storage.interface import Extent, Kind, SnapshotSight, Source, VolumeSight
from boxship.drivers.storage.owners import Owners


class FakeSharedStorage(FakeStorage):
    """The volumes in one directory, as the host ``here`` sees them; ``own`` is a directory of that host alone."""

    def __init__(self, directory: Path, own: Path, here: str) -> None:
        super().__init__(directory)
        self._mounts = own.resolve() / "mounts"
        self._devices = own.resolve() / "devices"
        self._owners = Owners(self._root, here)

    async def open(self) -> None:
        await super().open()
        self._owners.open()
        for id in self._owners.taken():
            self._let_go(id)

    async def create(self, id: str, size: int, source: Source | None = None) -> VolumeSight:
        with self._alone(id, source.id if source and source.kind is Kind.VOLUME else id):
            return await super().create(id, size, source)

    async def fill(self, id: str, size: int, extents: AsyncIterator[Extent]) -> VolumeSight:
        with self._alone(id):
            return await super().fill(id, size, extents)

    async def extend(self, id: str, size: int) -> VolumeSight:
        with self._alone(id):
            return await super().extend(id, size)

    async def shrink(self, id: str, size: int) -> VolumeSight:
        with self._alone(id):
            return await super().shrink(id, size)

    async def remove(self, id: str) -> None:
        with self._alone(id):
            await super().remove(id)

    async def attach(self, id: str) -> VolumeSight:
        with self._alone(id):
            return await super().attach(id)

    async def detach(self, id: str) -> None:
        with self._alone(id):
            await super().detach(id)

    async def mount(self, id: str) -> VolumeSight:
        with self._alone(id):
            return await super().mount(id)

    async def unmount(self, id: str, *, keep_device: bool = False) -> None:
        with self._alone(id):
            await super().unmount(id, keep_device=keep_device)

    async def snapshot(self, id: str, volume_id: str) -> SnapshotSight:
        with self._alone(volume_id):
            return await super().snapshot(id, volume_id)

    async def revert(self, volume_id: str, id: str) -> VolumeSight:
        with self._alone(volume_id):
            return await super().revert(volume_id, id)

    async def owner(self, id: str) -> str | None:
        return self._owners.owner(disk.checked(id))

    async def disown(self, id: str, host: str) -> None:
        self._owners.let_go(disk.checked(id), host)

    async def destroy(self) -> None:
        self._fail("destroy")
        for id in self._owners.taken():
            await self.unmount(id)
        self._owners.leave()
        if not self._owners.others():
            self._owners.close()
            await super().destroy()

    @contextmanager
    def _alone(self, *ids: str) -> Iterator[None]:
        """Busy: another host has one of them."""
        try:
            for id in ids:
                self._owners.take(disk.checked(id))
            yield
        finally:
            for id in ids:
                self._let_go(id)

    def _let_go(self, id: str) -> None:
        present = self._sight(id)
        if present is None or present.device is None:
            self._owners.let_go(id)
