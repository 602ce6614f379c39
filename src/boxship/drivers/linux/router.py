"""Routers: a namespace each, with a leg in every network and NAT towards the external one (``nat`` has the texts)."""

from __future__ import annotations

import contextlib
from pathlib import Path

from boxship.core import errors
from boxship.drivers.linux import conntrack, link, namespace, naming, nat, programs
from boxship.drivers.linux.adverts import Adverts
from boxship.drivers.linux.interface import RouterSpec
from boxship.drivers.linux.legs import Legs
from boxship.drivers.linux.naming import Naming

_FEW = 8
"""So many ports are cut one by one; of more, all flows of the protocol."""

_Translated = tuple[dict[str, str], dict[nat.Outside, tuple[str, int]]]
"""Floating IPs with their fixed addresses, and ports of floating IPs with what they lead to."""


class Routers:
    """The routers of one installation. A router is worked on by one caller at a time."""

    def __init__(self, names: Naming, legs: Legs, run: Path) -> None:
        self._naming = names
        self._legs = legs
        self._adverts = Adverts(run)
        self._known: dict[str, RouterSpec] = {}

    def ensure(self, spec: RouterSpec) -> None:
        """Make the router as its spec says: NAT before the legs come up, and what it no longer translates is cut."""
        where, legs = self._naming.router(spec.id), nat.legs(spec)
        if self._known.get(spec.id) == spec and namespace.exists(where) and self._adverts.alive(where, spec):
            return
        self._legs.sizes([leg.network_id for leg in legs])
        namespace.create(where, nat.SETTINGS)
        before = self._translated(where)
        self._legs.join(where, legs, "leg")
        self._translate(where, spec)
        self._legs.configure(where, nat.addresses(spec), nat.routes(spec))
        self._legs.settle(where, legs)
        self._adverts.ensure(where, spec)
        self._moved(spec, before)
        for leg in legs:
            here = [str(address.ip) for address in leg.addresses if address.version == 4]
            here += [str(address) for address in nat.floating(spec) if leg is spec.gateway]
            link.announce(where, naming.leg(leg.port_id), leg.mac, here)
        self._known[spec.id] = spec

    def _translate(self, where: str, spec: RouterSpec) -> None:
        """Have the table in the kernel; where only elements differ from what is there, in time that does not grow with others."""
        known = self._known.pop(spec.id, None)
        text = nat.change(known, spec) if known else None
        if text is not None:
            with contextlib.suppress(errors.Absent, errors.Refused):  # somebody else changed it
                programs.nft(where, text)
                return
        programs.nft(where, nat.table(spec))

    def _translated(self, where: str) -> _Translated:
        """What the kernel translates, after a restart as well."""
        known = self._known.get(where.removeprefix(self._naming.router("")))
        if known:
            return {str(entry.floating): str(entry.fixed) for entry in known.floating}, nat.forwarded(known)
        try:
            listed = programs.nft_list(where, "table", "inet", "boxship").get("nftables", [])
        except errors.Absent:
            return {}, {}
        maps = {entry["map"]["name"]: entry["map"].get("elem", []) for entry in listed if "map" in entry}
        whole = {str(floating): str(fixed) for floating, fixed in maps.get("into", [])}
        ports = {nat.key(outside["concat"]): (inside, 0) for outside, inside in maps.get("forward_same", [])}
        ports |= {nat.key(outside["concat"]): tuple(inside["concat"]) for outside, inside in maps.get("forward", [])}
        return whole, ports

    def _moved(self, spec: RouterSpec, before: _Translated) -> None:
        """Flows of floating IPs and ports that went or moved end; the host forgets where they were."""
        where, (whole, ports) = self._naming.router(spec.id), before
        after = {str(floating.floating): str(floating.fixed) for floating in spec.floating}
        for floating in whole.keys() - {address for address, fixed in whole.items() if after.get(address) == fixed}:
            conntrack.cut(where, floating)
        kept = nat.forwarded(spec)
        gone: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for (address, protocol, *span), inside in ports.items():
            if kept.get((address, protocol, span[0], span[1])) != inside:
                gone.setdefault((address, protocol), []).append((span[0], span[1]))
        for (address, protocol), spans in gone.items():
            for first, last in spans if len(spans) <= _FEW else [(1, 65535)]:
                conntrack.cut_ports(where, address, protocol, (first, last))
        here = {str(address) for address in nat.floating(spec)}
        changed = here ^ {*whole, *(outside[0] for outside in ports)}
        if spec.gateway:
            device = self._naming.uplink(spec.gateway.network_id)
            lines = [f"neigh flush to {address} dev {device}" for address in changed]
            programs.ip(programs.HOST, lines, force=True)

    def remove(self, id: str) -> None:
        where = self._naming.router(id)
        self._adverts.remove(where, id)
        self._legs.remove(where)
        self._known.pop(id, None)

    def forget(self) -> None:
        """Everything is gone."""
        self._known.clear()
