"""One command on several containers: what can be done is done, each failure is reported, the exit code is the worst one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from boxship.cli import api
from boxship.cli.failure import Exit, Failure, printable

CONTAINER = "container"
Container = dict[str, Any]
_PAUSE = 0.05


def path(name: str, *words: str) -> str:
    """Where the container of this name or id is in the API, and what belongs to it."""
    return "/".join(("/containers", api.quoted(name), *words))


def each(names: Iterable[str], act: Callable[[str], None]) -> int:
    """Do it for each name; what fails is said on stderr, and the rest goes on."""
    worst: int = Exit.OK
    for name in names:
        try:
            act(name)
        except Failure as error:
            worst = max(worst, complain(error.sentence, error.code))
    return worst


def complain(sentence: str, code: int = Exit.FAILURE) -> int:
    """Say on stderr what failed; gives the code back."""
    click.echo(f"boxship: {printable(sentence)}", err=True)
    return code


def change(cloud: api.Cloud, names: Sequence[str], ask: Callable[[str], object], patience: float) -> int:
    """Ask for a change of each container, then wait until all are through; prints the name of each that is.

    ``patience``: seconds that one may take. The work itself goes on in the cloud at the same time for all.
    """
    asked: list[str] = []

    def begin(name: str) -> None:
        ask(name)
        asked.append(name)

    def finish(name: str) -> None:
        through(cloud, name, patience)
        click.echo(name)

    return max(each(names, begin), each(asked, finish))


def through(cloud: api.Cloud, name: str, patience: float) -> Container:
    """The container once nothing is being done with it any more. Failure: it went to Error, or takes too long."""
    deadline = time.monotonic() + patience
    while True:
        container = find(cloud, name)
        if container["status"] == "Error":
            raise Failure(f"{name}: {container['status_reason'] or 'it went to Error without a reason'}")
        if not container["task_state"]:
            return container
        if time.monotonic() > deadline:
            doing = container["task_state"].replace("_", " ")
            raise Failure(f"{name} is still at it after {patience:.0f} s ({doing}); see boxship ps.")
        time.sleep(_PAUSE)


def find(cloud: api.Cloud, name: str) -> Container:
    """The container of this name or id. RequestFailed: none, or several of the name."""
    container = cloud.get(CONTAINER, path(name))
    assert isinstance(container, dict)
    return container
