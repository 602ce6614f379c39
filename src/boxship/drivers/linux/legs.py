"""Legs: cables from networks' bridges to namespaces of our own, such as routers and name services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from boxship.core import errors
from boxship.drivers.linux import cabling, link, namespace, naming, programs
from boxship.drivers.linux.interface import Address, Interface, Route, RouterPort
from boxship.drivers.linux.naming import Naming


class Legs:
    """The legs of one installation."""

    def __init__(self, names: Naming) -> None:
        self._naming = names

    def sizes(self, network_ids: Sequence[str]) -> dict[str, int]:
        """The MTU of each network. Absent: one of them is not there."""
        with link.Links(self._naming.fabric) as fabric:
            found = {id: fabric.find(naming.bridge(id)) for id in network_ids}
        for id, bridge in found.items():
            if bridge is None:
                raise errors.Absent(f"The network {id} is not in the kernel yet.")
        return {id: bridge.mtu for id, bridge in found.items() if bridge}

    def join(self, where: str, legs: Sequence[RouterPort], kind: str) -> cabling.Present:
        """Make the namespace have these legs and no others, down where they are new; what was there before."""
        sizes = self.sizes([leg.network_id for leg in legs])
        present = cabling.present(where)
        wanted = {naming.leg(leg.port_id): leg for leg in legs}
        programs.ip(where, [f"link delete {device}" for device in present.keys() - wanted.keys()])
        with link.Links(self._naming.fabric) as fabric:
            for device, leg in wanted.items():
                cable = fabric.find(naming.tap(leg.port_id))
                bridge = fabric.need(naming.bridge(leg.network_id))
                if device in present and cable and cable.master == bridge.index:
                    continue
                fabric.delete(naming.tap(leg.port_id))
                end = (where, self._naming.alias(kind, leg.port_id))
                programs.ip(self._naming.fabric, cabling.leg(leg, end, sizes[leg.network_id]))
        return cabling.present(where)

    def configure(
        self, where: str, addresses: Mapping[str, Sequence[Interface | Address]], routes: Sequence[Route]
    ) -> None:
        """Bring the legs up with exactly these addresses and routes. Routes that cannot be are left out."""
        programs.ip(where, cabling.addressed(addresses, cabling.present(where)))
        programs.ip(where, cabling.rerouted(routes, cabling.routed(where)), force=True)

    def settle(self, where: str, legs: Sequence[RouterPort]) -> None:
        """Let packets pass at once (``link.Links.settle``)."""
        with link.Links(where) as near, link.Links(self._naming.fabric) as fabric:
            for leg in legs:
                near.settle(naming.leg(leg.port_id))
                fabric.settle(naming.tap(leg.port_id))

    def remove(self, where: str) -> None:
        """Remove the namespace and at once, not when the kernel comes to it, the legs in it. Repeatable."""
        if namespace.exists(where):
            programs.ip(where, [f"link delete {device}" for device in cabling.present(where)], force=True)
        namespace.remove(where)
