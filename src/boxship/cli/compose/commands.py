"""``boxship compose``: an application that a Compose file describes, made, changed and removed as a stack of the cloud."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from boxship.cli import api, steps, tenant
from boxship.cli.compose import files, merging, model, reading, translation
from boxship.cli.compose.context import Context
from boxship.cli.compose.fields import Map, Notes
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option

SERVICE, VOLUME = "orchestration", "block-storage"
TAG = "compose"
"""What stacks are tagged with that this command made; it leaves others alone."""
_PAUSE = 0.5
_LETTING_GO = 120.0
Row = dict[str, Any]
Function = TypeVar("Function", bound=Callable[..., Any])


@click.group("compose")
def compose_command() -> None:
    """An application from a Compose file: its networks, volumes and containers as a stack of the cloud."""


def _file_options(function: Function) -> Function:
    options = (
        click.option(
            *("-f", "--file", "paths"),
            multiple=True,
            type=click.Path(dir_okay=False, path_type=Path),
            help="The Compose file; of several, later ones are laid over earlier ones.  [default: compose.yaml, compose.yml, "
            "docker-compose.yaml or docker-compose.yml here, and its .override.yaml]",
        ),
        click.option(
            *("-p", "--project-name", "project"),
            metavar="NAME",
            help="The project, which is the stack's name.  [default: name in the file, else that of the directory]",
        ),
        click.option(
            *("--profile", "profiles"),
            multiple=True,
            metavar="NAME",
            help="Services of this profile as well; * for all.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@compose_command.command("config")
@_file_options
def config_command(*, paths: tuple[Path, ...], project: str | None, profiles: tuple[str, ...]) -> None:
    """Print the template (HOT) that a Compose file becomes. Asks no cloud anything; secrets are not in it.

    \b
    Example:
      boxship compose config -f shop.yaml > shop-hot.yaml
    """
    import yaml

    read = _read(paths, project, profiles)
    template = translation.compose(read.project, read.notes)
    _tell(read.notes)
    click.echo(yaml.safe_dump(template.document, sort_keys=False, allow_unicode=True, width=100), nl=False)


@compose_command.command("up")
@state_dir_option
@_file_options
@click.option("-d", "--detach", is_flag=True, help="Changes nothing: containers always run in the background.")
@click.option("--timeout", type=click.IntRange(1, 1440), metavar="MINUTES", help="How long it may take.  [default: 60]")
def up_command(
    *,
    state_dir: Path | None,
    paths: tuple[Path, ...],
    project: str | None,
    profiles: tuple[str, ...],
    detach: bool,  # noqa: ARG001 (taken for the sake of habit)
    timeout: int | None,
) -> None:
    """Make the application, or change it to what the file says now; wait until it is so, and print where its ports are.

    What cannot be as the file says is told on stderr. Containers that changed are stopped and made anew; volumes stay.

    \b
    Examples:
      boxship compose up
      boxship compose up -f shop.yaml -p shop
    """
    read = _read(paths, project, profiles)
    translation.compose(read.project, read.notes)
    _tell(read.notes)
    cloud = api.connect(state_dir)
    _require_external(cloud, read.project)
    name = read.project.name
    found = find(cloud, name)
    former = cloud.get(SERVICE, f"{_path(found)}/template") if found else None
    template = translation.compose(read.project, read.notes, _volumes_left(cloud, read.project, former))
    request = _request(cloud, template, timeout)
    with steps.step(f"Stack {name}") as step:
        if found is None:
            made = cloud.post(SERVICE, "/stacks", {**request, "stack_name": name, "disable_rollback": True})["stack"]
            found = {"id": made["id"], "stack_name": name}
        else:
            assert former is not None
            _make_room(cloud, found, former, request, step)
            cloud.put(SERVICE, _path(found), request)
        stack = wait(cloud, found, step)
        step.note("is made" if stack["stack_status"].startswith("CREATE") else "is changed")
    _print_ports(stack)


@compose_command.command("down")
@state_dir_option
@_file_options
@click.option("-v", "--volumes", is_flag=True, help="Remove the volumes of the project too, with all that is in them.")
def down_command(
    *, state_dir: Path | None, paths: tuple[Path, ...], project: str | None, profiles: tuple[str, ...], volumes: bool
) -> None:
    """Remove the application: its containers and networks. Volumes stay and are used again by the next `up`, unless -v is said.
    With -p no file is needed.

    \b
    Example:
      boxship compose down -p shop --volumes
    """
    name = project if project and not paths else _read(paths, project, profiles).project.name
    cloud = api.connect(state_dir)
    found = find(cloud, name)
    if found is None:
        steps.say(f"There is no stack {name}.")
    else:
        with steps.step(f"Stack {name}") as step:
            cloud.delete(SERVICE, _path(found))
            wait(cloud, found, step)
            step.note("is removed")
    left = _volumes_of(cloud, name)
    if volumes:
        for volume in left:
            _remove_volume(cloud, volume)
    elif left:
        names = ", ".join(volume["name"] for volume in left)
        steps.say(f"Volumes that stay: {names}. --volumes removes them.")


# The file.


class _Read:
    """A file that was read: what it describes, and what was noted."""

    def __init__(self, project: model.Project, notes: Notes) -> None:
        self.project = project
        self.notes = notes


def _read(given: tuple[Path, ...], name: str | None, profiles: tuple[str, ...]) -> _Read:
    paths = given or files.find(Path.cwd())
    directory, notes = paths[0].parent, Notes()
    variables = files.variables(directory, os.environ)
    documents = [files.parse(files.text_of(path), str(path)) for path in paths]
    document = merging.extended(functools.reduce(merging.merged, documents))
    own = document.get("name")
    top = {"name": files.filled(own, variables, "name")} if own is not None else {}
    called = reading.project_name(name, Map(top, ""), directory, variables.values)
    variables.values = {**variables.values, "COMPOSE_PROJECT_NAME": called}
    asked = variables.values.get("COMPOSE_PROFILES", "")
    context = Context(directory, variables, frozenset((*profiles, *filter(None, asked.split(",")))), notes, {})
    filled = files.filled(document, variables)
    for each in variables.missing:
        notes.add(f"${each}", "the variable is not set, and stands for nothing.")
    project = reading.read(filled, called, context)
    translation.check_addresses(project)
    return _Read(project, notes)


def _tell(notes: Notes) -> None:
    for note in notes.found:
        steps.say(f"{click.style('!', fg='yellow')} {note}")


# The cloud.


def find(cloud: api.Cloud, name: str) -> Row | None:
    """The stack of the project. Failure: it is not one of Compose's."""
    rows = cloud.get(SERVICE, "/stacks", name=name)["stacks"]
    if not rows:
        return None
    if TAG not in (rows[0]["tags"] or ()):
        raise Failure(f"The stack {name} was not made from a Compose file; choose another name with -p.", Exit.REFUSED)
    return dict(rows[0])


