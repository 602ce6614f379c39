"""Mounts of this host's mount namespace: mount(2), umount2(2) and /proc/self/mountinfo (proc(5)). Knows no volume.

Never unmounts lazily: what is in use stays, and the caller hears of it. Everything is mounted without set-user-id and
device files: what a volume holds comes from elsewhere.
"""

from __future__ import annotations

import ctypes
import os
import re
from dataclasses import dataclass
from pathlib import Path

_MOUNTINFO = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_READ_ONLY = 1
_NOSUID = 2
_NODEV = 4
_REMOUNT = 32
_BIND = 4096

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Mount:
    """A mount: the device number as ``major:minor``, what of it is mounted, and from where."""

    point: Path
    number: str
    root: str
    kind: str
    source: str


def mount(device: str, at: Path, kind: str, options: str = "", *, read_only: bool = False) -> None:
    """Mount a device at a directory. OSError: the kernel's answer."""
    _mount(device, at, kind, _NOSUID | _NODEV | (_READ_ONLY if read_only else 0), options)


def bind(source: Path, at: Path) -> None:
    """Let a directory be seen at another one, without what is mounted in it. OSError: the kernel's answer; nothing stays."""
    _mount(str(source), at, "", _BIND, "")
    try:
        _mount("none", at, "", _BIND | _REMOUNT | _NOSUID | _NODEV, "")
    except OSError:
        unmount(at)
        raise


def _mount(source: str, at: Path, kind: str, flags: int, options: str) -> None:
    _check(
        _libc.mount(os.fsencode(source), os.fsencode(at), kind.encode(), ctypes.c_ulong(flags), options.encode()), at
    )


def unmount(at: Path) -> None:
    """Take the topmost mount off ``at``. OSError: EBUSY while something below it is open, EINVAL if it is no mount."""
    _check(_libc.umount2(os.fsencode(at), 0), at)


def mounts() -> list[Mount]:
    """All mounts, in the order of their making: of several at one place the last one is seen."""
    found = []
    for line in _MOUNTINFO.read_text(errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        found.append(Mount(Path(_plain(fields[4])), fields[2], _plain(fields[3]), kind[0], _plain(kind[1])))
    return found


def at(point: Path) -> Mount | None:
    """What is mounted at this place; None: nothing."""
    return next((found for found in reversed(mounts()) if found.point == point), None)


def _check(result: int, place: Path) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(place))


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)
