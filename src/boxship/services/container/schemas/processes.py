"""Which options of ps(1) may be asked for.

The engine runs ps on the host and keeps the rows whose PID is one of the container's. It finds the PID by its title and by
counting words, so an option that renames a column, or puts text with spaces before the PID, would show other people's
processes. Only what cannot do so is let through.
"""

from __future__ import annotations

import re

from boxship.core import errors

_LONGEST = 200
_FLAGS = re.compile(r"-?[acdefFHjlLrSTuvwxX]{1,10}")
"""Ways to select and to lay out, none with an argument: in each layout only words without spaces stand before the PID."""
_PIDS = re.compile(r"[0-9]{1,7}(,[0-9]{1,7}){0,99}")
_SORT = re.compile(r"--sort=[-+]?[a-z_%]{1,16}(,[-+]?[a-z_%]{1,16}){0,7}")
_SELECTING = {"p", "-p", "-q", "q", "--pid"}
_COLUMNS = re.compile(r"-?[acdefFHjlLrSTuvwxX]{0,10}o|--format")
"""The columns follow as the next word."""
_COLUMN = re.compile(r"[a-z_]{1,16}|%cpu|%mem")
_ONE_WORD = frozenset(
    (
        *("user", "uid", "ruser", "ruid", "euser", "euid", "group", "gid", "rgroup", "rgid", "egroup", "egid"),
        *("ppid", "pgid", "pgrp", "sid", "sess", "tpgid", "tty", "tt", "tname", "stat", "state", "s", "f", "flags"),
        *(
            "pri",
            "ni",
            "nice",
            "c",
            "cp",
            "pcpu",
            "%cpu",
            "pmem",
            "%mem",
            "rss",
            "rssize",
            "vsz",
            "vsize",
            "sz",
            "size",
        ),
        *("time", "cputime", "etime", "etimes", "nlwp", "thcount", "psr"),
    )
)
"""Columns that hold one word, and so may stand before the PID (ps(1), "STANDARD FORMAT SPECIFIERS")."""


def ps_arguments(text: str | None) -> str:
    """The options as they are given to the engine; python-zunclient writes ``None`` for none. BadRequest: others."""
    if text is None or text == "None":
        return ""
    words = text.split(" ")
    if len(text) > _LONGEST:
        raise errors.BadRequest(f"at most {_LONGEST} characters of options", field="ps_args")
    rest = iter([word for word in words if word])
    formats = 0
    for word in rest:
        if _COLUMNS.fullmatch(word):
            _check_columns(next(rest, ""))
            formats += 1
        elif word in _SELECTING:
            _check(_PIDS, next(rest, ""), "is no list of process ids")
        elif not _PIDS.fullmatch(word) and not _SORT.fullmatch(word):
            _check(_FLAGS, word, "is not an option of ps that is offered")
    if formats > 1:
        raise errors.BadRequest("the columns are named once", field="ps_args")
    return text.strip(" ")


def _check(pattern: re.Pattern[str], word: str, reason: str) -> None:
    if not pattern.fullmatch(word):
        raise errors.BadRequest(f"{word[:60]!r} {reason}", field="ps_args")


def _check_columns(text: str) -> None:
    columns = text.split(",")
    for column in columns:
        _check(_COLUMN, column, "is no column of ps")
    if "pid" not in columns or not set(columns[: columns.index("pid")]) <= _ONE_WORD:
        raise errors.BadRequest("the column pid must be among the first ones, before text", field="ps_args")
