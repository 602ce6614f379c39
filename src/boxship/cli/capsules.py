"""``boxship capsule``: groups of containers that share an address, made from a template."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from boxship.cli import api, completion, output, run, several, steps, tenant
from boxship.cli.failure import Failure
from boxship.cli.options import state_dir_option

_PATIENCE = 300.0
_PAUSE = 0.1
_capsules = click.argument("capsules", nargs=-1, required=True, shell_complete=completion.capsules)
Capsule = dict[str, Any]


@click.group("capsule")
def capsule_command() -> None:
    """Groups of containers that share an address and live and end together."""


@capsule_command.command("create")
@state_dir_option
@click.option(
    *("-f", "--file"),
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    required=True,
    help="The template, YAML or JSON; - is stdin.",
)
def create_command(state_dir: Path | None, file: Path) -> None:
    """Make a capsule from a template, wait until it runs, and print its name. Where you have no network yet, one is made.

    \b
    Example:
      boxship capsule create --file pod.yaml
    """
    template = _read(file)
    cloud = api.connect(state_dir)
    if not tenant.own_networks(cloud):
        run.network_of(cloud, "")
    capsule = cloud.post(several.CONTAINER, "/capsules/", {"template": template})
    name = capsule["name"] or capsule["uuid"]
    with steps.step(f"Capsule {name}") as step:
        capsule = _made(cloud, capsule["uuid"], step)
        step.note(f"{capsule['status']}, {', '.join(_addresses(capsule))}")
    click.echo(name)


@capsule_command.command("ls")
@state_dir_option
@output.format_option
def ls_command(state_dir: Path | None, form: str) -> None:
    """List your capsules.

    \b
    Example:
      boxship capsule ls
    """
    found = api.connect(state_dir).all(several.CONTAINER, "/capsules/", "capsules", "uuid")
    rows = [
        {
            "id": capsule["uuid"],
            "name": capsule["name"],
            "status": capsule["status"],
            "reason": capsule["status_reason"],
            "addresses": _addresses(capsule),
            "cpu": capsule["cpu"],
            "memory": capsule["memory"],
        }
        for capsule in found
    ]
    output.rows(form, rows, ["name", "status", "addresses", "cpu", "memory", "id"])


@capsule_command.command("show")
@state_dir_option
@_capsules
def show_command(state_dir: Path | None, capsules: tuple[str, ...]) -> int:
    """Print all that the cloud tells of capsules, as JSON.

    \b
    Example:
      boxship capsule show shop | jq '.[].containers[].name'
    """
    cloud = api.connect(state_dir)
    found: list[Capsule] = []
    worst = several.each(capsules, lambda name: found.append(cloud.get(several.CONTAINER, _path(name))))
    click.echo(json.dumps(found, indent=2))
    return worst


@capsule_command.command("rm")
@state_dir_option
@_capsules
def rm_command(state_dir: Path | None, capsules: tuple[str, ...]) -> int:
    """Remove capsules with their containers; volumes stay, but for those whose template says autoRemove.

    \b
    Example:
      boxship capsule rm shop
    """
    cloud = api.connect(state_dir)
    asked: dict[str, str] = {}

    def begin(name: str) -> None:
        asked[name] = cloud.get(several.CONTAINER, _path(name))["uuid"]
        cloud.delete(several.CONTAINER, _path(asked[name]))

    def finish(name: str) -> None:
        with steps.step(f"Remove {name}"):
            _gone(cloud, asked[name])
        click.echo(name)

    worst = several.each(capsules, begin)
    return max(worst, several.each(list(asked), finish))


def _path(name: str) -> str:
    return f"/capsules/{api.quoted(name)}"


def _read(file: Path) -> object:
    """The template. Failure: it is no YAML."""
    import yaml

    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Failure(f"{file} is neither YAML nor JSON: {' '.join(str(error).split())}.") from error


def _addresses(capsule: Capsule) -> list[str]:
    return [entry["addr"] for entries in (capsule["addresses"] or {}).values() for entry in entries]


def _made(cloud: api.Cloud, uuid: str, step: steps.Step) -> Capsule:
    """The capsule once it is beyond its making. Failure: it cannot be made, and why."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        capsule = cloud.get(several.CONTAINER, _path(uuid))
        assert isinstance(capsule, dict)
        if capsule["status"] == "Failed":
            raise Failure(f"{capsule['name']} could not be made: {capsule['status_reason']}")
        if capsule["status"] in {"Running", "Succeeded"}:
            return capsule
        if time.monotonic() > deadline:
            raise Failure(f"{capsule['name']} is still {capsule['status']}; see boxship capsule ls.")
        step.doing(str(capsule["status"]).lower())
        time.sleep(_PAUSE)


def _gone(cloud: api.Cloud, uuid: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            cloud.get(several.CONTAINER, _path(uuid))
        except api.RequestFailed as error:
            if error.status == 404:
                return
            raise
        time.sleep(_PAUSE)
    raise Failure(f"It is still being removed after {_PATIENCE:.0f} s; see boxship capsule ls.")
