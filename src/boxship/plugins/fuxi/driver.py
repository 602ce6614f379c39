"""What a call of Docker's does. Calls about one name come one after the other; the kernel says what is mounted.

A use is written down before anything is mounted for it, and struck out before anything is unmounted: a record may say too
much after a crash, which the sweep puts right, and never too little.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from boxship.core import errors
from boxship.plugins import cloud as clouds
from boxship.plugins.cloud import Deadline
from boxship.plugins.fuxi import engine, mounts, options, protocol
from boxship.plugins.fuxi.host import Host, log
from boxship.plugins.fuxi.provider import Provider, State, Thing
from boxship.plugins.fuxi.records import Names, Record, Records

_BUSY = 10.0
"""Seconds that a mount may stay busy after its last use: somebody on the host looks into it."""
_LOOK = 0.1
_RACE = 3.0
"""Seconds in which two hosts that made one name at once agree on whose it is."""
_SETTLED = 60.0
"""Seconds after which a use that Docker knows nothing of is over: between Mount and the start of a container it does not."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a call asks the cloud with, and when it is due."""

    providers: tuple[Provider, ...]
    deadline: Deadline

    def provider(self, name: str) -> Provider:
        return next(found for found in self.providers if found.name == name)


class Driver:
    """The calls on one host."""

    def __init__(self, host: Host, records: Records) -> None:
        self._host = host
        self._records = records
        self._names = Names()

    def create(self, session: Session, call: protocol.Create) -> protocol.Done:
        """Make a volume, or take what has the name already. Conflict: another kind of volume, or another one, has it."""
        wish = options.read(call.options or {}, self._host.defaults)
        with self._alone(session, call.name):
            thing = _named(session, call.name)
            if thing is None:
                session.provider(wish.provider).create(call.name, wish)
                return protocol.Done()
            if wish.chosen and thing.provider != wish.provider:
                raise errors.Conflict(
                    f"The name {call.name} belongs to a volume of the provider {thing.provider} already ({thing.id})."
                )
            if wish.existing and thing.id != wish.existing:
                raise errors.Conflict(f"The name {call.name} belongs to {thing.id} already, not to {wish.existing}.")
            session.provider(thing.provider).settle(thing)
        return protocol.Done()

    def remove(self, session: Session, call: protocol.Named) -> protocol.Done:
        """Delete a volume; one that is gone already is no error. Docker asks it of volumes that no container has."""
        with self._alone(session, call.name):
            record = self._records.read(call.name)
            if record is not None:
                self._check_unused(record)
                self._end(session, record)
            thing = _named(session, call.name)
            if thing is not None:
                session.provider(thing.provider).remove(thing)
        return protocol.Done()

    def _check_unused(self, record: Record) -> None:
        if record.uses and engine.uses(self._host.docker, record.name):
            raise errors.Conflict(f"The volume {record.name} is used by containers of this host.")

    def mount(self, session: Session, call: protocol.Use) -> protocol.Mounted:
        """Mount a volume, if it is not; one use more. Conflict: it cannot be had here, with the reason."""
        with self._alone(session, call.name):
            record = self._records.read(call.name)
            if record is None or not self._is_mounted(record):
                record = self._mounted(session, call, record)
            else:
                self._records.write(record.used(call.id))
            return protocol.Mounted(str(self._host.point(record.id)))

    def _mounted(self, session: Session, call: protocol.Use, before: Record | None) -> Record:
        thing = _named(session, call.name)
        if thing is None:
            raise errors.NotFound(f"There is no volume {call.name} in the cloud.")
        if before is not None and before.id != thing.id:
            self._end(session, before)  # the name is another volume's by now
            before = None
        record = (before or Record(thing.name, thing.provider, thing.id)).used(call.id)
        self._records.write(record)
        try:
            session.provider(thing.provider).mount(thing, record, self._records.write)
        except (errors.RequestError, OSError):
            self._take_back(session, call)
            raise
        return record

    def _take_back(self, session: Session, call: protocol.Use) -> None:
        """A mount that failed is no use, and what it attached is given back, now or by the sweep."""
        record = self._records.read(call.name)
        if record is None:
            return
        record = self._records.write(record.given_back(call.id))
        if record.uses:
            return
        with _tolerated("what was attached could not be given back yet", call.name):
            self._end(session, record)

    def unmount(self, session: Session, call: protocol.Use) -> protocol.Done:
        """One use less; after the last one the volume is really unmounted and detached.

        It is a success once nothing is mounted: what the cloud does not take back now is given back by the sweep.
        """
        with self._alone(session, call.name):
            record = self._records.read(call.name)
            if record is None:
                return protocol.Done()
            record = self._records.write(record.given_back(call.id))
            if not record.uses:
                self._unmount(session, record)
                with _tolerated("the volume could not be detached yet", call.name):
                    self._end(session, record)
        return protocol.Done()

    def path(self, session: Session, call: protocol.Named) -> protocol.Mounted:
        """Where the volume is; empty: it is not mounted here. NotFound."""
        found = self._records.read(call.name)
        if found is None or not self._is_mounted(found):
            return protocol.Mounted(self.get(session, call).volume.mountpoint)
        return protocol.Mounted(str(self._host.point(found.id)))

    def get(self, session: Session, call: protocol.Named) -> protocol.Found:
        """What there is of a volume. NotFound. While the cloud is away, what this host knows of one that it uses."""
        try:
            thing = _named(session, call.name)
        except errors.Unavailable as error:
            known = self._records.read(call.name)
            if known is None:
                raise
            thing = Thing(known.provider, known.id, known.name, f"unknown: {error.sentence}", 0, State.UNKNOWN)
        if thing is None:
            raise errors.NotFound(f"There is no volume {call.name} in the cloud.")
        return protocol.Found(self._shown(thing))

    def list(self, session: Session, call: object) -> protocol.Listed:
        """All volumes that are Docker's, whichever host made them."""
        del call
        return protocol.Listed(
            tuple(self._shown(thing) for thing in sorted(_all(session), key=lambda thing: thing.name))
        )

    def _shown(self, thing: Thing) -> protocol.Volume:
        record = self._records.read(thing.name)
        mine = record if record is not None and record.id == thing.id else None
        mounted = mine is not None and self._is_mounted(mine)
        status: dict[str, object] = {
            "provider": thing.provider,
            "id": thing.id,
            "state": str(thing.state),
            "status": thing.status,
            "uses": sum(use.count for use in mine.uses.values()) if mine else 0,
        }
        status |= {"size": thing.size} if thing.size else {}
        status |= {"fstype": thing.fstype} if thing.fstype else {}
        status |= {"attached_to": thing.where} if thing.where else {}
        point = str(self._host.point(thing.id)) if mounted else ""
        return protocol.Volume(thing.name, point, _zoned(thing.created_at), status)

    def sweep(self, session: Session) -> None:
        """End uses that Docker knows nothing of, and give back what could not be given back before."""
        for name in self._records.names():
            with _tolerated("the sweep leaves it for the next time", name), self._names.held(name, 0):
                record = self._records.read(name)
                if record is None or (record.uses and not self._is_over(record)):
                    continue
                if record.uses:
                    log.info("uses are over that Docker did not end", volume=name, uses=sorted(record.uses))
                    record = self._records.write(record.forgotten())
                self._end(session, record)

    def _is_over(self, record: Record) -> bool:
        return record.settled(_SETTLED) and engine.uses(self._host.docker, record.name) is False

    def _end(self, session: Session, record: Record) -> None:
        """Unmount, give back, and forget; repeatable. The caller has struck out the uses, or knows that they are over."""
        self._unmount(session, record)
        record = session.provider(record.provider).release(record, self._records.write)
        with contextlib.suppress(FileNotFoundError):
            self._host.point(record.id).rmdir()
        self._records.remove(record.name)

    def _unmount(self, session: Session, record: Record) -> None:
        """Conflict: something on this host has a file open in it."""
        point = self._host.point(record.id)
        within = Deadline(_BUSY)
        while mounts.at(point) is not None:
            try:
                mounts.unmount(point)
            except OSError as error:
                try:
                    within.wait(_LOOK)
                    session.deadline.left()
                except errors.Unavailable:
                    raise errors.Conflict(
                        f"The volume {record.name} cannot be unmounted from {point}: {error.strerror}."
                    ) from error

    def _is_mounted(self, record: Record) -> bool:
        """Whether it is mounted at its place, from a device that still is there."""
        found = mounts.at(self._host.point(record.id))
        return found is not None and (found.number.startswith("0:") or Path("/sys/dev/block", found.number).exists())

    @contextlib.contextmanager
    def _alone(self, session: Session, name: str) -> Iterator[None]:
        """Have the name to oneself. What the host's kernel refuses becomes a sentence."""
        with self._names.held(name, session.deadline.left()):
            try:
                yield
            except OSError as error:
                place = f" ({error.filename})" if error.filename else ""
                raise errors.Unavailable(f"This host refuses it: {error.strerror}{place}.") from error


