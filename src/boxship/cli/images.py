"""``boxship images`` and ``boxship pull``: the images that containers can be made from, and those that hosts have already."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from boxship.cli import api, output, several, steps
from boxship.cli.failure import Failure
from boxship.cli.options import state_dir_option

_PATIENCE = 1800.0
_PAUSE = 0.1
Image = dict[str, Any]


@click.command("images")
@state_dir_option
@output.format_option
@click.option("-q", "--quiet", is_flag=True, help="Only the ids.")
@click.option("--on-hosts", is_flag=True, help="Those that `pull` fetched to hosts instead; for administrators.")
@click.argument("name", required=False)
def images_command(state_dir: Path | None, form: str, name: str | None, *, quiet: bool, on_hosts: bool) -> None:
    """List the images that the cloud keeps and you can use; with NAME those whose name has it in it.

    \b
    Examples:
      boxship images
      boxship images --quiet nginx
      boxship images --on-hosts
    """
    if on_hosts:
        cloud = api.connect(state_dir, "admin")
        rows = [_pulled(image) for image in cloud.all(several.CONTAINER, "/images", "images", "uuid")]
    else:
        found = api.connect(state_dir).all("image", "/v2/images", "images")
        rows = [_kept(image) for image in found if image["container_format"] == "docker"]
    rows = [row for row in rows if not name or name in str(row["name"])]
    if quiet:
        for row in rows:
            click.echo(row["id"])
        return
    shown = rows if form == "json" else [{**row, "size": _size(row["size"])} for row in rows]
    output.rows(form, shown, ["name", "tag", "size", "status", "where", "id"])


def _kept(image: Image) -> dict[str, object]:
    name, colon, tag = str(image["name"] or "").rpartition(":")
    whole = not colon or "/" in tag
    return {
        "id": image["id"],
        "name": image["name"] if whole else name,
        "tag": None if whole else tag,
        "size": image["size"],
        "status": image["status"],
        "where": "cloud",
    }


def _pulled(image: Image) -> dict[str, object]:
    return {
        "id": image["uuid"],
        "name": image["repo"],
        "tag": image["tag"],
        "size": image["size"],
        "status": image["status"],
        "reason": image["status_reason"],
        "where": image["host"],
    }


def _size(size: object) -> str | None:
    return None if size is None else output.size(float(str(size)))


@click.command("pull")
@state_dir_option
@click.option("--host", help="The host to fetch it to.  [default: the only or first one]")
@click.argument("names", nargs=-1, required=True, metavar="IMAGE...")
def pull_command(state_dir: Path | None, names: tuple[str, ...], host: str | None) -> int:
    """Fetch images from their registries to a host, so that containers start at once; for administrators.

    \b
    Examples:
      boxship pull nginx:1.29 postgres:17
    """
    cloud = api.connect(state_dir, "admin")
    host = host or _first_host(cloud)
    asked: dict[str, Image] = {}

    def begin(name: str) -> None:
        try:
            asked[name] = cloud.post(several.CONTAINER, "/images", {"repo": name, "host": host})
        except api.RequestFailed as error:
            known = _known(cloud, name, host) if error.status == 409 else None
            if known is None:
                raise
            asked[name] = known

    def finish(name: str) -> None:
        with steps.step(f"Pull {name}") as step:
            image = _fetched(cloud, asked[name]["uuid"], step)
            step.note(_size(image["size"]) or "")
        click.echo(image["uuid"])

    worst = several.each(names, begin)
    return max(worst, several.each(list(asked), finish))


def _known(cloud: api.Cloud, name: str, host: str) -> Image | None:
    """The image of this name that was asked for on the host before."""
    rows = cloud.all(several.CONTAINER, "/images", "images", "uuid")
    names = {name, f"{name}:latest"}
    return next(
        (row for row in rows if row["host"] == host and {row["repo"], f"{row['repo']}:{row['tag']}"} & names), None
    )


def _first_host(cloud: api.Cloud) -> str:
    hosts = cloud.get(several.CONTAINER, "/hosts")["hosts"]
    if not hosts:
        raise Failure("The cloud has no host.")
    return str(hosts[0]["hostname"])


def _fetched(cloud: api.Cloud, uuid: str, step: steps.Step) -> Image:
    """The image once it is there. Failure: it cannot be fetched, and why."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        image = cloud.get(several.CONTAINER, f"/images/{uuid}")
        assert isinstance(image, dict)
        if image["status"].lower() == "error":
            raise Failure(f"{image['repo']}:{image['tag']}: {image['status_reason']}")
        if image["status"] == "active":
            return image
        if time.monotonic() > deadline:
            raise Failure(f"The image is still being fetched after {_PATIENCE:.0f} s.")
        done, total = image["progress"]["done"], image["progress"]["total"]
        if total:
            step.doing(f"{output.size(done)} of {output.size(total)}")
            step.progress(done, total)
        time.sleep(_PAUSE)
