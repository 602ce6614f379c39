"""Loop devices: block devices that the kernel makes of files (loop(4), linux/loop.h).

A device is bound with the kernel's autoclear flag, so it goes away by itself with its last user: no crash, however
timed, leaves one behind, unless somebody asked to keep it. Never touches a device without having seen, on the open device,
that it is bound to our file.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path

from boxship.core.errors import Busy

_SYS = Path("/sys/block")
_CONTROL = "/dev/loop-control"

_CLEAR = 0x4C01
_SET_STATUS = 0x4C04
_STATUS = 0x4C05
_SET_CAPACITY = 0x4C07
_CONFIGURE = 0x4C0A
_GET_FREE = 0x4C82

_AUTOCLEAR = 4
_FLAGS = 8
"""Where the flags are among the numbers of ``_INFO``."""
_INFO = struct.Struct("=5Q4I64s64s32s2Q")  # struct loop_info64
_CONFIG = struct.Struct(f"=2I{_INFO.size}s64x")  # struct loop_config
_LABEL = 63
_TRIES = 64


def bind(file: Path, label: str) -> tuple[int, Path]:
    """Bind a free loop device to ``file``; its open descriptor and its path. Closing the last descriptor unbinds it.

    ``label`` (at most 63 bytes) is kept by the kernel beside the device. Others may take free devices at the same time:
    the loser of that race asks again. Busy: it lost it again and again. OSError: the kernel's answer.
    """
    backing = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        for _ in range(_TRIES):
            path = _free_device()
            device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            if _configured(device, backing, label):
                return device, path
            os.close(device)
    finally:
        os.close(backing)
    raise Busy("No loop device is free now: other programs take them all.")


def bound() -> dict[Path, list[Path]]:
    """All bound loop devices of this host, by the path of their file (as it was when it was bound)."""
    devices: dict[Path, list[Path]] = {}
    for entry in _SYS.glob("loop*"):
        try:
            file = (entry / "loop" / "backing_file").read_text().removesuffix("\n")
        except OSError:  # not bound, or unbound while we look
            continue
        devices.setdefault(Path(file), []).append(Path("/dev") / entry.name)
    return devices


def opened(device: Path, file: Path) -> int | None:
    """An open descriptor of ``device`` if it is bound to ``file`` at this moment, which it then stays; else None."""
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if _is_bound(descriptor, file):
        return descriptor
    os.close(descriptor)
    return None


def unbind(device: Path, file: Path) -> None:
    """Unbind ``device`` from ``file`` as soon as nothing uses it; nothing happens to a device of another file."""
    descriptor = opened(device, file)
    if descriptor is None:
        return
    try:
        fcntl.ioctl(descriptor, _CLEAR)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
    finally:
        os.close(descriptor)


def keep(descriptor: int, *, kept: bool) -> None:
    """Have an open, bound device stay without users, or go with the last one."""
    buffer = bytearray(_INFO.size)
    fcntl.ioctl(descriptor, _STATUS, buffer)
    numbers = list(_INFO.unpack(buffer))
    numbers[_FLAGS] = numbers[_FLAGS] & ~_AUTOCLEAR if kept else numbers[_FLAGS] | _AUTOCLEAR
    fcntl.ioctl(descriptor, _SET_STATUS, _INFO.pack(*numbers))


def is_kept(device: Path) -> bool:
    """Whether the device stays without users."""
    try:
        return (_SYS / device.name / "loop" / "autoclear").read_text().strip() == "0"
    except FileNotFoundError:
        return False


def grow(descriptor: int) -> None:
    """Let an open device be as large as its file is by now."""
    fcntl.ioctl(descriptor, _SET_CAPACITY, 0)


def _free_device() -> Path:
    control = os.open(_CONTROL, os.O_RDWR | os.O_CLOEXEC)
    try:
        name = f"loop{fcntl.ioctl(control, _GET_FREE)}"
    finally:
        os.close(control)
    path = Path("/dev") / name
    if not path.exists():  # /dev is not the kernel's own here, as in a container
        _make_node(path)
    return path


def _make_node(path: Path) -> None:
    major, minor = (_SYS / path.name / "dev").read_text().split(":")
    try:
        os.mknod(path, 0o660 | 0o060000, os.makedev(int(major), int(minor)))
    except FileExistsError:
        return


def _configured(device: int, backing: int, label: str) -> bool:
    """Bind in one call, so that no other program sees a half-made device. False: another was quicker."""
    name = label.encode()[:_LABEL]
    info = _INFO.pack(0, 0, 0, 0, 0, 0, 0, 0, _AUTOCLEAR, name, b"", b"", 0, 0)
    try:
        fcntl.ioctl(device, _CONFIGURE, _CONFIG.pack(backing, 0, info))
    except OSError as error:
        if error.errno == errno.EBUSY:
            return False
        os.close(device)
        raise
    return True


def _is_bound(device: int, file: Path) -> bool:
    buffer = bytearray(_INFO.size)
    try:
        fcntl.ioctl(device, _STATUS, buffer)
        stat = file.stat()
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENOENT):
            return False
        raise
    numbers = _INFO.unpack(buffer)
    return (numbers[0], numbers[1]) == (stat.st_dev, stat.st_ino)
