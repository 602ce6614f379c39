"""Tunnels: what joins a network of this host to the same network on others, VXLAN with known forwarding entries only.

The device is made in the host's own namespace, whose routes and addresses its packets use, and put on the network's bridge
in the fabric's. It learns nothing, and the bridge sends it no frame for a MAC that it does not know: where every station
is, and who gets broadcasts, is told by the spec. Changes are the difference to what was there. Who else may send to a
tunnel is a table in the host's namespace (``screen``), which is there before the device and gone after it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from boxship.core import errors
from boxship.drivers.linux import link, namespace, naming, programs, screen
from boxship.drivers.linux.forwarding import Entries, Forwarding, read
from boxship.drivers.linux.interface import Address, TunnelSpec
from boxship.drivers.linux.naming import Naming

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


@dataclass(slots=True)
class _Tunnel:
    """What is in the kernel. ``spec`` is what is there whole; None: a step was cut off, or an earlier program made it."""

    end: screen.End
    entries: Entries = field(default_factory=Entries)
    spec: TunnelSpec | None = None


class Tunnels:
    """The tunnels of one installation. Used by one caller at a time."""

    def __init__(self, names: Naming) -> None:
        self._naming = names
        self._known: dict[str, _Tunnel] | None = None
        self._screened: set[screen.Element] | None = None

    def ensure(self, spec: TunnelSpec) -> None:
        """Make the tunnel as its spec says; nothing is done where it is so already."""
        device = naming.tunnel(spec.network_id)
        with link.Links(self._naming.fabric) as links:
            bridge = links.find(naming.bridge(spec.network_id))
            if bridge is None:
                raise errors.Absent(f"The network {spec.network_id} is not in the kernel yet.")
            tunnel, there = self._begun(spec, links), links.find(device)
            is_on = there is not None and (there.master, there.mtu) == (bridge.index, bridge.mtu)
            if is_on and tunnel.spec == spec:
                return
            before, tunnel.spec = tunnel.spec if is_on else None, None
            self._screen({spec.network_id: spec.peers})
            if there is None:
                self._make(spec, device, bridge)
            if not is_on:
                self._plug(spec, device, bridge)
            with Forwarding(self._naming.fabric, links.need(device)) as forwarding:
                _redirect(forwarding, spec, tunnel.entries, afresh=before is None)
            links.settle(device)
        tunnel.spec = spec

    def _begun(self, spec: TunnelSpec, links: link.Links) -> _Tunnel:
        """What is there of the tunnel, if it ends where the spec says; else a new one, and the device is gone."""
        known, end = self._look(), screen.End(spec.vni, spec.local, spec.port)
        tunnel = known.get(spec.network_id)
        if tunnel and tunnel.end == end and links.find(naming.tunnel(spec.network_id)):
            return tunnel
        _check_local(spec)
        for id, other in known.items():
            if id != spec.network_id and other.end.vni == end.vni:
                raise errors.Busy(f"The VXLAN network identifier {end.vni} is still that of the network {id}.")
        links.delete(naming.tunnel(spec.network_id))
        known[spec.network_id] = _Tunnel(end)
        return known[spec.network_id]

    def _make(self, spec: TunnelSpec, device: str, bridge: link.Link) -> None:
        options = f"id {spec.vni} local {spec.local} dstport {spec.port} nolearning"
        where = f"netns {self._naming.fabric} mtu {bridge.mtu}"
        try:
            programs.ip(programs.HOST, [f"link add {device} {where} type vxlan {options}"])
        except errors.Refused as error:
            if "VNI already exists" not in error.detail:
                raise
            text = f"Another device of this host has the VXLAN network identifier {spec.vni} at UDP port {spec.port}."
            raise errors.Refused(text, detail=error.detail) from error

    def _plug(self, spec: TunnelSpec, device: str, bridge: link.Link) -> None:
        """Put the device on its bridge; frames for unknown MACs stay on this host from the first moment on."""
        lines = [
            f"link set {device} mtu {bridge.mtu} alias {self._naming.alias('tunnel', spec.network_id)}",
            f"link set {device} master {naming.bridge(spec.network_id)}",
            f"link set {device} type bridge_slave learning off flood off",
            f"link set {device} up",
        ]
        programs.ip(self._naming.fabric, lines)

    def remove(self, network_id: str) -> None:
        """Remove the tunnel, and then what let its peers in. Repeatable."""
        known = self._look()
        if not namespace.exists(self._naming.fabric):
            return
        with link.Links(self._naming.fabric) as links:
            links.delete(naming.tunnel(network_id))
        if known.pop(network_id, None) or self._screened is None:
            self._screen({})

    def remove_all(self) -> None:
        """Remove all tunnels at once, not when the kernel comes to them: their identifiers are the host's."""
        for id in list(self._look()):
            self.remove(id)
        programs.nft(programs.HOST, screen.no_table(self._naming))
        self._known, self._screened = None, None

    def _screen(self, peers: Mapping[str, Iterable[Address]]) -> None:
        """Take packets for all tunnels from their peers only; ``peers`` are those that a tunnel is about to have."""
        wanted: set[screen.Element] = set()
        for id, tunnel in self._look().items():
            wanted |= screen.elements(tunnel.end, peers.get(id, tunnel.entries.peers))
        if self._screened == wanted:
            return
        if not wanted:
            programs.nft(programs.HOST, screen.no_table(self._naming))
        elif self._screened:
            self._change_screen(self._screened, wanted)
        else:
            programs.nft(programs.HOST, screen.table(self._naming, wanted))
        self._screened = wanted

    def _change_screen(self, before: set[screen.Element], wanted: set[screen.Element]) -> None:
        try:
            programs.nft(programs.HOST, screen.change(self._naming, before, wanted))
        except errors.Absent:  # somebody took the table away
            programs.nft(programs.HOST, screen.table(self._naming, wanted))

    def _look(self) -> dict[str, _Tunnel]:
        """What is there: asked of the kernel once, for what an earlier program left."""
        if self._known is None:
            self._known = self._found() if namespace.exists(self._naming.fabric) else {}
        return self._known

    def _found(self) -> dict[str, _Tunnel]:
        fabric = self._naming.fabric
        shown: list[dict[str, Any]] = json.loads(programs.run(fabric, _SHOW) or "[]")
        entries, found = read(fabric), {}
        for device in shown:
            id = self._naming.aliased(device.get("ifalias", ""), "tunnel")
            data = device.get("linkinfo", {}).get("info_data", {})
            local = data.get("local") or data.get("local6")
            if id and local:
                end = screen.End(data["id"], ip_address(local), data["port"])
                found[id] = _Tunnel(end, entries.get(device["ifname"], Entries()))
        return found


