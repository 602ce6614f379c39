"""``boxship fuxi``: the Docker plugin for volumes, in the foreground, with its log in lines of JSON on stderr."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import click

from boxship.cli import plugin


@click.command("fuxi")
@plugin.options("fuxi")
@click.option(
    "--volume-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="PATH",
    default="/var/lib/boxship-fuxi",
    show_default=True,
    help="Where volumes are mounted, and what this host uses is written down.",
)
@click.option("--address", metavar="IP", default="", help="This host, as servers of shares see it.  [default: found]")
@click.option(
    "--docker",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PATH",
    default="/run/docker.sock",
    show_default=True,
    help="Docker's API, asked which volumes running containers have; it may be away.",
)
@click.option(
    "--provider",
    type=click.Choice(["cinder", "manila"]),
    default="cinder",
    show_default=True,
    help="Where volumes are made without -o volume_provider.",
)
@click.option("--size", type=click.IntRange(1), metavar="GIB", default=1, show_default=True, help="Without -o size.")
@click.option(
    "--fstype", type=click.Choice(["ext4", "xfs"]), default="ext4", show_default=True, help="Without -o fstype."
)
@click.option("--volume-type", metavar="NAME", default="", help="Without -o volume_type.")
@click.option("--availability-zone", metavar="NAME", default="", help="Of volumes without -o availability_zone.")
@click.option("--share-type", metavar="NAME", default="", help="Without -o share_type.")
@click.option(
    "--all-projects", is_flag=True, help="Use the volumes of all projects; the plugin's user must be an admin."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.5, 110),
    metavar="SECONDS",
    default=100.0,
    show_default=True,
    help="How long Docker waits at most, whatever the cloud does; Docker itself gives up after 120.",
)
def fuxi_command(**given: Any) -> None:
    """Give the containers of Docker on this host volumes and shares of an OpenStack cloud.

    Docker finds the plugin by its socket; `docker volume create -d fuxi VOLUME` then makes a volume in the cloud, which is
    attached and mounted while containers use it.

    \b
    Example:
      boxship fuxi --cloud boxship &
      docker volume create -d fuxi -o size=2 data
      docker run -v data:/data busybox sh -c 'date >> /data/log'
    """
    from boxship.plugins import cloud
    from boxship.plugins.docker import server
    from boxship.plugins.fuxi import calls, host, options

    plugin.log_lines(verbose=given["verbose"])
    names = ("provider", "size", "fstype", "volume_type", "availability_zone", "share_type")
    here = host.Host(
        name=given["host"] or socket.gethostname(),
        directory=given["volume_dir"].absolute(),
        address=given["address"],
        defaults=options.Defaults(**{name: given[name] for name in names}),
        docker=given["docker"].absolute(),
        all_projects=given["all_projects"],
        timeout=given["timeout"],
        quick=min(given["timeout"], host.QUICK),
    )
    with (
        calls.plugin(here, cloud.Cloud(cloud.cloud_region(given["cloud"]))) as fuxi,
        plugin.place(given) as (listener, context, where),
    ):
        server.serve(fuxi, listener, context, lambda: host.log.info("fuxi answers", driver=given["name"], where=where))
    host.log.info("fuxi has ended", driver=given["name"])
