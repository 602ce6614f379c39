"""``boxship stack``: what an update of a stack would do, and why, and the graph of a stack. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from boxship.cli import api, graphs, output, templates
from boxship.cli.failure import Exit, Failure
from boxship.cli.options import state_dir_option

SERVICE = "orchestration"
_DRAFT = "draft"
_SIGNS = {"added": "+ create", "updated": "~ change", "replaced": "± replace", "deleted": "- delete"}
_COLOURS = {"added": "green", "updated": "yellow", "replaced": "magenta", "deleted": "red"}
Row = dict[str, Any]
Function = TypeVar("Function", bound=Callable[..., Any])


@click.group("stack")
def stack_command() -> None:
    """What an update of a stack would do, and what needs what in it. Stacks are made with ``openstack stack create``."""


def _template_options(function: Function) -> Function:
    """``-e`` and ``--parameter``, as for ``openstack stack create``."""
    environments = click.option(
        *("-e", "--environment", "environments"),
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="An environment; several are merged.",
    )
    parameters = click.option("--parameter", "parameters", multiple=True, metavar="KEY=VALUE", help="A parameter.")
    return environments(parameters(function))


@stack_command.command("plan")
@state_dir_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("stack", required=False)
@_template_options
@output.format_option
def plan_command(
    *,
    state_dir: Path | None,
    file: Path,
    stack: str | None,
    environments: tuple[Path, ...],
    parameters: tuple[str, ...],
    form: str,
) -> None:
    """Show what a template would make of STACK: what is created, changed in place, replaced and deleted, and why. Without
    STACK, or where there is none of that name, it is what a new stack would have.

    \b
    Example:
      boxship stack plan shop.yaml shop --parameter members=3
    """
    cloud = api.connect(state_dir)
    request = templates.body(file, environments, parameters)
    found = _find(cloud, stack) if stack else None
    if found is None:
        drafted = cloud.post(SERVICE, "/stacks/preview", {**request, "stack_name": stack or _DRAFT})["stack"]
        changes: dict[str, list[Row]] = {"added": list(_flat(drafted["resources"]))}
    else:
        path = f"/stacks/{found['stack_name']}/{found['id']}/preview"
        changes = cloud.put(SERVICE, path, request)["resource_changes"]
    rows = [_planned(kind, row) for kind in _SIGNS for row in changes.get(kind, ())]
    if form == "json":
        output.rows(form, rows, [])
        return
    _print_plan(rows, len(changes.get("unchanged", ())), found)


def _planned(kind: str, row: Row) -> Row:
    return {
        "change": kind,
        "resource": row["resource_name"],
        "type": row["resource_type"],
        "physical_id": row.get("physical_resource_id") or None,
        "reason": row.get("reason") or _known_reason(kind),
    }


def _known_reason(kind: str) -> str:
    return {"added": "new in the template", "deleted": "not in the template any more"}.get(kind, "")


def _print_plan(rows: list[Row], unchanged: int, found: Row | None) -> None:
    where = f"Stack {found['stack_name']} ({found['stack_status']})" if found else "A new stack"
    click.echo(f"{where}:")
    width = max((len(row["resource"]) for row in rows), default=0)
    kinds = max((len(row["type"]) for row in rows), default=0)
    for row in rows:
        sign = click.style(f"{_SIGNS[row['change']]:<9}", fg=_COLOURS[row["change"]])
        reason = row["reason"] if found else ""
        click.echo(f"  {sign}  {row['resource']:<{width}}  {row['type']:<{kinds}}  {reason}".rstrip())
    counts = [sum(row["change"] == kind for row in rows) for kind in _SIGNS]
    created, changed, replaced, deleted = counts
    click.echo(
        f"{created} to create, {changed} to change in place, {replaced} to replace, {deleted} to delete; "
        f"{unchanged} stay as they are."
    )


@stack_command.command("graph")
@state_dir_option
@click.argument("source", metavar="FILE|STACK")
@_template_options
@click.option("--format", "form", type=click.Choice(["text", "svg"]), default="text", show_default=True, help="How.")
@click.option(
    *("-o", "--output", "target"), type=click.Path(dir_okay=False, path_type=Path), help="A file; without it, stdout."
)
def graph_command(
    *,
    state_dir: Path | None,
    source: str,
    environments: tuple[Path, ...],
    parameters: tuple[str, ...],
    form: str,
    target: Path | None,
) -> None:
    """Draw what needs what: of a template, or of a stack with the states of its resources. What stands in one row is made
    side by side.

    \b
    Example:
      boxship stack graph shop.yaml
      boxship stack graph shop --format svg --output shop.svg
    """
    cloud = api.connect(state_dir)
    if Path(source).is_file():
        request = templates.body(Path(source), environments, parameters)
        nodes = _nodes(cloud.post(SERVICE, "/stacks/preview", {**request, "stack_name": _DRAFT})["stack"]["graph"])
    else:
        found = _find(cloud, source)
        if found is None:
            raise Failure(f"There is neither a file nor a stack called {source}.", Exit.NOT_FOUND)
        path = f"/stacks/{found['stack_name']}/{found['id']}/resources"
        nodes = _nodes(cloud.get(SERVICE, path)["resources"])
    drawn = graphs.svg(nodes, source) if form == "svg" else f"{graphs.text(nodes)}\n"
    if target is None:
        click.echo(drawn, nl=False)
    else:
        target.write_text(drawn)


def _nodes(rows: list[Row]) -> list[graphs.Node]:
    needs: dict[str, set[str]] = {}
    for row in rows:
        for other in row["required_by"]:
            needs.setdefault(other, set()).add(row["resource_name"])
    return [
        graphs.Node(
            row["resource_name"],
            row["resource_type"],
            frozenset(needs.get(row["resource_name"], ())),
            row.get("resource_status", ""),
        )
        for row in rows
    ]


def _flat(rows: list[Any], above: str = "") -> Iterator[Row]:
    """The resources of a preview, those of nested stacks (lists) by ``group.member``."""
    for row in rows:
        if not isinstance(row, list):
            yield {**row, "resource_name": f"{above}{row['resource_name']}"}
        elif row:
            first = row[0][0] if isinstance(row[0], list) else row[0]
            yield from _flat(row, f"{above}{first['parent_resource']}.")


def _find(cloud: api.Cloud, given: str) -> Row | None:
    """The stack of this name or id; None: there is none."""
    for key in ("name", "id"):
        rows = cloud.get(SERVICE, "/stacks", **{key: given})["stacks"]
        if rows:
            return dict(rows[0])
    return None
