"""``boxship completion``, and what the shell offers for the names of things. Completion never complains and never waits long:
without a cloud there is nothing to offer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from boxship.core import errors

Function = TypeVar("Function", bound=Callable[..., Any])
Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
_VARIABLE = "_BOXSHIP_COMPLETE"
_INTO = {
    "bash": 'eval "$(boxship completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(boxship completion zsh)" in ~/.zshrc',
    "fish": "boxship completion fish > ~/.config/fish/completions/boxship.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_INTO)))
def completion_command(shell: str) -> None:
    """Print what makes the shell complete commands, options and the names of containers.

    \b
    Examples:
      eval "$(boxship completion bash)"
      eval "$(boxship completion zsh)"
      boxship completion fish > ~/.config/fish/completions/boxship.fish
    """
    from click.shell_completion import get_completion_class

    from boxship.cli import main

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(f"# {_INTO[shell]}\n{kind(main.boxship, {}, 'boxship', _VARIABLE).source()}")


def container_argument(name: str = "container", **options: Any) -> Callable[[Function], Function]:
    """An argument that is the name or id of a container; ``options`` are click's."""
    return click.argument(name, shell_complete=containers, **options)


def containers(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of the containers, each with its state; those that are on the line already are left out."""
    given = context.params.get(parameter.name or "") or ()
    said = {given} if isinstance(given, str) else set(given)
    rows = _asked(context, "container", "/containers", "containers", key="uuid")
    return [
        CompletionItem(row["name"], help=row["status"])
        for row in rows
        if row["name"].startswith(incomplete) and row["name"] not in said
    ]


def container_paths(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 (click's signature)
    """For ``cp``: files of this host, and the names of containers with a colon."""
    rows = _asked(context, "container", "/containers", "containers", key="uuid")
    found = [CompletionItem(f"{row['name']}:") for row in rows if row["name"].startswith(incomplete)]
    return [*found, CompletionItem(incomplete, type="file")]


def named(service: str, path: str, name: str, key: str = "id") -> Completer:
    """A completer for the names in a list of the API."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 (click's signature)
        rows = _asked(context, service, path, name, key=key)
        return [CompletionItem(row["name"]) for row in rows if str(row["name"]).startswith(incomplete)]

    return complete


networks = named("network", "/v2.0/networks", "networks")
registries = named("container", "/registries", "registries", "uuid")
capsules = named("container", "/capsules/", "capsules", "uuid")


def _asked(context: click.Context, service: str, path: str, name: str, *, key: str) -> Iterable[dict[str, Any]]:
    """What the cloud answers, or nothing."""
    from boxship.cli import api

    state_dir = context.params.get("state_dir")
    with contextlib.suppress(errors.BoxshipError, OSError, KeyError):
        return api.connect(Path(state_dir) if state_dir else None).all(service, path, name, key)
    return []
