"""How a command fails: a sentence on stderr and an exit code that scripts can rely on; never a traceback for what is no
defect of the program."""

from __future__ import annotations

import errno
from enum import IntEnum

from boxship.core import errors


class Exit(IntEnum):
    """Exit codes of all commands but ``exec``, ``attach`` and ``run -it``, which end as what ran in the container did."""

    OK = 0
    FAILURE = 1  # it did not work; the sentence says why
    USAGE = 2  # the command line is wrong
    NOT_RUNNING = 3  # there is no cloud, or it does not run or answer
    NOT_FOUND = 4  # what was named is not there
    REFUSED = 5  # no permission, or a quota is used up
    INTERRUPTED = 130  # Ctrl-C


EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the cloud is not running, 4 not found, "
    "5 refused (permission or quota), 130 interrupted; 'exec', 'attach' and 'run -it' end like what runs in the container."
)


class Failure(errors.BoxshipError):
    """A command cannot go on."""

    def __init__(self, sentence: str, code: Exit = Exit.FAILURE) -> None:
        super().__init__(sentence)
        self.code = code


def printable(text: str) -> str:
    """The text without what could speak to the terminal: reasons quote names that others chose. Lines stay lines."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def sentence(error: Exception) -> str | None:
    """What the user reads; empty for nothing, None for a defect of the program."""
    if isinstance(error, Failure):
        return error.sentence
    if isinstance(error, errors.BoxshipError):
        # Reasons that come from libraries may have lines of their own.
        return " ".join(error.sentence.split())
    if isinstance(error, OSError):
        if error.errno == errno.EPIPE:
            return ""
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return "The disk is full. Make room and try again."
    return None


def code(error: Exception) -> int:
    """The exit code for what went wrong."""
    if isinstance(error, Failure):
        return error.code
    if isinstance(error, errors.NotFound):
        return Exit.NOT_RUNNING
    if isinstance(error, errors.BadRequest):
        return Exit.USAGE
    return Exit.FAILURE
