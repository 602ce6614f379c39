"""What a device holds, and a new file system on one that holds nothing. Mounts nothing, and never writes over data.

"Nothing" is that the whole device reads as zeros. More is asked than that no known file system is found: a volume may hold
what no probe knows, such as a raw database or an encrypted partition. Holes of a file behind a loop device are skipped.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import shutil
import stat
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from boxship.core import errors
from boxship.plugins.cloud import Deadline

_CHUNK = 1 << 20
_NOTHING = bytes(_CHUNK)
_LOOP_GET_STATUS64 = 0x4C05
_LOOP_STATUS = 232
"""Bytes of struct loop_info64."""
_BACKING = "/sys/dev/block/{}:{}/loop/backing_file"
_MAGICS = {"ext4": (1080, b"\x53\xef"), "xfs": (0, b"XFSB"), "btrfs": (0x10040, b"_BHRfS_M")}
_MAKE = {
    "ext4": (
        "mkfs.ext4",
        "-q",
        "-F",
        "-m",
        "0",
        "-e",
        "remount-ro",
        "-E",
        "lazy_itable_init=1,nodiscard,root_owner=0:0",
    ),
    "xfs": ("mkfs.xfs", "-q", "-K"),
}
_PACKAGES = {"mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs", "resize2fs": "e2fsprogs", "xfs_growfs": "xfsprogs"}


def size(device: str) -> int:
    """Bytes of a block device. Conflict: it is none, or does not open."""
    try:
        descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise errors.Conflict(f"The device {device} cannot be opened: {error.strerror}.") from error
    try:
        if not stat.S_ISBLK(os.fstat(descriptor).st_mode):
            raise errors.Conflict(f"{device} is no block device.")
        return os.lseek(descriptor, 0, os.SEEK_END)
    finally:
        os.close(descriptor)


def is_free(device: str) -> bool:
    """Whether nobody has the device mounted, in whatever mount namespace: then it can be had exclusively (open(2))."""
    try:
        descriptor = os.open(device, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.EBUSY:
            return False
        if error.errno in {errno.ENOENT, errno.ENXIO, errno.ENODEV}:
            return True
        raise
    os.close(descriptor)
    return True


def kind(device: str) -> str | None:
    """The file system that begins where one does, by its magic number; None: none that we know."""
    with Path(device).open("rb", buffering=0) as source:
        for name, (offset, magic) in _MAGICS.items():
            source.seek(offset)
            if source.read(len(magic)) == magic:
                return name
    return None


class Unfinished(errors.Unavailable):
    """Reading the device takes longer than there is time; ``at``: all bytes before this one are zeros."""

    def __init__(self, at: int, end: int) -> None:
        done = at * 100 // end
        super().__init__(
            f"Before it is formatted all of the volume is read, to lose nobody's data, and that takes time: {done} % is done. "
            "Try again; it goes on from there."
        )
        self.at = at


def is_blank(device: str, deadline: Deadline, start: int = 0) -> bool:
    """Whether all of the device reads as zeros, from ``start`` on. Unfinished."""
    with Path(device).open("rb", buffering=0) as source:
        os.fsync(source.fileno())  # what the kernel keeps of the device is in the file behind it, if there is one
        end = os.lseek(source.fileno(), 0, os.SEEK_END)
        for at, length in _data(source.fileno(), start, end):
            if not _is_zero(source, at, length):
                return False
            try:
                deadline.left()
            except errors.Unavailable as error:
                raise Unfinished(at + length, end) from error
    return True


def _is_zero(source: io.FileIO, at: int, length: int) -> bool:
    source.seek(at)
    chunk = source.read(length)
    return len(chunk) == length and _NOTHING.startswith(chunk)


def _data(descriptor: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where there may be data, in pieces of at most a chunk: offset and length."""
    backing = _backing(descriptor)
    try:
        at = _next_data(backing, start, end)
        while at < end:
            length = min(_CHUNK, end - at)
            yield at, length
            at = _next_data(backing, at + length, end)
    finally:
        if backing is not None:
            os.close(backing)


def _next_data(backing: int | None, at: int, end: int) -> int:
    """Where the next bytes that are not a hole begin; the end if there are none (lseek(2), SEEK_DATA)."""
    if backing is None or at >= end:
        return at
    try:
        return os.lseek(backing, at, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return end


def _backing(descriptor: int) -> int | None:
    """The file behind a loop device from its first byte on, to see its holes; None: it is no such device, or not for us to
    see (loop(4), LOOP_GET_STATUS64)."""
    number = os.fstat(descriptor).st_rdev
    try:
        said = fcntl.ioctl(descriptor, _LOOP_GET_STATUS64, bytes(_LOOP_STATUS))
        path = Path(_BACKING.format(os.major(number), os.minor(number))).read_text(encoding="utf-8").removesuffix("\n")
        found = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    device, inode, _, offset = struct.unpack_from("<4Q", said)
    is_it = os.fstat(found).st_ino == inode and os.fstat(found).st_dev == device
    if is_it and offset == 0:
        return found
    os.close(found)
    return None


def check(wanted: str) -> None:
    """Conflict: this host has no program that makes such a file system."""
    program = _MAKE[wanted][0]
    if shutil.which(program) is None:
        raise errors.Conflict(f"The program {program} is missing on this host; install {_PACKAGES[program]}.")


def make(device: str, wanted: str) -> None:
    """A new file system, durable when this returns. Conflict: its program is missing, or says no."""
    _run([*_MAKE[wanted], device])
    descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def grow(device: str, at: Path, found: str) -> None:
    """Let a mounted file system fill its device, where that has grown. Conflict: it cannot."""
    if found == "ext4" and _ext4_size(device) < size(device) // 4096 * 4096:
        _run(["resize2fs", device])
    elif found == "xfs" and _xfs_size(device) < size(device) // 4096 * 4096:
        _run(["xfs_growfs", "-d", str(at)])


def _ext4_size(device: str) -> int:
    """Bytes that the superblock counts (s_blocks_count_lo and _hi, s_log_block_size)."""
    with Path(device).open("rb", buffering=0) as source:
        source.seek(1024)
        block = source.read(1024)
    low, exponent, high = (struct.unpack_from("<I", block, offset)[0] for offset in (4, 24, 0x150))
    return int(low + (high << 32) << 10 + exponent)


def _xfs_size(device: str) -> int:
    """Bytes that the superblock counts (sb_blocksize, sb_dblocks)."""
    with Path(device).open("rb", buffering=0) as source:
        length, blocks = struct.unpack_from(">IQ", source.read(512), 4)
    return int(length * blocks)


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        package = _PACKAGES[command[0]]
        raise errors.Conflict(f"The program {command[0]} is missing on this host; install {package}.") from error
    if done.returncode:
        reason = (done.stderr or done.stdout).strip()
        raise errors.Conflict(f"{command[0]} failed on {command[-1]}: {reason}")
