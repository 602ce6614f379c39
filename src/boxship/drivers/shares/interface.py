"""What Boxship needs to let other hosts use directories of this one. The bytes are ``drivers.storage``'s.

``ganesha.py`` and ``fake.py`` obey ``Exports``; ``tests/conformance/test_exports.py`` checks. Never sees the database and never
decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Access:
    """Who may mount an export: ``address`` is an IP address or a network (CIDR)."""

    address: str
    writable: bool


@dataclass(frozen=True, slots=True)
class Export:
    """A directory that is served: ``access`` without doubles, of which the first that a client meets counts; nobody else may
    mount it."""

    share_id: str
    path: Path
    access: tuple[Access, ...]


class Exports(Protocol):
    """The exports of this host. Verbs are idempotent; what was put is served until it is dropped, also after a restart of the
    program. Errors: ``Busy`` (the server does not answer, try later), ``Refused`` (never, with the reason)."""

    async def open(self) -> None:
        """Make the directories, and see to it that what was put before is served, if it can be; repeatable."""
        ...

    async def put(self, export: Export) -> None:
        """Serve the directory to exactly these from now on: who is no longer among them is cut off."""
        ...

    async def drop(self, share_id: str) -> None:
        """Serve it to nobody any more; nothing of it is held open then, so that its file system can be unmounted."""
        ...

    async def sight(self, share_id: str) -> Export | None:
        """What is served of it: without any ``access`` where it was put and is not served now, and is to be put again."""
        ...

    async def sights(self) -> list[Export]:
        """All that is served."""
        ...

    def location(self, share_id: str) -> str | None:
        """What clients mount, ``address:/path``; None: nothing is served by the network here."""
        ...

    async def close(self) -> None:
        """Let go; the server runs on."""
        ...

    async def destroy(self) -> None:
        """End the server, and remove all that is kept. Repeatable."""
        ...
