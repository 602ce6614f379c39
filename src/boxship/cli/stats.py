"""``boxship stats`` and ``boxship top``: what containers use now, and their processes."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from boxship.cli import api, completion, output, several, terminal
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option

_AT_ONCE = 16
"""A measurement takes the cloud about a second; so many go on at the same time."""
_COLUMNS = ("name", "cpu", "memory", "memory_percent", "network", "block")
Usage = dict[str, object]


@click.command("stats")
@state_dir_option
@output.format_option
@click.option("--no-stream", is_flag=True, help="Once, instead of until ^C.")
@completion.container_argument("containers", nargs=-1)
def stats_command(state_dir: Path | None, form: str, containers: tuple[str, ...], *, no_stream: bool) -> int:
    """Show what containers use of CPU, memory, network and disks; without names, all that run.

    CPU is per cent of one core over the last second; network (received / sent) and disks (read / written) count from the start
    of the container.

    \b
    Examples:
      boxship stats
      boxship stats --no-stream --format json web | jq '.[].cpu_percent'
    """
    cloud = api.connect(state_dir)
    if no_stream:
        rows, worst = measure(cloud, containers)
        output.rows(form, rows if form == "json" else [_shown(row) for row in rows], _COLUMNS)
        return worst
    try:
        return _watch(cloud, containers, form)
    except KeyboardInterrupt:
        return Exit.OK


@click.command("top")
@state_dir_option
@output.format_option
@click.option("--ps", "arguments", metavar="ARGS", help="Options of ps(1), like 'aux'.")
@completion.container_argument("containers", nargs=-1, required=True)
def top_command(state_dir: Path | None, form: str, containers: tuple[str, ...], arguments: str | None) -> int:
    """Show the processes of running containers.

    \b
    Examples:
      boxship top web
      boxship top --ps 'axo pid,comm' web worker-1
    """
    cloud = api.connect(state_dir)
    found: list[dict[str, object]] = []

    def show(name: str) -> None:
        answer = cloud.get(several.CONTAINER, several.path(name, "top"), ps_args=arguments)
        titles = answer["Titles"]
        rows = [dict(zip(titles, process, strict=False)) for process in answer["Processes"]]
        found.append({"container": name, "processes": rows})
        if form == "table":
            if len(containers) > 1:
                click.secho(name, bold=True)
            output.rows(form, rows, titles)

    worst = several.each(containers, show)
    if form == "json":
        click.echo(json.dumps(found, indent=2))
    return worst


def measure(cloud: api.Cloud, names: Sequence[str]) -> tuple[list[Usage], int]:
    """What each of them uses, all at the same time; without names, all that run. What fails is said on stderr."""
    everything = not names
    if everything:
        rows = cloud.all(several.CONTAINER, "/containers", "containers", "uuid")
        names = [row["uuid"] for row in rows if row["status"] == "Running"]
    found: list[Usage] = []
    worst: int = Exit.OK
    for result in together(names, lambda name: _usage(cloud, name)):
        if not isinstance(result, Failure):
            found.append(result)
        elif not everything:  # of all that run, some end meanwhile
            worst = max(worst, several.complain(result.sentence, result.code))
    return found, worst


def together(names: Sequence[str], ask: Callable[[str], Usage]) -> list[Usage | Failure]:
    """The answers in the order of the names. The threads are none that the end of the program would wait for."""
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Usage | Failure]] = queue.SimpleQueue()
    for number in range(len(names)):
        todo.put(number)

    def work() -> None:
        while True:
            try:
                number = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((number, ask(names[number])))
            except Failure as error:
                done.put((number, Failure(error.sentence, error.code)))

    for _ in range(min(_AT_ONCE, len(names))):
        threading.Thread(target=work, daemon=True).start()
    answers = dict(done.get() for _ in names)
    return [answers[number] for number in range(len(names))]


def parse(answer: dict[str, Any]) -> Usage:
    """Zun's form in plain numbers: per cent, and bytes. Failure: it is another form."""
    try:
        return _parsed(answer)
    except (KeyError, ValueError) as error:
        raise Failure(f"The cloud tells the usage in a form that is not known here: {error}.") from error


def _parsed(answer: dict[str, Any]) -> Usage:
    received, sent = str(answer["NET I/O(B)"]).split("/")
    read, written = str(answer["BLOCK I/O(B)"]).split("/")
    return {
        "name": answer["CONTAINER"],
        "cpu_percent": round(float(answer["CPU %"]), 2),
        "memory_bytes": round(float(answer["MEM USAGE(MiB)"]) * 2**20),
        "memory_limit_bytes": round(float(answer["MEM LIMIT(MiB)"]) * 2**20),
        "memory_percent": round(float(answer["MEM %"]), 2),
        "received_bytes": int(received),
        "sent_bytes": int(sent),
        "read_bytes": int(read),
        "written_bytes": int(written),
    }


def _usage(cloud: api.Cloud, name: str) -> Usage:
    return parse(cloud.get(several.CONTAINER, several.path(name, "stats")))


def _shown(row: Usage) -> dict[str, object]:
    def size(name: str) -> str:
        return output.size(float(str(row[f"{name}_bytes"])))

    return {
        "name": row["name"],
        "cpu": f"{row['cpu_percent']}%",
        "memory": f"{size('memory')} / {size('memory_limit')}",
        "memory_percent": f"{row['memory_percent']}%",
        "network": f"{size('received')} / {size('sent')}",
        "block": f"{size('read')} / {size('written')}",
    }


def _watch(cloud: api.Cloud, containers: Sequence[str], form: str) -> int:
    """Again and again: on a terminal over what was shown before, elsewhere below it, a line per round in JSON."""
    height = 0
    while True:
        rows, worst = measure(cloud, containers)
        if containers and not rows:
            return worst
        if form == "json":
            click.echo(json.dumps(rows))
            continue
        lines = output.table([_shown(row) for row in rows], _COLUMNS)
        found = terminal.size()
        if output.on_terminal() and found:
            # Up to where the last table began, and clear from there. No other mode of the terminal is touched.
            lines = [line[: found[0]] for line in lines[: found[1] - 1]]
            click.echo(f"\x1b[{height}A\x1b[J" if height else "", nl=False)
            height = len(lines)
        click.echo("\n".join(lines))
