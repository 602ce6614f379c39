"""What an operator can get wrong, and what a host can lack: a sentence that says what to do, the right exit code, and the
state as it was."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from boxship.config import Settings
from boxship.installation import directory, host
from boxship.installation import errors as installation_errors
from tests.cli.conftest import CommandLine


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """It ended with this code and one sentence that has all the words."""
    assert done.returncode == code, done.stdout + done.stderr
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence.startswith("boxship: "), done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in sentence, sentence


@pytest.mark.parametrize("detach", [["--detach"], []])
def test_port_taken(boxship: CommandLine, detach: list[str]) -> None:
    with socket.create_server(("127.0.0.1", boxship.port)):
        done = boxship.run("up", *detach, "--engine", "fake", "--listen", f"127.0.0.1:{boxship.port}")
    refused(done, 1, str(boxship.port), "taken", "--listen")
    assert not boxship.state_dir.exists()


@pytest.mark.parametrize("listen", ["9500", "host:", "127.0.0.1:99999", "127.0.0.1:x"])
def test_an_address_that_is_none(boxship: CommandLine, listen: str) -> None:
    refused(boxship.run("up", "--engine", "fake", "--listen", listen), 2, "HOST:PORT")
    assert not boxship.state_dir.exists()


def test_no_docker_and_no_way_to_start_one(boxship: CommandLine, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        refused(boxship.run("up", "--listen", f"127.0.0.1:{boxship.port}"), 1, "root", "--engine fake")
        return
    there = {"BOXSHIP_ENGINE_SOCKET": str(tmp_path / "none.sock"), "PATH": "/nowhere"}
    refused(boxship.run("up", "--listen", f"127.0.0.1:{boxship.port}", **there), 1, "dockerd", "apt-get install")
    assert not boxship.state_dir.exists()


def test_no_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(installation_errors.NotReady, match=r"needs root.*--engine fake"):
        host.check_start(Settings(state_dir=tmp_path / "state"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert directory.default() == tmp_path / "boxship"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert directory.default() == Path.home() / ".local" / "state" / "boxship"


def test_a_state_directory_of_a_newer_version(boxship: CommandLine) -> None:
    boxship.state_dir.mkdir()
    record = boxship.state_dir / "installation.json"
    record.write_text(json.dumps({"format": 99, "mark": "abcd"}))
    for words in (["up", "--engine", "fake"], ["up", "--detach"], ["destroy", "--yes"], ["status"], ["migrate"]):
        refused(boxship.run(*words), 1, "newer Boxship", str(boxship.state_dir))
    assert [path.name for path in boxship.state_dir.iterdir()] == ["installation.json"]
    record.unlink()


def test_a_directory_of_somebody_else(boxship: CommandLine) -> None:
    boxship.state_dir.mkdir()
    (boxship.state_dir / "thesis.tex").write_text("...")
    refused(boxship.run("up", "--engine", "fake", "--listen", f"127.0.0.1:{boxship.port}"), 1, "thesis.tex")
    assert boxship.ok("destroy", "--yes").startswith("There is no cloud")
    assert (boxship.state_dir / "thesis.tex").exists()


def test_a_setting_that_is_none(boxship: CommandLine) -> None:
    boxship.state_dir.mkdir()
    (boxship.state_dir / "boxship.yaml").write_text("colour: red\n")
    refused(boxship.run("up", "--engine", "fake"), 2, "colour")
    (boxship.state_dir / "boxship.yaml").write_text("engine: [fake\n")
    refused(boxship.run("up"), 2, "boxship.yaml")
    (boxship.state_dir / "boxship.yaml").unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_disk_full(boxship: CommandLine) -> None:
    boxship.state_dir.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", boxship.state_dir], check=True)
    try:
        done = boxship.run("up", "--engine", "fake", "--listen", f"127.0.0.1:{boxship.port}")
        refused(done, 1, "disk", "left", "--state-dir")
        assert list(boxship.state_dir.iterdir()) == []
    finally:
        subprocess.run(["umount", boxship.state_dir], check=True)


def test_no_cloud_at_all(boxship: CommandLine) -> None:
    for words in (["status"], ["env"], ["ps"], ["run", "busybox"], ["migrate"], ["demo"]):
        refused(boxship.run(*words), 3, "boxship up")
    assert "not running" in boxship.ok("down")
    assert not boxship.state_dir.exists()


def test_a_cloud_elsewhere_that_does_not_answer(boxship: CommandLine) -> None:
    there = {"OS_AUTH_URL": f"{boxship.url}/identity/v3", "OS_USERNAME": "u", "OS_PASSWORD": "p"}
    refused(boxship.run("ps", **there), 3, str(boxship.port))


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["run", "--publish", "80:8080", "busybox"],
        ["run", "--publish", "0", "busybox"],
        ["run", "--volume", "data", "busybox"],
        ["run", "--volume", "data:relative", "busybox"],
        ["run", "--env", "=value", "busybox"],
        ["run", "--rm", "--publish", "80", "busybox"],
        ["up", "--engine", "podman"],
        ["fly"],
        ["exec", "web"],
        ["rm"],
    ],
)
def test_wrong_usage(boxship: CommandLine, words: list[str]) -> None:
    done = boxship.run(*words)
    assert done.returncode == 2, done.stderr
    assert "Error: " in done.stderr
