"""The commands that change containers that exist: start, stop, restart, pause, unpause, kill, rename, update, rebuild, commit,
wait. Each takes names or ids, does what it can, and ends with the worst exit code."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import click

from boxship.cli import api, completion, several, steps
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option

_PATIENCE = 120.0
_POLL = 0.2
_GRACE = 10

_containers = completion.container_argument("containers", nargs=-1, required=True)
_time = click.option(
    *("-t", "--time", "grace"),
    type=click.IntRange(0, 3600),
    default=_GRACE,
    show_default=True,
    metavar="SECONDS",
    help="How long it may take to end by itself, before it is killed.",
)


@click.command("start")
@state_dir_option
@_containers
def start_command(state_dir: Path | None, containers: tuple[str, ...]) -> int:
    """Start containers that were stopped, or made and never started.

    \b
    Example:
      boxship start web worker-1
    """
    return _ask(state_dir, containers, "start")


@click.command("stop")
@state_dir_option
@_time
@_containers
def stop_command(state_dir: Path | None, containers: tuple[str, ...], grace: int) -> int:
    """Stop running containers: SIGTERM, and SIGKILL when the time is up.

    \b
    Example:
      boxship stop --time 3 web worker-1
    """
    return _ask(state_dir, containers, "stop", _PATIENCE + grace, timeout=grace)


@click.command("restart")
@state_dir_option
@_time
@_containers
def restart_command(state_dir: Path | None, containers: tuple[str, ...], grace: int) -> int:
    """Stop containers and start them again.

    \b
    Example:
      boxship restart web
    """
    return _ask(state_dir, containers, "reboot", _PATIENCE + grace, timeout=grace)


@click.command("pause")
@state_dir_option
@_containers
def pause_command(state_dir: Path | None, containers: tuple[str, ...]) -> int:
    """Freeze all processes of running containers.

    \b
    Example:
      boxship pause worker-1 worker-2
    """
    return _ask(state_dir, containers, "pause")


@click.command("unpause")
@state_dir_option
@_containers
def unpause_command(state_dir: Path | None, containers: tuple[str, ...]) -> int:
    """Let the processes of paused containers go on.

    \b
    Example:
      boxship unpause worker-1 worker-2
    """
    return _ask(state_dir, containers, "unpause")


@click.command("kill")
@state_dir_option
@click.option("-s", "--signal", default="SIGKILL", show_default=True, help="The signal, by name or number.")
@_containers
def kill_command(state_dir: Path | None, containers: tuple[str, ...], signal: str) -> int:
    """Send a signal to the first process of running containers.

    \b
    Example:
      boxship kill --signal HUP web
    """
    return _ask(state_dir, containers, "kill", signal=signal)


@click.command("rebuild")
@state_dir_option
@click.option("--image", help="The image to make it from.  [default: the one it has, as it is now]")
@click.option("--image-driver", type=click.Choice(["docker", "glance"]), help="Where that is.  [default: as it was]")
@_containers
def rebuild_command(
    state_dir: Path | None, containers: tuple[str, ...], image: str | None, image_driver: str | None
) -> int:
    """Make containers anew from an image; name, addresses and volumes stay, changed files do not.

    \b
    Example:
      boxship rebuild --image nginx:1.29 web
    """
    return _ask(state_dir, containers, "rebuild", image=image, image_driver=image_driver)


@click.command("rename")
@state_dir_option
@completion.container_argument()
@click.argument("name")
def rename_command(state_dir: Path | None, container: str, name: str) -> None:
    """Give a container another name.

    \b
    Example:
      boxship rename web old-web
    """
    api.connect(state_dir).patch(several.CONTAINER, several.path(container), {"name": name})


@click.command("update")
@state_dir_option
@click.option("--memory", type=click.IntRange(4), metavar="MB", help="The most memory it may use.")
@click.option("--cpus", type=click.FloatRange(0.01), help="The most CPUs it may use.")
@click.option(
    "--auto-heal/--no-auto-heal", default=None, help="Whether it is made again when it vanishes from the engine."
)
@_containers
def update_command(state_dir: Path | None, containers: tuple[str, ...], **options: Any) -> int:
    """Change the limits of containers, running or not.

    \b
    Example:
      boxship update --memory 256 --cpus 0.5 web
    """
    body = {"memory": options["memory"], "cpu": options["cpus"], "auto_heal": options["auto_heal"]}
    body = {name: value for name, value in body.items() if value is not None}
    if not body:
        raise click.UsageError("Nothing to change is given; see boxship update --help.")
    cloud = api.connect(state_dir)
    return several.change(
        cloud, containers, lambda name: cloud.patch(several.CONTAINER, several.path(name), body), _PATIENCE
    )


@click.command("commit")
@state_dir_option
@completion.container_argument()
@click.argument("repository", metavar="NAME[:TAG]")
def commit_command(state_dir: Path | None, container: str, repository: str) -> None:
    """Make an image of a container's present files, and print the image's id.

    \b
    Example:
      boxship commit web web-as-of-today:v1
    """
    name, tag = parse_repository(repository)
    cloud = api.connect(state_dir)
    with steps.step(f"Image {repository}") as step:
        image = cloud.post(several.CONTAINER, several.path(container, "commit"), repository=name, tag=tag or None)
        _wait_for_image(cloud, image["uuid"], step)
    click.echo(image["uuid"])


@click.command("wait")
@state_dir_option
@_containers
def wait_command(state_dir: Path | None, containers: tuple[str, ...]) -> int:
    """Wait until containers have ended; print the exit code of each.

    \b
    Example:
      boxship wait job-1 job-2
    """
    cloud = api.connect(state_dir)
    return several.each(containers, lambda name: click.echo(wait_until_ended(cloud, name)))


def wait_until_ended(cloud: api.Cloud, name: str) -> int:
    """The exit code of the container's first process once it has ended. Failure: it cannot be told, and why."""
    while True:
        container = several.find(cloud, name)
        if container["status"] in {"Stopped", "Dead"} and not container["task_state"]:
            return exit_code(container)
        if container["status"] in {"Error", "Deleted", "Created"}:
            raise Failure(f"{name} is {container['status']}: {container['status_reason'] or 'it does not run'}")
        time.sleep(_POLL)


