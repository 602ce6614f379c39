"""Hashes, the brake for guessing, and the bound on how many wait."""

from __future__ import annotations

import asyncio
import threading

import pytest

from boxship.core import errors as core_errors
from boxship.services.identity import errors
from boxship.services.identity.live import passwords


class Clock:
    """The seconds that the brake sees."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(passwords, "time", made)
    return made


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were really compared; the stored one is ``right``, and comparing it costs nothing."""
    made: list[str] = []

    def verify(stored: str, password: str) -> bool:
        made.append(password)
        return stored == password

    monkeypatch.setattr(passwords, "_verify", verify)
    return made


async def test_a_hash_is_of_its_password_only() -> None:
    made = passwords.Passwords()
    stored = await made.hashed("right")
    assert stored.startswith("$argon2id$") and "right" not in stored
    assert stored != await made.hashed("right"), "every hash has its own salt"
    await made.check("id", stored, "right")
    with pytest.raises(errors.WrongCredentials):
        await made.check("id", stored, "wrong")


@pytest.mark.parametrize("password", ["", "nobody has this password", "A" * 4096])
async def test_a_user_that_does_not_exist_has_no_password(password: str) -> None:
    with pytest.raises(errors.WrongCredentials):
        await passwords.Passwords().check("nobody", None, password)


async def test_a_user_that_does_not_exist_costs_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is compared with has the parameters of real hashes, and is well-formed, so that all the work is done."""
    real = await passwords.Passwords().hashed("right")
    assert passwords._NOBODY.split("$")[:4] == real.split("$")[:4]
    assert not passwords._hasher.check_needs_rehash(passwords._NOBODY)
    assert len(passwords._NOBODY) == len(real)


async def test_a_stored_hash_that_is_none_lets_nobody_in() -> None:
    with pytest.raises(errors.WrongCredentials):
        await passwords.Passwords().check("id", "not a hash", "not a hash")


@pytest.mark.parametrize("stored", ["right", None], ids=["a user", "nobody"])
async def test_twenty_wrong_passwords_within_a_minute_and_the_right_one_is_refused(
    stored: str | None, clock: Clock, tries: list[str]
) -> None:
    made = passwords.Passwords()
    for at in range(20):
        clock.now += 2
        with pytest.raises(errors.WrongCredentials):
            await made.check("id", stored, f"wrong {at}")
    with pytest.raises(errors.TooManyFailures, match="try again in 23 seconds"):
        await made.check("id", stored, "right")
    assert len(tries) == 20, "the last one was not even compared"
    await _is_let_in(made, "other")


async def test_the_brake_lets_go(clock: Clock, tries: list[str]) -> None:
    made = passwords.Passwords()
    for _ in range(20):
        with pytest.raises(errors.WrongCredentials):
            await made.check("id", "right", "wrong")
    clock.now += 61
    await _is_let_in(made, "id")


async def test_the_right_password_forgets_the_wrong_ones(clock: Clock, tries: list[str]) -> None:
    made = passwords.Passwords()
    for _ in range(3):
        for _ in range(19):
            with pytest.raises(errors.WrongCredentials):
                await made.check("id", "right", "wrong")
        await _is_let_in(made, "id")


async def _is_let_in(made: passwords.Passwords, id: str) -> None:
    await made.check(id, "right", "right")


async def test_guesses_at_once_have_no_more_tries(clock: Clock, tries: list[str]) -> None:
    made = passwords.Passwords()
    guesses = [made.check("id", "right", f"wrong {at}") for at in range(60)]
    found = [type(error) for error in await asyncio.gather(*guesses, return_exceptions=True)]
    assert set(found) == {errors.WrongCredentials, errors.TooManyFailures}
    assert len(tries) <= 21, "one may be under way when the twentieth has failed"


async def test_only_two_are_computed_at_once_and_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()
    lock = threading.Lock()
    running, most = 0, 0

    def verify(stored: str, password: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        may_end.wait(30)
        with lock:
            running -= 1
        return True

    monkeypatch.setattr(passwords, "_verify", verify)
    made = passwords.Passwords()
    checks = [asyncio.ensure_future(made.check(f"id {at}", "right", "right")) for at in range(100)]
    refused, _ = await asyncio.wait(checks, return_when=asyncio.FIRST_COMPLETED)
    assert all(isinstance(check.exception(), core_errors.Unavailable) for check in refused)
    may_end.set()
    ended = await asyncio.gather(*checks, return_exceptions=True)
    assert ended.count(None) == 66
    assert most == 2


async def test_who_goes_away_while_waiting_leaves_the_queue(tries: list[str]) -> None:
    made = passwords.Passwords()
    async with made._turn(), made._turn():
        waiting = [asyncio.ensure_future(made.check("id", "right", "right")) for _ in range(64)]
        await asyncio.sleep(0)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.gather(*(_is_let_in(made, f"id {at}") for at in range(60)))
    assert len(tries) == 60


async def test_remembering_failures_is_bounded(clock: Clock, tries: list[str]) -> None:
    made = passwords.Passwords()
    for at in range(passwords._REMEMBERED + 10):
        made._failed(f"id {at}")
    assert len(made._failures) == passwords._REMEMBERED
