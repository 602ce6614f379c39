"""Marks in a directory that hosts share, which say what host works on a volume. A mark is only ever removed by the host that it
names, or for one that is gone for good. Knows no device and no mount.

    owners/<id>    the name of the host that has the volume, or works on the snapshot
    hosts/<name>   there while that host uses the directory
    identity       what makes it this directory and no other

A mark appears with its content, by a hard link, which is one step on every file system that hosts share, NFS of any version
included; the one whose link comes first has the volume.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from boxship.core.errors import Busy
from boxship.drivers.storage import disk

_TRIES = 8


class Owners:
    """The marks in one directory, as the host ``here`` makes them."""

    def __init__(self, root: Path, here: str) -> None:
        self._identity = root / "identity"
        self._owners = root / "owners"
        self._hosts = root / "hosts"
        self.here = here

    def open(self) -> None:
        """Make the directories, and say that this host uses them. OSError: the file system's answer."""
        for directory in (self._owners, self._hosts):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._hosts / self.here).touch(mode=0o600)
        disk.sync(self._hosts)

    def identity(self) -> str | None:
        """What tells the directory from all others; None: nobody uses it yet, or it is not there."""
        try:
            return self._identity.read_text() or None
        except FileNotFoundError:
            return None

    def identify(self) -> str:
        """The same, made where there is none."""
        self._owners.mkdir(mode=0o700, parents=True, exist_ok=True)
        while (found := self.identity()) is None:
            self._linked(self._identity, secrets.token_hex(16))
        return found

    def take(self, id: str) -> None:
        """Have a volume, from now on. Repeatable. Busy: another host has it."""
        for _ in range(_TRIES):
            if self._linked(self._owners / id, self.here):
                return
            owner = self.owner(id)
            if owner == self.here:
                return
            if owner is not None:
                raise Busy(f"Host {owner} has the volume; it is free when that host has let go of it.")
        raise Busy("Other hosts take and leave the volume all the time.")

    def _linked(self, final: Path, content: str) -> bool:
        """Make a file with its content. False: there is one."""
        draft = self._owners / f".{self.here}.{secrets.token_hex(8)}.new"
        try:
            with draft.open("xb") as target:
                target.write(content.encode())
                target.flush()
                os.fsync(target.fileno())
            with suppress(OSError):  # the answer may be lost on its way: the count of links tells
                os.link(draft, final)
            made = draft.stat().st_nlink == 2
            disk.sync(final.parent)
            return made
        finally:
            draft.unlink(missing_ok=True)

    def owner(self, id: str) -> str | None:
        """The host that has a volume."""
        try:
            return (self._owners / id).read_text() or None
        except FileNotFoundError:
            return None

    def let_go(self, id: str, host: str | None = None) -> None:
        """This host (or the one that is named, which is gone) has a volume no more. Repeatable; another's mark stays."""
        if self.owner(id) == (host or self.here):
            (self._owners / id).unlink(missing_ok=True)
            disk.sync(self._owners)

    def taken(self) -> list[str]:
        """The ids of what this host has."""
        if not self._owners.is_dir():
            return []
        ids = (path.name for path in self._owners.iterdir() if not path.name.startswith("."))
        return sorted(id for id in ids if self.owner(id) == self.here)

    def tidy(self) -> None:
        """Remove what a kill of this host's program left half-made."""
        for draft in self._owners.glob(f".{self.here}.*.new"):
            draft.unlink(missing_ok=True)

    def others(self) -> list[str]:
        """The other hosts that use the directory."""
        if not self._hosts.is_dir():
            return []
        return sorted(path.name for path in self._hosts.iterdir() if path.name != self.here)

    def leave(self) -> None:
        """This host uses the directory no more."""
        (self._hosts / self.here).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the directories, which are empty."""
        self._identity.unlink(missing_ok=True)
        for directory in (self._owners, self._hosts):
            with suppress(FileNotFoundError, OSError):
                directory.rmdir()
