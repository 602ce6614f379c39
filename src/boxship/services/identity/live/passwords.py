"""Passwords as argon2id hashes, computed in threads, two at a time, so that logging in can neither block nor exhaust the
host; and a brake for guessing."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict

import argon2

from boxship.services.identity import errors

_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
"""OWASP's parameters for argon2id: 19 MiB, two passes."""
_NOBODY = _hasher.hash("nobody has this password")
_FAILURES, _WINDOW, _REMEMBERED = 20, 60.0, 10_000


class Passwords:
    """Makes and checks hashes."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(2)
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    async def hashed(self, password: str) -> str:
        """The hash to store."""
        async with self._gate:
            return await asyncio.to_thread(_hasher.hash, password)

    async def check(self, user_id: str, stored: str | None, password: str) -> None:
        """WrongCredentials: not the password of the user; it takes as long for users that do not exist.

        TooManyFailures: twenty wrong ones within a minute.
        """
        self._brake(user_id)
        async with self._gate:
            right = await asyncio.to_thread(_verify, stored or _NOBODY, password)
        if not right or stored is None:
            self._failures.setdefault(user_id, []).append(time.monotonic())
            self._failures.move_to_end(user_id)
            if len(self._failures) > _REMEMBERED:
                self._failures.popitem(last=False)
            raise errors.WrongCredentials
        self._failures.pop(user_id, None)

    def _brake(self, user_id: str) -> None:
        since = time.monotonic() - _WINDOW
        recent = [moment for moment in self._failures.get(user_id, ()) if moment > since]
        if user_id in self._failures:
            self._failures[user_id] = recent
        if len(recent) >= _FAILURES:
            raise errors.TooManyFailures(int(recent[0] - since) + 1)


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHash):
        return False


def hashed_now(password: str) -> str:
    """The hash, computed here and now: for the two users of a new installation, before anybody is served."""
    return _hasher.hash(password)
