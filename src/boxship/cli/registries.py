"""``boxship registry``: private registries, whose password `run --registry` fetches images with. A password is read from the
terminal or from stdin, never from the command line, which everybody on the host can read."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from boxship.cli import api, completion, output, several
from boxship.cli.options import state_dir_option

_PATH = "/registries"


@click.group("registry")
def registry_command() -> None:
    """Private registries that images are fetched from."""


@registry_command.command("create")
@state_dir_option
@click.option("--username", help="Who you are there; the password is asked for, or read from stdin.")
@click.option("--domain", required=True, metavar="HOST[:PORT]", help="Where it is: what image names begin with.")
@click.argument("name")
def create_command(state_dir: Path | None, name: str, domain: str, username: str | None) -> None:
    """Keep the password of a registry, encrypted; nobody is shown it again.

    \b
    Examples:
      boxship registry create mine --domain registry.example.org:5000 --username ci < password
      boxship run --registry mine registry.example.org:5000/team/app
    """
    registry = {"name": name, "domain": domain}
    if username:
        registry |= {"username": username, "password": _password(username, domain)}
    made = api.connect(state_dir).post(several.CONTAINER, _PATH, {"registry": registry})["registry"]
    click.echo(made["uuid"])


@registry_command.command("ls")
@state_dir_option
@output.format_option
def ls_command(state_dir: Path | None, form: str) -> None:
    """List your registries.

    \b
    Example:
      boxship registry ls
    """
    found = api.connect(state_dir).all(several.CONTAINER, _PATH, "registries", "uuid")
    rows = [
        {"id": row["uuid"], "name": row["name"], "domain": row["domain"], "username": row["username"]} for row in found
    ]
    output.rows(form, rows, ["name", "domain", "username", "id"])


@registry_command.command("rm")
@state_dir_option
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=completion.registries)
def rm_command(state_dir: Path | None, names: tuple[str, ...]) -> int:
    """Forget registries with their passwords.

    \b
    Example:
      boxship registry rm mine
    """
    cloud = api.connect(state_dir)

    def act(name: str) -> None:
        cloud.delete(several.CONTAINER, f"{_PATH}/{api.quoted(name)}")
        click.echo(name)

    return several.each(names, act)


def _password(username: str, domain: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"Password of {username} at {domain}", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")
