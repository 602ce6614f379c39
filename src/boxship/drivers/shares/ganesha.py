"""Exports by NFSv4, served by nfs-ganesha(8) in user space. Obeys ``interface.Exports``.

    <directory>/exports/<share id>  what is exported: path, access, and the number that file handles carry
    <directory>/exports.conf        the same for the server, written anew from all of these
    <directory>/exports.served      what the server is known to have read of it
    <directory>/served/<share id>   what the server exports: the share, bound there (``served``)
    <directory>/ganesha.conf        the rest of its configuration, written when it is started
    <directory>/recovery            clients whose locks outlive a server
    <directory>/ganesha.pid, .log   the server's own

The files are the truth. Only a mounted file system is served, and only while it is mounted: else it would be a directory of the
host's own disk. One server per installation is started with the first export and
outlives the program; it is found again by its pid file, whose process must have our configuration on its command line. A
change is a new configuration, put in place at once, and SIGHUP, after which the server says in its log that it has read it:
clients that are no longer named get errors from then on, and files of an export that is gone are closed.
"""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

import msgspec
import structlog

from boxship.core.errors import Busy, DriverError, Refused
from boxship.drivers.shares import checking, served
from boxship.drivers.shares.interface import Access, Export

log = structlog.get_logger("share")

PROGRAM = "ganesha.nfsd"
_PATIENCE = 10.0
"""Seconds to wait for the server to start, to read its configuration, or to let go of files."""
_LOOK = 0.02
_READ = b"Reread exports complete"
_MOST = 65535
"""The largest number of an export."""

_BASE = """# Written by Boxship; changes are lost.
NFS_CORE_PARAM {{
    Protocols = 4;
    Bind_addr = {address};
    NFS_Port = {port};
    Enable_NLM = false;
    Enable_RQUOTA = false;
    Enable_UDP = false;
    fsid_device = true;
}}
NFSv4 {{
    RecoveryBackend = fs;
    RecoveryRoot = "{directory}/recovery";
    Graceless = {graceless};
    Grace_Period = 10;
    Lease_Lifetime = 10;
    Only_Numeric_Owners = true;
    Allow_Numeric_Owners = true;
}}
EXPORT_DEFAULTS {{
    Access_Type = None;
    Squash = No_Root_Squash;
    SecType = sys;
    Transports = TCP;
    Protocols = 4;
}}
LOG {{
    Default_Log_Level = WARN;
    Components {{
        CONFIG = EVENT;
    }}
}}
%include exports.conf
"""
_EXPORT = """EXPORT {{
    Export_Id = {number};
    Path = "{path}";
    Pseudo = "/{id}";
    FSAL {{
        Name = VFS;
    }}
{clients}}}
"""
_CLIENT = """    CLIENT {{
        Clients = {address};
        Access_Type = {kind};
    }}
"""


class _Kept(msgspec.Struct, frozen=True):
    """What is exported, as it is kept."""

    number: int
    path: str
    access: list[tuple[str, bool]]


