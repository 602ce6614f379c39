"""Cables, addresses and routes as lines of ip batches, and what of them is there. The lines are pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_interface

from boxship.core import errors
from boxship.drivers.linux import naming, programs
from boxship.drivers.linux.interface import Address, Interface, NamesSpec, PortSpec, RouterPort, UplinkSpec

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


def cable(spec: PortSpec, sandbox: str, alias: str) -> list[str]:
    """A veth pair: one end in the fabric, down and on no bridge; the other in the sandbox with the port's MAC."""
    tap = naming.tap(spec.id)
    peer = f"peer name {spec.interface} address {spec.mac} mtu {spec.mtu} netns {sandbox}"
    return [f"link add name {tap} mtu {spec.mtu} type veth {peer}", f"link set {tap} alias {alias}"]


def plugged(spec: PortSpec) -> list[str]:
    """Put the port's end on its bridge. The filters must be in place."""
    return [f"link set {naming.tap(spec.id)} master {naming.bridge(spec.network_id)} up"]


def configured(spec: PortSpec, *, fresh: bool) -> list[str]:
    """Addresses and routes in the sandbox; what was there before goes, unless the device is fresh."""
    device = spec.interface
    lines = [] if fresh else [f"address flush dev {device} scope global"]
    lines += [f"address replace {address} dev {device}{_nodad(address)}" for address in spec.addresses]
    lines.append(f"link set {device} up")
    for route in spec.routes:
        onlink = "" if any(route.via in address.network for address in spec.addresses) else " onlink"
        lines.append(f"route replace {route.destination} via {route.via} dev {device}{onlink}")
    return lines


def leg(port: RouterPort, router: str, alias: str) -> list[str]:
    """A router's leg in a network."""
    return _joined(port.port_id, port.network_id, port.mac, (router, alias))


def names_leg(spec: NamesSpec, where: str, alias: str) -> list[str]:
    """The name service's leg in its network."""
    return _joined(spec.port_id, spec.network_id, spec.mac, (where, alias))


def _joined(port_id: str, network_id: str, mac: str, end: tuple[str, str]) -> list[str]:
    where, alias = end
    tap = naming.tap(port_id)
    return [
        f"link add name {tap} type veth peer name {naming.leg(port_id)} address {mac} netns {where}",
        f"link set {tap} alias {alias} master {naming.bridge(network_id)} up",
    ]


def uplink(device: str, fabric: str, alias: str) -> list[str]:
    """The link from the host to the fabric; the host's side of ``uplink_inside``."""
    return [
        f"link add name {device} type veth peer name {device}-in netns {fabric}",
        f"link set {device} alias {alias}",
    ]


def uplink_inside(bridge: str, device: str) -> list[str]:
    """Put the fabric's side of the uplink on the bridge of the external network."""
    return [f"link set {device}-in master {bridge} up"]


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
