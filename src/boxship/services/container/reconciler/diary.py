"""The steps that are taken for a container in one go, with their times, until they are written to its actions."""

from __future__ import annotations

from datetime import datetime

from boxship.core import clock, errors
from boxship.services.container import model, plan


class Diary:
    """Steps in memory only: what a program that is killed does not write is missing from the record, not from the world."""

    def __init__(self) -> None:
        self.events: list[model.Event] = []
        self._begun: tuple[plan.Step, datetime] | None = None

    def begin(self, step: plan.Step) -> None:
        """A step is taken now."""
        self._begun = (step, clock.now())

    def done(self) -> None:
        """It went well. Repeatable."""
        self._end("Success", "")

    def failed(self, error: errors.DriverError) -> None:
        """It did not, where one was under way."""
        self._end("Error", error.sentence)

    def taken(self) -> list[model.Event]:
        """The steps since the last call."""
        events, self.events = self.events, []
        return events

    def _end(self, result: str, reason: str) -> None:
        if self._begun is None:
            return
        step, began = self._begun
        self.events.append(model.Event(f"compute__do_container_{step}", began, clock.now(), result, reason))
        self._begun = None
