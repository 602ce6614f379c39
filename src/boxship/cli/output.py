"""Lists and single things on stdout: aligned columns for people, JSON for programs (``--format``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

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
    lines = [[name.upper().replace("_", " ") for name in columns]]
    lines += [[_text(row.get(name)) for name in columns] for row in found]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def document(form: str, found: Mapping[str, object]) -> None:
    """Print one thing, a field per line or as JSON."""
    if form == "json":
        click.echo(json.dumps(found, indent=2, default=str))
        return
    width = max(len(name) for name in found) + 2
    for name, value in found.items():
        click.echo(f"{name:<{width}}{_text(value)}")


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{_text(inner)} {name}" for name, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_text(inner) for inner in value) or "-"
    # A name that holds control characters must not reach the terminal as such.
    return "".join(character if character.isprintable() else "?" for character in str(value))
