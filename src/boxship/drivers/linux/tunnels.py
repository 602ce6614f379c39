"""Tunnels: what joins a network of this host to the same network on others, VXLAN with known forwarding entries only."""

from __future__ import annotations

from boxship.core import errors
from boxship.drivers.linux import naming
from boxship.drivers.linux.interface import TunnelSpec

_MOST_VNI = (1 << 24) - 1


def check(spec: TunnelSpec) -> None:
    """Refused: what can be no tunnel on any host."""
    naming.check(spec.network_id)
    if not 1 <= spec.vni <= _MOST_VNI:
        raise errors.Refused(f"{spec.vni} is no VXLAN network identifier (1..{_MOST_VNI}).")
    if not 1 <= spec.port <= 65535:
        raise errors.Refused(f"{spec.port} is no UDP port.")
    for neighbour in spec.neighbours:
        naming.check_port(neighbour.mac)
    for address in (spec.local, *spec.peers, *(neighbour.host for neighbour in spec.neighbours)):
        if address.version != spec.local.version:
            raise errors.Refused(f"{address} and the tunnel address {spec.local} are of different IP versions.")
        if address.is_unspecified or address.is_multicast or address.is_loopback:
            raise errors.Refused(f"{address} is not the tunnel address of a host.")
    if spec.local in {*spec.peers, *(neighbour.host for neighbour in spec.neighbours)}:
        raise errors.Refused(f"{spec.local} is this host's own tunnel address, not a peer's.")
