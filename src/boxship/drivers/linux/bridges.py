"""The bridges of networks, in the fabric: one each, and more for networks with more ports than one bridge takes.

A Linux bridge has at most 1,023 ports (``BR_MAX_PORTS``). Routers, name services, the tunnel and the uplink of a network are
on its first bridge, and so are as many ports as leave room for those; each further bridge is joined to the first by a
pair of devices. To the filters such a bridge is like another host: flows are tracked on it in a zone of its own, and judged
there again for the ports that are on it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from boxship.core import errors
from boxship.drivers.linux import filter as texts
from boxship.drivers.linux import link, naming, programs
from boxship.drivers.linux.interface import NetworkSpec
from boxship.drivers.linux.naming import Naming

ROOM = 1000
"""How many ports of containers are put on one bridge; 23 more are left for all else."""

_LAST_ZONE = 65535
_NEW = "type bridge stp_state 0 forward_delay 0 mcast_snooping 0"


class Bridges:
    """The bridges of one installation."""

    def __init__(self, names: Naming) -> None:
        self._naming = names
        self._networks: dict[str, NetworkSpec] = {}
        self._zones: dict[str, int] = {}
        # Zones are chosen, and further bridges made, by one caller at a time.
        self._lock = threading.RLock()

    def recover(self) -> None:
        """Read which zones the bridges have that an earlier program made."""
        listed = programs.nft_list(self._naming.fabric, "map", "inet", "boxship", "zones")
        pairs = [pair for entry in listed.get("nftables", []) for pair in entry.get("map", {}).get("elem", [])]
        self._zones = {bridge: int(zone) for bridge, zone in pairs}

    def forget(self) -> None:
        """Everything is gone."""
        self._networks.clear()
        self._zones.clear()

    def ensure(self, spec: NetworkSpec) -> None:
        """Make the network's bridges as the spec says; nothing is done where they are so already."""
        name = naming.bridge(spec.id)
        with link.Links(self._naming.fabric) as links, self._lock:
            there = links.find(name)
            if there and self._networks.get(spec.id) == spec:
                return
            # First the zone, so that nothing is ever tracked in that of another network.
            self._make_room(spec.segment, name)
            self._put_zone(name, spec.segment)
            lines = [] if there else [f"link add {name} {_NEW}"]
            alias = self._naming.alias("network", spec.id)
            lines.append(f"link set {name} mtu {spec.mtu} alias {alias} up")
            for number in self._further(spec.id, links):
                lines += self._joined(spec, number, links)
            programs.ip(self._naming.fabric, lines)
            self._networks[spec.id] = spec

    def add(self, network_id: str, number: int) -> None:
        """Make a further bridge. Absent: the network is not there."""
        with self._lock, link.Links(self._naming.fabric) as links:
            spec, name = self._networks.get(network_id), naming.bridge(network_id, number)
            if spec is None or not links.find(naming.bridge(network_id)):
                raise errors.Absent(f"The network {network_id} is not in the kernel yet.")
            if links.find(name):
                return
            self._put_zone(name, self._free_zone())
            programs.ip(self._naming.fabric, [f"link add {name} {_NEW}", *self._joined(spec, number, links)])
            for end in naming.joint(network_id, number):
                links.settle(end)

    def _joined(self, spec: NetworkSpec, number: int, links: link.Links) -> list[str]:
        """Join a further bridge to the first."""
        near, far = naming.joint(spec.id, number)
        name, alias = naming.bridge(spec.id, number), self._naming.alias("network", spec.id)
        lines = [] if links.find(near) else [f"link add {near} type veth peer name {far}"]
        for end, bridge in ((near, naming.bridge(spec.id)), (far, name)):
            lines.append(f"link set {end} mtu {spec.mtu} master {bridge} up")
        return [*lines, f"link set {name} mtu {spec.mtu} alias {alias} up"]

    def _further(self, network_id: str, links: link.Links) -> Iterator[int]:
        """The numbers of the further bridges that are there."""
        return (number for number in naming.FURTHER if links.find(naming.bridge(network_id, number)))

    def remove(self, id: str) -> None:
        """Remove all bridges of the network. Repeatable."""
        with link.Links(self._naming.fabric) as links, self._lock:
            for number in self._further(id, links):
                links.delete(naming.joint(id, number)[0])
                self._drop(naming.bridge(id, number), links)
            self._drop(naming.bridge(id), links)
            self._networks.pop(id, None)

    def _drop(self, name: str, links: link.Links) -> None:
        links.delete(name)
        zone = self._zones.pop(name, None)
        if zone is not None:
            try:
                programs.nft(self._naming.fabric, texts.no_zone(name, zone))
            except errors.Absent:
                return

    def _put_zone(self, name: str, zone: int) -> None:
        old = self._zones.get(name)
        changed = "" if old in {None, zone} else texts.no_zone(name, old or 0)
        programs.nft(self._naming.fabric, changed + texts.zone(name, zone))
        self._zones[name] = zone

    def _make_room(self, segment: int, name: str) -> None:
        """The segments of networks are chosen elsewhere; a further bridge with that zone gets another one."""
        for other, zone in list(self._zones.items()):
            if zone == segment and other != name and naming.is_further(other):
                self._put_zone(other, self._free_zone(segment))

    def _free_zone(self, *but: int) -> int:
        taken = {*self._zones.values(), *but}
        free = next((zone for zone in range(_LAST_ZONE, 0, -1) if zone not in taken), None)
        if free is None:
            raise errors.Busy("All zones for tracking flows are taken.")
        return free
