"""Registering the runtime with an engine that is somebody else's: it takes it up, or its configuration is as it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from boxship.core.errors import Refused
from boxship.drivers.engine import runtime, setup
from tests.system.waiting import until

THEIRS = {"log-level": "warn", "debug": False}


@dataclass(frozen=True, slots=True)
class Foreign:
    """An engine that never heard of us, with its own configuration file and pid file."""

    directory: Path

    @property
    def socket(self) -> Path:
        return self.directory / "s"

    @property
    def configuration(self) -> Path:
        return self.directory / "daemon.json"

    @property
    def pid_file(self) -> Path:
        return self.directory / "pid"

    @contextmanager
    def running(self, *options: str) -> Iterator[None]:
        places = {"--data-root": "data", "--exec-root": "exec", "--pidfile": "pid", "--config-file": "daemon.json"}
        own = [word for option, name in places.items() for word in (option, str(self.directory / name))]
        command = ["dockerd", "--host", f"unix://{self.socket}", "--bridge=none", "--iptables=false", *own, *options]
        with (self.directory / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            until(lambda: self.answers() or process.poll() is not None, "the engine starts")
            assert process.poll() is None, (self.directory / "log").read_text()
            yield
        finally:
            process.terminate()
            process.wait()

    def answers(self) -> bool:
        command = ["docker", "--host", f"unix://{self.socket}", "version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Iterator[Foreign]:
    with tempfile.TemporaryDirectory(prefix="boxship-foreign-", ignore_cleanup_errors=True) as name:
        made = Foreign(Path(name))
        made.configuration.write_text(json.dumps(THEIRS))
        monkeypatch.setattr(setup, "CONFIGURATION", made.configuration)
        monkeypatch.setattr(setup, "_PID_FILE", made.pid_file)
        yield made
        subprocess.run(["umount", "-R", made.directory / "data"], check=False, stderr=subprocess.DEVNULL)


@pytest.mark.system
@pytest.mark.xdist_group("docker")
@pytest.mark.skipif(os.geteuid() != 0, reason="a Docker engine needs root")
async def test_an_engine_takes_the_runtime_up_and_gives_it_back(foreign: Foreign) -> None:
    with foreign.running():
        assert not await setup.knows_runtime(foreign.socket)
        for _ in range(2):
            await setup.register(foreign.socket, foreign.directory / "ours")
            assert await setup.knows_runtime(foreign.socket)
        told = json.loads(foreign.configuration.read_text())
        assert told.pop("runtimes") == {runtime.NAME: {"path": str(foreign.directory / "ours" / "boxship-runtime")}}
        assert told == THEIRS
        for _ in range(2):
            setup.unregister()
        assert json.loads(foreign.configuration.read_text()) == THEIRS


@pytest.mark.system
@pytest.mark.xdist_group("docker")
@pytest.mark.skipif(os.geteuid() != 0, reason="a Docker engine needs root")
async def test_an_engine_that_reads_another_file(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "_PATIENCE", 0.5)
    monkeypatch.setattr(setup, "CONFIGURATION", foreign.directory / "not-read.json")
    with foreign.running():
        with pytest.raises(Refused, match="did not take up the runtime"):
            await setup.register(foreign.socket, foreign.directory / "ours")
        assert not (foreign.directory / "not-read.json").exists()
        assert json.loads(foreign.configuration.read_text()) == THEIRS


@pytest.mark.system
@pytest.mark.xdist_group("docker")
@pytest.mark.skipif(os.geteuid() != 0, reason="a Docker engine needs root")
async def test_an_engine_with_runtimes_on_its_command_line(foreign: Foreign) -> None:
    """It takes ours up beside them, and starts again with both."""
    options = ("--add-runtime", f"other={shutil.which('runc')}")
    with foreign.running(*options):
        await setup.register(foreign.socket, foreign.directory / "ours")
    with foreign.running(*options):
        assert await setup.knows_runtime(foreign.socket)


async def test_a_pid_file_of_nobody_leaves_the_configuration(foreign: Foreign) -> None:
    with pytest.raises(Refused, match="as it was"):
        await setup.register(foreign.socket, foreign.directory / "ours")
    assert json.loads(foreign.configuration.read_text()) == THEIRS


def test_a_stale_pid_file_harms_nobody(foreign: Foreign) -> None:
    """The number in it is another program's by now: SIGHUP would end that."""
    bystander = subprocess.Popen(["sleep", "1000"])
    try:
        foreign.pid_file.write_text(str(bystander.pid))
        foreign.configuration.write_text(json.dumps(THEIRS | {"runtimes": {runtime.NAME: {"path": "/x"}}}))
        with pytest.raises(Refused, match="restart"):
            setup.unregister()
        assert bystander.poll() is None
        assert json.loads(foreign.configuration.read_text()) == THEIRS
    finally:
        bystander.terminate()
        assert bystander.wait() == -15


@pytest.mark.parametrize("content", ["", "[]", '"x"', '{"runtimes": []}', '{"runtimes": 7}', "{"])
async def test_a_configuration_that_is_none_stays_as_it_is(foreign: Foreign, content: str) -> None:
    foreign.configuration.write_text(content)
    with pytest.raises(Refused, match="mend it first"):
        await setup.register(foreign.socket, foreign.directory / "ours")
    with pytest.raises(Refused, match="mend it first"):
        setup.unregister()
    assert foreign.configuration.read_text() == content


def test_the_configuration_keeps_its_mode(foreign: Foreign) -> None:
    foreign.configuration.write_text(json.dumps(THEIRS | {"runtimes": {runtime.NAME: {"path": "/x"}}}))
    foreign.configuration.chmod(0o640)
    with pytest.raises(Refused):
        setup.unregister()
    assert foreign.configuration.stat().st_mode & 0o777 == 0o640
