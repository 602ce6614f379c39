"""One program at a time on a state directory: ``boxship.pid`` names it and is locked (flock) while it works.

The kernel lets go of the lock when the process dies, however it dies, so nothing is ever left behind to clear by hand.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from boxship.installation import errors as installation_errors
from boxship.installation import files
from boxship.installation.process import Process, look

NAME = "boxship.pid"


@contextlib.contextmanager
def held(state_dir: Path, purpose: str) -> Iterator[None]:
    """Own the existing state directory for a while. ``purpose`` is the command, for ``holder``.

    InUse: another process owns it.
    """
    path = state_dir / NAME
    descriptor = _locked(path)
    try:
        _sign(descriptor, purpose)
        yield
    finally:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
        os.close(descriptor)


def holder(state_dir: Path) -> tuple[Process, str] | None:
    """The process that owns the directory now, and for what; None where nobody does."""
    content = files.read(state_dir / NAME)
    try:
        written = json.loads(content or b"null")
        process = Process(int(written["pid"]), int(written["started"]), str(written["boot"]))
        return (process, str(written["purpose"])) if process.alive else None
    except (ValueError, KeyError, TypeError):
        return None


def program(state_dir: Path) -> Process | None:
    """The running cloud (and no other command that owns the directory), or None."""
    found = holder(state_dir)
    return found[0] if found and found[1] == "up" else None


def _locked(path: Path) -> int:
    """The locked file. A file that was removed (``destroy``) between opening and locking does not count."""
    while True:
        with files.sentences(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            found = holder(path.parent)
            raise installation_errors.InUse(path.parent, found[0].pid if found else None) from None
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        os.close(descriptor)


def _sign(descriptor: int, purpose: str) -> None:
    own = look(os.getpid())
    assert own is not None
    text = json.dumps({"pid": own.pid, "started": own.started, "boot": own.boot, "purpose": purpose})
    with files.sentences(Path(f"/proc/self/fd/{descriptor}")):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
