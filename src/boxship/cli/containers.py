"""The commands on containers that exist: ps, logs, exec, rm."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from boxship.cli import api, output, steps, tenant
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option

CONTAINER = "container"
GROUP_LABEL = "boxship.published"
"""The label that holds the id of the security group which ``run --publish`` made for the container."""
_PATIENCE = 120.0
_GRACE = 1
"""Seconds that a container gets to end by itself when `rm --force` removes it; Docker's own gives none."""


@click.command("ps")
@state_dir_option
@output.format_option
@click.option("--all-projects", is_flag=True, help="Of all projects; for administrators.")
def ps_command(state_dir: Path | None, form: str, *, all_projects: bool) -> None:
    """List your containers, running or not.

    \b
    Examples:
      boxship ps
      boxship ps --format json
    """
    cloud = api.connect(state_dir, "admin" if all_projects else "demo")
    query = {"all_projects": True} if all_projects else {}
    found = cloud.get(CONTAINER, "/containers", **query)["containers"]
    floating = {ip["port_id"]: ip["floating_ip_address"] for ip in tenant.floating_ips(cloud) if ip["port_id"]}
    rows = [_row(container, floating) for container in found]
    output.rows(form, rows, ["name", "image", "status", "addresses", "floating_ips", "id"])


def _row(container: dict[str, Any], floating: dict[str, str]) -> dict[str, object]:
    own = [entry for entries in (container["addresses"] or {}).values() for entry in entries]
    return {
        "id": container["uuid"],
        "name": container["name"],
        "image": container["image"],
        "status": container["status_detail"] or container["status"],
        "state": container["status"],
        "reason": container["status_reason"],
        "addresses": [entry["addr"] for entry in own],
        "floating_ips": list(dict.fromkeys(floating[entry["port"]] for entry in own if entry["port"] in floating)),
    }


@click.command("logs")
@state_dir_option
@click.option("--tail", type=click.IntRange(0), metavar="LINES", help="Only the last lines.")
@click.option("--timestamps", is_flag=True, help="With the time of each line.")
@click.argument("container")
def logs_command(state_dir: Path | None, tail: int | None, container: str, *, timestamps: bool) -> None:
    """Print what the container (name or id) wrote to its standard output and error.

    \b
    Example:
      boxship logs --tail 20 web
    """
    cloud = api.connect(state_dir)
    path = f"/containers/{api.quoted(container)}/logs"
    text = cloud.get(CONTAINER, path, tail=tail, timestamps=timestamps, stdout=True, stderr=True)
    click.echo(text or "", nl=False)


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@state_dir_option
@click.argument("container")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(state_dir: Path | None, container: str, command: tuple[str, ...]) -> int:
    """Run a command in the running container, without a terminal, and print its output; ends as the command did.

    \b
    Example:
      boxship exec web ls -l /data
    """
    import shlex

    cloud = api.connect(state_dir)
    words = command[1:] if command[0] == "--" else command
    path = f"/containers/{api.quoted(container)}/execute"
    result = cloud.post(CONTAINER, path, command=shlex.join(words), run=True, interactive=False)
    click.echo(result["output"], nl=False)
    return int(result["exit_code"])


@click.command("rm")
@state_dir_option
@click.option("--force", is_flag=True, help="Running ones too: they are stopped first.")
@click.argument("containers", nargs=-1, required=True)
def rm_command(state_dir: Path | None, containers: tuple[str, ...], *, force: bool) -> int:
    """Remove containers by name or id, and the floating IP and security group that `run --publish` made for them.

    Volumes stay. All that can be removed are, even when some cannot.

    \b
    Example:
      boxship rm --force web worker-1 worker-2
    """
    cloud = api.connect(state_dir)
    worst = Exit.OK
    for name in containers:
        try:
            remove(cloud, name, force=force)
            click.echo(name)
        except Failure as error:
            hint = "" if force or error.code is not Exit.FAILURE else " Running ones need --force."
            click.echo(f"boxship: {error.sentence}{hint}", err=True)
            worst = error.code
    return worst


def remove(cloud: api.Cloud, name: str, *, force: bool) -> None:
    """Remove a container and what was published for it, and wait until it is gone. Failure: it is not there or may not."""
    container = cloud.get(CONTAINER, f"/containers/{api.quoted(name)}")
    path = f"/containers/{container['uuid']}"
    owned = [ip for ip in tenant.floating_ips(cloud) if ip.get("description") == published(container["uuid"])]
    query: dict[str, object] = {"stop": True, "timeout": _GRACE} if force else {}
    deadline = time.monotonic() + _PATIENCE
    with steps.step(f"Remove {name}") as step:
        while not _deleted(cloud, path, query, wait=force and time.monotonic() < deadline):
            step.doing("it is being made; waiting")
            time.sleep(0.2)
        while _there(cloud, path):
            if time.monotonic() > deadline:
                raise Failure(f"{name} is still being removed after {_PATIENCE:.0f} s; see boxship ps.")
            time.sleep(0.05)
        for ip in owned:
            tenant.delete(cloud, "floatingips", ip["id"])
        if group := (container["labels"] or {}).get(GROUP_LABEL):
            tenant.delete(cloud, "security-groups", group)


def published(uuid: str) -> str:
    """The description of a floating IP that was made for a container, by which ``rm`` finds it."""
    return f"boxship run {uuid}"


def _deleted(cloud: api.Cloud, path: str, query: dict[str, object], *, wait: bool) -> bool:
    """Whether the wish to delete was taken; False where its present state forbids it and waiting may help."""
    try:
        cloud.delete(CONTAINER, path, **query)
    except api.RequestFailed as error:
        if error.status == 404:
            return True
        if error.status == 409 and wait and cloud.get(CONTAINER, path)["status"] in {"Creating", "Restarting"}:
            return False
        raise
    return True


def _there(cloud: api.Cloud, path: str) -> bool:
    try:
        cloud.get(CONTAINER, path)
    except api.RequestFailed as error:
        if error.status == 404:
            return False
        raise
    return True


def wait_until_made(cloud: api.Cloud, uuid: str, step: steps.Step, *, deadline: float | None = None) -> dict[str, Any]:
    """The container once it has got beyond Creating. Failure: it went to Error, with the reason, or ``deadline`` (of the
    monotonic clock) has passed."""
    while True:
        container = cloud.get(CONTAINER, f"/containers/{uuid}")
        assert isinstance(container, dict)
        if container["status"] == "Error":
            raise Failure(f"{container['name']} could not be started: {container['status_reason']}")
        if container["status"] != "Creating":
            return container
        doing = (container["task_state"] or "waiting").replace("_", " ")
        if deadline is not None and time.monotonic() > deadline:
            raise Failure(f"{container['name']} is still being made ({doing}).")
        step.doing(doing)
        time.sleep(0.05)
