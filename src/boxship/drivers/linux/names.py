"""The name service of a network: dnsmasq(8) in a namespace of its own, for DNS and DHCP. It outlives the program and is
found again by its pid file; records and stations are files that it reads again on SIGHUP."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from boxship.core import errors
from boxship.drivers.linux import dhcp, namespace, naming
from boxship.drivers.linux.dnsmasq import Daemon
from boxship.drivers.linux.interface import NamesSpec, Route, RouterPort
from boxship.drivers.linux.legs import Legs
from boxship.drivers.linux.naming import Naming
from boxship.drivers.linux.nat import EVERYWHERE

_SETTINGS = {"ipv6/conf/default/accept_ra": "0", "ipv6/conf/default/accept_dad": "0"}
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})")


def hosts(spec: NamesSpec) -> str:
    """The records as lines of a hosts file: the name with the domain, which is what the address is called, then the others."""
    check(spec)
    domains = [f".{domain.strip('.')}" for domain in dict.fromkeys((spec.domain, *spec.aliases)) if domain.strip(".")]
    lines = [
        " ".join([str(address), *(f"{name}{domain}" for domain in (*domains[:1], "", *domains[1:]))])
        for name, address in spec.records
    ]
    return "".join(f"{line}\n" for line in sorted(set(lines)))


def check(spec: NamesSpec) -> None:
    """Refused: an id or a MAC that is none, or a host name that would be read as something else in a file or an option."""
    naming.check(spec.network_id, spec.port_id)
    naming.check_port(spec.mac)
    dhcp.check(spec)
    called = (station.name for station in spec.stations if station.name)
    for name in (*(name for name, _ in spec.records), *called, *filter(None, [spec.domain, *spec.aliases])):
        if not _NAME.fullmatch(name):
            raise errors.Refused(f"{name[:80]!r} is not a host name that can be served.")


def options(spec: NamesSpec, directory: Path) -> list[str]:
    """The command line: nobody is asked but the forwarders."""
    addresses = [f"--listen-address={address.ip}" for address in spec.addresses]
    # Nobody to ask: what is not known does not exist (without this, dnsmasq says REFUSED and clients ask on).
    forwarders = [f"--server={forwarder}" for forwarder in spec.forwarders] or ["--address=/#/"]
    domain = spec.domain.strip(".")
    own = [f"--local=/{name}/" for name in dict.fromkeys((domain, *(name.strip(".") for name in spec.aliases))) if name]
    local = [f"--domain={domain}", *own] if domain else own
    return [
        "--domain-needed",
        "--bogus-priv",
        f"--addn-hosts={directory / 'hosts'}",
        *_files(spec, directory),
        *addresses,
        *local,
        *forwarders,
    ]


def _files(spec: NamesSpec, directory: Path) -> list[str]:
    """DHCP and the files that it needs."""
    served = dhcp.arguments(spec)
    if not served:
        return []
    files = {"hostsfile": "stations", "optsfile": "options", "leasefile": "leases"}
    return [*served, *(f"--dhcp-{name}={directory / file}" for name, file in files.items())]


class Names:
    """The name services of one installation, each in a namespace that holds nothing else."""

    def __init__(self, names: Naming, legs: Legs, run: Path) -> None:
        self._naming = names
        self._legs = legs
        self._run = run
        self._known: dict[str, NamesSpec] = {}

    def _daemon(self, network_id: str) -> Daemon:
        return Daemon(self._naming.names(network_id), self._run / network_id)

    def ensure(self, spec: NamesSpec) -> None:
        """Serve as the spec says. Other records are read by the dnsmasq that runs; for anything else it is started anew."""
        daemon = self._daemon(spec.network_id)
        where, pid = daemon.where, daemon.running()
        if pid and self._known.get(spec.network_id) == spec:
            return
        words = daemon.command(*options(spec, daemon.directory))
        files = {"hosts": hosts(spec), "stations": dhcp.stations(spec), "options": dhcp.options(spec)}
        leg = RouterPort(spec.port_id, spec.network_id, spec.mac, spec.addresses)
        self._legs.sizes([spec.network_id])
        namespace.create(where, _SETTINGS)
        self._legs.join(where, [leg], "names")
        gateways = [Route(EVERYWHERE[gateway.version], gateway) for gateway in spec.gateways]
        self._legs.configure(where, {naming.leg(spec.port_id): list(spec.addresses)}, gateways)
        self._legs.settle(where, [leg])
        reread = dhcp.is_reread(daemon.read("stations"))
        changed = daemon.write(files)
        renewed, taken = daemon.renewed(words), _taken(spec, daemon)
        if not pid or renewed or taken or (changed and not reread):
            daemon.end()
            _free(daemon, taken)
            daemon.start(words)
        elif changed:
            daemon.reread(pid)
        self._known[spec.network_id] = spec

    def remove(self, network_id: str) -> None:
        """End dnsmasq, remove its namespace and files. Repeatable."""
        daemon = self._daemon(network_id)
        daemon.end()
        self._legs.remove(daemon.where)
        shutil.rmtree(daemon.directory, ignore_errors=True)
        self._known.pop(network_id, None)

    def forget(self) -> None:
        """Everything is gone."""
        self._known.clear()

    def ids(self) -> frozenset[str]:
        """The networks whose name service has anything in the kernel or on disk."""
        there = self._naming.named(namespace.names(self._naming.prefix), "names")
        return there | {path.name for path in self._run.glob("*")}


def _taken(spec: NamesSpec, daemon: Daemon) -> set[str]:
    """Addresses that dnsmasq gave to one station and that are another's now: it would not give them to that one.

    A lease of an IPv6 address does not say whose it is, so what was left without an owner is remembered.
    """
    given = dhcp.leased(daemon.read("leases"))
    if not given:
        return set()
    wanted = {str(address): station.mac.lower() for station in spec.stations for address in dhcp.served(spec, station)}
    left = {*daemon.read("left").split(), *(given.keys() - wanted.keys())} & given.keys()
    daemon.write({"left": "\n".join(sorted(left))})
    return {address for address in given.keys() & wanted.keys() if given[address] not in {"", wanted[address]}} | (
        left & wanted.keys()
    )


def _free(daemon: Daemon, gone: set[str]) -> None:
    """Take addresses from the leases; nobody writes them now."""
    if gone:
        left = {*daemon.read("left").split()} - gone
        daemon.write({"leases": dhcp.without(daemon.read("leases"), gone), "left": "\n".join(sorted(left))})
