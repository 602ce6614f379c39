"""Writes docs/reference/commands.md from the help of the commands: ``python -m tests.cli.reference``."""

from __future__ import annotations

from pathlib import Path

import click

from boxship.cli import failure, main

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
_WIDTH = 100


def commands() -> list[tuple[click.Command, click.Context]]:
    """Every command with its context, those inside of groups too."""
    top = click.Context(main.boxship, info_name="boxship", terminal_width=_WIDTH, max_content_width=_WIDTH)
    return [pair for name in main.COMMANDS for pair in _inner(main.boxship, top, name)]


def page() -> str:
    """The page: exit codes, then the help of each command."""
    codes = failure.EPILOG.removeprefix("Exit codes: ").split(", ")
    lines = ["# Commands", "", "<!-- Written by `python -m tests.cli.reference` from the help; change that. -->", ""]
    lines += ["## Exit codes", "", *[f"- {code}" for code in codes], ""]
    for command, context in commands():
        text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        lines += [f"## {context.command_path}", "", "```text", text, "```", ""]
    return "\n".join(lines)


def _inner(group: click.Group, above: click.Context, name: str) -> list[tuple[click.Command, click.Context]]:
    command = group.get_command(above, name)
    assert command is not None
    context = click.Context(command, parent=above, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH)
    found = [(command, context)]
    if isinstance(command, click.Group):
        found += [pair for inner in command.list_commands(context) for pair in _inner(command, context, inner)]
    return found


if __name__ == "__main__":
    PAGE.write_text(page())
