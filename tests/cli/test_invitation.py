"""Invitations: what a second host is told, and when it must not be."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from boxship.config import Settings
from boxship.core import errors
from boxship.core.vault import Vault
from boxship.installation import invitation, secrets

URL = "postgresql://boxship:secret@192.0.2.1/boxship"


@pytest.fixture
def first(tmp_path: Path) -> Settings:
    """The first host of a cloud on PostgreSQL."""
    made = Settings(state_dir=tmp_path / "first", database=URL, region="RegionTwo")
    made.state_dir.mkdir()
    secrets.create(made.state_dir)
    return made


def test_a_second_host_gets_keys_passwords_and_what_all_agree_on(first: Settings, tmp_path: Path) -> None:
    invitation.write(first, tmp_path / "cloud.json")
    found = invitation.read(tmp_path / "cloud.json")
    assert found.database == URL
    assert found.settings["region"] == "RegionTwo"
    second = tmp_path / "second"
    second.mkdir()
    invitation.accept(found, second)
    assert secrets.passwords(second) == secrets.passwords(first.state_dir)
    sealed = Vault(first.state_dir / "keys" / "vault").seal("known to both")
    assert Vault(second / "keys" / "vault").open(sealed) == "known to both"
    for path in second.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    invitation.accept(found, second)


def test_the_file_is_for_its_owner_only(first: Settings, tmp_path: Path) -> None:
    path = tmp_path / "cloud.json"
    invitation.write(first, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(errors.BoxshipError, match="others can read it"):
        invitation.read(path)


def test_nothing_is_overwritten(first: Settings, tmp_path: Path) -> None:
    path = tmp_path / "cloud.json"
    path.write_text("somebody's")
    with pytest.raises(errors.Conflict, match="is there already"):
        invitation.write(first, path)
    assert path.read_text() == "somebody's"


def test_a_cloud_on_a_file_invites_nobody(tmp_path: Path) -> None:
    with pytest.raises(errors.Conflict, match="other hosts cannot share it"):
        invitation.write(Settings(state_dir=tmp_path), tmp_path / "cloud.json")


def test_a_host_of_another_cloud_keeps_its_keys(first: Settings, tmp_path: Path) -> None:
    invitation.write(first, tmp_path / "cloud.json")
    other = tmp_path / "other"
    other.mkdir()
    before = secrets.create(other)
    with pytest.raises(errors.Conflict, match="belongs to another cloud"):
        invitation.accept(invitation.read(tmp_path / "cloud.json"), other)
    assert secrets.passwords(other) == before
    assert [path.name for path in other.iterdir()] == [secrets.PASSWORDS]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"keys": {"../../etc/shadow": "x"}}, "another version"),
        ({"keys": {"keys/../0": "x"}}, "another version"),
        ({"format": 2}, "another version"),
        ({"database": 5}, "no invitation"),
    ],
)
def test_what_is_no_invitation_is_refused(
    first: Settings, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    path = tmp_path / "cloud.json"
    invitation.write(first, path)
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(path.read_bytes()) | change))
    with pytest.raises(errors.BoxshipError, match=reason):
        invitation.read(path)
