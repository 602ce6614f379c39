"""What a second host has to know to be part of a cloud: the database, and the secrets that all of its hosts share. Written
by the first host, read by the next; a file for its owner's eyes only, to be carried by a way that nobody listens to."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec

from boxship.config import Settings
from boxship.core import errors, vault
from boxship.installation import errors as installation_errors
from boxship.installation import files, secrets

FORMAT = 1
"""The version of the file that this program writes and reads."""
_KEYS = ("keys", "keys/vault")
"""Where keys are below the state directory: of tokens, of what is sealed in the database."""
_SAME = ("region", "tunnel_port", "external_cidr")
"""Settings that all hosts have to agree on."""


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """``keys`` are files below the state directory, by their path; ``settings`` what all hosts agree on, as text."""

    format: int
    database: str
    passwords: dict[str, str]
    keys: dict[str, str]
    settings: dict[str, str]


def write(settings: Settings, path: Path) -> None:
    """Invite the bearer of the file. Conflict: the database is a file of this host; the file is there already."""
    if not settings.shared:
        raise errors.Conflict(
            "The database of this cloud is a file on this host, and other hosts cannot share it. Only a cloud that was "
            "started with --database postgresql://... can have more hosts."
        )
    if path.exists():
        raise errors.Conflict(f"{path} is there already; name another file.")
    for place in _KEYS:
        vault.key_ring(settings.state_dir / place)
    keys = {
        str(key.relative_to(settings.state_dir)): key.read_text()
        for place in _KEYS
        for key in sorted((settings.state_dir / place).iterdir())
        if key.name.isdigit()
    }
    made = Invitation(
        format=FORMAT,
        database=settings.database_url,
        passwords=secrets.passwords(settings.state_dir),
        keys=keys,
        settings={name: str(getattr(settings, name)) for name in _SAME},
    )
    files.write(path, msgspec.json.format(msgspec.json.encode(made)) + b"\n")


def read(path: Path) -> Invitation:
    """The invitation in a file. Unreadable: it is none, or others than its owner can read it."""
    content = files.read(path)
    if content is None:
        raise installation_errors.Unreadable(path, "there is no such file; 'boxship invite' on the first host makes it")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise installation_errors.Unreadable(
            path, "others can read it, and it holds the keys of the cloud; make it yours alone (chmod 600) first"
        )
    try:
        found = msgspec.json.decode(content, type=Invitation)
    except msgspec.DecodeError as error:
        raise installation_errors.Unreadable(path, "it is no invitation, or damaged") from error
    if found.format != FORMAT or not all(_is_key(name) for name in found.keys):
        raise installation_errors.Unreadable(path, "it was made by another version of boxship")
    return found


def _is_key(name: str) -> bool:
    place, _, number = name.rpartition("/")
    return place in _KEYS and number.isdigit()


def accept(invitation: Invitation, state_dir: Path) -> None:
    """Put keys and passwords where the program looks for them. Repeatable. Conflict: the directory has other ones."""
    wanted = {name: text.encode() for name, text in invitation.keys.items()}
    wanted[secrets.PASSWORDS] = msgspec.json.format(msgspec.json.encode(invitation.passwords), indent=2) + b"\n"
    for name, content in wanted.items():
        present = files.read(state_dir / name)
        same = present == content or (name == secrets.PASSWORDS and _passwords(present) == invitation.passwords)
        if present is not None and not same:
            raise errors.Conflict(
                f"{state_dir} belongs to another cloud, or to one that was started before it was invited. "
                "Choose another --state-dir, or remove that cloud with 'boxship destroy'."
            )
    for name, content in wanted.items():
        files.make_directory((state_dir / name).parent)
        files.write(state_dir / name, content)


def _passwords(content: bytes | None) -> dict[str, str] | None:
    try:
        return msgspec.json.decode(content or b"", type=dict[str, str])
    except msgspec.DecodeError:
        return None
