"""Exports that serve nobody: they are remembered in a directory. For a cloud without root, and for fast tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from boxship.drivers.shares import checking
from boxship.drivers.shares.interface import Access, Export


class _Kept(msgspec.Struct, frozen=True):
    path: str
    access: list[tuple[str, bool]]


class FakeExports:
    """What was put, in a file per share of ``root``. ``address``: what locations name; empty: none are given."""

    def __init__(self, root: Path, address: str = "") -> None:
        self._root = root
        self._address = address

    async def open(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)

    async def put(self, export: Export) -> None:
        checking.require(export)
        kept = _Kept(str(export.path), [(access.address, access.writable) for access in export.access])
        self._file(export.share_id).write_bytes(msgspec.json.encode(kept))

    def _file(self, share_id: str) -> Path:
        return self._root / checking.checked(share_id)

    async def drop(self, share_id: str) -> None:
        self._file(share_id).unlink(missing_ok=True)

    async def sight(self, share_id: str) -> Export | None:
        try:
            kept = msgspec.json.decode(self._file(share_id).read_bytes(), type=_Kept)
        except FileNotFoundError:
            return None
        return Export(share_id, Path(kept.path), tuple(Access(*access) for access in kept.access))

    async def sights(self) -> list[Export]:
        found = [await self.sight(file.name) for file in sorted(self._root.iterdir())]
        return [export for export in found if export is not None]

    def location(self, share_id: str) -> str | None:
        return f"{self._address}:/{share_id}" if self._address else None

    async def close(self) -> None:
        return None

    async def destroy(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
