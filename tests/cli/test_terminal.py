"""A terminal joined with a session, against a small WebSocket server: every way in and out."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from boxship.cli import line
from tests.cli.pseudo import PYTHON, screen
from tests.system.waiting import until

CLIENT = """
import sys
from boxship.cli import api, line, terminal
url, log, tty = sys.argv[1:4]
def resize(columns, lines):
    with open(log, "a") as file: file.write(f"{columns}x{lines}\\n")
with line.opened(api.Cloud({}), url) as session:
    if len(sys.argv) > 4: session.replay(sys.argv[4].encode())
    let_go = terminal.join(session, b"\\x10\\x11", resize if tty == "tty" else None, take_input=True)
end = "let go" if let_go else f"ended {session.exit_code} {'broken' if session.broken else 'whole'}"
print(end, file=sys.stderr)
"""


def talk(connection: ServerConnection) -> None:
    """Says ready, gives everything back in capitals, and ends by ``x`` (exit 7), ``b`` (breaks off) or the end of input."""
    assert connection.request is not None
    assert connection.subprotocol == "binary"
    try:
        connection.send(b"ready ")
        for message in connection:
            assert isinstance(message, bytes)
            if message in {b"x", b""}:
                connection.send(b"<end>" if message else b"<end of input>")
                connection.close(1000, "exit 7" if message else "exit 0")
            elif message == b"b":
                connection.close(1011, "")
            else:
                connection.send(message.upper())
    except ConnectionClosed:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(talk, "127.0.0.1", 0, subprotocols=["binary"]) as server:  # type: ignore[list-item]  # Subprotocol is str
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/?token=t"
        server.shutdown()
        thread.join()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "sizes"


def test_keys_go_there_and_what_they_do_is_shown(url: str, log: Path) -> None:
    with screen(PYTHON, "-c", CLIENT, url, str(log), "tty") as shown:
        shown.until("ready ")
        until(lambda: shown.settings() != shown.before, "the terminal is raw")
        shown.type("ab\x03\x1a")
        assert shown.until("\x1a").endswith("AB\x03\x1a"), "^C and ^Z are keys like others, and nothing is echoed here"
        shown.type("x")
        assert shown.ends() == 0
        assert "<end>ended 7 whole" in shown.seen
        assert shown.settings() == shown.before


def test_the_keys_that_let_go(url: str, log: Path) -> None:
    with screen(PYTHON, "-c", CLIENT, url, str(log), "tty") as shown:
        shown.until("ready ")
        shown.type("\x10")
        shown.type("q")
        shown.until("\x10Q")
        shown.type("\x10")
        shown.type("\x11")
        assert shown.ends() == 0
        assert "let go" in shown.seen
        assert shown.settings() == shown.before


def test_the_size_is_told_at_once_and_when_it_changes(url: str, log: Path) -> None:
    with screen(PYTHON, "-c", CLIENT, url, str(log), "tty", columns=91, lines=17) as shown:
        shown.until("ready ")
        until(lambda: log.exists() and log.read_text() == "91x17\n", "the size is told")
        shown.resize(120, 40)
        until(lambda: log.read_text() == "91x17\n120x40\n", "the new size is told")
        shown.type("x")
        assert shown.ends() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_it_in_order(url: str, log: Path, number: int) -> None:
    with screen(PYTHON, "-c", CLIENT, url, str(log), "tty") as shown:
        shown.until("ready ")
        until(lambda: shown.settings() != shown.before, "the terminal is raw")
        shown.program.send_signal(number)
        assert shown.ends() == 128 + number
        assert shown.settings() == shown.before


def test_a_connection_that_breaks_off_leaves_the_terminal_sane(url: str, log: Path) -> None:
    with screen(PYTHON, "-c", CLIENT, url, str(log), "tty") as shown:
        shown.until("ready ")
        shown.type("b")
        assert shown.ends() == 0
        assert "ended None broken" in shown.seen
        assert shown.settings() == shown.before


def test_without_a_terminal_there_the_one_here_stays_as_it_is(url: str, log: Path) -> None:
    with screen(PYTHON, "-c", CLIENT, url, str(log), "none") as shown:
        shown.until("ready ")
        assert shown.settings() == shown.before
        shown.type("line\n")
        shown.until("LINE")
        assert not log.exists()
        shown.type("\x04")
        assert shown.ends() == 0
        assert "<end of input>" in shown.seen


@pytest.mark.parametrize("tty", ["tty", "none"])
def test_pipes(url: str, log: Path, tty: str) -> None:
    data = b"abc" * 100_000
    done = subprocess.run(
        [PYTHON, "-c", CLIENT, url, str(log), tty], input=data, capture_output=True, check=True, timeout=60
    )
    assert done.stdout == b"ready " + data.upper() + b"<end of input>"
    assert done.stderr == b"ended 0 whole\n"


def test_a_reader_who_leaves_ends_it(url: str, log: Path) -> None:
    words = [PYTHON, "-c", CLIENT, url, str(log), "none"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdin and program.stdout and program.stderr
        assert program.stdout.read(6) == b"ready "
        program.stdout.close()
        program.stdin.write(b"more")
        program.stdin.flush()
        program.wait(60)
        assert b"Traceback" not in program.stderr.read()


def test_what_was_written_before_is_shown_once(url: str, log: Path) -> None:
    words = [PYTHON, "-c", CLIENT, url, str(log), "none", "earlier\nready "]
    done = subprocess.run(words, input=b"", capture_output=True, check=True, timeout=60)
    assert done.stdout == b"earlier\nready <end of input>"


@pytest.mark.parametrize(
    ("log", "data", "count"),
    [
        (b"", b"abc", 0),
        (b"abc", b"", 0),
        (b"xab", b"abc", 2),
        (b"abc", b"abc", 3),
        (b"abc", b"xyz", 0),
        (b"aab", b"abaab", 2),
    ],
)
def test_overlap(log: bytes, data: bytes, count: int) -> None:
    assert line.overlap(log, data) == count
