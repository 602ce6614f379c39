"""Mounts of this host's mount namespace: mount(2), umount2(2) and /proc/self/mountinfo (proc(5)). Knows no volume.

Never unmounts lazily: what is in use stays, and the caller hears of it.
"""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path

_MOUNTINFO = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_NOSUID = 2
_NODEV = 4

_libc = ctypes.CDLL(None, use_errno=True)


def mount(device: Path, at: Path, kind: str, options: str) -> None:
    """Mount ``device`` at the directory ``at`` without set-user-id and device files. OSError: the kernel's answer."""
    flags = ctypes.c_ulong(_NOSUID | _NODEV)
    _check(_libc.mount(os.fsencode(device), os.fsencode(at), kind.encode(), flags, options.encode()), at)


def unmount(at: Path) -> None:
    """Take the topmost mount off ``at``. OSError: EBUSY while something below it is open, EINVAL if it is no mount."""
    _check(_libc.umount2(os.fsencode(at), 0), at)


def mounted(below: Path) -> dict[Path, Path]:
    """What is mounted directly in the directory ``below``: mount point to source; the topmost one where several are."""
    found: dict[Path, Path] = {}
    for line in _MOUNTINFO.read_text(errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        point = Path(_unescaped(before.split(" ")[4]))
        if point.parent == below:
            found[point] = Path(_unescaped(after.split(" ")[1]))
    return found


def point_of(device: Path) -> Path | None:
    """Where a device is mounted, by whomever; the first place if there are several."""
    for line in _MOUNTINFO.read_text(errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        if Path(_unescaped(after.split(" ")[1])) == device:
            return Path(_unescaped(before.split(" ")[4]))
    return None


def kind_of(path: Path) -> str | None:
    """The kernel's name of the file system that a path is on, by the mount that is nearest above it and topmost there. The path
    itself is not touched, as what is behind it may not answer."""
    found: tuple[int, str] | None = None
    for line in _MOUNTINFO.read_text(errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        point = Path(_unescaped(before.split(" ")[4]))
        if path.is_relative_to(point) and (found is None or len(point.parts) >= found[0]):
            found = len(point.parts), after.split(" ")[0]
    return found[1] if found else None


def _check(result: int, at: Path) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(at))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)
