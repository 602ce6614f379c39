"""What the commands of Docker's plugins share: where Docker calls them, and a log of JSON on stderr."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from boxship.cli.failure import Exit, Failure

FILE = click.Path(dir_okay=False, path_type=Path)
Command = TypeVar("Command", bound=Callable[..., Any])


def options(name: str) -> Callable[[Command], Command]:
    """The options of a plugin whose driver has this name in Docker, if nothing else is said."""
    said = [
        click.option(
            "--cloud", metavar="NAME", help="The cloud in clouds.yaml.  [default: OS_CLOUD, or the OS_* variables]"
        ),
        click.option(
            "--name", metavar="NAME", default=name, show_default=True, help="The name of the driver in Docker."
        ),
        click.option(
            "--socket", type=FILE, metavar="PATH", help="Where Docker calls.  [default: /run/docker/plugins/NAME.sock]"
        ),
        click.option(
            "--spec",
            type=FILE,
            metavar="PATH",
            help="A file that leads Docker to a socket elsewhere, such as /etc/docker/plugins/NAME.spec; written and removed.",
        ),
        click.option("--listen", metavar="HOST:PORT", help="Listen on TCP with TLS instead; needs the three files."),
        click.option("--tls-cert", type=FILE, metavar="PATH", help="The plugin's certificate."),
        click.option("--tls-key", type=FILE, metavar="PATH", help="The key of the certificate."),
        click.option(
            "--tls-client-ca", type=FILE, metavar="PATH", help="Who signs the certificates that Docker shows."
        ),
        click.option("--host", metavar="NAME", help="This host, as the cloud calls it.  [default: the hostname]"),
        click.option("--verbose", is_flag=True, help="Log every call."),
    ]

    def add(command: Command) -> Command:
        for option in reversed(said):
            command = option(command)
        return command

    return add


@contextlib.contextmanager
def place(given: dict[str, Any]) -> Iterator[tuple[socket.socket, ssl.SSLContext | None, str]]:
    """The listening socket, and the file that leads to it."""
    from boxship.plugins.docker import places

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


def log_lines(*, verbose: bool) -> None:
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
