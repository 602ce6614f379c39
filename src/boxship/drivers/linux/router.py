"""Routers: a namespace each, with a leg in every network and NAT towards the external one (``nat`` has the texts)."""

from __future__ import annotations

from boxship.core import errors
from boxship.drivers.linux import conntrack, link, namespace, naming, nat, programs
from boxship.drivers.linux.interface import RouterSpec
from boxship.drivers.linux.legs import Legs
from boxship.drivers.linux.naming import Naming


class Routers:
    """The routers of one installation. A router is worked on by one caller at a time."""

    def __init__(self, names: Naming, legs: Legs) -> None:
        self._naming = names
        self._legs = legs
        self._known: dict[str, RouterSpec] = {}

    def ensure(self, spec: RouterSpec) -> None:
        """Make the router as its spec says: NAT before the legs come up, and what it no longer translates is cut."""
        where, legs = self._naming.router(spec.id), nat.legs(spec)
        if self._known.get(spec.id) == spec and namespace.exists(where):
            return
        self._legs.sizes([leg.network_id for leg in legs])
        namespace.create(where, nat.SETTINGS)
        before = self._translated(where)
        self._legs.join(where, legs, "leg")
        programs.nft(where, nat.table(spec))
        self._legs.configure(where, nat.addresses(spec), nat.routes(spec))
        self._legs.settle(where, legs)
        self._moved(spec, before)
        for leg in legs:
            here = [str(address.ip) for address in leg.addresses if address.version == 4]
            here += [str(floating.floating) for floating in spec.floating if leg is spec.gateway]
            link.announce(where, naming.leg(leg.port_id), leg.mac, here)
        self._known[spec.id] = spec

    def _translated(self, where: str) -> dict[str, str]:
        """The floating IPs that the kernel translates, with their fixed addresses."""
        try:
            listed = programs.nft_list(where, "map", "inet", "boxship", "into").get("nftables", [])
        except errors.Absent:
            return {}
        return {str(pair[0]): str(pair[1]) for entry in listed for pair in entry.get("map", {}).get("elem", [])}

    def _moved(self, spec: RouterSpec, before: dict[str, str]) -> None:
        """Flows of floating IPs that went or moved end; the host forgets where they were."""
        after = {str(floating.floating): str(floating.fixed) for floating in spec.floating}
        for floating in before.keys() - {address for address, fixed in before.items() if after.get(address) == fixed}:
            conntrack.cut(self._naming.router(spec.id), floating)
        changed = before.keys() ^ after.keys()
        programs.ip(
            programs.HOST, [f"neigh flush to {address} dev {self._naming.uplink}" for address in changed], force=True
        )

    def remove(self, id: str) -> None:
        self._legs.remove(self._naming.router(id))
        self._known.pop(id, None)

    def forget(self) -> None:
        """Everything is gone."""
        self._known.clear()
