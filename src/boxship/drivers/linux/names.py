"""The name service of a network: dnsmasq(8) in a namespace of its own, DNS only. It outlives the program and is found
again by its pid file; records are a hosts file that it reads again on SIGHUP."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from boxship.drivers.linux import programs
from boxship.drivers.linux.interface import NamesSpec


def hosts(spec: NamesSpec) -> str:
    """The records as lines of a hosts file: the name and the name with the domain."""
    domain = spec.domain.strip(".")
    lines = [f"{address} {name}.{domain} {name}" if domain else f"{address} {name}" for name, address in spec.records]
    return "".join(f"{line}\n" for line in sorted(set(lines)))


def command(spec: NamesSpec, directory: Path) -> list[str]:
    """dnsmasq, reading no file of the host and asking nobody but the forwarders."""
    addresses = [f"--listen-address={address.ip}" for address in spec.addresses]
    forwarders = [f"--server={forwarder}" for forwarder in spec.forwarders]
    domain = spec.domain.strip(".")
    local = [f"--domain={domain}", f"--local=/{domain}/"] if domain else []
    return [
        "dnsmasq",
        "--conf-file=/dev/null",
        "--no-hosts",
        "--no-resolv",
        "--no-poll",
        "--bind-interfaces",
        "--except-interface=lo",
        "--user=nobody",
        "--group=nogroup",
        "--domain-needed",
        "--bogus-priv",
        f"--pid-file={directory / 'pid'}",
        f"--addn-hosts={directory / 'hosts'}",
        *addresses,
        *local,
        *forwarders,
    ]


def write(spec: NamesSpec, directory: Path) -> bool:
    """Put the records in place at once; whether they changed. The directory is readable, as dnsmasq runs as nobody."""
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    path, text = directory / "hosts", hosts(spec)
    if path.is_file() and path.read_text() == text:
        return False
    fresh = directory / "hosts.new"
    fresh.write_text(text)
    fresh.chmod(0o644)
    fresh.rename(path)
    return True


def running(directory: Path) -> int | None:
    """The pid of our dnsmasq, if it is alive: the pid file's process must have this directory on its command line."""
    try:
        pid = int((directory / "pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if f"--pid-file={directory / 'pid'}".encode() in words else None


def start(where: str, spec: NamesSpec, directory: Path) -> None:
    """Start it in the namespace; it detaches once it listens."""
    programs.run(where, command(spec, directory))


def reload(directory: Path) -> None:
    """Let it read the records again, and forget what it cached."""
    _signal(directory, signal.SIGHUP)


def stop(directory: Path) -> None:
    """End it and remove its files. Repeatable."""
    _signal(directory, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


def _signal(directory: Path, number: signal.Signals) -> None:
    pid = running(directory)
    if pid is None:
        return
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
