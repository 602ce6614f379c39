"""The engine of this host, from the operator's side: is one there, does it know our runtime, start one, register, undo.

Used by the commands of a life cycle, never by a reconciler. An engine that was there before is changed only by
``register``, which adds one key to its configuration, and ``unregister``, which takes it away.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from boxship.core import errors
from boxship.drivers.engine import files, runtime
from boxship.drivers.engine.connection import Connection

CONFIGURATION = Path("/etc/docker/daemon.json")
_PID_FILE = Path("/var/run/docker.pid")
_PATIENCE = 10.0
"""How long an engine may take to read its configuration again, in seconds."""


async def answers(socket: Path) -> bool:
    """Whether any engine listens there."""
    connection = Connection(socket)
    try:
        await connection.json("GET", "/version")
    except errors.DriverError:
        return False
    finally:
        await connection.close()
    return True


async def knows_runtime(socket: Path) -> bool:
    """Whether the engine there can start containers in our sandboxes. Busy: it does not answer."""
    connection = Connection(socket)
    try:
        return runtime.NAME in (await connection.json("GET", "/info")).get("Runtimes", {})
    finally:
        await connection.close()


async def start(socket: Path, directory: Path, options: Sequence[str] = ()) -> None:
    """Start a dockerd of our own, which outlives us, and wait until it answers.

    ``directory`` (the engine's part of the state directory) gets its log, its pid and our runtime; ``options`` are dockerd's.
    Refused: not root, no dockerd, or it ended; the sentence holds the end of its log.
    """
    dockerd = shutil.which("dockerd")
    if dockerd is None:
        raise errors.Refused("The program dockerd is not on this host: apt-get install docker.io")
    if os.geteuid() != 0:
        raise errors.Refused("Only root can start the Docker engine.")
    _check_length(options)
    script = runtime.install(directory)
    await _clear_stale_containerd(options)
    log = directory / "dockerd.log"
    command = [dockerd, "--host", f"unix://{socket}", "--live-restore", "--add-runtime", f"{runtime.NAME}={script}"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, *options], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    (directory / "dockerd.pid").write_text(str(process.pid))
    deadline = time.monotonic() + 60
    while not await answers(socket):
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-3:]
            raise errors.Refused(f"The Docker engine did not start; {log} ends with: {' / '.join(last)}")
        await asyncio.sleep(0.05)


def _check_length(options: Sequence[str]) -> None:
    """Refused: the engine's sockets would get names that are too long for a socket (unix(7): 107 bytes)."""
    place = dict(itertools.pairwise(options)).get("--exec-root", "")
    if len(os.fsencode(f"{place}/containerd/containerd-debug.sock.ttrpc")) > 107:
        raise errors.Refused(
            f"The path {place} is too long for the engine's sockets; choose a shorter state directory."
        )


async def _clear_stale_containerd(options: Sequence[str]) -> None:
    """Remove the pid file of a containerd that died with its dockerd: dockerd believes the file, also of a zombie."""
    chosen = dict(itertools.pairwise(options))
    pid_file = Path(chosen.get("--exec-root", "/var/run/docker")) / "containerd" / "containerd.pid"
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + 3
    while not _is_zombie(pid):
        if time.monotonic() > deadline:
            return  # alive, and good to be used again
        await asyncio.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def started(directory: Path) -> int | None:
    """The pid of the dockerd that ``start`` started, while it lives."""
    try:
        pid = int((directory / "dockerd.pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    ours = f"{runtime.NAME}={directory / 'boxship-runtime'}".encode()
    return pid if ours in words else None


async def stop(directory: Path) -> None:
    """Stop the dockerd that ``start`` started, if any; containers that it runs go on under their shims."""
    pid = started(directory)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        while started(directory) is not None and not _is_zombie(pid):
            await asyncio.sleep(0.05)
    (directory / "dockerd.pid").unlink(missing_ok=True)


def _is_zombie(pid: int) -> bool:
    """Whether the process is gone, or ended and only waits for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def register(socket: Path, directory: Path) -> None:
    """Tell an engine that is not ours about the runtime: one key in daemon.json, and SIGHUP. Repeatable.

    Refused: its configuration or process cannot be found, or it does not take the key up. Then the configuration is as it
    was.
    """
    script = runtime.install(directory)
    before = _configuration()
    after = before | {"runtimes": _runtimes(before) | {runtime.NAME: {"path": str(script)}}}
    _write(after)
    try:
        if not _reload():
            raise errors.Refused(f"The engine's process is not the one in {_PID_FILE}; its configuration is as it was.")
        await _taken_up(socket)
    except errors.DriverError:
        _write(before)
        _reload()
        raise


async def _taken_up(socket: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not await knows_runtime(socket):
        if time.monotonic() > deadline:
            raise errors.Refused(
                f"The engine did not take up the runtime from {CONFIGURATION}, which is as it was. Does it read another "
                "configuration file (--config-file)?"
            )
        await asyncio.sleep(0.05)


def unregister() -> None:
    """Undo ``register``; repeatable. Refused: the engine has to be restarted by hand to notice."""
    content = _configuration()
    runtimes = _runtimes(content)
    if runtimes.pop(runtime.NAME, None) is None:
        return
    _write(content | {"runtimes": runtimes})
    if not _reload():
        raise errors.Refused(f"The engine's process is not the one in {_PID_FILE}; restart it by hand.")


def _configuration() -> dict[str, object]:
    try:
        content = json.loads(CONFIGURATION.read_text())
        if not isinstance(content, dict) or not isinstance(content.get("runtimes", {}), dict):
            raise ValueError("it is no configuration of dockerd")
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise errors.Refused(f"{CONFIGURATION} is not right; mend it first.", detail=str(error)) from error
    return content


def _runtimes(content: Mapping[str, object]) -> dict[str, object]:
    """A copy of those that are there."""
    found = content.get("runtimes", {})
    return dict(found) if isinstance(found, dict) else {}


def _write(content: dict[str, object]) -> None:
    """Replace daemon.json at once; remove it where nothing would be in it."""
    if not content.get("runtimes", True):
        content = {name: value for name, value in content.items() if name != "runtimes"}
    path = CONFIGURATION.resolve()
    with files.on_disk():
        if not content:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_name(f".{path.name}.boxship")
        fresh.write_text(json.dumps(content, indent=2) + "\n")
        fresh.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        fresh.rename(path)


def _reload() -> bool:
    """Let the engine read its configuration again. False: the number in its pid file is not a dockerd's (any more), and
    SIGHUP would end whatever it is."""
    try:
        pid = int(_PID_FILE.read_text())
        handle = os.pidfd_open(pid)
    except (OSError, ValueError):
        return False
    try:
        if Path(f"/proc/{pid}/comm").read_text().strip() != "dockerd":
            return False
        signal.pidfd_send_signal(handle, signal.SIGHUP)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
