"""Fernet tokens (Keystone's default format in kind): the facts of a token, encrypted and signed with keys that only the
program can read. A token holds ids, never rights: these are looked up when it is used."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography import fernet

from boxship.core import vault
from boxship.services.identity import errors

VERSION = 1
_LONGEST = 1024


class Payload(msgspec.Struct, frozen=True, array_like=True):
    """What is in a token. ``scope`` is project, domain, system or empty; times are seconds since the epoch.

    ``since`` is the user's ``valid_after`` when it was issued: compared for equality only, so that it needs no clocks
    that agree, and so that a password that is changed while somebody logs in with it is of no use.
    """

    version: int
    user_id: str
    methods: list[str]
    scope: str
    target_id: str
    issued: float
    expires: float
    audit_id: str
    since: float

    @property
    def issued_at(self) -> datetime:
        return datetime.fromtimestamp(self.issued, UTC)

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires, UTC)


def new_audit_id() -> str:
    """Sixteen random bytes in URL-safe base64 without padding, as Keystone makes them."""
    return base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()


class Keys:
    """The keys of an installation, in files named by number; the highest signs, all of them are good for reading.

    To change keys: add a file with the next number (``Fernet.generate_key``, mode 0600) and start the program again; when
    the lifetime of a token is over, remove the old file.
    """

    def __init__(self, directory: Path) -> None:
        self._keys = vault.key_ring(directory)

    def seal(self, payload: Payload) -> str:
        """The text of a token."""
        return self._keys.encrypt(msgspec.msgpack.encode(payload)).rstrip(b"=").decode()

    def open(self, token: str) -> Payload:
        """The facts of a token. WrongCredentials: it was not made with one of these keys, or was changed."""
        try:
            raw = token[:_LONGEST].encode("ascii")
            payload = msgspec.msgpack.decode(self._keys.decrypt(raw + b"=" * (-len(raw) % 4)), type=Payload)
        except (fernet.InvalidToken, msgspec.DecodeError, UnicodeEncodeError) as error:
            raise errors.WrongCredentials from error
        if payload.version != VERSION:
            raise errors.WrongCredentials
        return payload
