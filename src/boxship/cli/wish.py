"""The options of ``run``, stated once, and what they mean in the words of the container API. Asks nobody anything."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from boxship.cli import completion, terminal
from boxship.cli.failure import Failure
from boxship.cli.tenant import PublishedPort

Function = TypeVar("Function", bound=Callable[..., Any])
Options = Mapping[str, Any]
_FILE_LIMIT = 1 << 16
_PULL = {"always": "always", "missing": "ifnotpresent", "never": "never"}


@dataclass(frozen=True, slots=True)
class VolumeWish:
    """A volume by name, where it appears in the container, and its size in GB if it has to be made. Without a name a new one
    is made for the container and goes with it."""

    name: str
    path: str
    size: int = 1


@dataclass(frozen=True, slots=True)
class NetworkWish:
    """A network by name or id and the address to have on it; empty: any."""

    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """What has to be looked up or made for a container; ``files`` are mounts already."""

    volumes: tuple[VolumeWish, ...]
    files: tuple[dict[str, str], ...]
    networks: tuple[NetworkWish, ...]
    ports: tuple[PublishedPort, ...]


class Megabytes(click.ParamType[int]):
    """Memory: a number of MB, or with Docker's units (``512m``, ``1g``)."""

    name = "memory"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"([0-9]{1,9})(?:([mg])(?:i?b)?)?", str(value).lower())
        if not match or not int(match[1]):
            self.fail(f"{value!r} is no amount of memory; write 512, 512m or 1g.", param, ctx)
        return int(match[1]) * (1024 if match[2] == "g" else 1)


def _many(*names: str, metavar: str, help: str, **options: Any) -> Callable[[Function], Function]:
    return click.option(*names, multiple=True, metavar=metavar, help=help, **options)


OPTIONS = (
    click.option("--name", help="Its name, and its DNS name within the network.  [default: made up]"),
    click.option(
        "-i", "--interactive", is_flag=True, help="Stay, and pass on what is typed or piped into this command."
    ),
    click.option("-t", "--tty", is_flag=True, help="Give it a terminal, and stay."),
    click.option("-d", "--detach", is_flag=True, help="Do not stay in spite of -i or -t."),
    terminal.keys_option,
    click.option("--rm", "auto_remove", is_flag=True, help="Remove it when it ends."),
    _many(
        "-e",
        "--env",
        "environment",
        metavar="NAME[=VALUE]",
        help="A variable for it; without a value: as it is here.",
    ),
    _many(
        *("--env-file", "environment_files"),
        metavar="FILE",
        help="Such variables, a line each; # begins a comment.",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
    ),
    _many("-l", "--label", "labels", metavar="NAME[=VALUE]", help="A label, for `ps --filter`."),
    click.option("-w", "--workdir", metavar="PATH", help="The directory that the command starts in."),
    click.option("--hostname", help="What it calls itself.  [default: its name]"),
    click.option("--entrypoint", help="What runs before the words of the command, instead of the image's own."),
    click.option("--cpus", type=click.FloatRange(0.01), help="The most CPUs it may use.  [default: 1]"),
    click.option(
        "-m", "--memory", type=Megabytes(), metavar="MB", help="The most memory it may use; also 1g.  [default: 512]"
    ),
    click.option(
        "--disk", type=click.IntRange(1), metavar="GB", help="Room for files it makes, where the host can limit it."
    ),
    _many(
        "--network",
        "networks",
        metavar="NAME[:IP]",
        help="A network to be on, by name or id.  [default: your only one, or a new one]",
        shell_complete=completion.networks,
    ),
    click.option("--ip", "address", metavar="IP", help="Its address on the only or first network."),
    _many("--security-group", "groups", metavar="NAME", help="Who may reach it.  [default: the group default]"),
    _many(
        *("-p", "--publish", "ports"),
        metavar="PORT[/udp]",
        help="Let connections from outside reach this port, through a floating IP.",
    ),
    _many(
        *("-v", "--volume", "volumes"),
        metavar="NAME:PATH[:GB]",
        help="Mount a volume; it is made (1 GB) when there is none of the name. GB:PATH mounts a new one that goes with the "
        "container.",
    ),
    _many("--file", "files", metavar="FILE:PATH", help="Put a small file of this host into it, read-only."),
    click.option(
        "--restart", metavar="POLICY", help="no, always, unless-stopped, on-failure or on-failure:TIMES.  [default: no]"
    ),
    click.option("--auto-heal", is_flag=True, help="Make it again when it vanishes from the engine."),
    click.option("--health-cmd", metavar="COMMAND", help="A command in it that tells whether it is well."),
    click.option("--health-interval", type=click.IntRange(1), metavar="SECONDS", help="How often.  [default: 30]"),
    click.option(
        "--health-timeout", type=click.IntRange(1), metavar="SECONDS", help="How long it may take.  [default: 30]"
    ),
    click.option(
        "--health-retries", type=click.IntRange(1), metavar="TIMES", help="How often it must fail.  [default: 3]"
    ),
    click.option(
        "--pull",
        type=click.Choice(list(_PULL)),
        help="When to fetch the image (administrators).  [default: missing]",
    ),
    click.option(
        "--image-driver", type=click.Choice(["docker", "glance"]), help="Where the image is.  [default: see above]"
    ),
    click.option("--registry", help="A registry of yours, by name or id, whose password fetches the image."),
    click.option("--runtime", help="Another program to run it, if the host has it."),
    click.option("--zone", help="The availability zone to be in."),
    click.option("--host", help="The host to be on; for administrators."),
    click.option("--privileged", is_flag=True, help="No fence between it and the host; for administrators."),
)