def _path(stack: Row) -> str:
    return f"/stacks/{api.quoted(stack['stack_name'])}/{stack['id']}"


def _request(cloud: api.Cloud, template: translation.Template, timeout: int | None) -> Row:
    parameters = dict(template.secrets)
    if translation.PUBLIC in template.document.get("parameters", {}):
        parameters[translation.PUBLIC] = _public_network(cloud)
    request: Row = {"template": template.document, "parameters": parameters, "tags": TAG}
    return {**request, "timeout_mins": timeout} if timeout else request


def _public_network(cloud: api.Cloud) -> str:
    """The external network: the one that is called public, else the first."""
    found = cloud.get("network", "/v2.0/networks", **{"router:external": True})["networks"]
    if not found:
        raise Failure("This cloud has no external network, so nothing can be reached from outside.", Exit.NOT_FOUND)
    named = [network for network in found if network["name"] == "public"]
    return str((named or found)[0]["id"])


def _require_external(cloud: api.Cloud, project: model.Project) -> None:
    """Wrong: a network or a volume that the file calls external is not there."""
    for network in project.networks.values():
        if network.external and tenant.find_network(cloud, network.name) is None:
            reason = (
                f"there is no network {network.name} in the cloud. Make it: openstack network create {network.name}"
            )
            raise files.Wrong(f"networks.{network.key}", reason)
    for volume in project.volumes.values():
        if volume.external and tenant.find_volume(cloud, volume.name) is None:
            reason = f"there is no volume {volume.name} in the cloud. Make it: openstack volume create --size 1 {volume.name}"
            raise files.Wrong(f"volumes.{volume.key}", reason)


