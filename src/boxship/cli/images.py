"""``boxship images``, ``boxship pull``: the images that containers can be made from."""

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
@click.argument("name", required=False)
def images_command(state_dir: Path | None, form: str, name: str | None, *, quiet: bool) -> None:
    """List images: those that the cloud keeps and you can use, and those that `pull` fetched; with NAME those whose name has
    it in it.

    \b
    Examples:
      boxship images
      boxship images --quiet nginx
    """
    cloud = api.connect(state_dir)
    kept = [image for image in cloud.all("image", "/v2/images", "images") if image["container_format"] == "docker"]
    rows = [_kept(image) for image in kept] + [_pulled(image) for image in _on_hosts(cloud)]
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
        "status": image.get("status") or ("active" if image["image_id"] else "pulling"),
        "where": image["host"],
    }


def _size(size: object) -> str | None:
    return None if size is None else output.size(float(str(size)))


def _on_hosts(cloud: api.Cloud) -> list[Image]:
    """Those that were pulled by this API. It is for some users only; others have none."""
    try:
        return cloud.all(several.CONTAINER, "/images/", "images", "uuid")
    except api.RequestFailed as error:
        if error.status not in {403, 404}:
            raise
        return []


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
        asked[name] = cloud.post(several.CONTAINER, "/images/", {"repo": name, "host": host})

    def finish(name: str) -> None:
        with steps.step(f"Pull {name}") as step:
            image = _fetched(cloud, asked[name]["uuid"], step)
            step.note(_size(image["size"]) or "")
        click.echo(image["uuid"])

    worst = several.each(names, begin)
    return max(worst, several.each(list(asked), finish))


def _first_host(cloud: api.Cloud) -> str:
    hosts = cloud.get(several.CONTAINER, "/hosts/")["hosts"]
    if not hosts:
        raise Failure("The cloud has no host.")
    return str(hosts[0]["hostname"])


def _fetched(cloud: api.Cloud, uuid: str, step: steps.Step) -> Image:
    """The image once it is there. Failure: it cannot be fetched, and why."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        image = cloud.get(several.CONTAINER, f"/images/{uuid}")
        assert isinstance(image, dict)
        if str(image.get("status")).lower() in {"error", "failed"}:
            raise Failure(str(image.get("status_reason") or "The image cannot be fetched."))
        if image["image_id"]:
            return image
        if time.monotonic() > deadline:
            raise Failure(f"The image is still being fetched after {_PATIENCE:.0f} s.")
        step.progress(float(image.get("done") or 0), float(image.get("total") or 1))
        time.sleep(_PAUSE)
