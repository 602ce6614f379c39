"""``boxship kuryr``: the Docker plugin for networks, in the foreground, with its log in lines of JSON on stderr."""

from __future__ import annotations

import socket
from typing import Any

import click

from boxship.cli import plugin


@click.command("kuryr")
@plugin.options("kuryr")
@click.option(
    "--scope",
    type=click.Choice(["local", "global"]),
    default="local",
    show_default=True,
    help="Whether a network is this engine's or all engines' of a Swarm.",
)
@click.option(
    "--pool", metavar="NAME", default="kuryr", show_default=True, help="Subnet pool of networks without --subnet."
)
@click.option("--pool6", metavar="NAME", default="kuryr6", show_default=True, help="The same for IPv6.")
@click.option("--dhcp/--no-dhcp", default=True, show_default=True, help="Whether subnets that are made have DHCP.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 300),
    metavar="SECONDS",
    default=10.0,
    show_default=True,
    help="How long Docker waits for an answer at most, whatever the cloud does.",
)
def kuryr_command(**given: Any) -> None:
    """Give the containers of Docker on this host networks of an OpenStack cloud.

    Docker finds the plugin by its socket; `docker network create -d kuryr --ipam-driver kuryr NET` then makes a network in
    the cloud. With a Boxship the plugin's user needs the role service in its project, to plug ports in on the host.

    \b
    Example:
      boxship kuryr --cloud boxship &
      docker network create -d kuryr --ipam-driver kuryr --subnet 10.9.0.0/24 blue
    """
    from boxship.plugins.docker import server
    from boxship.plugins.kuryr import calls, host, neutron

    plugin.log_lines(verbose=given["verbose"])
    kuryr = calls.plugin(
        host.Host(
            name=given["host"] or socket.gethostname(),
            scope=given["scope"],
            pools=(given["pool"], given["pool6"]),
            dhcp=given["dhcp"],
            timeout=given["timeout"],
        ),
        neutron.cloud(given["cloud"]),
    )
    with plugin.place(given) as (listener, context, where):
        server.serve(
            kuryr, listener, context, lambda: host.log.info("kuryr answers", driver=given["name"], where=where)
        )
    host.log.info("kuryr has ended", driver=given["name"])
