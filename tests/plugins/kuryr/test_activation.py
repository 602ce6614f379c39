"""A socket that a service manager made (sd_listen_fds(3)): calls wait in it while the plugin is not there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from boxship.core import errors
from boxship.plugins.docker import places

_START = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&0 0</dev/null'
"""What systemd does between fork and exec: the socket, which the test passes as standard input, becomes descriptor 3."""


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "kuryr.sock"))
        made.listen()
        yield made


def _start(directory: Path, listener: socket.socket) -> subprocess.Popen[bytes]:
    entry = {"auth_type": "admin_token", "auth": {"endpoint": "http://127.0.0.1:1", "token": "t"}}
    clouds = directory / "clouds.yaml"
    clouds.write_text(yaml.safe_dump({"clouds": {"test": entry}}))
    command = [sys.executable, "-m", "boxship", "kuryr", "--cloud", "test"]
    environment = {**os.environ, "OS_CLIENT_CONFIG_FILE": str(clouds)}
    return subprocess.Popen(["sh", "-c", _START, "sh", *command], stdin=listener.fileno(), env=environment)


def _activate(path: Path) -> bytes:
    """The first call of Docker's, from before the plugin is there until it answers."""
    with socket.socket(socket.AF_UNIX) as docker:
        docker.settimeout(60)
        docker.connect(str(path))
        docker.sendall(b"POST /Plugin.Activate HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: docker.recv(4096), b""))


def test_a_call_waits_in_the_socket_until_the_plugin_is_there(tmp_path: Path, listener: socket.socket) -> None:
    path = tmp_path / "kuryr.sock"
    with ThreadPoolExecutor(1) as docker:
        for _ in range(2):  # the second one finds the socket that the first one left
            answer = docker.submit(_activate, path)
            plugin = _start(tmp_path, listener)
            assert b'"NetworkDriver","IpamDriver"' in answer.result(60)
            plugin.send_signal(signal.SIGTERM)
            assert plugin.wait(30) == 0
            assert path.exists(), "it is the service manager's"


def test_what_is_passed_to_another_process_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert places.passed() is None


def test_anything_but_one_listening_socket_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as idle:
        monkeypatch.setattr(places, "_FIRST_PASSED", os.dup(idle.fileno()))
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        monkeypatch.setenv("LISTEN_FDS", "1")
        with pytest.raises(errors.BadRequest, match="one listening UNIX socket"):
            places.passed()
