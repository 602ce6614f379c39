"""What dnsmasq(8) is told of DHCP: who gets which address, and what a subnet's clients are told. Pure texts.

Only stations that are named get an address, and always the same one. Ranges are arguments, stations and options are files
that dnsmasq reads again on SIGHUP; a line that it does not understand it logs and leaves out.
"""

from __future__ import annotations

import re

from boxship.core import errors
from boxship.drivers.linux import naming
from boxship.drivers.linux.interface import Address, DhcpOption, DhcpRange, NamesSpec, Station
from boxship.drivers.linux.nat import METADATA

LEASE = 86400
"""Seconds that a client may keep its address without asking again, Neutron's default (``dhcp_lease_duration``)."""

_TAG = "set:"
_EVERYWHERE = "0.0.0.0/0"
_OPTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


def arguments(spec: NamesSpec) -> list[str]:
    """The part of the command line that makes dnsmasq serve the ranges; nothing where there are none."""
    if not spec.ranges:
        return []
    return [
        f"--interface={naming.leg(spec.port_id)}",
        "--dhcp-authoritative",
        "--dhcp-ignore-names",  # else a client could give its address the name of another one
        "--no-ping",
        f"--dhcp-lease-max={2**16}",
        *(f"--dhcp-range={_range(number, entry)}" for number, entry in enumerate(spec.ranges)),
    ]


def _range(number: int, entry: DhcpRange) -> str:
    start, tag = entry.subnet.network_address, f"set:{_subnet(number)}"
    if entry.subnet.version == 4:
        return f"{tag},{start},static,{entry.subnet.netmask},{LEASE}"
    return f"{tag},{start},static,{entry.subnet.prefixlen},{LEASE}"


def _subnet(number: int) -> str:
    return f"subnet{number}"


def _tag(station: Station) -> str:
    """The options of a station are known by its MAC, which is one station's in a network."""
    return f"port-{station.mac.replace(':', '').lower()}"


def stations(spec: NamesSpec) -> str:
    """Who gets which address: one IPv4 address, the first in a range, and any number of IPv6 addresses."""
    if not spec.ranges:
        return ""
    lines = []
    for station in spec.stations:
        tag, name = [f"{_TAG}{_tag(station)}"] * bool(station.options), [station.name] * bool(station.name)
        lines.append(",".join([station.mac.lower(), *tag, *name, *map(_shown, served(spec, station))]))
    return "".join(f"{line}\n" for line in sorted(lines))


def is_reread(stations: str) -> bool:
    """Whether a dnsmasq that has read these stations reads other files on SIGHUP: 2.90 ends with a fault where a station with
    a tag has a lease."""
    return _TAG not in stations


def _shown(address: Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)


def served(spec: NamesSpec, station: Station) -> list[Address]:
    """The addresses that a station gets: the first of IPv4 that is in a range, and those of IPv6."""
    inside = [
        address
        for address in station.addresses
        if any(entry.gives and address in entry.subnet for entry in spec.ranges)
    ]
    return [*[each for each in inside if each.version == 4][:1], *(each for each in inside if each.version == 6)]


def options(spec: NamesSpec) -> str:
    """What clients are told, for each subnet and then for single stations, whose own options go first."""
    lines = [line for number, entry in enumerate(spec.ranges) for line in _told(spec, number, entry)]
    if spec.ranges:
        lines += [_own(station, option) for station in spec.stations for option in station.options]
    return "".join(f"{line}\n" for line in lines)


def _told(spec: NamesSpec, number: int, entry: DhcpRange) -> list[str]:
    servers = [interface.ip for interface in spec.addresses if interface.ip in entry.subnet]
    if entry.subnet.version == 6:
        listed = ",".join(f"[{server}]" for server in servers)
        return [f"tag:{_subnet(number)},option6:dns-server,{listed}"] if servers else []
    told = f"tag:{_subnet(number)},option:"
    routes = [(str(route.destination), str(route.via)) for route in entry.routes]
    routes += [(f"{METADATA}/32", str(server)) for server in servers[:1]]
    if entry.gateway and all(destination != _EVERYWHERE for destination, _ in routes):
        # Clients that are told of any route look at no other option for the way out (RFC 3442).
        routes.append((_EVERYWHERE, str(entry.gateway)))
    pairs = ",".join(f"{destination},{via}" for destination, via in routes)
    lines = [f"{told}router" + (f",{entry.gateway}" if entry.gateway else ""), f"{told}mtu,{spec.mtu}"]
    if servers:
        lines.append(f"{told}dns-server,{','.join(map(str, servers))}")
    if routes:
        lines += [f"{told}classless-static-route,{pairs}", f"tag:{_subnet(number)},249,{pairs}"]
    return lines


def _own(station: Station, option: DhcpOption) -> str:
    if option.name.isdigit():
        name = option.name if option.version == 4 else f"option6:{option.name}"
    else:
        name = f"option{'6' if option.version == 6 else ''}:{option.name}"
    return f"tag:{_tag(station)},{name}" + (f",{option.value}" if option.value else "")


def check(spec: NamesSpec) -> None:
    """Refused: what would be read as something else in a line of these files."""
    for station in spec.stations:
        naming.check_port(station.mac)
        for option in station.options:
            if not _OPTION.fullmatch(option.name) or not option.value.isprintable():
                raise errors.Refused(f"{option.name[:80]!r} is not a DHCP option that can be told.")


def leased(text: str) -> dict[str, str]:
    """The addresses that dnsmasq has given, with their MACs (IPv6: none), from its lease file."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 5 and words[0].isdigit():
            found[words[2]] = words[1] if ":" in words[1] else ""
    return found


def without(text: str, gone: set[str]) -> str:
    """The lease file without these addresses."""
    kept = [line for line in text.splitlines() if len(line.split()) != 5 or line.split()[2] not in gone]
    return "".join(f"{line}\n" for line in kept)
