"""Help: for every command, with an example, at once, and the same in docs/reference."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from boxship.cli import failure, main
from tests.cli import reference

COMMANDS = {context.command_path: (command, context) for command, context in reference.commands()}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_explains_itself(path: str) -> None:
    command, context = COMMANDS[path]
    text = command.get_help(context)
    assert isinstance(command, click.Group) or "Example" in text, "an example is missing"
    assert isinstance(command, click.Group) or path in text.partition("Example")[2], "the example is of something else"
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, f"{parameter.name} is not explained"


def test_the_list_has_a_line_for_each() -> None:
    text = main.boxship.get_help(click.Context(main.boxship, info_name="boxship"))
    assert all(f"  {name} " in text for name in main.COMMANDS)
    assert "Exit codes" in text


def test_help_loads_no_more_than_it_needs() -> None:
    code = (
        "import sys; from boxship.cli import main\n"
        "try: main.boxship.main(['--help'], standalone_mode=False)\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert not loaded & {
        "sqlalchemy",
        "rich",
        "boxship.app",
        "boxship.config",
        "boxship.cli.lifecycle",
        "asyncio",
        "ssl",
    }


def test_the_reference_is_what_the_help_says() -> None:
    assert reference.PAGE.read_text() == reference.page(), "run: python -m tests.cli.reference"


def test_reasons_cannot_speak_to_the_terminal() -> None:
    assert failure.printable("a \x1b[31m\x07 näme\nand a line") == "a ?[31m? näme\nand a line"
