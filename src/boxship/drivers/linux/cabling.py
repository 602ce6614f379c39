"""Cables, addresses and routes as lines of ip batches, and what of them is there. The lines are pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_interface, ip_network

from boxship.core import errors
from boxship.drivers.linux import naming, programs
from boxship.drivers.linux.interface import Address, Interface, Route, RouterPort, UplinkSpec

Present = Mapping[str, frozenset[str]]
"""Devices with their addresses (``10.0.0.1/24``), link-local ones left out."""


def present(where: str) -> Present:
    """The devices of a namespace, but loopback, with their addresses."""
    shown = json.loads(programs.run(where, ["ip", "-json", "address", "show"]) or "[]")
    return {
        link["ifname"]: frozenset(
            f"{info['local']}/{info['prefixlen']}" for info in link["addr_info"] if info.get("scope") != "link"
        )
        for link in shown
        if link["ifname"] != "lo"
    }


def routed(where: str) -> set[tuple[str, str]]:
    """The routes by way of another host that are there, as (destination, next hop)."""
    found = set()
    for family in ("-4", "-6"):
        shown = json.loads(programs.run(where, ["ip", family, "-json", "route", "show"]) or "[]")
        everywhere = "0.0.0.0/0" if family == "-4" else "::/0"
        for route in shown:
            if "gateway" in route:
                text = everywhere if route["dst"] == "default" else route["dst"]
                found.add((str(ip_network(text)), route["gateway"]))
    return found


def rerouted(wanted: Iterable[Route], present: set[tuple[str, str]]) -> list[str]:
    """Make these the only routes by way of another host."""
    texts = {(str(route.destination), str(route.via)) for route in wanted}
    gone = [f"route delete {destination} via {via}" for destination, via in sorted(present - texts)]
    return gone + [f"route replace {destination} via {via}" for destination, via in sorted(texts - present)]


def leg(port: RouterPort, end: tuple[str, str], mtu: int) -> list[str]:
    """A cable from a network's bridge to the namespace and device ``end``; down at that end."""
    where, alias = end
    tap = naming.tap(port.port_id)
    far = f"peer name {naming.leg(port.port_id)} address {port.mac} mtu {mtu} netns {where}"
    return [
        f"link add name {tap} mtu {mtu} type veth {far}",
        f"link set {tap} alias {alias} master {naming.bridge(port.network_id)} up",
    ]


def uplink(device: str, fabric: str, alias: str) -> list[str]:
    """The link from the host to the fabric; the host's side of ``uplink_inside``."""
    return [
        f"link add name {device} type veth peer name {device}-in netns {fabric}",
        f"link set {device} alias {alias}",
    ]


def uplink_inside(bridge: str, device: str, mtu: int) -> list[str]:
    """Put the fabric's side of the uplink on the bridge of the external network."""
    return [f"link set {device}-in mtu {mtu} master {bridge} up"]


def addressed(wanted: Mapping[str, Sequence[Interface | Address]], present: Present) -> list[str]:
    """Bring the devices up with exactly these addresses."""
    lines = []
    for device, addresses in wanted.items():
        texts = {str(ip_interface(str(address))): address for address in addresses}
        lines += [f"address delete {old} dev {device}" for old in present.get(device, frozenset()) - texts.keys()]
        lines += [f"address replace {text} dev {device}{_nodad(address)}" for text, address in texts.items()]
        lines.append(f"link set {device} up")
    return lines


def check_free(spec: UplinkSpec, present: Present, own: str) -> None:
    """Refused: the host has one of the external networks on another device already."""
    for device, addresses in present.items():
        taken = [ip_interface(text).network for text in addresses if device != own]
        for address in spec.addresses:
            if any(address.version == other.version and address.network.overlaps(other) for other in taken):
                raise errors.Refused(
                    f"The host's device {device} uses {address.network} already; choose another external_cidr."
                )


def _nodad(address: Interface | Address) -> str:
    """Addresses are unique by allocation; without the wait for duplicate detection they work at once."""
    return " nodad" if address.version == 6 else ""
