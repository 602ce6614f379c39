"""Seals texts that have to be kept but that nobody may read in the database, and keeps the keys for it. Never says what
may be opened, or by whom.

Keys are files named by number in a directory that only the program can enter; the highest seals, all of them open. To
change keys: add a file with the next number (``Fernet.generate_key``, mode 0600) and start the program again; the old
file is needed as long as something that was sealed with it is kept.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from cryptography import fernet

from boxship.core import errors


class Vault:
    """Texts sealed with the keys of a directory, which are made when the first text is sealed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ring: fernet.MultiFernet | None = None

    def seal(self, text: str) -> str:
        """The text, encrypted and signed; different every time."""
        return self._keys().encrypt(text.encode()).decode()

    def open(self, sealed: str, *, age: int | None = None) -> str:
        """The text again. Refused: it was sealed with a key that is not there (any more), changed, or sealed more than
        ``age`` seconds ago."""
        try:
            return self._keys().decrypt(sealed.encode(), ttl=age).decode()
        except fernet.InvalidToken as error:
            raise errors.Refused(
                "A secret cannot be opened, as its key is not in the state directory any more; set the secret again.",
                detail=f"no key in {self._directory} opens it",
            ) from error

    def _keys(self) -> fernet.MultiFernet:
        if self._ring is None:
            self._ring = key_ring(self._directory)
        return self._ring


def key_ring(directory: Path) -> fernet.MultiFernet:
    """The keys in this directory, the newest first; where there is none, one is made."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(path.name.isdigit() for path in directory.iterdir()):
        _make(directory / "0")
    names = sorted((path for path in directory.iterdir() if path.name.isdigit()), key=lambda path: -int(path.name))
    return fernet.MultiFernet([fernet.Fernet(path.read_bytes().strip()) for path in names])


def _make(path: Path) -> None:
    """A new key, whole or not at all: half a key would keep the program from starting."""
    draft = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(fernet.Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another program that starts now was first
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
