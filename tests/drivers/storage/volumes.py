"""What the tests of volumes in files share: one volume, where its bytes are, and what is in it."""

from __future__ import annotations

from pathlib import Path

from boxship.drivers.storage import loop
from boxship.drivers.storage.file import FileStorage

MIB = 1 << 20
ID = "8d0f3f6e-1111-4222-8333-944455556666"


def devices_below(directory: Path) -> list[Path]:
    """Loop devices of files below the directory."""
    return [device for file, devices in loop.bound().items() if directory in file.parents for device in devices]


def file_of(storage: FileStorage, id: str = ID) -> Path:
    """Where the bytes of a volume are."""
    return storage._files.volume(id)


async def mounted_path(storage: FileStorage, id: str = ID) -> Path:
    """Where a volume is mounted, which it is then."""
    path = (await storage.mount(id)).path
    assert path is not None
    return path


async def written(storage: FileStorage, text: str) -> None:
    """A file in the volume, which is not mounted afterwards."""
    (await mounted_path(storage) / "file").write_text(text)
    await storage.unmount(ID)


async def text_of(storage: FileStorage, id: str) -> str:
    """What that file holds, in this volume."""
    text = (await mounted_path(storage, id) / "file").read_text()
    await storage.unmount(id)
    return text
