"""The OCI runtime that Boxship registers with Docker: runc, started inside a sandbox that is ready.

It is two files in the state directory, so that moving or upgrading the program does not touch running containers: a shell
script that every call goes through (a few milliseconds), and ``enter.py``, which it leaves to what it does not know.
"""

from __future__ import annotations

import contextlib
import shlex
import shutil
import sys
from pathlib import Path

from boxship.core import errors

NAME = "boxship"
"""What the runtime is called in the engine's configuration."""

SANDBOXES = Path("/run/boxship/sandboxes")
"""A file per container (its id in the engine) with the path of its network namespace, and on a second line that of its pod's
IPC namespace, where it has a pod; gone with the next boot, as the namespaces are."""


def install(directory: Path) -> Path:
    """Put the two files into the directory (made for root alone); the path to register. Repeatable.

    Refused: there is no runc.
    """
    runc = shutil.which("runc")
    if runc is None:
        raise errors.Refused("The program runc is not on this host: apt-get install runc")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    enter = directory / "enter.py"
    _write(enter, (Path(__file__).parent / "enter.py").read_text(), mode=0o600)
    words = {
        "PYTHON": str(Path(sys.executable).resolve()),
        "ENTER": str(enter),
        "RUNC": runc,
        "SANDBOXES": str(SANDBOXES),
    }
    script, text = directory / "boxship-runtime", (Path(__file__).parent / "enter.sh").read_text()
    for name, word in words.items():
        text = text.replace(f"@{name}@", shlex.quote(word))
    _write(script, text, mode=0o700)
    return script


def _write(path: Path, text: str, *, mode: int) -> None:
    """Replace the file at once: the engine may be calling it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.rename(path)


def assign(engine_id: str, sandbox: Path, ipc: Path | None = None) -> None:
    """Say in which namespaces the container starts; without ``ipc`` it has an IPC namespace of its own."""
    SANDBOXES.mkdir(mode=0o700, parents=True, exist_ok=True)
    note = SANDBOXES / engine_id
    fresh = note.with_suffix(".new")
    fresh.write_text(f"{sandbox}\n" + (f"{ipc}\n" if ipc else ""))
    fresh.rename(note)  # at once: a container that reads half of it would start outside of its pod


def forget(engine_id: str) -> None:
    """Undo ``assign``; repeatable."""
    (SANDBOXES / engine_id).unlink(missing_ok=True)


def forget_all(start: str, end: str = "") -> dict[str, Path]:
    """Undo ``assign`` for every namespace whose name has this start and end, where the engine no longer knows the container;
    what was assigned to which. Repeatable."""
    found = {}
    for note in SANDBOXES.glob("*"):
        with contextlib.suppress(FileNotFoundError):
            sandbox = note.read_text().partition("\n")[0]
            name = sandbox.rpartition("/")[2]
            if name.startswith(start) and name.endswith(end):
                note.unlink()
                found[note.name] = Path(sandbox)
    return found