def options(function: Function) -> Function:
    """All options that say what the container is to be, in the order of ``--help``."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def request_body(image: str, command: tuple[str, ...], options: Options) -> dict[str, Any]:
    """The options as the container API wants them, but for those that need things to be looked up (networks, volumes, groups,
    the place of the image); those not given are left out. UsageError: one has a wrong form."""
    words = list(command[1:] if command[:1] == ("--",) else command)
    body = {
        "image": image,
        "name": options["name"],
        "command": words,
        "entrypoint": [options["entrypoint"]] if options["entrypoint"] else None,
        "environment": _environment(options["environment_files"], options["environment"]),
        "labels": dict(_pair(text, "--label") for text in options["labels"]),
        "workdir": options["workdir"],
        "hostname": options["hostname"],
        "memory": options["memory"],
        "cpu": options["cpus"],
        "disk": options["disk"],
        "interactive": options["interactive"] or None,
        "tty": options["tty"] or None,
        "auto_remove": options["auto_remove"] or None,
        "auto_heal": options["auto_heal"] or None,
        "privileged": options["privileged"] or None,
        "restart_policy": parse_restart(options["restart"]),
        "healthcheck": _health(options),
        "image_pull_policy": _PULL.get(options["pull"]),
        "registry": options["registry"],
        "runtime": options["runtime"],
        "availability_zone": options["zone"],
        "host": options["host"],
        "security_groups": list(options["groups"]),
    }
    return {name: value for name, value in body.items() if value not in (None, [], {})}


def parts(options: Options) -> Parts:
    """Those of the options that need things. UsageError: one has a wrong form. Failure: a file cannot be read."""
    return Parts(
        volumes=tuple(parse_volume(text) for text in options["volumes"]),
        files=tuple(file_mount(text) for text in options["files"]),
        networks=tuple(parse_networks(options["networks"], options["address"])),
        ports=tuple(parse_port(text) for text in options["ports"]),
    )


def parse_volume(text: str) -> VolumeWish:
    """``NAME:PATH``, ``NAME:PATH:GB`` or ``GB:PATH``. UsageError: anything else."""
    match = re.fullmatch(r"([^:]+):(/[^:]*)(?::([1-9][0-9]{0,5}))?", text)
    if not match:
        raise click.UsageError(f"--volume {text!r} is not NAME:PATH, NAME:PATH:GB or GB:PATH, with an absolute path.")
    if re.fullmatch(r"[1-9][0-9]{0,5}", match[1]) and not match[3]:
        return VolumeWish("", match[2], int(match[1]))
    return VolumeWish(match[1], match[2], int(match[3] or 1))


def parse_port(text: str) -> PublishedPort:
    """``PORT``, ``PORT:PORT``, each with ``/tcp`` or ``/udp``. UsageError: anything else, also two different ports."""
    match = re.fullmatch(r"(?:([0-9]{1,5}):)?([0-9]{1,5})(?:/(tcp|udp))?", text)
    if not match or not 0 < int(match[2]) < 65536:
        raise click.UsageError(f"--publish {text!r} is not PORT, PORT:PORT, or one of these with /udp.")
    if match[1] and int(match[1]) != int(match[2]):
        raise click.UsageError(
            f"--publish {text}: a floating IP carries every port under its own number; say --publish {match[2]}."
        )
    return PublishedPort(int(match[2]), match[3] or "tcp")


def parse_networks(names: Iterable[str], address: str | None) -> list[NetworkWish]:
    """``NAME`` or ``NAME:IP`` each; ``address`` is for the first. Empty: none is named. UsageError: two addresses for one."""
    wishes = []
    for text in names:
        name, _, own = text.partition(":")
        wishes.append(NetworkWish(name, own))
    if not address:
        return wishes
    if wishes and wishes[0].address:
        raise click.UsageError("--ip and the address in --network are for the same network; say one of them.")
    return [NetworkWish(wishes[0].name if wishes else "", address), *wishes[1:]]


def parse_restart(text: str | None) -> dict[str, str] | None:
    """A restart policy in Docker's words. UsageError: another one."""
    if text is None:
        return None
    match = re.fullmatch(r"(no|always|unless-stopped|on-failure)(?::([0-9]{1,3}))?", text)
    if not match or (match[2] and match[1] != "on-failure"):
        raise click.UsageError(f"--restart {text!r} is not no, always, unless-stopped, on-failure or on-failure:TIMES.")
    policy = {"Name": match[1]}
    return {**policy, "MaximumRetryCount": match[2]} if match[2] else policy


