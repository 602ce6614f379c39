"""``boxship kuryr`` as a process: where Docker finds it, its log, its end, and what it never touches."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from boxship.core import errors
from boxship.plugins.docker import places
from tests import certificates
from tests.plugins.kuryr.world import Docker
from tests.system.waiting import until

SECRET = "s3cret-token"


class Process:
    """The command, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = directory / "plugins" / "test.sock"
        self.spec = directory / "specs" / "test.spec"
        self._running: list[subprocess.Popen[bytes]] = []
        entry = {"auth_type": "admin_token", "auth": {"endpoint": "http://127.0.0.1:1", "token": SECRET}}
        clouds = directory / "clouds.yaml"
        clouds.write_text(yaml.safe_dump({"clouds": {"test": entry}}))
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        self._environment["OS_CLIENT_CONFIG_FILE"] = str(clouds)

    def start(self, *options: str, cloud: str = "test") -> subprocess.Popen[bytes]:
        """Start it; its log goes to ``log``."""
        command = [sys.executable, "-m", "boxship", "kuryr", "--cloud", cloud, "--timeout", "1", *options]
        with (self.directory / "log").open("ab") as log:
            child = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log, cwd=self.directory)
        self._running.append(child)
        return child

    def started(self, *options: str) -> subprocess.Popen[bytes]:
        """Start it on the socket, and wait until it answers."""
        known = len(self.events("kuryr answers"))
        child = self.start("--socket", str(self.socket), *options)
        until(lambda: child.poll() is not None or len(self.events("kuryr answers")) > known, "the plugin answers", 30)
        assert child.poll() is None, self.log()
        return child

    def failed(self, *options: str, cloud: str = "test") -> tuple[int, str]:
        """Start it and wait for its end: the exit code and what it said."""
        before = len(self.log())
        code = self.start(*options, cloud=cloud).wait(60)
        return code, self.log()[before:]

    def log(self) -> str:
        path = self.directory / "log"
        return path.read_text() if path.exists() else ""

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines of the log about something; all of them are JSON."""
        lines = [line for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line["event"] == name]

    def close(self) -> None:
        for child in self._running:
            if child.poll() is None:
                child.kill()
            child.wait(30)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_without_a_cloud_and_ends_clean(process: Process, end: signal.Signals) -> None:
    child = process.started("--spec", str(process.spec), "--name", "test", "--verbose")
    assert process.spec.read_text() == f"unix://{process.socket}\n"
    assert stat.S_IMODE(process.socket.stat().st_mode) == 0o600
    docker = Docker(process.socket)
    assert docker.call("Plugin.Activate") == {"Implements": ["NetworkDriver", "IpamDriver"]}
    status, answer = docker.raw("POST", "/IpamDriver.RequestPool", b'{"Pool": "10.9.0.0/24"}')
    assert (status, "does not answer" in answer["Err"]) == (503, True)
    child.send_signal(end)
    assert child.wait(60) == 0
    assert not process.socket.exists()
    assert not process.spec.exists()
    assert all(line.startswith("{") for line in process.log().splitlines()), process.log()
    assert process.events("kuryr answers")[0]["driver"] == "test"
    assert process.events("refused")[0]["call"] == "/IpamDriver.RequestPool"
    assert SECRET not in process.log()


def test_one_that_was_killed_is_replaced(process: Process) -> None:
    child = process.started("--spec", str(process.spec))
    child.kill()
    child.wait(30)
    assert process.socket.exists()
    assert process.spec.exists()
    process.started("--spec", str(process.spec)).terminate()
    until(lambda: not process.socket.exists() and not process.spec.exists(), "nothing is left", 30)


def test_one_that_runs_is_not(process: Process) -> None:
    process.started()
    code, said = process.failed("--socket", str(process.socket))
    assert code == 1
    assert f"Another plugin answers on {process.socket}" in said
    assert Docker(process.socket).call("Plugin.Activate")


def test_files_of_others_are_not_touched(process: Process) -> None:
    process.spec.parent.mkdir()
    process.spec.write_text("tcp://elsewhere:1\n")
    code, said = process.failed("--socket", str(process.socket), "--spec", str(process.spec))
    assert (code, "leads elsewhere" in said) == (1, True)
    assert process.spec.read_text() == "tcp://elsewhere:1\n"
    assert not process.socket.exists()
    process.socket.write_text("precious")
    code, said = process.failed("--socket", str(process.socket))
    assert (code, "is no socket" in said) == (1, True)
    assert process.socket.read_text() == "precious"


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (["--listen", "127.0.0.1:0"], 2, "--listen needs --tls-cert"),
        (["--tls-cert", "x"], 2, "TLS is for --listen"),
        (["--scope", "galactic"], 2, "galactic"),
        (["--timeout", "0"], 2, "timeout"),
    ],
)
def test_options_that_do_not_fit(process: Process, options: list[str], code: int, reason: str) -> None:
    found, said = process.failed(*options)
    assert (found, reason in said, "Traceback" in said) == (code, True, False), said


def test_a_cloud_that_is_not_in_the_file(process: Process) -> None:
    code, said = process.failed("--socket", str(process.socket), cloud="other")
    assert (code, "There is no way to the cloud" in said, "Traceback" in said) == (2, True, False), said


def test_tcp_is_for_those_with_a_certificate(process: Process, tmp_path: Path) -> None:
    own, client, stranger = (certificates.make(tmp_path / name) for name in ("own", "client", "stranger"))
    port = _free_port()
    options = [
        "--tls-cert",
        str(own.certificate),
        "--tls-key",
        str(own.key),
        "--tls-client-ca",
        str(client.certificate),
    ]
    child = process.start("--listen", f"127.0.0.1:{port}", *options)
    until(lambda: child.poll() is not None or process.events("kuryr answers"), "the plugin answers", 30)

    def activated(who: certificates.Certificate | None) -> bytes:
        context = ssl.create_default_context(cafile=str(own.certificate))
        if who is not None:
            context.load_cert_chain(who.certificate, who.key)
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
        try:
            connection.request("POST", "/Plugin.Activate", b"")
            return connection.getresponse().read()
        finally:
            connection.close()

    assert b"NetworkDriver" in activated(client)
    for who in (None, stranger):
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            activated(who)
    plain = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        plain.request("POST", "/Plugin.Activate", b"")
        plain.getresponse()
    plain.close()
    child.terminate()
    assert child.wait(60) == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


# Places, without a process.


def test_a_key_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    own = certificates.make(tmp_path / "own")
    own.key.chmod(0o644)
    with pytest.raises(errors.BadRequest, match="can be read by everybody"):
        places.tls(own.certificate, own.key, own.certificate)


def test_a_socket_in_our_place_is_left_alone_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    with places.listening(path):
        path.unlink()
        path.write_text("another's")
    assert path.read_text() == "another's"


@pytest.mark.parametrize("address", ["nowhere", "1.2.3.4", ":80", "127.0.0.1:x", ""])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(errors.BadRequest, match="HOST:PORT"):
        places.tcp(address)
