"""``boxship env``: the variables for OpenStack clients."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from boxship.cli.options import state_dir_option
from boxship.installation import choice, directory, secrets


@click.command("env")
@state_dir_option
@click.option("--user", default="demo", show_default=True, help="demo (a plain tenant), admin, or a user you made.")
@click.option("--project", help="The project to work in.  [default: the one of the same name]")
def env_command(state_dir: Path | None, user: str, project: str | None) -> None:
    """Print the variables that OpenStack clients read, for eval in a shell.

    The passwords of demo and admin come from the state directory, which only the one who started the cloud can read. For
    other users set OS_PASSWORD yourself.

    \b
    Examples:
      eval "$(boxship env)"
      eval "$(boxship env --user admin)"
    """
    settings = choice.settings({"state_dir": state_dir})
    directory.existing(settings.state_dir)
    password = secrets.passwords(settings.state_dir).get(user)
    for name, value in secrets.variables(settings, user, project or user, password).items():
        click.echo(f"export {name}={shlex.quote(value)}")
    if password is None:
        click.echo(f"boxship: the password of {user} is not known here; set OS_PASSWORD yourself.", err=True)
