"""The files that a container is given from outside: /etc/hosts, /etc/resolv.conf and injected ones. Kept per container in a
directory that only root can enter, shown in the container read-only."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from boxship.core import errors
from boxship.drivers.engine.interface import Bind, ContainerSpec

_LOCALHOST = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"


@contextlib.contextmanager
def on_disk() -> Iterator[None]:
    """Busy: what was to be written is not. An operator can mend it; the user is told no path."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise errors.Busy(
            "The disk of the host is full." if full else "The host cannot write what the container needs.",
            detail=repr(error),
        ) from error


def write(spec: ContainerSpec, directory: Path) -> list[Bind]:
    """Write them anew; how they are to be shown."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    contents = {"/etc/hosts": hosts(spec).encode(), "/etc/resolv.conf": resolv_conf(spec).encode()}
    contents |= {file.target: file.content for file in spec.files}
    binds = []
    for at, (target, content) in enumerate(contents.items()):
        path = directory / f"{at}"
        path.write_bytes(content)
        path.chmod(0o644)
        binds.append(Bind(path, target, read_only=True))
    return binds


def remove(directory: Path) -> None:
    """Repeatable."""
    shutil.rmtree(directory, ignore_errors=True)


def hosts(spec: ContainerSpec) -> str:
    """hosts(5): this host, then what the spec names."""
    return _LOCALHOST + "".join(f"{address} {name}\n" for address, name in spec.hosts)


def resolv_conf(spec: ContainerSpec) -> str:
    """resolv.conf(5)."""
    search = f"search {' '.join(spec.search)}\n" if spec.search else ""
    return search + "".join(f"nameserver {server}\n" for server in spec.nameservers)
