"""The state directory: what is in it, for whom, and what it refuses."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from boxship.config import Settings
from boxship.core import errors
from boxship.installation import choice, directory, files, lock, process, removal, secrets
from boxship.installation import errors as installation_errors


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_mark_is_made_once_and_options_are_remembered(tmp_path: Path) -> None:
    first = directory.create_or_update(tmp_path, "fake", {"listen": "127.0.0.1:1"})
    second = directory.create_or_update(tmp_path, "fake", {"region": "Here"})
    assert len(first.mark) == 4
    assert second.mark == first.mark
    assert second.options == {"listen": "127.0.0.1:1", "region": "Here"}
    assert mode(tmp_path / "installation.json") == 0o600


def test_an_installation_keeps_its_engine(tmp_path: Path) -> None:
    directory.create_or_update(tmp_path, "docker", {})
    before = (tmp_path / "installation.json").read_bytes()
    with pytest.raises(installation_errors.OtherEngine, match="--state-dir"):
        directory.create_or_update(tmp_path, "fake", {})
    assert (tmp_path / "installation.json").read_bytes() == before


def test_a_newer_state_is_refused_even_if_it_looks_different(tmp_path: Path) -> None:
    (tmp_path / "installation.json").write_text('{"format": 2, "signs": ["x"]}')
    with pytest.raises(installation_errors.NewerState, match="newer Boxship"):
        directory.find(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 1, "mark": "../x"}'])
def test_a_damaged_record_is_refused_with_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "installation.json").write_text(content)
    with pytest.raises(installation_errors.Unreadable, match="damaged"):
        directory.find(tmp_path)


@pytest.mark.parametrize(
    ("names", "usable"),
    [([], True), (["boxship.yaml", "policy.yaml"], True), (["boxship.pid"], True), (["photos"], False)],
)
def test_only_an_empty_directory_becomes_an_installation(tmp_path: Path, names: list[str], *, usable: bool) -> None:
    for name in names:
        (tmp_path / name).touch()
    if usable:
        directory.check_usable(tmp_path)
    else:
        with pytest.raises(installation_errors.NotEmpty, match="photos"):
            directory.check_usable(tmp_path)


def test_passwords_are_random_kept_and_private(tmp_path: Path) -> None:
    made = secrets.create(tmp_path)
    (tmp_path / "other").mkdir()
    assert secrets.create(tmp_path) == made == secrets.passwords(tmp_path)
    assert secrets.create(tmp_path / "other") != made
    assert made["admin"] != made["demo"]
    assert all(len(password) >= 32 for password in made.values())
    assert mode(tmp_path / "passwords.json") == 0o600


def test_clouds_yaml_is_what_openstack_clients_read(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, region='A "quoted": region')
    path = secrets.write_clouds(settings, {"admin": "#a", "demo": "'d: {"})
    clouds = yaml.safe_load(path.read_text())["clouds"]
    assert mode(path) == 0o600
    assert clouds["boxship"]["region_name"] == settings.region
    assert clouds["boxship"]["auth"] == {
        "auth_url": "http://127.0.0.1:9500/identity/v3",
        "username": "demo",
        "password": "'d: {",
        "project_name": "demo",
        "user_domain_id": "default",
        "project_domain_id": "default",
    }
    assert clouds["boxship-admin"]["auth"]["password"] == "#a"


def test_settings_come_from_command_environment_memory_file_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("BOXSHIP_")]:
        monkeypatch.delenv(name)
    (tmp_path / "boxship.yaml").write_text("region: file\nworkers: 5\nlisten: 127.0.0.1:1\nquota_ports: 7\n")
    directory.create_or_update(tmp_path, "fake", {"region": "memory", "workers": "6", "listen": "127.0.0.1:2"})
    monkeypatch.setenv("BOXSHIP_WORKERS", "8")
    monkeypatch.setenv("BOXSHIP_LISTEN", "127.0.0.1:3")
    chosen = choice.settings({"state_dir": tmp_path, "listen": "127.0.0.1:4", "database": None})
    assert (chosen.listen, chosen.workers, chosen.region) == ("127.0.0.1:4", 8, "memory")
    assert (chosen.quota_ports, chosen.max_body) == (7, 1 << 20)
    assert choice.told({"listen": "127.0.0.1:4"}) == {"listen": "127.0.0.1:4", "workers": "8"}


def _hold(path: Path, entered: object, leave: object) -> None:
    with lock.held(path, "up"):
        entered.set()  # type: ignore[attr-defined]  # an Event of the spawn context
        leave.wait()  # type: ignore[attr-defined]


def test_a_second_program_is_told_who_works_here(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    entered, leave = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, entered, leave))
    other.start()
    try:
        assert entered.wait(60)
        assert lock.program(tmp_path) == process.look(other.pid or 0)
        with pytest.raises(installation_errors.InUse, match=str(other.pid)), lock.held(tmp_path, "up"):
            pass
    finally:
        leave.set()
        other.join(60)
    assert lock.holder(tmp_path) is None
    with lock.held(tmp_path, "migrate"):
        assert lock.program(tmp_path) is None, "a migration is not the program"
        assert lock.holder(tmp_path) is not None


def test_the_number_of_a_dead_program_means_nothing(tmp_path: Path) -> None:
    own = process.look(os.getpid())
    assert own is not None
    written = {"pid": own.pid, "started": own.started - 1, "boot": own.boot, "purpose": "up"}
    for content in (json.dumps(written), json.dumps({**written, "started": own.started, "boot": "x"}), "", "{", "[]"):
        (tmp_path / "boxship.pid").write_text(content)
        assert lock.holder(tmp_path) is None, content
    with lock.held(tmp_path, "up"):
        assert lock.program(tmp_path) == own


def test_stop_ends_exactly_the_process_that_is_meant() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        found = process.look(child.pid)
        assert found is not None
        mistaken = process.Process(found.pid, found.started + 1, found.boot)
        assert process.stop(mistaken, 0.0)
        assert child.poll() is None, "another process with the same number was hit"
        assert process.stop(found, 30.0)
        assert process.stop(found, 0.0), "asking again is fine"
    finally:
        child.kill()
        child.communicate()


def test_removal_leaves_what_is_not_ours(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (tmp_path / "outside").write_text("kept")
    (state / "images").symlink_to(tmp_path)
    (state / "notes.txt").write_text("mine")
    directory.create_or_update(state, "fake", {})
    assert removal.state(state) == ["notes.txt"]
    assert (tmp_path / "outside").read_text() == "kept"
    (state / "notes.txt").unlink()
    assert removal.state(state) == []
    assert not state.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_said_and_nothing_half_written_stays(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path], check=True)
    try:
        directory.create_or_update(tmp_path, "fake", {})
        before = (tmp_path / "installation.json").read_bytes()
        with pytest.raises(errors.Unavailable, match="full"):
            directory.create_or_update(tmp_path, "fake", {"region": "x" * 100_000})
        assert (tmp_path / "installation.json").read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["installation.json"]
        with pytest.raises(errors.Busy, match="mounted"):
            removal.state(tmp_path.parent)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_another_users_file_is_said_to_be_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(installation_errors.Unreadable, match="another user"):
        files.read(tmp_path / "passwords.json")
