"""Tokens as texts: sealed with keys that only their owner can read, refused when anything about them is not as it was."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from cryptography import fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from boxship.services.identity import errors
from boxship.services.identity.live import tokens

PAYLOAD = tokens.Payload(tokens.VERSION, "u" * 32, ["password"], "project", "p" * 32, 1.5, 2.5, "audit", 0.25)


def test_what_is_sealed_is_read_again(tmp_path: Path) -> None:
    keys = tokens.Keys(tmp_path / "keys")
    text = keys.seal(PAYLOAD)
    assert keys.open(text) == PAYLOAD
    assert text.startswith("gAAAA") and len(text) < 400


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    tokens.Keys(tmp_path / "keys")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert [(path.name, path.stat().st_mode & 0o777) for path in (tmp_path / "keys").iterdir()] == [("0", 0o600)]


def test_keys_are_made_once(tmp_path: Path) -> None:
    text = tokens.Keys(tmp_path / "keys").seal(PAYLOAD)
    assert tokens.Keys(tmp_path / "keys").open(text) == PAYLOAD


def test_a_program_that_starts_at_the_same_time_uses_the_key_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one's key appears between the look and the making."""
    directory = tmp_path / "keys"
    generate = fernet.Fernet.generate_key
    other = generate()

    def slow() -> bytes:
        (directory / "0").write_bytes(other)
        return generate()

    monkeypatch.setattr(fernet.Fernet, "generate_key", slow)
    text = tokens.Keys(directory).seal(PAYLOAD)
    assert (directory / "0").read_bytes() == other
    assert tokens.Keys(directory).open(text) == PAYLOAD
    assert [path.name for path in directory.iterdir()] == ["0"]


def test_a_new_key_signs_and_the_old_one_is_still_read(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    old = tokens.Keys(directory).seal(PAYLOAD)
    (directory / "10").write_bytes(fernet.Fernet.generate_key() + b"\n")
    keys = tokens.Keys(directory)
    assert keys.open(old) == PAYLOAD
    new = keys.seal(PAYLOAD)
    (directory / "0").unlink()
    keys = tokens.Keys(directory)
    assert keys.open(new) == PAYLOAD
    with pytest.raises(errors.WrongCredentials):
        keys.open(old)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tokens.Keys:
    return tokens.Keys(tmp_path_factory.mktemp("keys"))


@settings(deadline=None)
@given(text=st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_other_texts_are_not_tokens(keys: tokens.Keys, text: str) -> None:
    with pytest.raises(errors.WrongCredentials):
        keys.open(text)


@settings(deadline=None)
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_bit_changed_and_it_is_no_token(keys: tokens.Keys, at: int, bit: int) -> None:
    text = keys.seal(PAYLOAD)
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[at % len(raw)] ^= 1 << bit
    with pytest.raises(errors.WrongCredentials):
        keys.open(base64.urlsafe_b64encode(bytes(raw)).decode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not msgpack",
        msgspec.msgpack.encode([1, "user"]),
        msgspec.msgpack.encode(msgspec.structs.replace(PAYLOAD, version=tokens.VERSION + 1)),
        msgspec.msgpack.encode(msgspec.structs.astuple(PAYLOAD)[:-1]),
    ],
    ids=["nothing", "no msgpack", "too short", "another version", "without the last field"],
)
def test_well_sealed_but_not_a_payload_is_no_token(tmp_path: Path, content: bytes) -> None:
    keys = tokens.Keys(tmp_path / "keys")
    sealed = fernet.Fernet((tmp_path / "keys" / "0").read_bytes()).encrypt(content).decode()
    with pytest.raises(errors.WrongCredentials):
        keys.open(sealed)


def test_audit_ids_are_all_different() -> None:
    made = {tokens.new_audit_id() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(id) for id in made} == {22}