def _volumes_of(cloud: api.Cloud, project: str) -> list[Row]:
    """The volumes that stacks of the project made, whether there is a stack now or not."""
    rows = cloud.get(VOLUME, "/volumes/detail")["volumes"]
    return [row for row in rows if row["metadata"].get(f"{translation.LABEL}.project") == project]


def _volumes_left(cloud: api.Cloud, project: model.Project, former: Mapping[str, Any] | None) -> dict[str, str]:
    """The ids of volumes that are to be used again, by key. Those that the stack has as its own are not among them."""
    known = {row["metadata"].get(f"{translation.LABEL}.volume"): row["id"] for row in _volumes_of(cloud, project.name)}
    found = {}
    for key in project.volumes:
        resource = (former or {"resources": {}})["resources"].get(f"volume:{key}")
        id = known.get(key) if resource is None else resource.get("external_id")
        if id:
            found[key] = id
    return found


def _make_room(cloud: api.Cloud, stack: Row, former: Row, request: Row, step: steps.Step) -> None:
    """Take away what is made anew, or is not wanted any more, before its successors come."""
    changes = cloud.put(SERVICE, f"{_path(stack)}/preview", request)["resource_changes"]
    changed = {
        kind: {row["resource_name"] for row in changes.get(kind, ())} for kind in ("replaced", "deleted", "updated")
    }
    rows = cloud.get(SERVICE, f"{_path(stack)}/resources")["resources"]
    failed = {row["resource_name"] for row in rows if row["resource_status"].endswith("FAILED")}
    gone = changed["replaced"] | changed["deleted"] | failed
    moved = {name for name in changed["updated"] if name.startswith("port:")}
    leaving = translation.leaving(former, gone, moved)
    if not leaving:
        return
    step.doing("takes away what changed")
    parameters = {name: request["parameters"].get(name, "") for name in former.get("parameters", ())}
    fewer = {**request, "template": translation.without(former, leaving), "parameters": parameters}
    cloud.put(SERVICE, _path(stack), fewer)
    wait(cloud, stack, step)


def wait(cloud: api.Cloud, stack: Row, step: steps.Step) -> Row:
    """The stack once it is done; one that is deleted is as it was seen last. Failure: it failed, with the reason."""
    seen = dict(stack)
    while True:
        try:
            seen = dict(cloud.get(SERVICE, _path(stack))["stack"])
        except api.RequestFailed as error:
            if error.status != 404:
                raise
            return seen
        action, _, status = seen["stack_status"].partition("_")
        if status == "FAILED":
            raise Failure(f"{action.capitalize()} of the stack failed: {seen['stack_status_reason']}")
        if status == "COMPLETE":
            return seen
        _show(cloud, stack, step)
        time.sleep(_PAUSE)


def _show(cloud: api.Cloud, stack: Row, step: steps.Step) -> None:
    try:
        rows = cloud.get(SERVICE, f"{_path(stack)}/resources")["resources"]
    except api.RequestFailed:
        return  # it is gone meanwhile
    busy = [row["resource_name"] for row in rows if row["resource_status"].endswith("IN_PROGRESS")]
    step.progress(sum(row["resource_status"].endswith("COMPLETE") for row in rows), len(rows) or 1)
    step.doing(", ".join(busy[:3]) or "waits")


def _print_ports(stack: Row) -> None:
    told = next((each for each in stack.get("outputs", ()) if each["output_key"] == translation.OUTPUT), None)
    for way in (told and told.get("output_value")) or ():
        target = f"{way['service']}-{way['container']}:{way['inside']}"
        click.echo(f"{way['address']}:{way['port']}/{way['protocol']} -> {target}")


def _remove_volume(cloud: api.Cloud, volume: Row) -> None:
    """Remove it once its containers have let it go. Failure: somebody else has it."""
    with steps.step(f"Volume {volume['name']}") as step:
        deadline = time.monotonic() + _LETTING_GO
        while True:
            try:
                tenant.delete_volume(cloud, volume["id"])
            except api.RequestFailed as error:
                if error.status == 404:
                    break
                if error.status not in {400, 409} or time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE)
        step.note("is removed")
