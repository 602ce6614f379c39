"""Ports: a cable each from a sandbox to its network's bridge, and its filters, which come first and go last.

The record of a port (``records``) is written before each change; one that a kill cut off is found there and made anew.
What a container did to its end of the cable is left alone, as long as the wish does not change.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_interface, ip_network

from boxship.core import errors
from boxship.drivers.linux import bridges, link, naming, programs
from boxship.drivers.linux import filter as texts
from boxship.drivers.linux.bridges import Bridges
from boxship.drivers.linux.guards import Guards
from boxship.drivers.linux.interface import PortSpec, Route
from boxship.drivers.linux.naming import Naming
from boxship.drivers.linux.nfnetlink import Tables
from boxship.drivers.linux.records import Record, Records


class Ports:
    """The ports of one installation. A port is worked on by one caller at a time; different ports by many."""

    def __init__(self, names: Naming, records: Records, tables: Tables, bridging: Bridges) -> None:
        self._naming = names
        self.records = records
        self._bridges = bridging
        self._guards = Guards(tables, records)

    def recover(self, marked: frozenset[str], chains: Iterable[str]) -> None:
        """Clean up after a program that was killed: what has a record and no cable goes, a cable without record goes,
        and so does a port that was being changed.

        ``marked``: the ids of the ports whose cables are in the fabric; ``chains``: those of the filters. Called before
        anything else is done. If cables are there that no record knows, the records are lost, and all ports go.
        """
        if marked - self.records.ids():
            self.unplug(marked)
            programs.nft(self._naming.fabric, texts.forget_ports([c for c in chains if texts.is_of_ports(c)]))
            self.records.forget_all()
        for id in self.records.ids():
            if id not in marked or not self.records.get(id).whole:
                self.remove(id)
        self._guards.sweep(chains)

    def begin_anew(self, ids: Iterable[str]) -> None:
        """Take these ports from their bridges, as their filters are about to go. A cable that ends in a sandbox is made anew;
        one that an engine has taken is kept, as nobody would take another: it waits, unplugged, for its filters."""
        plugs = [id for id in ids if self.records.get(id).is_plug]
        self.unplug(set(ids) - set(plugs))
        lines = [f"link set {naming.tap(id)} nomaster down" for id in plugs]
        programs.ip(self._naming.fabric, lines)
        self.records.keep_only(plugs)

    def unplug(self, ids: Iterable[str]) -> None:
        """Take these ports' cables away, filters or not."""
        with link.Links(self._naming.fabric) as fabric:
            for id in ids:
                fabric.delete(naming.tap(id))

    def ensure(self, spec: PortSpec, *, stateless: bool) -> None:
        """Make the port as its spec says; nothing is done where it is so already. ``stateless``: its groups are."""
        tap, text = naming.tap(spec.id), f"{texts.VERSION} {stateless} {spec!r}"
        record = self.records.get(spec.id)
        with link.Links(self._naming.fabric) as fabric:
            bridge = self._bridge(spec, fabric)
            cable = fabric.find(tap)
            if cable and record.whole == text and cable.master == bridge.index:
                return
            kept = record.whole and (record.sandbox, record.device) == (spec.sandbox, spec.interface)
            if cable and (not kept or self._guards.unknown(spec.id)):
                fabric.delete(tap)
                cable = None
            begun = _record(spec, text, self.records.get(spec.id).bridge)
            wanted = self._guards.replace(spec, begun, stateless=stateless)
            if cable is None:
                cable = fabric.add_cable(tap, spec.mtu, self._peer(spec))
                fabric.mark(cable, self._naming.alias("port", spec.id))
                self._mark_plug(spec)
                record = Record()
            else:
                fabric.set_size(cable, spec.mtu)
            fabric.raise_up(cable, bridge)
            if spec.sandbox:
                self._configure(spec, record)
            fabric.settle(tap)
        self.records.finish(spec.id, wanted)

    def _bridge(self, spec: PortSpec, fabric: link.Links) -> link.Link:
        """The bridge of the network that has the port, or has room for it; a further one is made when it is needed."""
        names = [naming.bridge(spec.network_id, number) for number in (0, *naming.FURTHER)]
        name = self.records.place(spec.id, names, bridges.ROOM)
        if names.index(name) and not fabric.find(name):
            self._bridges.add(spec.network_id, names.index(name))
        found = fabric.find(name)
        if found is None:
            raise errors.Absent(f"The network {spec.network_id} is not in the kernel yet.")
        return found

    def _peer(self, spec: PortSpec) -> link.Peer:
        """The sandbox's end of the cable, or the host's: what is done with that one is for who plugs it in to say."""
        where = self._naming.sandbox(spec.sandbox) if spec.sandbox else programs.HOST
        return link.Peer(where, spec.interface, spec.mac)

    def _mark_plug(self, spec: PortSpec) -> None:
        if spec.sandbox:
            return  # the namespace's name has the mark
        with link.Links(programs.HOST) as host:
            host.mark(host.need(spec.interface), self._naming.alias("plug", spec.id))

    def _configure(self, spec: PortSpec, before: Record) -> None:
        """MAC, addresses and routes at the sandbox's end; of what was there before only what we set is taken away."""
        with link.Links(self._naming.sandbox(spec.sandbox)) as sandbox:
            device = sandbox.need(spec.interface)
            if before.sandbox:
                for destination, via in before.routes:
                    sandbox.delete_route(device, Route(ip_network(destination), ip_address(via)))
                wanted = {str(address) for address in spec.addresses}
                for old in before.addresses:
                    if old not in wanted:
                        sandbox.delete_address(device, ip_interface(old))
                sandbox.set_mac(device, spec.mac)
                sandbox.set_size(device, spec.mtu)
            for address in spec.addresses:
                sandbox.add_address(device, address)
            sandbox.raise_up(device)
            for route in spec.routes:
                on_link = not any(route.via in address.network for address in spec.addresses)
                sandbox.add_route(device, route, on_link=on_link)
            sandbox.settle(spec.interface)

    def remove(self, id: str) -> None:
        """Unplug the cable, then take the filters away. Repeatable."""
        self.unplug([id])
        self._guards.remove(id)


def _record(spec: PortSpec, text: str, bridge: str) -> Record:
    return Record(
        bridge=bridge,
        whole=text,
        sandbox=spec.sandbox,
        device=spec.interface,
        addresses=tuple(str(address) for address in spec.addresses),
        routes=tuple((str(route.destination), str(route.via)) for route in spec.routes),
    )
