"""What containers there are, all about one, and an end of them: ps, inspect, rm."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from boxship.cli import api, completion, output, several, steps, tenant
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option

GROUP_LABEL = "boxship.published"
"""The label that holds the id of the security group which ``run --publish`` made for the container."""
_PATIENCE = 120.0
_GRACE = 1
"""Seconds that a container gets to end by itself when `rm --force` removes it; Docker's own gives none."""


_FILTERS = ("name", "id", "image", "status", "label", "network", "host")
_Row = dict[str, Any]


@click.command("ps")
@state_dir_option
@output.format_option
@click.option(
    "-a", "--all", "everything", is_flag=True, help="Stopped ones too, as always; Docker's users are used to it."
)
@click.option("-q", "--quiet", is_flag=True, help="Only the ids.")
@click.option(
    *("-f", "--filter", "filters"),
    multiple=True,
    metavar="KEY=VALUE",
    help=f"Only those that match. Keys: {', '.join(_FILTERS)}; several keys must all match, several values of a key: any.",
)
@click.option("--all-projects", is_flag=True, help="Of all projects; for administrators.")
def ps_command(
    state_dir: Path | None, form: str, filters: tuple[str, ...], *, everything: bool, quiet: bool, all_projects: bool
) -> None:
    """List your containers, running or not.

    \b
    Examples:
      boxship ps
      boxship ps --filter status=running --filter label=tier=web
      boxship rm --force $(boxship ps --quiet --filter name=worker)
    """
    del everything  # it is what happens anyway
    wanted = parse_filters(filters)
    cloud = api.connect(state_dir, "admin" if all_projects else "demo")
    if "network" in wanted:
        wanted["network"] = [(tenant.find_network(cloud, name) or {"id": name})["id"] for name in wanted["network"]]
    query = {"all_projects": True} if all_projects else {}
    found = cloud.all(several.CONTAINER, "/containers", "containers", "uuid", **query)
    found = [container for container in found if matches(container, wanted)]
    if quiet:
        for container in found:
            click.echo(container["uuid"])
        return
    floating = {ip["port_id"]: ip["floating_ip_address"] for ip in tenant.floating_ips(cloud) if ip["port_id"]}
    rows = [_row(container, floating) for container in found]
    output.rows(form, rows, ["name", "image", "status", "addresses", "floating_ips", "id"])


def parse_filters(texts: tuple[str, ...]) -> dict[str, list[str]]:
    """``KEY=VALUE`` by key. UsageError: another form, an unknown key."""
    found: dict[str, list[str]] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or key not in _FILTERS:
            raise click.UsageError(f"--filter {text!r} is not KEY=VALUE with one of the keys {', '.join(_FILTERS)}.")
        found.setdefault(key, []).append(value)
    return found


def matches(container: several.Container, wanted: dict[str, list[str]]) -> bool:
    """Whether a container is one of those that ``--filter`` asks for. Names and images match by any part of them, ids by their
    start, labels as ``NAME`` or ``NAME=VALUE``, all others exactly."""
    return all(any(_has(container, key, value) for value in values) for key, values in wanted.items())


def _has(container: several.Container, key: str, value: str) -> bool:
    if key in {"name", "image"}:
        return value in container[key]
    if key == "id":
        return str(container["uuid"]).startswith(value)
    if key == "label":
        name, sign, text = value.partition("=")
        labels = container["labels"] or {}
        return name in labels and (not sign or labels[name] == text)
    if key == "network":
        return value in (container["addresses"] or {})
    return str(container.get(key) or "").lower() == value.lower()


def _row(container: several.Container, floating: dict[str, str]) -> _Row:
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


@click.command("inspect")
@state_dir_option
@completion.container_argument("containers", nargs=-1, required=True)
def inspect_command(state_dir: Path | None, containers: tuple[str, ...]) -> int:
    """Print all that the cloud tells of containers, as JSON.

    \b
    Example:
      boxship inspect web | jq -r '.[].status'
    """
    cloud = api.connect(state_dir)
    found: list[several.Container] = []
    worst = several.each(containers, lambda name: found.append(several.find(cloud, name)))
    click.echo(json.dumps(found, indent=2))
    return worst


