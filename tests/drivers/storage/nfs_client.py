"""An NFS client that needs nothing of the kernel: libnfs, by ctypes. It stands for another host's."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

_CHUNK = 1 << 15
_PIECE = 1 << 11
"""libnfs 4 encodes no writes of 4 KiB for NFSv4."""


def library() -> ctypes.CDLL | None:
    """libnfs; None: it is not installed."""
    name = ctypes.util.find_library("nfs")
    if name is None:
        return None
    found = ctypes.CDLL(name)
    found.nfs_init_context.restype = ctypes.c_void_p
    found.nfs_parse_url_dir.restype = ctypes.POINTER(_Url)
    found.nfs_get_error.restype = ctypes.c_char_p
    return found


class _Url(ctypes.Structure):
    """struct nfs_url (nfsc/libnfs.h)."""

    _fields_ = (("server", ctypes.c_char_p), ("path", ctypes.c_char_p), ("file", ctypes.c_char_p))


class Client:
    """One client with an export mounted. OSError: the server's answer."""

    def __init__(self, url: str) -> None:
        found = library()
        assert found is not None
        self._nfs = found
        self._context = ctypes.c_void_p(found.nfs_init_context())
        found.nfs4_set_client_name(
            self._context, secrets.token_hex(8).encode()
        )  # clients of one name replace each other
        found.nfs4_set_verifier(self._context, secrets.token_bytes(8))
        parsed = found.nfs_parse_url_dir(self._context, url.encode())
        assert parsed, found.nfs_get_error(self._context)
        self._check(found.nfs_mount(self._context, parsed.contents.server, parsed.contents.path), url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._nfs.nfs_destroy_context(self._context)

    def _check(self, result: int, path: str) -> int:
        if result < 0:
            raise OSError(-result, self._nfs.nfs_get_error(self._context).decode(errors="replace"), path)
        return result

    def write(self, path: str, data: bytes) -> None:
        """A new file, with the server when this returns."""
        handle = ctypes.c_void_p()
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        self._check(self._nfs.nfs_open2(self._context, path.encode(), flags, 0o600, ctypes.byref(handle)), path)
        for at in range(0, len(data), _PIECE):
            part = data[at : at + _PIECE]
            self._check(self._nfs.nfs_write(self._context, handle, ctypes.c_uint64(len(part)), part), path)
        self._check(self._nfs.nfs_fsync(self._context, handle), path)
        self._check(self._nfs.nfs_close(self._context, handle), path)

    def read(self, path: str) -> bytes:
        """All of a file."""
        handle, found = ctypes.c_void_p(), bytearray()
        self._check(self._nfs.nfs_open(self._context, path.encode(), os.O_RDONLY, ctypes.byref(handle)), path)
        buffer = ctypes.create_string_buffer(_CHUNK)
        while got := self._check(self._nfs.nfs_read(self._context, handle, ctypes.c_uint64(_CHUNK), buffer), path):
            found += buffer.raw[:got]
        self._check(self._nfs.nfs_close(self._context, handle), path)
        return bytes(found)

    def link(self, old: str, new: str) -> None:
        """One more name for a file."""
        self._check(self._nfs.nfs_link(self._context, old.encode(), new.encode()), new)

    def rename(self, old: str, new: str) -> None:
        """Another name; what had it is gone."""
        self._check(self._nfs.nfs_rename(self._context, old.encode(), new.encode()), new)

    def unlink(self, path: str) -> None:
        """One name less."""
        self._check(self._nfs.nfs_unlink(self._context, path.encode()), path)


def below(root: Path, path: Path) -> str:
    """What a path in the exported directory is to a client."""
    return f"/{path.relative_to(root)}"
