"""Users who create, start, stop and delete containers at random, and remember what the cloud acknowledged; the judge of
whether all of that came true."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.system.api import Failed, Session

GONE = "gone"
UNTOLD = "before you repeat it"
"""What a 503 says where nobody knows whether the order was stored."""
IDLE = "trap exit TERM; while true; do sleep 1; done"
_TARGETS = {"create": "Running", "start": "Running", "reboot": "Running", "stop": "Stopped", "delete": GONE}


@dataclass(slots=True)
class Entry:
    """A container as its user knows it. ``expected``: what it may become; more than one where an answer was lost."""

    name: str
    id: str | None = None
    expected: set[str] = field(default_factory=set)


@dataclass(slots=True)
class User:
    """One who works on containers of his own, so that nobody else changes what he expects."""

    session: Session
    number: int
    chance: random.Random
    networks: list[str]
    share: int
    """How many containers he keeps."""
    entries: dict[str, Entry] = field(default_factory=dict)
    made: int = 0
    acknowledged: int = 0
    failure: BaseException | None = None

    def work(self, until: threading.Event) -> None:
        """Order one thing after the other until told to stop or the cloud goes away."""
        try:
            while not until.is_set():
                if not self._order():
                    return
        except BaseException as error:  # noqa: BLE001 (raised again by the one who waits for the thread)
            self.failure = error

    def _order(self) -> bool:
        """One order. False: the cloud went away while it was given."""
        if len(self.entries) < self.share:
            return self._create()
        entry = self.chance.choice(list(self.entries.values()))
        action = self.chance.choices(["start", "stop", "reboot", "delete"], [3, 3, 2, 3])[0]
        if entry.id is None or entry.expected == {GONE}:
            time.sleep(0.05)
            return True
        path = f"/container/v1/containers/{entry.id}"
        request = ("DELETE", f"{path}?stop=true&timeout=1") if action == "delete" else ("POST", f"{path}/{action}")
        return self._told(entry, _TARGETS[action], lambda: self.session.ask(*request))

    def _create(self) -> bool:
        self.made += 1
        entry = Entry(f"user{self.number}-{self.made}")
        self.entries[entry.name] = entry
        mounts = [{"size": "1", "destination": "/data"}] if self.chance.random() < 0.25 else []
        nets = [{"network": self.chance.choice(self.networks)}]

        def ask() -> None:
            entry.id = self.session.create(entry.name, IDLE, nets=nets, mounts=mounts)["uuid"]

        return self._told(entry, "Running", ask)

    def _told(self, entry: Entry, target: str, ask: Callable[[], Any]) -> bool:
        try:
            ask()
        except Failed as refused:
            if refused.status == 503 and UNTOLD in str(refused):
                entry.expected |= {target, GONE} if entry.id is None else {target}
                return True
            # 409: not legal in the present state, so nothing was promised. 503: the cloud says itself that it is away.
            if refused.status not in {409, 503} and not (refused.status == 404 and GONE in entry.expected):
                raise
            if not entry.expected:
                del self.entries[entry.name]
            time.sleep(0.05)
            return True
        except httpx.TransportError:
            entry.expected.add(target)
            if target == "Running" and entry.id is None:
                entry.expected.add(GONE)
            return False
        self.acknowledged += 1
        entry.expected = {target}
        return True


@dataclass(slots=True)
class Crowd:
    """All users, working at once."""

    users: list[User]

    def work(self, seconds: float, disturbance: Callable[[], None]) -> None:
        """Let them work, cause the disturbance after so many seconds, and let them come to an end."""
        stop = threading.Event()
        threads = [threading.Thread(target=user.work, args=(stop,)) for user in self.users]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        disturbance()
        stop.set()
        for thread in threads:
            thread.join()
        for user in self.users:
            if user.failure is not None:
                raise user.failure

    def differences(self) -> list[str]:
        """What is not as it was acknowledged, or still under way; containers that nobody ordered."""
        found = []
        session = self.users[0].session
        listed = {one["name"]: one for one in session.pages("/container/v1/containers", "containers", "uuid")}
        for user in self.users:
            for entry in list(user.entries.values()):
                found += self._difference(user, entry, listed.pop(entry.name, None))
        return found + [f"{name} was never ordered, or was deleted" for name in listed]

    def _difference(self, user: User, entry: Entry, seen: dict[str, Any] | None) -> list[str]:
        if seen is None:
            if GONE not in entry.expected:
                return [f"{entry.name} is lost; it should be {entry.expected}"]
            user.entries.pop(entry.name, None)
            return []
        entry.id = seen["uuid"]
        state = (
            f"{seen['status']}/{seen['task_state']}: {seen['status_reason']}, {seen['status_detail']}, {seen['uuid']}"
        )
        if seen["status"] in entry.expected and seen["task_state"] is None:
            return []
        return [f"{entry.name} is {state}; it should be {entry.expected}"]

    @property
    def acknowledged(self) -> int:
        return sum(user.acknowledged for user in self.users)
