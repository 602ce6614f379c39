"""The OCI runtime that Boxship registers with Docker: runc, started inside a sandbox that is ready.

It is two files in the state directory, so that moving or upgrading the program does not touch running containers: a shell
script that every call goes through (a few milliseconds), and ``enter.py``, which it leaves to what it does not know.
"""

from __future__ import annotations

import contextlib
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from boxship.core import errors

NAME = "boxship"
"""What the runtime is called in the engine's configuration."""

SANDBOXES = Path("/run/boxship/sandboxes")
"""A note per container (named by its id in the engine): the path of its network namespace, that of its pod's IPC namespace or
nothing, and its id in our database, a line each; gone with the next boot, as the namespaces are."""


@dataclass(frozen=True, slots=True)
class Note:
    """Where a container starts: ``ipc`` is its pod's, whose other containers are in the same ``sandbox``; None: it is alone
    there. ``id`` is ours."""

    sandbox: Path
    ipc: Path | None = None
    id: str = ""


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


def renew(directory: Path) -> None:
    """Bring the files there to this version; an engine that runs on since an earlier one calls them. Where none were
    installed, nothing is. Repeatable."""
    if (directory / "boxship-runtime").exists():
        install(directory)


def _write(path: Path, text: str, *, mode: int) -> None:
    """Replace the file at once: the engine may be calling it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.rename(path)


def assign(engine_id: str, note: Note) -> None:
    """Say in which namespaces the container starts; without ``ipc`` it has an IPC namespace of its own."""
    SANDBOXES.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = SANDBOXES / f"{engine_id}.new"
    fresh.write_text(f"{note.sandbox}\n{note.ipc or ''}\n{note.id}\n")
    fresh.rename(SANDBOXES / engine_id)  # at once: one that reads half of it would start outside of its pod


def forget(engine_id: str) -> None:
    """Undo ``assign``; repeatable."""
    (SANDBOXES / engine_id).unlink(missing_ok=True)


def forget_all(start: str, id: str = "") -> dict[str, Note]:
    """Undo ``assign`` for every namespace whose name starts so, or only for the container with this id, where the engine no
    longer knows the container; what was assigned to which. Repeatable."""
    found = {}
    for place in SANDBOXES.glob("*"):
        with contextlib.suppress(FileNotFoundError):
            note = _read(place)
            if note.sandbox.name.startswith(start) and id in {"", note.id}:
                place.unlink()
                found[place.name] = note
    return found


def _read(place: Path) -> Note:
    sandbox, ipc, id, *_ = [*place.read_text().split("\n"), "", "", ""]
    return Note(
        Path(sandbox), Path(ipc) if ipc else None, id or sandbox[-36:]
    )  # before pods, the sandbox alone told whose
