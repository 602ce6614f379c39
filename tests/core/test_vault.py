"""Secrets that are kept: sealed with keys for their owner only, opened with every key that is there, told by nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import fernet

from boxship.core import errors
from boxship.core.vault import Vault

SECRET = "correct horse, bättery"


def test_what_is_sealed_is_opened(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "keys" / "vault")
    sealed = vault.seal(SECRET)
    assert SECRET not in sealed
    assert vault.seal(SECRET) != sealed
    assert Vault(tmp_path / "keys" / "vault").open(sealed) == SECRET


def test_keys_are_made_at_first_use_and_for_their_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "vault"
    vault = Vault(directory)
    assert not directory.exists()
    vault.seal(SECRET)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert [(path.name, path.stat().st_mode & 0o777) for path in directory.iterdir()] == [("0", 0o600)]


def test_a_new_key_seals_and_the_old_one_still_opens(tmp_path: Path) -> None:
    old = Vault(tmp_path).seal(SECRET)
    (tmp_path / "1").write_bytes(fernet.Fernet.generate_key())
    vault = Vault(tmp_path)
    assert vault.open(old) == SECRET
    new = vault.seal(SECRET)
    (tmp_path / "0").unlink()
    assert Vault(tmp_path).open(new) == SECRET


def test_a_key_that_is_gone_is_told_without_the_secret_or_the_place(tmp_path: Path) -> None:
    sealed = Vault(tmp_path / "one").seal(SECRET)
    with pytest.raises(errors.Refused) as refused:
        Vault(tmp_path / "other").open(sealed)
    assert str(tmp_path) not in refused.value.sentence
    assert sealed not in refused.value.sentence + refused.value.detail


@pytest.mark.parametrize("text", ["", "gAAAA", "not sealed at all", "ä"])
def test_what_was_never_sealed_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(errors.Refused):
        Vault(tmp_path).open(text)
