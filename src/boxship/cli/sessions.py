"""The commands that put this terminal into a container: exec and attach."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from boxship.cli import actions, api, completion, containers, line, logs, output, several, steps, terminal
from boxship.cli.failure import Failure
from boxship.cli.options import state_dir_option


@click.command("exec", context_settings={"allow_interspersed_args": False})
@state_dir_option
@click.option("-i", "--interactive", is_flag=True, help="Give it what is typed or piped into this command.")
@click.option("-t", "--tty", is_flag=True, help="Give it a terminal, of the size of this one.")
@terminal.keys_option
@completion.container_argument()
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(
    state_dir: Path | None, container: str, command: tuple[str, ...], keys: bytes, *, interactive: bool, tty: bool
) -> int:
    """Run a command in the running container and print its output; ends as the command did.

    With -it it is as if this terminal were in the container.

    \b
    Examples:
      boxship exec web ls -l /data
      boxship exec -it web sh
      boxship exec -i db sh -c 'cat > /tmp/dump' < dump.sql
    """
    cloud = api.connect(state_dir)
    words = command[1:] if command[0] == "--" else command
    place = several.path(container, "execute")
    # A session even where nobody types: the output comes when it is written, and all of it. Without -t no terminal is between
    # the pipes; that it can be left out is Boxship's own.
    query = {"command": shlex.join(words), "run": True, "interactive": True, "tty": None if tty else False}
    session = cloud.post(several.CONTAINER, place, **query)
    place = several.path(container, "execute_resize")

    def resize(columns: int, lines: int) -> None:
        with contextlib.suppress(api.RequestFailed):  # it may have ended meanwhile
            cloud.post(several.CONTAINER, place, exec_id=session["exec_id"], w=columns, h=lines)

    code, let_go = join(cloud, session["proxy_url"], keys, resize if tty else None, take_input=interactive)
    if let_go:
        steps.say(f"detached; the command runs on in {container}")
        return 0
    if code is None:
        raise Failure("The connection ended before the command did.")
    return code


@click.command("attach")
@state_dir_option
@click.option("--no-stdin", is_flag=True, help="Only look at its output.")
@terminal.keys_option
@completion.container_argument()
def attach_command(state_dir: Path | None, container: str, keys: bytes, *, no_stdin: bool) -> int:
    """Join the terminal, or input and output, of a container's first process; ends as that does.

    The detach keys leave it running. Where it has no terminal of its own, so does ^C.

    \b
    Examples:
      boxship attach shell
      boxship attach --detach-keys ctrl-x shell
      boxship attach --no-stdin web
    """
    cloud = api.connect(state_dir)
    row = several.find(cloud, container)
    if no_stdin or not row["interactive"]:
        return _look(cloud, row, tail=0)
    code, let_go = attach(cloud, row, keys)
    if let_go:
        _say_detached(row)
        return 0
    return actions.wait_until_ended(cloud, row["uuid"]) if code is None else code


def attach(cloud: api.Cloud, row: several.Container, keys: bytes, *, replay: bool = False) -> tuple[int | None, bool]:
    """Join the container until it ends or the keys are typed: its exit code if that is known, and whether they were.

    RequestFailed 409, NotJoined: it does not run. ``replay``: what it wrote before is shown first.
    """
    url = cloud.get(several.CONTAINER, several.path(row["uuid"], "attach"))
    first = True

    def resize(columns: int, lines: int) -> None:
        nonlocal first
        with contextlib.suppress(api.RequestFailed):
            if first:
                # A size that differs makes a program that waits for input draw it again.
                cloud.post(several.CONTAINER, several.path(row["uuid"], "resize"), w=columns + 1, h=lines)
                first = False
            cloud.post(several.CONTAINER, several.path(row["uuid"], "resize"), w=columns, h=lines)

    before = (lambda: _log(cloud, row)) if replay else None
    return join(cloud, url, keys, resize if row["tty"] else None, take_input=True, before=before)


def stay(cloud: api.Cloud, row: several.Container, options: Mapping[str, Any]) -> int:
    """What follows a ``run`` that stays: join the container; its exit code. LetGo: the keys were typed."""
    code, let_go = _watch(cloud, row, options)
    if let_go:
        raise LetGo
    return actions.wait_until_ended(cloud, row["uuid"]) if code is None else code


class LetGo(Exception):
    """The keys were typed; the container runs on."""


@contextlib.contextmanager
def removed_at_the_end(cloud: api.Cloud, row: several.Container, *, wanted: bool) -> Iterator[None]:
    """Remove the container, however this ends, unless the keys let go of it."""
    try:
        yield
    except LetGo:
        hint = f"; it is no longer removed when it ends: boxship rm {row['name']}" if wanted else ""
        _say_detached(row, hint)
        return
    except BaseException:
        if wanted:
            with contextlib.suppress(Failure):  # the first reason is the one to be told
                containers.remove(cloud, row["uuid"], force=True, quiet=True)
        raise
    if wanted:
        containers.remove(cloud, row["uuid"], force=True, quiet=True)


def _watch(cloud: api.Cloud, row: several.Container, options: Mapping[str, Any]) -> tuple[int | None, bool]:
    """Join it, or look at it if it takes no input; where it has ended already, print what it wrote."""
    if not options["interactive"]:
        return _look(cloud, row, tail=None), False
    try:
        return attach(cloud, row, options["keys"], replay=True)
    except (api.RequestFailed, line.NotJoined) as error:
        if several.find(cloud, row["uuid"])["status"] not in {"Stopped", "Dead"}:
            raise error from None
    output.raw(_log(cloud, row))
    return None, False


def _look(cloud: api.Cloud, row: several.Container, tail: int | None) -> int:
    """Follow what it writes, without input; its exit code. ``tail``: so many lines of what it wrote before, None: all."""
    logs.follow(cloud, row["uuid"], {"tail": tail, "stdout": True, "stderr": True})
    return actions.wait_until_ended(cloud, row["uuid"])


def _say_detached(row: several.Container, hint: str = "") -> None:
    steps.say(f"detached; {row['name']} runs on{hint}")


def _log(cloud: api.Cloud, row: several.Container) -> bytes:
    text = cloud.get(several.CONTAINER, several.path(row["uuid"], "logs"), stdout=True, stderr=True)
    return (text or "").encode()


def join(
    cloud: api.Cloud,
    url: str,
    keys: bytes,
    resize: terminal.Resize | None,
    *,
    take_input: bool,
    before: Callable[[], bytes] | None = None,
) -> tuple[int | None, bool]:
    """The exit code, where the cloud tells it, and whether the keys were typed. Failure: the connection broke off.

    ``before``: what was written before, to be shown first; asked for when the session is open, so that nothing is missed.
    """
    with line.opened(cloud, url) as session:
        if before is not None:
            session.replay(before())
        if not take_input and resize is None:
            session.end_input()
        let_go = terminal.join(session, keys, resize, take_input=take_input)
    if not let_go and session.broken:
        raise Failure(session.reason or "The connection to the cloud broke off; what ran there runs on.")
    return session.exit_code, let_go
