"""The provider cinder: volumes are made, taken over, looked at and removed. Attaching and mounting is in devices.py."""

from __future__ import annotations

from boxship.core import errors
from boxship.plugins.fuxi import devices, marks, options, resources
from boxship.plugins.fuxi.cinder import Cinder
from boxship.plugins.fuxi.host import Host, log
from boxship.plugins.fuxi.options import Wish
from boxship.plugins.fuxi.provider import Keep, State, Thing
from boxship.plugins.fuxi.records import Record

_READY = frozenset({"available", "in-use"})
_LOOK = 0.2
"""Seconds between two looks at what the cloud does."""
_UNDOING = 10.0


class Volumes:
    """Cinder's volumes for one call on one host."""

    name = options.CINDER

    def __init__(self, cinder: Cinder, host: Host) -> None:
        self._cinder = cinder
        self._host = host

    def things(self) -> list[Thing]:
        return [_thing(volume, self._host) for volume in self._cinder.volumes()]

    def create(self, name: str, wish: Wish) -> Thing:
        if wish.existing:
            return self._adopted(name, wish)
        # What a volume is made of says which file system it has, unless the user does.
        has_source = bool({"snapshot_id", "source_volid"} & wish.said)
        fstype = "" if has_source and "fstype" not in wish.said else wish.fstype
        values = {"name": name, "metadata": marks.made(name, fstype), **wish.values}
        if wish.size is not None:
            values["size"] = wish.size
        made = self._cinder.create(values, wish.hints)
        kept = self._first(name, made)
        try:
            self._settle(kept)
        except errors.Conflict:
            if kept.id == made.id:  # it never held anything, and would be in the way of the next try
                self._cinder.afterwards(_UNDOING).delete(made.id)
            raise
        return _thing(kept, self._host)

    def _first(self, name: str, made: resources.Volume) -> resources.Volume:
        """Of several hosts that make one name at once the first one has it; the others remove what they made."""
        same = [volume for volume in self._cinder.volumes() if marks.docker_name(volume.name, volume.metadata) == name]
        first = min([made, *same], key=lambda volume: (volume.created_at, volume.id))
        if first.id != made.id:
            log.info("another host made the volume first", volume=name, id=first.id)
            self._cinder.delete(made.id)
        return first

    def _adopted(self, name: str, wish: Wish) -> Thing:
        """A volume that a user brings, marked. Conflict: it is Docker's already, or somebody has it."""
        try:
            volume = self._cinder.volume(wish.existing)
        except errors.NotFound as error:
            raise errors.NotFound(f"There is no volume {wish.existing} in the cloud.") from error
        known = marks.docker_name(volume.name, volume.metadata)
        if known not in {None, name}:
            raise errors.Conflict(f"The volume {volume.id} is Docker's already, under the name {known}.")
        thing = _thing(volume, self._host)
        if thing.state is State.ATTACH_TO_OTHER and not volume.multiattach:
            raise errors.Conflict(f"The volume {volume.id} is attached to {thing.where}; detach it there first.")
        fstype = volume.metadata.get(marks.FSTYPE, "")
        if fstype and "fstype" in wish.said and fstype != wish.fstype:
            raise errors.BadRequest(
                f"The volume {volume.id} has the file system {fstype}, not {wish.fstype}.", field="fstype"
            )
        self._settle(volume)
        if known is None:
            self._cinder.mark(volume.id, marks.adopted(name, wish.fstype if "fstype" in wish.said else fstype))
        return thing

    def settle(self, thing: Thing) -> None:
        self._settle(self._cinder.volume(thing.id))

    def _settle(self, volume: resources.Volume) -> None:
        while volume.status not in _READY:
            if volume.status.startswith("error"):
                raise errors.Conflict(self._failed(volume))
            try:
                self._cinder.deadline.wait(_LOOK)
            except errors.Unavailable as error:
                raise errors.Unavailable(
                    f"The volume {volume.id} is still {volume.status}; try again, and it will be waited for."
                ) from error
            volume = self._cinder.volume(volume.id)

    def _failed(self, volume: resources.Volume) -> str:
        why = self._cinder.afterwards(_UNDOING).why(volume.id)
        return f"The volume {volume.id} is in the state {volume.status}{': ' + why if why else '.'}"

    def remove(self, thing: Thing) -> None:
        volume = self._cinder.volume(thing.id)
        if marks.is_existing(volume.metadata):
            for mark in (marks.NAME, marks.EXISTING, marks.FROM):
                self._cinder.unmark(volume.id, mark)
            return
        while volume.status == "detaching" or thing.state is State.ATTACH_TO_THIS:
            self._cinder.deadline.wait(_LOOK)
            volume = self._cinder.volume(thing.id)
            thing = _thing(volume, self._host)
        if thing.state is State.ATTACH_TO_OTHER:
            raise errors.Conflict(f"The volume {thing.name} is attached to {thing.where}; detach it there first.")
        self._cinder.delete(thing.id)
        self._await_end(thing)

    def _await_end(self, thing: Thing) -> None:
        while True:
            try:
                volume = self._cinder.volume(thing.id)
            except errors.NotFound:
                return
            if volume.status.startswith("error"):
                raise errors.Conflict(self._failed(volume))
            self._cinder.deadline.wait(_LOOK)

    def mount(self, thing: Thing, record: Record, keep: Keep) -> None:
        devices.Devices(self._cinder, self._host, keep).mount(thing, record)

    def release(self, record: Record, keep: Keep) -> Record:
        return devices.Devices(self._cinder, self._host, keep).release(record)


def _thing(volume: resources.Volume, host: Host) -> Thing:
    own, others = devices.holders(volume, host)
    state = State.NOT_ATTACH
    if own:
        state = State.ATTACH_TO_THIS
    elif others:
        state = State.ATTACH_TO_OTHER
    elif volume.status not in _READY:
        state = State.UNKNOWN
    return Thing(
        provider=options.CINDER,
        id=volume.id,
        name=marks.docker_name(volume.name, volume.metadata) or volume.name,
        status=volume.status,
        size=volume.size,
        state=state,
        created_at=volume.created_at,
        fstype=volume.metadata.get(marks.FSTYPE, ""),
        where=" and ".join(sorted({devices.whose(other) for other in others})),
    )
