"""Cinder's volumes on this host: attachment, device, file system, mount; and all of it back.

Whoever is killed between two steps left a record that says as much, and the same call goes on there. An attachment of this
host without a record (the record was lost) is found by the host's name and taken over.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from msgspec.structs import replace

from boxship.core import errors
from boxship.plugins.cloud import Deadline
from boxship.plugins.fuxi import connectors, filesystems, marks, mounts, resources
from boxship.plugins.fuxi.cinder import Cinder
from boxship.plugins.fuxi.host import Host, log
from boxship.plugins.fuxi.provider import Keep, Thing
from boxship.plugins.fuxi.records import Record

_LOOK = 0.1
_FREE = 10.0
"""Seconds that the mount namespace of a container may take to go, after Docker said that it is over."""
_PASSING = frozenset({"detaching", "attaching", "reserved", "extending", "creating", "downloading"})
_OPTIONS = {"xfs": "nouuid", "ext4": "errors=remount-ro"}
"""A clone has the UUID of what it was made of, and both may be mounted here. An ext4 cannot ask the kernel to panic."""

_blank_until: dict[str, int] = {}
"""How far the devices of attachments were read and found blank, where reading takes longer than a call."""


def holders(volume: resources.Volume, host: Host) -> tuple[list[resources.Attached], list[resources.Attached]]:
    """Attachments of this host's own, and all others; those of servers and containers are theirs, wherever they run."""
    own = [found for found in volume.attachments if _is_own(found, host)]
    return own, [found for found in volume.attachments if not _is_own(found, host)]


def _is_own(found: resources.Attached, host: Host) -> bool:
    return found.host_name.lower() == host.name.lower() and not found.server_id


def whose(found: resources.Attached) -> str:
    """Who has an attachment, in words."""
    at = f" on the host {found.host_name}" if found.host_name else ""
    return (
        f"{found.server_id}{at}" if found.server_id else f"the host {found.host_name or 'that the cloud does not name'}"
    )


