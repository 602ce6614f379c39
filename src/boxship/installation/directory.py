"""The state directory and the record in it that makes it an installation."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from boxship.installation import errors as installation_errors
from boxship.installation import files, lock

FORMAT = 1
"""The version of the state directory's layout that this program writes. The database has its own (migrations)."""
RECORD = "installation.json"
OPERATORS = ("boxship.yaml", "policy.yaml")
"""Files that may be there before the first ``up``: the operator's."""
OWN = (
    *("keys", "logs", "images", "volumes", "backends", "backups", "shares", "exports", "fabric", "engine"),
    *("boxship.db", "boxship.db-wal", "boxship.db-shm", "boxship.db-journal"),
    *("passwords.json", "clouds.yaml", *OPERATORS, RECORD, lock.NAME),
)
"""All that is ever in a state directory, in the order in which ``destroy`` removes it: the record late, so that it can
be tried again, the lock last."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """``installation.json``. ``mark`` (4 hexadecimal digits) is on everything that this installation makes in the world;
    ``options`` are the settings that ``up`` was told on the command line or in the environment."""

    mark: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{4}$")]
    format: int
    created: str
    engine: str
    options: dict[str, str] = {}


def default() -> Path:
    """/var/lib/boxship for root; below the home directory for others, who can only have a fake cloud."""
    if os.geteuid() == 0:
        return Path("/var/lib/boxship")
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "boxship"


def find(state_dir: Path) -> Record | None:
    """The installation in this directory, or None.

    NewerState: it is of a later program. Unreadable: it is damaged or belongs to another user.
    """
    path = state_dir / RECORD
    content = files.read(path)
    if content is None:
        return None
    try:
        found = msgspec.json.decode(content, type=dict[str, object]).get("format", 0)
        if isinstance(found, int) and found > FORMAT:
            raise installation_errors.NewerState(state_dir, found, FORMAT)
        return msgspec.json.decode(content, type=Record)
    except msgspec.DecodeError as error:
        raise installation_errors.Unreadable(path, f"it is damaged ({error})") from error


def existing(state_dir: Path) -> Record:
    """The installation in this directory. NotInstalled: there is none."""
    record = find(state_dir)
    if record is None:
        raise installation_errors.NotInstalled(state_dir)
    return record


def check_usable(state_dir: Path) -> None:
    """NotEmpty: a cloud cannot be made here, as somebody else's files are in the directory. Changes nothing."""
    if find(state_dir) is not None or not state_dir.is_dir():
        return
    # A start that was interrupted before its record was written leaves the lock and nothing else.
    foreign = sorted(entry.name for entry in state_dir.iterdir() if entry.name not in {*OPERATORS, lock.NAME})
    if foreign:
        raise installation_errors.NotEmpty(state_dir, foreign)


def create_or_update(state_dir: Path, engine: str, told: dict[str, str]) -> Record:
    """The installation in this directory, made where there is none, remembering what ``up`` was told; call it with the
    lock held. OtherEngine: it was made for another engine."""
    record = find(state_dir)
    if record is None:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        record = Record(mark=secrets.token_hex(2), format=FORMAT, created=created, engine=engine)
    if record.engine != engine:
        raise installation_errors.OtherEngine(state_dir, record.engine, engine)
    changed = msgspec.structs.replace(record, options={**record.options, **told})
    files.write(state_dir / RECORD, msgspec.json.format(msgspec.json.encode(changed)) + b"\n")
    return changed
