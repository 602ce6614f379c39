"""The directory whose entries the NFS server exports: a file system of its own that holds nothing, with shares bound into it.

nfs-ganesha looks up ``..`` of what it exports, and takes the file system that it meets there for a part of the export. A client
that may use one share could then make up file handles of all files on it. So what is above a share must be worth nothing: a
ramfs, which has no file handles at all, so the server cannot take it. Never shows a directory that is no mounted file system,
as the host's disk would be behind it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Set
from pathlib import Path

from boxship.core.errors import Busy, Refused

_MOUNTINFO = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_KIND = "ramfs"


def show(place: Path, sources: dict[str, Path]) -> None:
    """Bind each mounted file system at ``place``/<name>; what is shown already stays. Refused: one is not mounted.
    Busy: another file system was mounted there before, and the server has it open."""
    if not is_there(place):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _run("mount", "-t", _KIND, "-o", "mode=0700,nosuid,nodev,noexec", "boxship", str(place))
    for name, source in sources.items():
        point = place / name
        if point in _mounts():
            if point.stat().st_dev == source.stat().st_dev:
                continue
            _unmount(point)  # of a file system that was there before
        point.mkdir(mode=0o700, exist_ok=True)
        _run("mount", "--bind", str(source), str(point))
        if _mounts()[point][0] != "/":  # unmounted since it was looked at
            _unmount(point)
            raise Refused("A directory that is no mounted file system is not exported.", detail=str(source))


def is_there(place: Path) -> bool:
    """Whether the directory is a file system of its own."""
    return _mounts().get(place, ("", ""))[1] == _KIND


def shown(place: Path) -> set[str]:
    """The names of what is shown."""
    return {point.name for point in _mounts() if point.parent == place}


def hide(place: Path, *, but: Set[str]) -> None:
    """Take away all that is shown, but those named. Busy: the server has one of them open."""
    for name in shown(place) - but:
        _unmount(place / name)
        (place / name).rmdir()


def remove(place: Path) -> None:
    """Take away all of it. Busy: it is open."""
    hide(place, but=set())
    while place in _mounts():
        _unmount(place)


def _mounts() -> dict[Path, tuple[str, str]]:
    """By mount point: what of its file system is shown there, and the kind of that (proc(5), mountinfo)."""
    found = {}
    for line in _MOUNTINFO.read_text(errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        found[Path(_unescaped(fields[4]))] = _unescaped(fields[3]), after.split(" ")[0]
    return found


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)


def _unmount(point: Path) -> None:
    try:
        _run("umount", "--no-canonicalize", str(point))
    except Refused as error:
        raise Busy("The NFS server has files of a share open.", detail=error.detail) from error


def _run(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused("A share cannot be shown to the NFS server.", detail=f"{command[0]}: {done.stderr.strip()}")
