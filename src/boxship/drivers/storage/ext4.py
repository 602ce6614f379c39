"""The ext4 file system inside a volume's file: is the file blank; a fresh, formatted file. Mounts nothing."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

from boxship.core.errors import Refused
from boxship.drivers.storage import disk

_CHUNK = 1 << 20
_KIB = 1 << 10
_STATUS = Path("/proc/self/status")
_SYS_RESOURCE = 24
_SUPERBLOCK = 1024
BLOCK = 4096
"""Bytes of a block, as mkfs.ext4 chooses for all but tiny ones: what is less of a device stays unused."""
_64BIT = 0x80
_NOTHING = bytes(_CHUNK)


def is_blank(file: Path) -> bool:
    """Whether the file reads as zeros throughout: then nobody's data can be lost by formatting it.

    More is asked than that no known file system is found, because a volume may hold what no probe knows: a raw
    database, an encrypted partition. Holes are skipped, so that a sparse file costs next to nothing.
    """
    with file.open("rb", buffering=0) as source:
        size = os.fstat(source.fileno()).st_size
        at = _next_data(source.fileno(), 0)
        while at < size:
            source.seek(at)
            chunk = source.read(_CHUNK)
            if not chunk or not _NOTHING.startswith(chunk):
                return False
            at = _next_data(source.fileno(), at + len(chunk))
    return True


def format_device(device: Path, size: int) -> None:
    """The same in the first ``size`` bytes of a block device that is there already, and whose data nobody needs. Of what is
    half-made the caller has to know."""
    _format(device, str(device), f"{size // _KIB}K")
    disk.sync(device)


def make(file: Path, size: int) -> None:
    """A new sparse file of ``size`` bytes with an empty ext4 in it, durable when this returns.

    The directory lost+found is taken out, because programs that want an empty data directory (PostgreSQL) refuse to
    start beside it; e2fsck makes it when it needs it. The kernel initialises the tables lazily, so the time does not
    grow with the size. Refused: mkfs.ext4 is missing, or says no; OSError: the disk's answer. What is half-made is the
    caller's to remove.
    """
    with file.open("xb") as target:
        os.fchmod(target.fileno(), 0o600)
        os.ftruncate(target.fileno(), size)
    _format(file, str(file))
    disk.sync(file)


def _format(file: Path, *where: str) -> None:
    lazily = "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0"
    _run(["mkfs.ext4", "-q", "-F", "-m", "0", "-e", "remount-ro", "-E", lazily, *where], file)
    _run(["debugfs", "-w", "-R", "rmdir lost+found", str(file)], file)


def can_grow_mounted() -> bool:
    """Whether this program may let a mounted ext4 grow: the kernel asks for CAP_SYS_RESOURCE (ext4_resize_begin)."""
    status = _STATUS.read_text().splitlines()
    effective = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))
    return bool(effective >> _SYS_RESOURCE & 1)


def grow(device: Path) -> None:
    """Let an ext4 fill its device, or file, which may have grown; a mounted one by the kernel, in its journal. Of one that is
    not mounted a kill in the midst may leave a wreck, so it has to be a copy. Refused: it cannot."""
    _run(["resize2fs", str(device)], device)


def shrink(file: Path, size: int) -> None:
    """Let an ext4 in a file that is not mounted and was mended take ``size`` bytes. It has to be a copy, as for ``grow``.
    Refused: it holds more."""
    try:
        _run(["resize2fs", str(file), f"{size // _KIB}K"], file)
    except Refused as error:
        if "smaller than minimum" not in error.detail and "too small" not in error.detail:
            raise
        raise Refused(f"It holds more than fits in {size} bytes; remove files first.", detail=error.detail) from error


def mend(file: Path) -> None:
    """Check an ext4 that is not mounted, as ``grow`` asks for, and replay its journal. Refused: it is damaged beyond that."""
    _run(["e2fsck", "-f", "-p", str(file)], file, fine=(0, 1))


def size(file: Path) -> int | None:
    """Bytes of the ext4 in a file or device, by its superblock (kernel documentation, ext4/super); None: there is none."""
    with file.open("rb", buffering=0) as source:
        source.seek(_SUPERBLOCK)
        block = source.read(_SUPERBLOCK)
    if len(block) < _SUPERBLOCK or block[56:58] != b"\x53\xef":
        return None
    low, shift, incompatible, high = (int.from_bytes(block[at : at + 4], "little") for at in (4, 24, 96, 336))
    count = low | (high << 32 if incompatible & _64BIT else 0)
    return count << (10 + shift)


def _run(command: list[str], file: Path, *, fine: tuple[int, ...] = (0,)) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Refused(f"The program {command[0]} is missing on this host; install e2fsprogs.") from error
    if done.returncode in fine:
        return
    if disk.free(file.parent) == 0 or "No space left" in done.stderr:
        raise disk.full(file.parent)
    raise Refused("The file system of the volume could not be made.", detail=f"{command[0]}: {done.stderr.strip()}")


def _next_data(descriptor: int, at: int) -> int:
    """Where the next bytes that are not a hole begin; the end of the file if there are none (lseek(2), SEEK_DATA)."""
    try:
        return os.lseek(descriptor, at, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return os.fstat(descriptor).st_size