def _all(session: Session) -> list[Thing]:
    """All things of Docker's. Missing: the cloud has neither service."""
    found: list[Thing] = []
    missing: clouds.Missing | None = None
    for provider in session.providers:
        try:
            found += provider.things()
        except clouds.Missing as error:
            if missing is not None:
                raise
            missing = error
    return found


def _named(session: Session, name: str) -> Thing | None:
    """What has the name. Conflict: several have, and nobody knows which one is meant."""
    within = Deadline(_RACE)
    while True:
        found = sorted((thing for thing in _all(session) if thing.name == name), key=lambda thing: thing.age)
        if len(found) < 2:
            return found[0] if found else None
        try:
            within.wait(_LOOK)
            session.deadline.left()
        except errors.Unavailable:
            ids = " and ".join(f"{thing.id} ({thing.provider})" for thing in found)
            raise errors.Conflict(
                f"Several volumes in the cloud have the name {name}: {ids}. Delete all but one."
            ) from None


def _zoned(created_at: str) -> str:
    """The time as Docker reads it (RFC 3339); OpenStack leaves the zone out, and means UTC. Empty: it is none."""
    try:
        found = datetime.datetime.fromisoformat(created_at)
    except ValueError:
        return ""
    return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).isoformat()


@contextlib.contextmanager
def _tolerated(what: str, name: str) -> Iterator[None]:
    """Log an error that is put right later."""
    try:
        yield
    except (errors.BoxshipError, OSError) as error:
        log.warning(what, volume=name, reason=str(error))
