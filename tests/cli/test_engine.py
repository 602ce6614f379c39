"""The Docker engine around a cloud: started where none answers and stopped again; left alone where it is somebody else's."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.cli import engine
from boxship.config import Settings
from boxship.core import errors
from boxship.drivers.engine import setup
from boxship.installation import host
from tests.system.installation import check_host
from tests.system.waiting import until


def docker_on_the_host() -> set[str]:
    """What an engine with networks of its own puts on a host: a bridge, and chains of iptables. Engines of other tests
    may take theirs away meanwhile, so only what is new can be held against this one."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout.splitlines()
    chains = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout.splitlines()
    bridges = {link.split(":")[1].strip() for link in links if "docker" in link}
    return bridges | {chain.split()[0] for chain in chains if chain.startswith(":DOCKER")}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Of a cloud whose engine would keep everything in a directory of its own, with a short name for the socket's sake."""
    with tempfile.TemporaryDirectory(prefix="boxship-engine-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        places = {"--data-root": "data", "--exec-root": "exec", "--pidfile": "docker.pid"}
        own = [word for option, place in places.items() for word in (option, str(directory / place))]
        monkeypatch.setattr(engine, "_OPTIONS", (*engine._OPTIONS, *own))
        yield Settings(state_dir=directory / "state", engine_socket=directory / "docker.sock")
        subprocess.run(["umount", "-R", directory / "data"], check=False, stderr=subprocess.DEVNULL)


@pytest.mark.system
@pytest.mark.xdist_group("system")
def test_an_engine_is_started_and_stopped_and_leaves_the_host_as_it_was(settings: Settings) -> None:
    check_host()
    before = docker_on_the_host()
    assert host.knows_runtime(settings.engine_socket) is None
    engine.prepare(settings)
    try:
        pid = setup.started(engine.place(settings))
        assert engine.ready(settings)
        assert pid is not None
        assert docker_on_the_host() <= before
        asyncio.run(setup.stop(engine.place(settings)))
        assert not engine.ready(settings)
        engine.revive(settings)
        assert engine.ready(settings), "what is in it could not be removed otherwise"
        pid = setup.started(engine.place(settings))
    finally:
        engine.leave(settings)
    assert host.knows_runtime(settings.engine_socket) is None
    until(
        lambda: not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes(), "it ended"
    )
    assert docker_on_the_host() <= before
    engine.leave(settings)


def test_the_bridge_of_another_engine_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine, "_BRIDGE", tmp_path / "docker0")
    assert "--bridge=none" in engine.options()
    (tmp_path / "docker0").touch()
    assert not [option for option in engine.options() if option.startswith("--bridge")]


@pytest.mark.parametrize("ours", [True, False])
def test_only_our_own_runtime_is_taken_out_of_the_configuration(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *, ours: bool
) -> None:
    configuration = settings.state_dir.parent / "daemon.json"
    directory = engine.place(settings) if ours else Path("/other/engine")
    runtimes = {"boxship": {"path": str(directory / "boxship-runtime")}, "kata": {"path": "/kata"}}
    configuration.write_text(json.dumps({"log-level": "warn", "runtimes": runtimes}))
    monkeypatch.setattr(setup, "CONFIGURATION", configuration)
    monkeypatch.setattr(setup, "_PID_FILE", settings.state_dir / "no-engine.pid")
    try:
        engine.unregister(settings)
    except errors.Refused as error:
        assert ours, "nothing was to be done"
        assert "restart" in error.sentence, "there is no engine here to read it again"
    left = json.loads(configuration.read_text())
    assert left["log-level"] == "warn"
    assert set(left["runtimes"]) == ({"kata"} if ours else {"kata", "boxship"})


def test_a_socket_that_is_no_engine(tmp_path: Path) -> None:
    assert host.knows_runtime(tmp_path / "none") is None
    (tmp_path / "file").write_text("")
    assert host.knows_runtime(tmp_path / "file") is None
