"""Network namespaces by name (network_namespaces(7), ip-netns(8)): made, entered, listed, removed. Knows no marks.

A namespace is entered by a thread that lives for one function and ends inside it: setns(2) changes the calling thread
only, so no thread of a pool is ever left in the wrong place. Programs started from there inherit the namespace.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from boxship.core import errors

DIRECTORY = Path("/run/netns")
"""Where ip-netns(8) keeps the names."""

_CLONE_NEWNET = 0x40000000
_MS_BIND, _MS_REC, _MS_SHARED = 0x1000, 0x4000, 0x100000
_MNT_DETACH = 2
_FSOPEN_CLOEXEC, _FSMOUNT_CLOEXEC, _FSCONFIG_CREATE = 1, 1, 6
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1

T = TypeVar("T")

_libc = ctypes.CDLL(None, use_errno=True)


def path(name: str) -> Path:
    """The file that stands for the namespace."""
    return DIRECTORY / name


def prepare() -> None:
    """Make the directory of the names a shared mount of its own, as ip-netns(8) does. Repeatable.

    Else its first use by ip(8) would put a second layer of mounts over ours, and a namespace that was unmounted would
    live on below. It is read from the list of all mounts, so it is asked once per start, not once per namespace.
    """
    DIRECTORY.mkdir(mode=0o755, exist_ok=True)
    place = os.fsencode(DIRECTORY)
    if not _is_mount(DIRECTORY):
        _check(_libc.mount(place, place, b"none", _MS_BIND | _MS_REC, None), "mount")
        _check(_libc.mount(b"", place, b"none", _MS_SHARED | _MS_REC, None), "share")


def exists(name: str) -> bool:
    """Whether a namespace (and not only an empty file of a cut-off ``create``) has the name."""
    return os.path.ismount(path(name))


def identity(name: str) -> tuple[int, int]:
    """What tells this namespace from another one that had the name before. Absent: there is none of this name."""
    try:
        there = path(name).stat()
    except FileNotFoundError as error:
        raise errors.Absent(f"The network namespace {name} is not there.") from error
    return there.st_dev, there.st_ino


def names(prefix: str) -> list[str]:
    """The names of all namespaces that start with the prefix, half-made ones included."""
    if not DIRECTORY.is_dir():
        return []
    return [entry.name for entry in DIRECTORY.iterdir() if entry.name.startswith(prefix)]


def create(name: str, settings: dict[str, str] | None = None) -> None:
    """A new namespace with loopback up and these sysctls (name below net/ -> value); an existing one is left as it is."""
    if exists(name):
        return
    path(name).touch(mode=0o444)

    def make() -> None:
        _check(_libc.unshare(_CLONE_NEWNET), "unshare")
        _set(settings or {})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
        # Last, so that what has the name is complete.
        _check(_libc.mount(b"/proc/thread-self/ns/net", os.fsencode(path(name)), b"none", _MS_BIND, None), "mount")

    _in_thread(make)


def _set(settings: dict[str, str]) -> None:
    """Write sysctls, through a mount of proc(5) of our own.

    In the one that all share, the directories of every namespace have the same names, and the kernel goes through all of
    them for each look: 0.1 ms for the first namespace, 1 ms for the 500th.
    """
    if not settings:
        return
    with _own_proc() as proc:
        for setting, value in settings.items():
            handle = os.open(f"sys/net/{setting}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=proc)
            try:
                os.write(handle, value.encode())
            finally:
                os.close(handle)


@contextmanager
def _own_proc() -> Iterator[int]:
    """A mount of proc(5) that is nowhere (fsopen(2), fsmount(2)); the shared one, where mounts of it are not allowed."""
    handle = -1
    try:
        context = _libc.fsopen(b"proc", _FSOPEN_CLOEXEC)
        if context >= 0:
            if not _libc.fsconfig(context, _FSCONFIG_CREATE, None, None, 0):
                handle = _libc.fsmount(context, _FSMOUNT_CLOEXEC, 0)
            os.close(context)
    except AttributeError:  # a C library before these calls
        handle = -1
    if handle < 0:
        handle = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def _is_mount(place: Path) -> bool:
    """Whether it is a mount point, even one of a directory on itself (proc(5), mountinfo: field 5)."""
    return any(line.split()[4] == str(place) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def remove(name: str) -> None:
    """Take the name away; the namespace ends with its last process. Repeatable."""
    while exists(name):
        _check(_libc.umount2(os.fsencode(path(name)), _MNT_DETACH), "umount")
    path(name).unlink(missing_ok=True)


def processes(name: str) -> list[int]:
    """The processes that are in the namespace."""
    try:
        wanted = path(name).stat()
    except FileNotFoundError:
        return []
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            there = (process / "ns" / "net").stat()
        except OSError:
            continue  # it has ended
        if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino):
            found.append(int(process.name))
    return found


@contextmanager
def opened(name: str) -> Iterator[int]:
    """A file descriptor of the namespace; an empty name: the program's own. Absent: there is none of this name."""
    try:
        handle = os.open(path(name) if name else "/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise errors.Absent(f"The network namespace {name} is not there.") from error
    try:
        yield handle
    finally:
        os.close(handle)


def inside(name: str, function: Callable[[], T]) -> T:
    """What the function gives when it runs inside the namespace. Absent: there is none of this name."""

    def enter() -> T:
        with opened(name) as handle:
            if _libc.setns(handle, _CLONE_NEWNET):
                raise errors.Absent(f"The network namespace {name} is not there.")
        return function()

    return _in_thread(enter)


def _in_thread(function: Callable[[], T]) -> T:
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 (raised again below, in the thread that waits)
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def _check(result: int, verb: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise errors.Refused(f"The kernel refuses to {verb} a network namespace: {os.strerror(number)}.")