def exit_code(container: several.Container) -> int:
    """What the API tells of how a container ended: ``Exited(7) 2 minutes ago``. Failure: nothing."""
    match = re.match(r"Exited ?\((-?[0-9]+)\)", container["status_detail"] or "")
    if not match:
        raise Failure(f"The cloud does not say how {container['name']} ended.")
    return int(match[1])


def parse_repository(text: str) -> tuple[str, str]:
    """``NAME`` or ``NAME:TAG`` in two; the port of a registry is part of the name."""
    name, colon, tag = text.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (text, "")


def _ask(
    state_dir: Path | None, containers: tuple[str, ...], verb: str, patience: float = _PATIENCE, **query: object
) -> int:
    cloud = api.connect(state_dir)
    return several.change(
        cloud, containers, lambda name: cloud.post(several.CONTAINER, several.path(name, verb), **query), patience
    )


def _wait_for_image(cloud: api.Cloud, uuid: str, step: steps.Step) -> None:
    """Until the image service has all of it. Failure: it could not be made."""
    deadline = time.monotonic() + 10 * _PATIENCE
    while (status := cloud.get("image", f"/v2/images/{uuid}")["status"]) != "active":
        if status not in {"queued", "saving", "importing"}:
            raise Failure(f"The image could not be made; its status is {status}.")
        if time.monotonic() > deadline:
            raise Failure(f"The image is still not complete; see openstack image show {uuid}.", Exit.FAILURE)
        step.doing(status)
        time.sleep(_POLL)
