"""``boxship logs``: what containers wrote, and what they go on to write; of several, line by line with the name before each."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import click

from boxship.cli import api, completion, output, several
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option

_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow", "bright_green")
_SPANS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_Query = dict[str, object]


@click.command("logs")
@state_dir_option
@click.option("-f", "--follow", is_flag=True, help="Go on until the container ends, or ^C.")
@click.option("-n", "--tail", type=click.IntRange(0), metavar="LINES", help="Only the last lines.")
@click.option(
    "--since", metavar="TIME", help="Only from then on: 2026-11-23T04:00:00Z, seconds since 1970, or 10m, 1h30m ago."
)
@click.option("-t", "--timestamps", is_flag=True, help="With the time of each line.")
@completion.container_argument("containers", nargs=-1, required=True)
def logs_command(
    state_dir: Path | None, containers: tuple[str, ...], tail: int | None, since: str | None, **flags: bool
) -> int:
    """Print what containers (names or ids) wrote to their standard output and error.

    Of several containers each line has the name before it.

    \b
    Examples:
      boxship logs --tail 20 web
      boxship logs --follow --since 10m web worker-1
    """
    query: _Query = {"tail": tail, "timestamps": flags["timestamps"], "stdout": True, "stderr": True}
    if since is not None:
        query["since"] = int(parse_since(since, time.time()))
    cloud = api.connect(state_dir)
    prefixes = prefix_all(containers)
    if not flags["follow"]:
        return several.each(containers, lambda name: _print(cloud, name, query, prefixes[name]))
    if len(containers) == 1:
        return several.each(containers, lambda name: follow(cloud, name, query))
    return _follow_all(cloud, prefixes, query)


def parse_since(text: str, now: float) -> float:
    """Seconds since 1970 for a date (UTC where it names no zone), such seconds, or how long ago. UsageError: none of these."""
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", text):
        return float(text)
    spans = re.findall(r"([0-9]{1,6})([dhms])", text)
    if spans and "".join(f"{number}{unit}" for number, unit in spans) == text:
        return now - sum(int(number) * _SPANS[unit] for number, unit in spans)
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(
            f"--since {text!r} is no time; write 2026-11-23T04:00:00Z, seconds since 1970, or 10m."
        ) from None
    from datetime import UTC

    return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()


def prefix_all(names: Iterable[str]) -> dict[str, bytes]:
    """What stands before the lines of each container: its name in a colour of its own; nothing where there is but one."""
    names = list(dict.fromkeys(names))
    width = max(len(name) for name in names)
    if len(names) == 1:
        return {names[0]: b""}
    wanted = output.coloured()
    found = {}
    for number, name in enumerate(names):
        text = f"{name:<{width}} | "
        found[name] = (click.style(text, fg=_COLOURS[number % len(_COLOURS)]) if wanted else text).encode()
    return found


def lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The lines in what comes in pieces, each with its end; the last one gets an end if it has none."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest + b"\n"


def _print(cloud: api.Cloud, name: str, query: _Query, prefix: bytes) -> None:
    text = (cloud.get(several.CONTAINER, several.path(name, "logs"), **query) or "").encode()
    if prefix:
        text = b"".join(prefix + line for line in lines([text]))
    output.raw(text)


def follow(cloud: api.Cloud, name: str, query: Mapping[str, object]) -> None:
    """Print the log as it grows, until the container ends. ``query`` is that of the API."""
    for part in _parts(cloud, name, query):
        output.raw(part)


def _parts(cloud: api.Cloud, name: str, query: Mapping[str, object]) -> Iterator[bytes]:
    """The log as it grows."""
    place = several.path(name, "logs")
    with cloud.reading(several.CONTAINER, place, "text/plain", patient=True, follow=True, **query) as answer:
        yield from api.chunks(answer)


def _follow_all(cloud: api.Cloud, prefixes: dict[str, bytes], query: _Query) -> int:
    """All at once, a thread each; only the main thread prints."""
    waiting: queue.Queue[bytes | Failure | None] = queue.Queue(maxsize=1000)

    def read(name: str, prefix: bytes) -> None:
        try:
            for line in lines(_parts(cloud, name, query)):
                waiting.put(prefix + line)
        except Failure as error:
            waiting.put(Failure(f"{name}: {error.sentence}", error.code))
        waiting.put(None)

    cloud.log_in()
    for name, prefix in prefixes.items():
        threading.Thread(target=read, args=(name, prefix), daemon=True).start()
    worst, running = int(Exit.OK), len(prefixes)
    while running:
        said = waiting.get()
        if said is None:
            running -= 1
        elif isinstance(said, Failure):
            worst = max(worst, several.complain(said.sentence, said.code))
        else:
            output.raw(said)
    return worst
