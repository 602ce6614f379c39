"""The provider manila: shares are made, taken over, opened to this host, mounted where they are or by NFS, and removed."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

from msgspec.structs import replace

from boxship.core import errors
from boxship.plugins.fuxi import marks, mounts, options, resources
from boxship.plugins.fuxi.host import Host, log
from boxship.plugins.fuxi.manila import Manila
from boxship.plugins.fuxi.options import Wish
from boxship.plugins.fuxi.provider import Keep, State, Thing
from boxship.plugins.fuxi.records import Record, Records

_READY = "available"
_LOOK = 0.2
_UNDOING = 10.0
_NFS = ("nfs", "nfs4")
_FILESYSTEMS = Path("/proc/filesystems")


class Shares:
    """Manila's shares for one call on one host."""

    name = options.MANILA

    def __init__(self, manila: Manila, host: Host) -> None:
        self._manila = manila
        self._host = host
        self._records = Records(host.records)

    def things(self) -> list[Thing]:
        return [self._thing(share) for share in self._manila.shares()]

    def _thing(self, share: resources.Share) -> Thing:
        name = marks.docker_name(share.name, share.metadata) or share.name
        record = self._records.read(name)
        here = record is not None and record.id == share.id and bool(record.attachment)
        state = State.ATTACH_TO_THIS if here else State.NOT_ATTACH if share.status == _READY else State.UNKNOWN
        return Thing(
            provider=options.MANILA,
            id=share.id,
            name=name,
            status=share.status,
            size=share.size,
            state=state,
            created_at=share.created_at,
        )

    def create(self, name: str, wish: Wish) -> Thing:
        if wish.existing:
            return self._adopted(name, wish)
        values: dict[str, object] = {"name": name, "metadata": marks.made(name), **wish.values}
        if wish.size is None:
            snapshot = str(wish.values["snapshot_id"])
            values["size"] = self._manila.snapshot_size(snapshot)
        else:
            values["size"] = wish.size
        made = self._manila.create(values)
        kept = self._first(name, made)
        try:
            self._settle(kept)
        except errors.Conflict:
            if kept.id == made.id:  # it never held anything, and would be in the way of the next try
                self._manila.afterwards(_UNDOING).delete(made.id)
            raise
        return self._thing(kept)

    def _first(self, name: str, made: resources.Share) -> resources.Share:
        """Of several hosts that make one name at once the first one has it; the others remove what they made."""
        same = [share for share in self._manila.shares() if marks.docker_name(share.name, share.metadata) == name]
        first = min([made, *same], key=lambda share: (share.created_at, share.id))
        if first.id != made.id:
            log.info("another host made the share first", volume=name, id=first.id)
            self._settle(made)
            self._manila.delete(made.id)
        return first

    def _adopted(self, name: str, wish: Wish) -> Thing:
        """A share that a user brings, marked. Conflict: it is Docker's already."""
        try:
            share = self._manila.share(wish.existing)
        except errors.NotFound as error:
            raise errors.NotFound(f"There is no share {wish.existing} in the cloud.") from error
        known = marks.docker_name(share.name, share.metadata)
        if known not in {None, name}:
            raise errors.Conflict(f"The share {share.id} is Docker's already, under the name {known}.")
        if share.share_proto.upper() != "NFS":
            raise errors.BadRequest(f"The share {share.id} is one of {share.share_proto}; only NFS is offered.")
        self._settle(share)
        if known is None:
            self._manila.mark(share.id, marks.adopted(name))
        return dataclasses.replace(self._thing(share), name=name)

    def settle(self, thing: Thing) -> None:
        self._settle(self._manila.share(thing.id))

    def _settle(self, share: resources.Share) -> None:
        while share.status != _READY:
            if "error" in share.status:
                raise errors.Conflict(self._failed(share))
            try:
                self._manila.deadline.wait(_LOOK)
            except errors.Unavailable as error:
                raise errors.Unavailable(
                    f"The share {share.id} is still {share.status}; try again, and it will be waited for."
                ) from error
            share = self._manila.share(share.id)

    def _failed(self, share: resources.Share) -> str:
        why = self._manila.afterwards(_UNDOING).why(share.id)
        return f"The share {share.id} is in the state {share.status}{': ' + why if why else '.'}"

    def remove(self, thing: Thing) -> None:
        share = self._manila.share(thing.id)
        if marks.is_existing(share.metadata):
            for mark in (marks.NAME, marks.EXISTING, marks.FROM):
                self._manila.unmark(share.id, mark)
            return
        others = sorted(rule.access_to for rule in self._manila.rules(thing.id))
        if others:
            raise errors.Conflict(
                f"The share {thing.name} is open to {' and '.join(others)} as well; take these access rules away first."
            )
        self._manila.delete(thing.id)
        while True:
            try:
                share = self._manila.share(thing.id)
            except errors.NotFound:
                return
            if "error" in share.status:
                raise errors.Conflict(self._failed(share))
            self._manila.deadline.wait(_LOOK)

    def mount(self, thing: Thing, record: Record, keep: Keep) -> None:
        """Open the share to this host and mount it: the directory itself where it is on this host, else by NFS."""
        self.settle(thing)
        locations = self._manila.locations(thing.id)
        local = next((found for found in locations if _is_local(found, thing.id)), None)
        remote = sorted((found for found in locations if _server(found)), key=lambda found: not found.preferred)
        if local is None and not remote:
            raise errors.Conflict(f"The share {thing.name} has no export location that this host can use.")
        self._open(thing, record, keep, _server(remote[0]) if remote else "")
        point = self._host.made_point(thing.id)
        if local is not None:
            mount_local(Path(local.path), point)
        else:
            mount_nfs(remote[0].path, point, self._manila.deadline.left())

    def _open(self, thing: Thing, record: Record, keep: Keep, server: str) -> None:
        """An access rule for this host. One that is there already, and none of ours, serves as well and is left."""
        address = self._host.address_towards(server or "127.0.0.1")
        rule = self._rule(thing.id, address)
        if rule is None:
            rule = self._manila.allow(thing.id, address)
            keep(replace(record, attachment=rule.id))
        while rule.state not in {"active", ""}:
            if rule.state == "error":
                raise errors.Conflict(f"The cloud could not open the share {thing.name} to {address}.")
            self._manila.deadline.wait(_LOOK)
            rule = self._rule(thing.id, address) or rule

    def _rule(self, share_id: str, address: str) -> resources.Rule | None:
        rules = [rule for rule in self._manila.rules(share_id) if rule.access_type == "ip"]
        return next((rule for rule in rules if rule.access_to in {address, f"{address}/32", f"{address}/128"}), None)

    def release(self, record: Record, keep: Keep) -> Record:
        """Close the share to this host, if we opened it."""
        if not record.attachment:
            return record
        self._manila.deny(record.id, record.attachment)
        while any(rule.id == record.attachment for rule in self._manila.rules(record.id)):
            self._manila.deadline.wait(_LOOK)
        return keep(replace(record, attachment=""))


