"""``boxship kuryr``: the Docker plugin for networks, in the foreground, with its log in lines of JSON on stderr."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from boxship.cli.failure import Exit, Failure

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("kuryr")
@click.option("--cloud", metavar="NAME", help="The cloud in clouds.yaml.  [default: OS_CLOUD, or the OS_* variables]")
@click.option("--name", metavar="NAME", default="kuryr", show_default=True, help="The name of the driver in Docker.")
@click.option(
    "--socket", type=_FILE, metavar="PATH", help="Where Docker calls.  [default: /run/docker/plugins/NAME.sock]"
)
@click.option(
    "--spec",
    type=_FILE,
    metavar="PATH",
    help="A file that leads Docker to a socket elsewhere, such as /etc/docker/plugins/NAME.spec; written and removed.",
)
@click.option("--listen", metavar="HOST:PORT", help="Listen on TCP with TLS instead; needs the three files.")
@click.option("--tls-cert", type=_FILE, metavar="PATH", help="The plugin's certificate.")
@click.option("--tls-key", type=_FILE, metavar="PATH", help="The key of the certificate.")
@click.option("--tls-client-ca", type=_FILE, metavar="PATH", help="Who signs the certificates that Docker shows.")
@click.option("--host", metavar="NAME", help="This host, as the cloud calls it.  [default: the hostname]")
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
@click.option("--verbose", is_flag=True, help="Log every call.")
def kuryr_command(**given: Any) -> None:
    """Give the containers of Docker on this host networks of an OpenStack cloud.

    Docker finds the plugin by its socket; `docker network create -d kuryr --ipam-driver kuryr NET` then makes a network in
    the cloud. With a Boxship the plugin's user needs the role service in its project, to plug ports in on the host.

    \b
    Example:
      boxship kuryr --cloud boxship &
      docker network create -d kuryr --ipam-driver kuryr --subnet 10.9.0.0/24 blue
    """
    from boxship.plugins.kuryr import host, neutron, server

    _log_lines(verbose=given["verbose"])
    plugin = server.Plugin(
        host.Host(
            name=given["host"] or socket.gethostname(),
            scope=given["scope"],
            pools=(given["pool"], given["pool6"]),
            dhcp=given["dhcp"],
            timeout=given["timeout"],
        ),
        neutron.cloud(given["cloud"]),
    )
    with _place(given) as (listener, context, where):
        server.serve(
            plugin, listener, context, lambda: host.log.info("kuryr answers", driver=given["name"], where=where)
        )
    host.log.info("kuryr has ended", driver=given["name"])


@contextlib.contextmanager
def _place(given: dict[str, Any]) -> Iterator[tuple[socket.socket, ssl.SSLContext | None, str]]:
    """The listening socket, and the file that leads to it."""
    from boxship.plugins.kuryr import places

    files = [given[name] for name in ("tls_cert", "tls_key", "tls_client_ca")]
    if given["listen"]:
        if not all(files):
            raise Failure(
                "--listen needs --tls-cert, --tls-key and --tls-client-ca: without them anybody could call.", Exit.USAGE
            )
        context = places.tls(*files)
        with contextlib.closing(places.tcp(given["listen"])) as listener:
            where = f"https://{given['listen']}"
            with places.spec(given["spec"], where):
                yield listener, context, where
        return
    if any(files):
        raise Failure("TLS is for --listen; the socket is for root alone.", Exit.USAGE)
    passed = places.passed()
    if passed is not None:
        with contextlib.closing(passed):
            yield passed, None, "the socket that was passed"
        return
    path = (given["socket"] or places.SOCKETS / f"{given['name']}.sock").absolute()
    with places.listening(path) as listener, places.spec(given["spec"], f"unix://{path}"):
        yield listener, None, str(path)


def _log_lines(*, verbose: bool) -> None:
    """Every line on stderr is JSON. What libraries would say of themselves is in the reasons of our own lines."""
    import structlog

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
