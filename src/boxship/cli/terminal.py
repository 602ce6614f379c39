"""This terminal joined with a process elsewhere: raw mode, its size, the keys that let go. It knows nothing of clouds; the
other end is a ``Line``.

The terminal is as it was before on every way out: the end of the process, an exception, SIGTERM, SIGHUP, SIGQUIT. The reading
side is a thread that writes to stdout's descriptor directly; everything else, signals too, happens in the main thread.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Protocol

import click

DETACH_KEYS = "ctrl-p,ctrl-q"
_CHUNK = 1 << 14
_GOODBYE = 3.0
"""Seconds that the last output may take to be written."""
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_OVER = b"\0"
"""What the reading side writes into the pipe of wakeups; signals write their numbers, of which none is 0."""
Resize = Callable[[int, int], None]
"""Tells the other end the columns and lines of this terminal."""


class Line(Protocol):
    """The connection to the process."""

    def receive(self) -> bytes:
        """The next output; empty at the end."""
        ...

    def send(self, data: bytes) -> None:
        """Input for it; without effect once it has ended."""
        ...

    def end_input(self) -> None:
        """No more input will come."""
        ...

    def close(self) -> None:
        """Let go; ``receive`` ends."""
        ...


class Keys:
    """Finds the sequence of keys that lets go in what is typed. Keys that may begin it are held back until it is clear."""

    def __init__(self, sequence: bytes) -> None:
        self._sequence = sequence
        self._held = b""

    def feed(self, typed: bytes) -> tuple[bytes, bool]:
        """What goes to the process, and whether the sequence is complete (what follows it is dropped)."""
        if not self._sequence:
            return typed, False
        passed = b""
        for key in typed:
            self._held += bytes([key])
            while self._held and not self._sequence.startswith(self._held):
                passed, self._held = passed + self._held[:1], self._held[1:]
            if self._held == self._sequence:
                return passed, True
        return passed, False


def parse_keys(text: str) -> bytes:
    """``ctrl-p,ctrl-q`` or ``a,ctrl-]`` as bytes; ``none`` is no sequence. BadParameter: it names no keys."""
    if text == "none":
        return b""
    return b"".join(_key(word, text) for word in text.split(","))


def keys_option(function: Callable[..., object]) -> Callable[..., object]:
    """The option ``--detach-keys``, as the argument ``keys`` of type bytes."""
    option = click.option(
        *("--detach-keys", "keys"),
        default=DETACH_KEYS,
        show_default=True,
        metavar="KEYS",
        callback=lambda context, parameter, value: parse_keys(value),  # noqa: ARG005 (click's signature)
        help="The keys that leave the terminal while the process runs on; none: no keys do.",
    )
    return option(function)


def size() -> tuple[int, int] | None:
    """Columns and lines of the terminal on stdout or stdin; None where neither is one."""
    for stream in (1, 0):
        with contextlib.suppress(OSError):
            found = os.get_terminal_size(stream)
            if found.columns and found.lines:
                return found.columns, found.lines
    return None


def join(line: Line, sequence: bytes, resize: Resize | None, *, take_input: bool) -> bool:
    """Carry input and output until the process ends (False) or the keys are typed (True).

    ``resize``: given where the process has a terminal; then this one, if there is one, becomes raw.
    """
    terminal = take_input and resize is not None and os.isatty(0)
    with _wakeups(terminal=terminal) as (ear, mouth), _raw(terminal=terminal) as make_raw:
        if resize is not None:
            _tell_size(resize)
        reader = threading.Thread(target=_carry_output, args=(line, mouth), daemon=True)
        reader.start()
        try:
            inputs = [ear, 0] if take_input else [ear]
            return _carry(line, Keys(sequence if terminal else b""), resize, inputs, make_raw)
        finally:
            # The last output is still meant for a raw terminal.
            line.close()
            reader.join(_GOODBYE)


def _carry(line: Line, keys: Keys, resize: Resize | None, inputs: list[int], make_raw: Callable[[], None]) -> bool:
    """Whether the keys were typed; ``inputs`` starts with the pipe that says why to look up."""
    ear = inputs[0]
    while True:
        ready = select.select(inputs, [], [])[0]
        woken = os.read(ear, _CHUNK) if ear in ready else b""
        if _OVER in woken:
            return False
        if woken:
            make_raw()
            if resize is not None:
                _tell_size(resize)
        if 0 in ready and not _carry_input(line, keys, inputs):
            return True


def _carry_output(line: Line, mouth: int) -> None:
    """Until the line or whoever reads our output has ended."""
    try:
        while data := line.receive():
            view = memoryview(data)
            while view:
                view = view[os.write(1, view) :]
    except OSError:
        # Nobody reads on, as in `| head`; or the terminal is gone, which SIGHUP tells as well.
        pass
    finally:
        with contextlib.suppress(OSError):
            os.write(mouth, _OVER)


def _carry_input(line: Line, keys: Keys, inputs: list[int]) -> bool:
    """One reading of stdin; False when the keys were typed."""
    try:
        typed = os.read(0, _CHUNK)
    except OSError:
        typed = b""  # a terminal that was hung up
    if not typed:
        inputs.remove(0)
        line.end_input()
        return True
    passed, let_go = keys.feed(typed)
    if passed:
        line.send(passed)
    return not let_go


def _tell_size(resize: Resize) -> None:
    found = size()
    if found is not None:
        resize(*found)


@contextlib.contextmanager
def _raw(*, terminal: bool) -> Iterator[Callable[[], None]]:
    """A terminal that passes each key on, also ^C; what is yielded makes it so again after a stop."""
    if not terminal:
        yield lambda: None
        return
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0, termios.TCSADRAIN)
        yield lambda: tty.setraw(0, termios.TCSADRAIN)
    finally:
        with contextlib.suppress(termios.error):  # the terminal itself may be gone
            termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _wakeups(*, terminal: bool) -> Iterator[tuple[int, int]]:
    """A pipe that says why to look up: every signal writes into it, so that none is missed that comes just before one begins to
    wait, or that another thread is given. Those that end us end us in order."""
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)

    def pass_by(_number: int, _frame: FrameType | None) -> None:
        """What is to be done is done where the pipe is read."""

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    hearers = dict.fromkeys(_ENDING, end) | {signal.SIGWINCH: pass_by}
    if terminal:
        hearers[signal.SIGCONT] = pass_by
    woken_before = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    before = {number: signal.signal(number, hearer) for number, hearer in hearers.items()}
    try:
        yield ear, mouth
    finally:
        for number, hearer in before.items():
            signal.signal(number, hearer)
        signal.set_wakeup_fd(woken_before)
        os.close(ear)
        os.close(mouth)


def _key(word: str, text: str) -> bytes:
    if len(word) == 1 and word.isascii() and word.isprintable():
        return word.encode()
    letter = word.lower().removeprefix("ctrl-")
    if word.lower() != letter and len(letter) == 1 and letter in "@abcdefghijklmnopqrstuvwxyz[\\]^_":
        return bytes([ord(letter.upper()) & 0x1F])
    raise click.BadParameter(f"{text!r}: {word!r} is no key; write a character or ctrl-a to ctrl-z, ctrl-@ [ \\ ] ^ _.")
