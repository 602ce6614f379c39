"""Options that many commands have, stated once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def state_dir_option(function: Function) -> Function:
    """The option ``--state-dir``, for every command that works on an installation."""
    option = click.option(
        "--state-dir",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Where the cloud keeps everything.  [default: /var/lib/boxship; not root: ~/.local/state/boxship]",
    )
    return option(function)