_SHOW = ("ip", "-details", "-json", "link", "show", "type", "vxlan")


def _redirect(forwarding: Forwarding, spec: TunnelSpec, entries: Entries, *, afresh: bool) -> None:
    """Make the entries those of the spec. ``afresh``: even those that seem to be right. ``entries`` is always what may be
    there, however far this comes."""
    wanted = {neighbour.mac.lower(): neighbour.host for neighbour in spec.neighbours}
    put = wanted if afresh else {mac: host for mac, host in wanted.items() if entries.hosts.get(mac) != host}
    gone = {mac: host for mac, host in entries.hosts.items() if mac not in wanted}
    added = set(spec.peers) if afresh else set(spec.peers) - entries.peers
    entries.hosts.update(put)
    entries.peers |= added
    for peer in sorted(added, key=int):
        forwarding.add_peer(peer)
    forwarding.put(put)
    forwarding.drop(gone)
    for peer in entries.peers - set(spec.peers):
        forwarding.drop_peer(peer)
    entries.hosts = wanted
    entries.peers = set(spec.peers)


def _check_local(spec: TunnelSpec) -> None:
    """Refused: the tunnel address is none of this host's."""
    family = socket.AF_INET if spec.local.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(spec.local), 0))
    except OSError as error:
        raise errors.Refused(f"The tunnel address {spec.local} is not an address of this host.") from error
