"""Lists and single things on stdout: aligned columns for people, JSON for programs (``--format``). Colours are for terminals
only, and for nobody where NO_COLOR is set."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

_COLOURS = {
    **dict.fromkeys(("up", "running", "active", "enabled", "succeeded"), "green"),
    **dict.fromkeys(("error", "dead", "failed", "down"), "red"),
    **dict.fromkeys(("creating", "restarting", "paused", "deleting", "rebuilding", "pending", "unknown"), "yellow"),
}
"""What a state looks like, by its first word."""
Function = TypeVar("Function", bound=Callable[..., Any])


def format_option(function: Function) -> Function:
    """The option ``--format table|json``, as the argument ``form``."""
    option = click.option(
        *("--format", "form"),
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="For people or for programs.",
    )
    return option(function)


def rows(form: str, found: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Print a list. In a table the ``columns`` only, in JSON all of each."""
    if form == "json":
        click.echo(json.dumps(found, indent=2, default=str))
        return
    for line in table(found, columns):
        click.echo(line)


def table(found: Sequence[Mapping[str, object]], columns: Sequence[str]) -> list[str]:
    """The lines of a table with its heading, coloured; ``click.echo`` takes the colours out where they are not wanted."""
    lines = [[name.upper().replace("_", " ") for name in columns]]
    lines += [[_text(row.get(name)) for name in columns] for row in found]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    shown = []
    for number, line in enumerate(lines):
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        cells[-1] = cells[-1].rstrip()
        painted = [
            _painted(cell) if number and name == "status" else cell for cell, name in zip(cells, columns, strict=True)
        ]
        shown.append("  ".join(painted).rstrip())
    return shown


def size(count: float) -> str:
    """Bytes as people read them: ``1.5MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.3g}{unit}" if count < 1000 else f"{count:.0f}{unit}"
        count /= 1024
    return f"{count:.3g}TiB"


def on_terminal() -> bool:
    """Whether somebody looks at stdout."""
    return sys.stdout.isatty()


def coloured() -> bool:
    """Whether stdout takes colours: a terminal, and NO_COLOR (no-color.org) is not set."""
    return on_terminal() and not os.environ.get("NO_COLOR")


def raw(data: bytes) -> None:
    """Bytes to stdout as they are, at once."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def document(form: str, found: Mapping[str, object]) -> None:
    """Print one thing, a field per line or as JSON."""
    if form == "json":
        click.echo(json.dumps(found, indent=2, default=str))
        return
    width = max(len(name) for name in found) + 2
    for name, value in found.items():
        click.echo(f"{name:<{width}}{_text(value)}")


def _painted(cell: str) -> str:
    word = cell.split(maxsplit=1)[0].lower() if cell.strip() else ""
    colour = _COLOURS.get(word)
    return click.style(cell, fg=colour) if colour else cell


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{_text(inner)} {name}" for name, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_text(inner) for inner in value) or "-"
    # A name that holds control characters must not reach the terminal as such.
    return "".join(character if character.isprintable() else "?" for character in str(value))