class GaneshaExports:
    """The exports of one installation at ``address`` and ``port``; an empty address: nothing is served by the network."""

    def __init__(self, directory: Path, address: str, port: int) -> None:
        self._directory = directory.resolve()
        self._files = self._directory / "exports"
        self._shown = self._directory / "served"
        self._address = address
        self._port = port
        self._lock = Lock()

    async def open(self) -> None:
        await asyncio.to_thread(self._locked, self._open)

    async def put(self, export: Export) -> None:
        await asyncio.to_thread(self._locked, lambda: self._put(export))

    async def drop(self, share_id: str) -> None:
        await asyncio.to_thread(self._locked, lambda: self._drop(share_id))

    async def sight(self, share_id: str) -> Export | None:
        return await asyncio.to_thread(self._sight, share_id)

    async def sights(self) -> list[Export]:
        return await asyncio.to_thread(self._sights)

    def location(self, share_id: str) -> str | None:
        if not self._address:
            return None
        return f"[{self._address}]:/{share_id}" if ":" in self._address else f"{self._address}:/{share_id}"

    async def close(self) -> None:
        return None

    async def destroy(self) -> None:
        await asyncio.to_thread(self._locked, self._destroy)

    def _locked(self, work: Callable[[], None]) -> None:
        """One change after the other, as all are of one file."""
        with self._lock:
            work()

    # What is kept.

    def _file(self, share_id: str) -> Path:
        return self._files / checking.checked(share_id)

    def _read(self, share_id: str) -> _Kept | None:
        try:
            return msgspec.json.decode(self._file(share_id).read_bytes(), type=_Kept)
        except FileNotFoundError:
            return None

    def _kept(self) -> dict[str, _Kept]:
        files = sorted(self._files.iterdir()) if self._files.is_dir() else []
        found = {file.name: self._read(file.name) for file in files if file.suffix != ".new"}
        return {name: kept for name, kept in found.items() if kept is not None}

    def _sight(self, share_id: str) -> Export | None:
        kept = self._read(share_id)
        return self._export(share_id, kept, self._served()) if kept else None

    def _sights(self) -> list[Export]:
        known = self._served()
        return [self._export(name, kept, known) for name, kept in self._kept().items()]

    def _served(self) -> str:
        """What the server has read of its configuration; empty: there is none, or nobody knows."""
        file = self._directory / "exports.served"
        return file.read_text() if file.is_file() and self._pid() is not None else ""

    def _block(self, share_id: str, kept: _Kept) -> str:
        """What the server reads of an export."""
        clients = "".join(
            _CLIENT.format(address=name, kind="RW" if writable else "RO") for name, writable in kept.access
        )
        return _EXPORT.format(number=kept.number, path=self._shown / share_id, id=share_id, clients=clients)

    def _export(self, share_id: str, kept: _Kept, known: str) -> Export:
        """What is kept of an export; open to nobody where the server has not read it."""
        access = kept.access if self._block(share_id, kept) in known else []
        return Export(share_id, Path(kept.path), tuple(Access(*one) for one in access))

    # Changes.

    def _open(self) -> None:
        self._files.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            if self._address and (self._kept() or self._pid() is not None):
                self._serve()
            else:  # also where the operator has taken the address away
                self._stop()
                served.hide(self._shown, but=frozenset())
        except DriverError as error:  # the program has other things to do; the next time it is tried again
            log.warning("shares are not exported", reason=error.sentence, detail=error.detail)

    def _put(self, export: Export) -> None:
        if not self._address:
            raise Refused("This host exports nothing; the setting share_address says where it would.")
        checking.require(export)
        if not os.path.ismount(export.path):
            raise Refused("A directory that is no mounted file system is not exported.", detail=str(export.path))
        kept = self._kept()
        before = kept.pop(export.share_id, None)
        number = before.number if before else _free({other.number for other in kept.values()})
        access = [(one.address, one.writable) for one in export.access]
        content = _Kept(number, str(export.path), access)
        _write(self._file(export.share_id), msgspec.json.encode(content))
        self._serve()

    def _drop(self, share_id: str) -> None:
        self._file(share_id).unlink(missing_ok=True)
        if self._pid() is not None:
            self._serve()
        served.hide(self._shown, but=self._kept().keys())

    def _serve(self) -> None:
        """Have the server serve what is kept: started, or told to read its configuration again."""
        there = {name: kept for name, kept in self._kept().items() if os.path.ismount(kept.path)}
        self._show({name: Path(kept.path) for name, kept in there.items()})
        text = self._configure(there)
        known, pid = self._directory / "exports.served", self._pid()
        if pid is None or self._served() != text:
            known.unlink(missing_ok=True)
            if pid is None:
                self._start()
            else:
                self._reread(pid)
            _write(known, text.encode())
        gone = [self._shown / share_id for share_id in served.shown(self._shown) - there.keys()]
        self._await(lambda: not any(map(self._holds, gone)), "let go of the files of a share")
        served.hide(self._shown, but=there.keys())

    def _show(self, sources: dict[str, Path]) -> None:
        """A server that has something from elsewhere is ended: it may hold the file system above that."""
        if not served.is_there(self._shown):
            self._stop()
        try:
            served.show(self._shown, sources)
        except Busy:
            self._stop()
            served.show(self._shown, sources)

    def _configure(self, there: dict[str, _Kept]) -> str:
        """Write the configuration: what is to be served."""
        text = "# Written by Boxship; changes are lost.\n" + "".join(self._block(*each) for each in there.items())
        _write(self._directory / "exports.conf", text.encode())
        return text

    # The server.

    def _pid(self) -> int | None:
        """Of the server, if it lives."""
        try:
            pid = int((self._directory / "ganesha.pid").read_text().split()[0])
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError, IndexError):
            return None
        return pid if os.fsencode(self._directory / "ganesha.conf") in words else None

    def _start(self) -> None:
        """Refused: it is not installed, or does not start."""
        if shutil.which(PROGRAM) is None:
            raise Refused(f"Shares cannot be exported: {PROGRAM} is missing on this host; install nfs-ganesha-vfs.")
        self._require_port()
        _write(self._directory / "ganesha.conf", self._base().encode())
        journal, pid = self._directory / "ganesha.log", self._directory / "ganesha.pid"
        journal.unlink(missing_ok=True)
        pid.unlink(missing_ok=True)  # the server writes over it, and a longer number would stay in part
        command = [PROGRAM, "-f", str(self._directory / "ganesha.conf"), "-L", str(journal), "-p", str(pid)]
        with suppress(subprocess.TimeoutExpired):  # it did not go to the background: it does not answer either
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_PATIENCE)
        until = time.monotonic() + _PATIENCE
        while not self._answers():
            if time.monotonic() > until:
                said = journal.read_text(errors="replace")[-2000:] if journal.is_file() else ""
                raise Refused(
                    f"The NFS server does not start at {self._address}, port {self._port}; {journal} tells why.",
                    detail=said,
                )
            time.sleep(_LOOK)

    def _require_port(self) -> None:
        """Refused: another program listens there, or the address is not this host's. The server would say so too late: whoever
        asks the port then would get an answer from the other."""
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((self._address, self._port))
            except OSError as error:
                raise Refused(
                    f"Shares cannot be exported at {self._address}, port {self._port}: {error.strerror}."
                ) from error

    def _base(self) -> str:
        """What does not change while it runs. Clients get back the locks that they had from the server before within the grace
        period, in which nobody gets new ones; where there were no clients there is none."""
        recovery = self._directory / "recovery"
        known = any(path.is_dir() for path in recovery.glob("*/*"))
        for place in (recovery, recovery / "v4recov", recovery / "v4old"):
            place.mkdir(mode=0o700, exist_ok=True)
        graceless = "false" if known else "true"
        return _BASE.format(address=self._address, port=self._port, directory=self._directory, graceless=graceless)

    def _answers(self) -> bool:
        if self._pid() is None:
            return False
        try:
            socket.create_connection((self._address, self._port), timeout=1).close()
        except OSError:
            return False
        return True

    def _reread(self, pid: int) -> None:
        """Tell the server, and wait until it says that it has done it."""
        before = self._readings()
        os.kill(pid, signal.SIGHUP)
        self._await(lambda: self._readings() > before, "read its configuration")

    def _readings(self) -> int:
        """How often it says that it has read its configuration again."""
        journal = self._directory / "ganesha.log"
        return journal.read_bytes().count(_READ) if journal.is_file() else 0

    def _await(self, happened: Callable[[], bool], what: str) -> None:
        """Busy: it does not happen in time. The server is ended then; the next try starts it with what is kept."""
        until = time.monotonic() + _PATIENCE
        while not happened():
            if time.monotonic() > until:
                self._stop()
                raise Busy(f"The NFS server does not {what}; it is started anew.")
            time.sleep(_LOOK)

    def _holds(self, path: Path) -> bool:
        """Whether the server has something open below a path."""
        pid = self._pid()
        if pid is None:
            return False
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = link.readlink()
            except OSError:
                continue  # closed meanwhile
            if target.is_relative_to(path):
                return True
        return False

    def _stop(self) -> None:
        """End the server for certain."""
        pid = self._pid()
        if pid is None:
            return
        handle = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            select.select([handle], [], [], _PATIENCE)  # until all that it had open is closed
        finally:
            os.close(handle)

    def _destroy(self) -> None:
        self._stop()
        served.remove(self._shown)
        shutil.rmtree(self._directory, ignore_errors=True)


def _free(numbers: set[int]) -> int:
    """The least number that no export has. Refused: all are taken."""
    found = next((number for number in range(1, _MOST + 1) if number not in numbers), None)
    if found is None:
        raise Refused(f"This host exports {_MOST} shares already, which is the most it can.")
    return found


def _write(file: Path, content: bytes) -> None:
    """Put a file in place at once, for root alone."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
    fresh.replace(file)
