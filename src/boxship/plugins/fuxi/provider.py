"""What Cinder and Manila are to the driver: one interface, and what both give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from boxship.plugins.fuxi.options import Wish
from boxship.plugins.fuxi.records import Record

Keep = Callable[[Record], Record]
"""Makes a record durable and gives it back."""


class State(StrEnum):
    """Where a volume is attached, as Fuxi calls it."""

    UNKNOWN = "unknown"  # the cloud does not say, or something is under way
    NOT_ATTACH = "not_attach"
    ATTACH_TO_THIS = "attach_to_this"
    ATTACH_TO_OTHER = "attach_to_other"


@dataclass(frozen=True, slots=True)
class Thing:
    """A volume or share that is Docker's: ``name`` in Docker, ``status`` in the cloud, ``size`` in GiB."""

    provider: str
    id: str
    name: str
    status: str
    size: int
    state: State
    created_at: str = ""
    fstype: str = ""
    where: str = ""
    """Who has it, where that is not this host."""

    @property
    def age(self) -> tuple[str, str]:
        """What orders things of one name: the one that was first comes first."""
        return self.created_at, self.id


class Provider(Protocol):
    """Volumes of one kind, for one call of Docker's. Every verb may be repeated."""

    name: str

    def things(self) -> list[Thing]:
        """All that are Docker's. Missing: the cloud has no such service."""

    def create(self, name: str, wish: Wish) -> Thing:
        """Make one, or take what the wish says exists; when this returns it can be mounted. What cannot be made is removed."""

    def settle(self, thing: Thing) -> None:
        """Wait until it can be mounted. Conflict: it never will, with the reason; Unavailable: it takes longer."""

    def remove(self, thing: Thing) -> None:
        """Delete it, and return when it is gone; give back what a user brought. Conflict: somebody has it."""

    def mount(self, thing: Thing, record: Record, keep: Keep) -> None:
        """Attach it to this host and mount it at its place; each step is kept before the world is changed."""

    def release(self, record: Record, keep: Keep) -> Record:
        """Give back what we attached; it is not mounted any more. Unavailable: it is in use, or the cloud is away."""
