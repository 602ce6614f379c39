"""The programs that change the kernel's network: ip(8) in batches, nft(8) as one transaction, conntrack(8).

Started inside a namespace, with everything on standard input, so that nothing is ever split by a shell. What they
say on failure becomes one of the three driver errors.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from boxship.core import errors
from boxship.drivers.linux import namespace

_TIMEOUT = 30.0

HOST = ""
"""Instead of a namespace's name: the host's own."""


def ip(where: str, lines: Sequence[str], *, force: bool = False) -> None:
    """Run the lines of an ip batch; ``force`` goes on after a line that fails, and says nothing of it."""
    if not lines:
        return
    command = ["ip", "-force", "-batch", "-"] if force else ["ip", "-batch", "-"]
    run(where, command, "\n".join(lines) + "\n", check=not force)


def links(where: str) -> list[dict[str, Any]]:
    """All links with their aliases (``ifalias``), as ip(8) shows them in JSON."""
    shown: list[dict[str, Any]] = json.loads(run(where, ["ip", "-json", "link", "show"]) or "[]")
    return shown


def nft(where: str, text: str) -> None:
    """Apply the commands as one transaction: all of them or none. Absent: one names a table, chain or set that is not there."""
    run(where, ["nft", "-f", "-"], text)


def nft_list(where: str, *what: str) -> dict[str, Any]:
    """``nft --json list`` of something."""
    listed: dict[str, Any] = json.loads(run(where, ["nft", "--json", "list", *what]) or "{}")
    return listed


def run(where: str, command: Sequence[str], text: str = "", *, check: bool = True) -> str:
    """Standard output of the program in the namespace.

    Absent: the namespace, or what the program was told to work on, is not there. Busy: it did not end, or the kernel says
    try again. Refused: anything else; the detail holds what it said.
    """

    def start() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=_TIMEOUT, check=False)

    try:
        done = start() if where == HOST else namespace.inside(where, start)
    except subprocess.TimeoutExpired as error:
        raise errors.Busy(f"{command[0]} did not answer within {_TIMEOUT:g} s.") from error
    except FileNotFoundError as error:
        raise errors.Refused(f"The program {command[0]} is not on this host; see `boxship doctor`.") from error
    if done.returncode and check:
        raise _failure(command[0], done.stderr.strip())
    return done.stdout


def _failure(program: str, said: str) -> errors.DriverError:
    reason = said.splitlines()[0] if said else "no reason given"
    if any(words in said for words in ("No such file or directory", "Cannot find device", "No such device")):
        return errors.Absent(f"{program}: something that is needed is not in the kernel.", detail=said)
    if any(
        words in said
        for words in ("Resource busy", "Device or resource busy", "temporarily unavailable", "Interrupted")
    ):
        return errors.Busy(f"{program}: the kernel is busy.", detail=said)
    return errors.Refused(f"{program}: {reason}", detail=said)
