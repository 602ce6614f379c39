"""Mounted file systems held still while their bytes are copied (ioctl_fsfreeze: linux/fs.h, FIFREEZE). Nothing stays frozen:
a watcher thaws when we are done, and when we are killed."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FREEZE = 0xC0045877
_THAW = 0xC0045878
_NOTHING_TO_DO = {errno.EBUSY, errno.EINVAL}
_WATCHER = 'read -r _; exec fsfreeze --unfreeze "$1" 2>/dev/null'
"""Its standard input ends with our process."""


@contextmanager
def frozen(point: Path) -> Iterator[None]:
    """Hold the file system mounted here still: what was written is on the device, and writers wait. OSError: it cannot be."""
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", _WATCHER, "sh", str(point)], stdin=subprocess.PIPE, start_new_session=True
    )
    descriptor = os.open(point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _FREEZE, 0)
        yield
    finally:
        _thaw(descriptor)
        os.close(descriptor)
        watcher.kill()  # before its input ends: another may have frozen it by then
        watcher.wait()
        if watcher.stdin:
            watcher.stdin.close()


def thaw(point: Path) -> None:
    """Let go of a file system that a killed program left frozen. Nothing happens to others."""
    with suppress(FileNotFoundError):
        descriptor = os.open(point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _thaw(descriptor)
        finally:
            os.close(descriptor)


def _thaw(descriptor: int) -> None:
    try:
        fcntl.ioctl(descriptor, _THAW, 0)
    except OSError as error:
        if error.errno not in _NOTHING_TO_DO:
            raise
