"""Router advertisements (RFC 4861) of a router: dnsmasq(8) in its namespace, which does nothing else there.

It is dnsmasq, not radvd(8): it is there for names already, it is not root, and one way to keep a process is enough. The
router's own filter lets router solicitations in and no DHCP, so that nobody asks it for more.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from boxship.drivers.linux import naming
from boxship.drivers.linux.dnsmasq import Daemon
from boxship.drivers.linux.interface import Advert, RouterSpec

INTERVAL, LIFETIME = 200, 1800
"""Seconds between two advertisements, and for how long a router is one without another."""

_MODES = {"slaac": "ra-only", "dhcpv6-stateless": "ra-stateless", "dhcpv6-stateful": "static"}
"""What dnsmasq calls Neutron's ``ipv6_ra_mode``: the flags A, then A and O, then M and O."""


def options(spec: RouterSpec) -> list[str]:
    """The command line; a device's options are known by its name."""
    words = ["--port=0", "--enable-ra", "--leasefile-ro", "--dhcp-authoritative"]
    for advert in spec.adverts:
        words += _advertised(advert)
    return list(dict.fromkeys(words))


def _advertised(advert: Advert) -> list[str]:
    device = naming.leg(advert.port_id)
    prefix = advert.prefix
    words = [
        f"--interface={device}",
        f"--ra-param={device},mtu:{advert.mtu},{INTERVAL},{LIFETIME}",
        f"--dhcp-range={prefix.network_address},{_MODES[advert.mode]},{prefix.prefixlen}",
    ]
    if advert.nameservers:
        listed = ",".join(f"[{server}]" for server in advert.nameservers)
        words.append(f"--dhcp-option=tag:{device},option6:dns-server,{listed}")
    return words


class Adverts:
    """The advertisements of all routers of one installation."""

    def __init__(self, run: Path) -> None:
        self._run = run

    def _daemon(self, where: str, id: str) -> Daemon:
        return Daemon(where, self._run / id)

    def alive(self, where: str, spec: RouterSpec) -> bool:
        """Whether somebody advertises if there is something to advertise."""
        return not spec.adverts or self._daemon(where, spec.id).running() is not None

    def ensure(self, where: str, spec: RouterSpec) -> None:
        """Advertise what the spec says, whatever was before; the legs are up."""
        if not spec.adverts:
            self.remove(where, spec.id)
            return
        daemon = self._daemon(where, spec.id)
        words = daemon.command(*options(spec))
        renewed = daemon.renewed(words)
        if renewed or daemon.running() is None:
            daemon.end()
            daemon.start(words)

    def remove(self, where: str, id: str) -> None:
        """Advertise nothing any more. Repeatable."""
        daemon = self._daemon(where, id)
        if daemon.directory.exists():
            daemon.end()
            shutil.rmtree(daemon.directory, ignore_errors=True)
