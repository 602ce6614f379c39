"""What the containers of a pod share besides their network: an IPC namespace (ipc_namespaces(7)) and a tmpfs at /dev/shm, each
pinned by a mount below /run that only root can enter. They outlive the engine and every container; a reboot takes them away.
Knows neither containers nor engines.

Nothing here is charged to a container for longer than that runs, so all of it is bounded: a container that is started again
and again cannot fill the host's memory with what it leaves behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import threading
from pathlib import Path

from boxship.core import errors

PODS = Path("/run/boxship/pods")
"""A directory per mark, and in it one per pod."""

_SHM = b"size=67108864,nr_inodes=16384,mode=1777"
"""The size that Docker gives /dev/shm."""
_LIMITS = {"shmall": "65536", "msgmni": "1024", "sem": "250 32000 100 1024"}
"""sysctls of the namespace (proc(5), kernel/): pages of 4 KiB of shared memory, queues of 16 KiB, semaphores. The kernel's own
bounds are beyond the memory of any host."""

_CLONE_NEWIPC = 0x08000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND = 2, 4, 8, 0x1000
_MNT_DETACH = 2
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

_libc = ctypes.CDLL(None, use_errno=True)
_one_at_a_time = threading.Lock()


def ipc(mark: str, pod: str) -> Path:
    """The file that stands for the pod's namespace. Refused: a pod cannot be called that."""
    return _directory(mark, pod) / "ipc"


def shm(mark: str, pod: str) -> Path:
    """The directory to be shown at /dev/shm. Refused: as for ``ipc``."""
    return _directory(mark, pod) / "shm"


def exists(mark: str, pod: str) -> bool:
    """Whether it is there, and not only half of it."""
    return os.path.ismount(ipc(mark, pod))  # of a file too, which pathlib's does not see


def names(mark: str) -> set[str]:
    """The pods with the mark, half-made ones included."""
    with contextlib.suppress(FileNotFoundError):
        return {place.name for place in (PODS / mark).iterdir()}
    return set()


def ensure(mark: str, pod: str) -> None:
    """Make it, once; what a call that was killed left half-made is made whole. Blocks. Refused: the kernel does not want."""
    namespace, shared = ipc(mark, pod), shm(mark, pod)
    with _one_at_a_time:
        if exists(mark, pod):
            return
        shared.mkdir(mode=0o700, parents=True, exist_ok=True)
        for private in (PODS, PODS / mark, shared.parent):
            private.chmod(0o700)
        if not os.path.ismount(shared):
            flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
            _check(_libc.mount(b"shm", os.fsencode(shared), b"tmpfs", flags, _SHM), "mount /dev/shm of a pod")
        namespace.touch(mode=0o400)
        _apart(namespace)  # last: a pod with a namespace is whole


def remove(mark: str, pod: str) -> None:
    """Take it away; the namespace ends with its last process. Repeatable. Blocks."""
    with _one_at_a_time:
        for place in (ipc(mark, pod), shm(mark, pod)):
            while os.path.ismount(place):
                _check(_libc.umount2(os.fsencode(place), _MNT_DETACH), "unmount what a pod shares")
        ipc(mark, pod).unlink(missing_ok=True)
        for empty in (shm(mark, pod), _directory(mark, pod)):
            with contextlib.suppress(FileNotFoundError):
                empty.rmdir()
        with contextlib.suppress(OSError):  # another pod's, or another installation's, are in it
            (PODS / mark).rmdir()
            PODS.rmdir()


def _directory(mark: str, pod: str) -> Path:
    if not _NAME.fullmatch(pod):
        raise errors.Refused(f"A pod cannot be called {pod[:100]!r}.")
    return PODS / mark / pod


def _apart(target: Path) -> None:
    """A new IPC namespace with its limits, pinned at the target. unshare(2) changes the calling thread only: it is made by
    one that ends with this, so that no other ever is in a pod's namespace."""
    failures: list[errors.DriverError | OSError] = []

    def make() -> None:
        try:
            _check(_libc.unshare(_CLONE_NEWIPC), "make an IPC namespace")
            for name, limit in _LIMITS.items():
                Path("/proc/sys/kernel", name).write_text(limit)
            pinned = _libc.mount(b"/proc/thread-self/ns/ipc", os.fsencode(target), b"none", _MS_BIND, None)
            _check(pinned, "keep an IPC namespace")
        except (errors.DriverError, OSError) as failure:
            failures.append(failure)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def _check(result: int, what: str) -> None:
    if result:
        raise errors.Refused(f"The kernel refuses to {what}: {os.strerror(ctypes.get_errno())}.")
