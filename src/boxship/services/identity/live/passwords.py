"""Passwords as argon2id hashes, and a brake for guessing them.

Hashes are computed in threads, two at a time, so that logging in can neither block nor exhaust the host; who would have
to wait behind 64 others is asked to try again (503). Twenty wrong passwords for one user within a minute, and further
ones are refused unseen (401) until a minute has passed since the first of them: guessing is then as slow as twenty a minute,
while whoever has a token already goes on working. This is counted by each program for itself, also for users that do not
exist, so that it tells nothing about who does.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import argon2

from boxship.core import errors as core_errors
from boxship.services.identity import errors

_MEMORY, _PASSES = 19456, 2
"""OWASP's parameters for argon2id: 19 MiB, two passes."""
_hasher = argon2.PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY, parallelism=1)
_NOBODY = f"$argon2id$v=19$m={_MEMORY},t={_PASSES},p=1${'A' * 22}${'A' * 43}"
"""What passwords of users that do not exist are compared with: as much work, and nobody knows one that fits."""
_AT_ONCE, _WAITING = 2, 64
_FAILURES, _WINDOW, _REMEMBERED = 20, 60.0, 10_000


class Passwords:
    """Makes and checks hashes."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    async def hashed(self, password: str) -> str:
        """The hash to store. Unavailable: too many wait for theirs."""
        async with self._turn():
            return await asyncio.to_thread(_hasher.hash, password)

    async def check(self, user_id: str, stored: str | None, password: str) -> None:
        """WrongCredentials: not the password of the user; it takes as long for users that do not exist.

        TooManyFailures: twenty wrong ones within a minute. Unavailable: too many wait for their check.
        """
        async with self._turn():
            self._brake(user_id)  # only now: those before it in the queue may have used up the tries
            right = await asyncio.to_thread(_verify, stored or _NOBODY, password)
        if not right or stored is None:
            self._failed(user_id)
            raise errors.WrongCredentials
        self._failures.pop(user_id, None)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= _WAITING:
            raise core_errors.Unavailable("Too many passwords are being checked; try again in a moment.")
        self._waiting += 1
        try:
            await self._gate.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._gate.release()

    def _failed(self, user_id: str) -> None:
        self._failures.setdefault(user_id, []).append(time.monotonic())
        self._failures.move_to_end(user_id)
        if len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

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
