"""A program on a terminal of its own (a pseudo-terminal), which a test types at, looks at and resizes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.system.waiting import PATIENCE

_SECONDS = 20.0


class Screen:
    """The terminal, and the program that has it as its controlling one."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], columns: int, lines: int) -> None:
        self._master, self._slave = pty.openpty()
        self.resize(columns, lines)
        self.before = self.settings()
        self.seen = ""
        self.program = subprocess.Popen(
            words,
            env={**environment, "TERM": "xterm"},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 (nothing else can make it the controlling terminal)
        )

    def settings(self) -> list[object]:
        """What stty shows: raw or cooked, echo, special characters."""
        return list(termios.tcgetattr(self._slave))

    def resize(self, columns: int, lines: int) -> None:
        """As a user pulls at the window; the kernel sends SIGWINCH."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, text: str) -> str:
        """What was shown since the last call, up to and with this text. AssertionError: it does not come."""
        deadline = time.monotonic() + _SECONDS * PATIENCE
        while text not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} is not shown, but {self.seen!r}"
            if select.select([self._master], [], [], min(left, 0.2))[0]:
                self.seen += os.read(self._master, 1 << 16).decode(errors="replace")
            else:
                assert self.program.poll() is None, f"it ended before it showed {text!r}: {self.seen!r}"
        shown, _, self.seen = self.seen.partition(text)
        return shown + text

    def ends(self) -> int:
        """Its exit code once it has ended (negative: the signal). AssertionError: it does not end."""
        deadline = time.monotonic() + _SECONDS * PATIENCE
        while self.program.poll() is None:
            assert time.monotonic() < deadline, f"it does not end: {self.seen!r}"
            if select.select([self._master], [], [], 0.05)[0]:
                self.seen += os.read(self._master, 1 << 16).decode(errors="replace")
        while select.select([self._master], [], [], 0)[0]:
            self.seen += os.read(self._master, 1 << 16).decode(errors="replace")
        return int(self.program.returncode)

    def close(self) -> None:
        if self.program.poll() is None:
            self.program.send_signal(signal.SIGKILL)
            self.program.wait()
        os.close(self._master)
        os.close(self._slave)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def screen(
    *words: str, environment: Mapping[str, str] | None = None, columns: int = 80, lines: int = 24
) -> Iterator[Screen]:
    """A screen with this program; gone at the end."""
    shown = Screen(words, os.environ if environment is None else environment, columns, lines)
    try:
        yield shown
    finally:
        shown.close()


PYTHON = sys.executable