class Devices:
    """Volumes on this host, for one call."""

    def __init__(self, cinder: Cinder, host: Host, keep: Keep) -> None:
        self._cinder = cinder
        self._host = host
        self._keep = keep

    def mount(self, thing: Thing, record: Record) -> None:
        """Attach and mount. Conflict: somebody else has it, or what it holds is not for us; the reason is in the sentence."""
        volume = self._passed(thing)
        record = self._connected(volume, record)
        kind = self._prepared(volume, record)
        point = self._host.made_point(volume.id)
        try:
            mounts.mount(record.device, point, kind, _OPTIONS.get(kind, ""), read_only=volume.is_read_only)
        except OSError as error:
            raise errors.Conflict(
                f"The file system {kind} of the volume {thing.name} cannot be mounted: {error.strerror}."
            ) from error
        if not volume.is_read_only:
            _empty(point)
            _grow(record, point, kind)

    def _passed(self, thing: Thing) -> resources.Volume:
        """The volume, when nothing is under way with it. Conflict: it is held by somebody else."""
        while True:
            volume = self._cinder.volume(thing.id)
            own, others = holders(volume, self._host)
            _check(thing, volume, others, self._host)
            if own or volume.status not in _PASSING:
                break
            self._cinder.deadline.wait(_LOOK)
        if volume.status not in {"available", "in-use", "attaching"}:
            raise errors.Conflict(f"The volume {thing.name} is in the state {volume.status}, and cannot be mounted.")
        return volume

    def _connected(self, volume: resources.Volume, record: Record) -> Record:
        """The record, with attachment and device."""
        attachment = self._attachment(volume, record)
        if record.attachment != attachment.id:
            record = self._keep(replace(record, attachment=attachment.id, device=""))
        while not attachment.connection_info.get("driver_volume_type"):
            if attachment.status.startswith("error"):
                raise errors.Conflict(f"The volume {volume.id} could not be attached: the attachment is in error.")
            self._cinder.deadline.wait(_LOOK)
            attachment = self._cinder.attachment(attachment.id)
        device = connectors.connect(attachment.connection_info, volume.size, self._cinder.deadline)
        if record.device != device:
            record = self._keep(replace(record, device=device))
        if attachment.status != "attached":
            self._cinder.complete(attachment.id)
        return record

    def _attachment(self, volume: resources.Volume, record: Record) -> resources.Attachment:
        own, _ = holders(volume, self._host)
        for known in dict.fromkeys([record.attachment, *(found.attachment_id for found in own)]):
            with contextlib.suppress(errors.NotFound):
                if known:
                    return self._cinder.attachment(known)
        try:
            connector = connectors.properties(self._host)
            return self._cinder.attach(volume.id, connector, read_only=volume.is_read_only)
        except (errors.BadRequest, errors.Conflict) as error:
            raise errors.Conflict(
                f"The volume {volume.id} cannot be attached to this host: {error.sentence}"
            ) from error

    def _prepared(self, volume: resources.Volume, record: Record) -> str:
        """The file system that is there now. Conflict: what the device holds is none, or another one than it should be."""
        wanted = volume.metadata.get(marks.FSTYPE, "")
        found = None if _is_unfinished(record) else filesystems.kind(record.device)
        if found is None:
            found = self._formatted(record, wanted or self._host.defaults.fstype)
        if wanted and wanted != found:
            raise errors.Conflict(f"The volume {volume.id} holds {found}, and not {wanted} as its metadata say.")
        if not wanted:
            self._cinder.mark(volume.id, {marks.FSTYPE: found})
        return found

    def _formatted(self, record: Record, kind: str) -> str:
        """A file system on a device that is blank, or was when we began under this very attachment."""
        volume = self._cinder.volume(record.id)
        if volume.is_read_only or holders(volume, self._host)[1]:
            raise errors.Conflict(
                f"The volume {volume.id} has no file system yet, and cannot get one while it is read-only or others have it."
            )
        if not _is_unfinished(record) and not self._is_blank(record):
            raise errors.Conflict(
                f"The volume {volume.id} holds data that are no file system we know; it is not formatted over them."
            )
        filesystems.check(kind)
        record = self._keep(replace(record, formatting=record.attachment))
        log.info("a blank volume gets a file system", volume=record.name, id=volume.id, fstype=kind)
        filesystems.make(record.device, kind)
        self._keep(replace(record, formatting=""))
        return kind

    def _is_blank(self, record: Record) -> bool:
        start = _blank_until.pop(record.attachment, 0)
        try:
            return filesystems.is_blank(record.device, self._cinder.deadline, start)
        except filesystems.Unfinished as error:
            _blank_until[record.attachment] = error.at
            raise

    def release(self, record: Record) -> Record:
        """Give the device and the attachment back."""
        if not record.attachment:
            return record
        attachment = self._known(record.attachment)
        if attachment is not None and _is_unfinished(record):
            record = self._finished(record)
        if record.device and os.path.exists(record.device):  # noqa: PTH110 (a device's name is text)
            self._await_free(record)
        if attachment is not None and record.device:
            connectors.disconnect(attachment.connection_info)
        self._cinder.detach(record.attachment)
        return self._keep(replace(record, attachment="", device="", formatting=""))

    def _known(self, id: str) -> resources.Attachment | None:
        try:
            return self._cinder.attachment(id)
        except errors.NotFound:
            return None

    def _finished(self, record: Record) -> Record:
        """A file system that was begun is made whole: nobody could tell it from data otherwise."""
        volume = self._cinder.volume(record.id)
        record = self._connected(volume, record)
        if not self._is_blank(record):
            self._formatted(record, volume.metadata.get(marks.FSTYPE) or self._host.defaults.fstype)
        return self._keep(replace(record, formatting=""))

    def _await_free(self, record: Record) -> None:
        within = Deadline(_FREE)
        while not filesystems.is_free(record.device):
            try:
                within.wait(_LOOK)
                self._cinder.deadline.left()
            except errors.Unavailable as error:
                raise errors.Conflict(
                    f"The volume {record.name} stays attached: {record.device} is still mounted somewhere on this host."
                ) from error


def _is_unfinished(record: Record) -> bool:
    """Whether we began to format the device under the attachment that it has now."""
    return bool(record.attachment) and record.formatting == record.attachment


def _grow(record: Record, point: Path, kind: str) -> None:
    """Let the file system fill a volume that was extended. Where the kernel does not let us (CAP_SYS_RESOURCE), it stays
    as it is: it works, and is smaller than it could be."""
    try:
        filesystems.grow(record.device, point, kind)
    except errors.Conflict as error:
        log.warning("the file system does not fill its volume", volume=record.name, reason=error.sentence)


def _empty(point: Path) -> None:
    """Take lost+found from a file system that holds nothing else: programs that want an empty directory refuse to start
    beside it, and e2fsck makes it when it needs it."""
    if [entry.name for entry in point.iterdir()] == ["lost+found"]:
        with contextlib.suppress(OSError):
            (point / "lost+found").rmdir()


def _check(thing: Thing, volume: resources.Volume, others: list[resources.Attached], host: Host) -> None:
    """Conflict: others have the volume in a way that leaves no place for us."""
    if not others:
        return
    if not volume.multiattach:
        names = " and ".join(sorted({whose(other) for other in others}))
        raise errors.Conflict(f"The volume {thing.name} is attached to {names}; detach it there first.")
    elsewhere = sorted({whose(other) for other in others if other.host_name.lower() != host.name.lower()})
    if elsewhere and not volume.is_read_only:
        raise errors.Conflict(
            f"The volume {thing.name} is attached to {' and '.join(elsewhere)} as well. Two hosts that write would destroy its "
            "file system: detach it there first, or make it read-only; for writing from several hosts there are shares."
        )