def file_mount(text: str) -> dict[str, str]:
    """``FILE:PATH`` as the mount of its content. UsageError: the form. Failure: no such file, or it is too large."""
    source, colon, path = text.rpartition(":")
    if not colon or not source or not path.startswith("/"):
        raise click.UsageError(f"--file {text!r} is not FILE:PATH, with an absolute path.")
    try:
        content = Path(source).read_bytes()
    except OSError as error:
        raise Failure(f"{source}: {error.strerror}.") from error
    if len(content) > _FILE_LIMIT:
        raise Failure(f"{source} is too large to be put in this way; the limit is 64 KiB. Use a volume, or boxship cp.")
    return {"type": "bind", "source": base64.b64encode(content).decode(), "destination": path}


def _environment(files: Iterable[Path], given: Iterable[str]) -> dict[str, str]:
    """Later ones win; a name alone has the value it has here, and is left out where it has none."""
    lines = [line.strip() for file in files for line in file.read_text().splitlines()]
    found: dict[str, str] = {}
    for text in [*(line for line in lines if line and not line.startswith("#")), *given]:
        name, sign, value = text.partition("=")
        if not name:
            raise click.UsageError(f"--env {text!r} is not NAME=VALUE or NAME.")
        if sign or name in os.environ:
            found[name] = value if sign else os.environ[name]
    return found


def _pair(text: str, option: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name:
        raise click.UsageError(f"{option} {text!r} is not NAME=VALUE or NAME.")
    return name, value


def _health(options: Options) -> dict[str, Any] | None:
    times = {name: options[f"health_{name}"] for name in ("interval", "timeout", "retries")}
    given = {name: value for name, value in times.items() if value is not None}
    if not options["health_cmd"]:
        if given:
            raise click.UsageError("--health-interval, --health-timeout and --health-retries need --health-cmd.")
        return None
    return {"cmd": options["health_cmd"], **given}