def mount_local(source: Path, point: Path) -> None:
    """Let a share that is mounted on this host be seen at a place. Conflict: what the cloud names is no such directory."""
    if not source.is_absolute() or Path(os.path.realpath(source)) != source:
        raise errors.Conflict(f"The export location {source} is no plain path of a directory.")
    try:
        mounts.bind(source, point)
    except OSError as error:
        raise errors.Conflict(f"The share at {source} cannot be mounted: {error.strerror}.") from error


def mount_nfs(source: str, point: Path, seconds: float) -> None:
    """Mount a share by NFS. Conflict: this host cannot, or the server says no; Unavailable: it does not answer in time."""
    if shutil.which("mount.nfs") is None:
        raise errors.Conflict(
            f"The share {source} is on another host, and this one has no NFS client: install nfs-common."
        )
    subprocess.run(["modprobe", "--quiet", "nfs"], check=False, capture_output=True)
    known = {line.split()[-1] for line in _FILESYSTEMS.read_text(encoding="ascii").splitlines()}
    if not known.intersection(_NFS):
        raise errors.Conflict(f"The share {source} is on another host, and the kernel of this one knows no NFS.")
    command = ["mount", "-t", "nfs", "-o", "nosuid,nodev,hard,timeo=100", "--", source, str(point)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise errors.Unavailable(f"The server of the share {source} does not answer.") from error
    if done.returncode:
        raise errors.Conflict(f"The share {source} cannot be mounted: {done.stderr.strip()}")


def _is_local(location: resources.Location, share_id: str) -> bool:
    """Whether it is a directory of this host: something is mounted there, and it is called as the share is."""
    path = Path(location.path)
    return path.is_absolute() and path.name == share_id and mounts.at(path) is not None


def _server(location: resources.Location) -> str:
    """The server of an NFS path, ``host:/path`` or ``[address]:/path``; empty: it is none."""
    server, _, path = location.path.partition(":/")
    if location.path.startswith("["):
        server, _, path = location.path[1:].partition("]:/")
    return server if path and not server.startswith("/") else ""