@click.command("rm")
@state_dir_option
@click.option("-f", "--force", is_flag=True, help="Running ones too: they are stopped first.")
@completion.container_argument("containers", nargs=-1, required=True)
def rm_command(state_dir: Path | None, containers: tuple[str, ...], *, force: bool) -> int:
    """Remove containers by name or id, and the floating IP and security group that `run --publish` made for them.

    Volumes stay. All that can be removed are, even when some cannot.

    \b
    Example:
      boxship rm --force web worker-1 worker-2
    """
    cloud = api.connect(state_dir)
    asked: dict[str, _Removal] = {}

    def begin(name: str) -> None:
        try:
            asked[name] = _ask_removal(cloud, name, force=force)
        except Failure as error:
            hint = "" if force or error.code is not Exit.FAILURE else " Running ones need --force."
            raise Failure(f"{error.sentence}{hint}", error.code) from error

    def finish(name: str) -> None:
        with steps.step(f"Remove {name}"):
            _finish_removal(cloud, asked[name])
        click.echo(name)

    worst = several.each(containers, begin)
    return max(worst, several.each(list(asked), finish))


def remove(cloud: api.Cloud, name: str, *, force: bool, quiet: bool = False) -> None:
    """Remove a container and what was published for it, and wait until it is gone. Failure: it is not there or may not.

    ``quiet``: without a line on stderr.
    """
    with contextlib.nullcontext() if quiet else steps.step(f"Remove {name}"):
        _finish_removal(cloud, _ask_removal(cloud, name, force=force))


@dataclass(frozen=True, slots=True)
class _Removal:
    """A container that goes, and what goes after it: floating IPs and a security group."""

    name: str
    path: str
    floating_ips: tuple[str, ...]
    group: str | None
    deadline: float


def _ask_removal(cloud: api.Cloud, name: str, *, force: bool) -> _Removal:
    """Wish it gone. Failure: it is not there, or its state forbids it."""
    container = several.find(cloud, name)
    owned = [ip["id"] for ip in tenant.floating_ips(cloud) if ip.get("description") == published(container["uuid"])]
    group = (container["labels"] or {}).get(GROUP_LABEL)
    removal = _Removal(name, several.path(container["uuid"]), tuple(owned), group, time.monotonic() + _PATIENCE)
    query: dict[str, object] = {"stop": True, "timeout": _GRACE} if force else {}
    while not _deleted(cloud, removal.path, query, wait=force and time.monotonic() < removal.deadline):
        time.sleep(0.2)  # it is being made
    return removal


def _finish_removal(cloud: api.Cloud, removal: _Removal) -> None:
    while _there(cloud, removal.path):
        if time.monotonic() > removal.deadline:
            raise Failure(f"{removal.name} is still being removed after {_PATIENCE:.0f} s; see boxship ps.")
        time.sleep(0.05)
    for id in removal.floating_ips:
        tenant.delete(cloud, "floatingips", id)
    if removal.group:
        tenant.delete(cloud, "security-groups", removal.group)


def published(uuid: str) -> str:
    """The description of a floating IP that was made for a container, by which ``rm`` finds it."""
    return f"boxship run {uuid}"


def _deleted(cloud: api.Cloud, path: str, query: dict[str, object], *, wait: bool) -> bool:
    """Whether the wish to delete was taken; False where its present state forbids it and waiting may help."""
    try:
        cloud.delete(several.CONTAINER, path, **query)
    except api.RequestFailed as error:
        if error.status == 404:
            return True
        if error.status == 409 and wait and cloud.get(several.CONTAINER, path)["status"] in {"Creating", "Restarting"}:
            return False
        raise
    return True


def _there(cloud: api.Cloud, path: str) -> bool:
    try:
        cloud.get(several.CONTAINER, path)
    except api.RequestFailed as error:
        if error.status == 404:
            return False
        raise
    return True


def wait_until_made(cloud: api.Cloud, uuid: str, step: steps.Step, *, deadline: float | None = None) -> dict[str, Any]:
    """The container once it has got beyond Creating. Failure: it went to Error, with the reason, or ``deadline`` (of the
    monotonic clock) has passed."""
    while True:
        container = cloud.get(several.CONTAINER, f"/containers/{uuid}")
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
