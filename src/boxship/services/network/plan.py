"""What the kernel is to be told, worked out from rows: pure, no await, no driver. The specs are ``drivers.linux``'s."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from boxship.drivers.linux import interface as linux
from boxship.services.network import model

DOMAIN = "openstacklocal"
"""The domain of names within a network that has none of its own: Neutron's default (``dns_domain``)."""

METADATA = ipaddress.ip_network("169.254.169.254/32")
"""Where devices ask who they are."""

Subnets = Mapping[str, model.Subnet]


class RouterRows(msgspec.Struct, frozen=True):
    """Everything that says what a router is."""

    router: model.Router
    legs: Sequence[tuple[model.Leg, model.Port]]
    addresses: Mapping[str, tuple[model.Address, ...]]
    subnets: Subnets
    floating: Sequence[model.FloatingIP]
    forwardings: Mapping[str, Sequence[model.Forwarding]] = {}
    """By floating IP."""
    networks: Mapping[str, model.Network] = {}
    servers: Mapping[str, Sequence[str]] = {}
    """The addresses of the name service, by network."""


class NamesRows(msgspec.Struct, frozen=True):
    """Everything that says what a name service is."""

    names: model.Names
    port: model.PortView
    subnets: Sequence[model.Subnet]
    records: Sequence[tuple[str, str]]
    stations: Sequence[model.Station]
    network: model.Network


def network(row: model.Network) -> linux.NetworkSpec:
    """The segment of a network."""
    return linux.NetworkSpec(row.id, row.segment, row.mtu)


def uplink(row: model.Network, subnets: Iterable[model.Subnet]) -> linux.UplinkSpec | None:
    """The host's own addresses on the external network: the gateways of its subnets; None: nothing to join."""
    own = tuple(
        ipaddress.ip_interface(f"{subnet.gateway_ip}/{_length(subnet)}") for subnet in subnets if subnet.gateway_ip
    )
    return linux.UplinkSpec(row.id, own) if row.external and own else None


def tunnel(
    row: model.Network, local: tuple[linux.Address, int], others: Iterable[tuple[model.Port, linux.Address]]
) -> linux.TunnelSpec:
    """What joins a network with the same one on other hosts: ``others`` are the ports there, with their hosts' addresses."""
    placed = list(others)
    macs = {
        mac: host for port, host in placed for mac in (port.mac_address, *(pair.mac_address for pair in port.pairs))
    }
    address, number = local
    return linux.TunnelSpec(
        network_id=row.id,
        vni=row.segment,
        local=address,
        peers=tuple(sorted({host for _, host in placed}, key=str)),
        neighbours=tuple(linux.Neighbour(mac, host) for mac, host in sorted(macs.items())),
        port=number,
    )


def port(
    view: model.PortView, network: model.Network, subnets: Subnets, servers: Iterable[model.Address] = ()
) -> linux.PortSpec:
    """The cable of a port. One that is administratively down is guarded by no group, so nothing passes.

    ``servers`` are the addresses of the network's name service, which is asked for metadata as well.
    """
    row = view.port
    up = row.admin_state_up and network.admin_state_up
    return linux.PortSpec(
        id=row.id,
        network_id=row.network_id,
        mac=row.mac_address,
        addresses=interfaces(view.addresses, subnets),
        sandbox="" if row.sandbox == model.HOST_PLUG else row.sandbox,
        interface=row.interface,
        routes=(
            *routes([subnets[address.subnet_id] for address in view.addresses]),
            *_to_metadata({address.subnet_id for address in view.addresses}, servers),
        ),
        mtu=network.mtu,
        guarded=row.port_security_enabled or not up,
        groups=view.groups if up and row.port_security_enabled else (),
        pairs=tuple(
            linux.AddressPair(pair.mac_address, ipaddress.ip_network(pair.ip_address)) for pair in row.pairs if up
        ),
    )


def _to_metadata(subnet_ids: Collection[str], servers: Iterable[model.Address]) -> list[linux.Route]:
    """The way to the metadata address by a neighbour; without one it is the default route's."""
    near = (ipaddress.ip_address(server.ip) for server in servers if server.subnet_id in subnet_ids)
    return [linux.Route(METADATA, server) for server in near if server.version == 4][:1]


def interfaces(addresses: Iterable[model.Address], subnets: Subnets) -> tuple[linux.Interface, ...]:
    """Addresses with the prefix lengths of their subnets."""
    return tuple(ipaddress.ip_interface(f"{address.ip}/{_length(subnets[address.subnet_id])}") for address in addresses)


def _length(subnet: model.Subnet) -> str:
    return subnet.cidr.rpartition("/")[2]


def routes(subnets: Iterable[model.Subnet]) -> tuple[linux.Route, ...]:
    """Host routes, and a default route by the first gateway of each IP version; a host route to everywhere wins."""
    found: dict[linux.Network, linux.Route] = {}
    defaults: dict[linux.Network, linux.Route] = {}
    for subnet in subnets:
        for route in subnet.host_routes:
            destination = ipaddress.ip_network(route.destination)
            found.setdefault(destination, linux.Route(destination, ipaddress.ip_address(route.nexthop)))
        if subnet.gateway_ip:
            everywhere = ipaddress.ip_network("0.0.0.0/0" if subnet.ip_version == 4 else "::/0")
            defaults.setdefault(everywhere, linux.Route(everywhere, ipaddress.ip_address(subnet.gateway_ip)))
    return tuple((found | {key: value for key, value in defaults.items() if key not in found}).values())


def group(row: model.Group, rules: Iterable[model.Rule], members: Iterable[str]) -> linux.GroupSpec:
    """The filter of a group."""
    return linux.GroupSpec(
        row.id,
        tuple(rule(entry) for entry in rules),
        tuple(ipaddress.ip_address(ip) for ip in members),
        row.stateful,
    )


def rule(row: model.Rule) -> linux.RuleSpec:
    """A rule in numbers. ``icmp`` in an IPv6 rule means ICMPv6, as upstream's firewall drivers have it."""
    family = 4 if row.ethertype == "IPv4" else 6
    protocol = model.protocol_number(row.protocol)
    if family == 6 and protocol == model.PROTOCOLS["icmp"]:
        protocol = model.PROTOCOLS["ipv6-icmp"]
    remote = ipaddress.ip_network(row.remote_ip_prefix) if row.remote_ip_prefix else None
    return linux.RuleSpec(
        direction=row.direction,
        family=family,
        protocol=protocol,
        port_min=row.port_range_min,
        port_max=row.port_range_max,
        remote=remote,
        remote_group=row.remote_group_id,
    )


def router(rows: RouterRows) -> linux.RouterSpec:
    """A router with all its legs; floating IPs that lead nowhere are not in it."""
    legs = tuple(_leg(port, rows) for leg, port in rows.legs if not leg.is_gateway)
    gateways = [port for leg, port in rows.legs if leg.is_gateway]
    row = rows.router
    inside = [port for leg, port in rows.legs if not leg.is_gateway]
    return linux.RouterSpec(
        id=row.id,
        legs=legs,
        gateway=_leg(gateways[0], rows) if gateways else None,
        next_hops=_next_hops(gateways[0], rows) if gateways else (),
        snat=row.enable_snat,
        floating=tuple(_floating(entry) for entry in rows.floating if entry.fixed_ip_address),
        routes=tuple(
            linux.Route(ipaddress.ip_network(route.destination), ipaddress.ip_address(route.nexthop))
            for route in row.routes
        ),
        forwardings=tuple(
            _forwarding(entry, forwarding)
            for entry in rows.floating
            for forwarding in rows.forwardings.get(entry.id, ())
        ),
        adverts=tuple(advert for port in inside for advert in _adverts(port, rows)),
    )


def _leg(port: model.Port, rows: RouterRows) -> linux.RouterPort:
    own = interfaces(rows.addresses.get(port.id, ()), rows.subnets)
    return linux.RouterPort(port.id, port.network_id, port.mac_address, own)


def _next_hops(port: model.Port, rows: RouterRows) -> tuple[linux.Address, ...]:
    """The gateways of the external subnets that the router has an address in, one of each IP version."""
    found: dict[int, linux.Address] = {}
    for address in rows.addresses.get(port.id, ()):
        subnet = rows.subnets[address.subnet_id]
        if subnet.gateway_ip:
            found.setdefault(subnet.ip_version, ipaddress.ip_address(subnet.gateway_ip))
    return tuple(found.values())


def _floating(row: model.FloatingIP) -> linux.FloatingSpec:
    return linux.FloatingSpec(
        row.id, ipaddress.IPv4Address(row.floating_ip_address), ipaddress.IPv4Address(str(row.fixed_ip_address))
    )


def _adverts(port: model.Port, rows: RouterRows) -> Iterable[linux.Advert]:
    """What a leg advertises: the prefixes of its subnets that say so."""
    for address in rows.addresses.get(port.id, ()):
        subnet = rows.subnets[address.subnet_id]
        if subnet.ipv6_ra_mode is None:
            continue
        prefix = ipaddress.IPv6Network(subnet.cidr)
        servers = map(ipaddress.ip_address, rows.servers.get(port.network_id, ()))
        yield linux.Advert(
            port_id=port.id,
            prefix=prefix,
            mode=subnet.ipv6_ra_mode,
            mtu=rows.networks[port.network_id].mtu,
            nameservers=tuple(server for server in servers if server in prefix),
        )


def _forwarding(owner: model.FloatingIP, row: model.Forwarding) -> linux.ForwardingSpec:
    return linux.ForwardingSpec(
        floating=ipaddress.IPv4Address(owner.floating_ip_address),
        protocol=row.protocol,
        external=(row.external_port, row.external_last),
        fixed=ipaddress.IPv4Address(row.internal_ip_address),
        internal=(row.internal_port, row.internal_last),
    )


def domain(row: model.Network) -> str:
    """The domain of the names within a network."""
    return row.dns_domain.strip(".") or DOMAIN


def names(rows: NamesRows) -> linux.NamesSpec:
    """The name service of a network. It asks others through the gateways of its subnets."""
    subnets = {subnet.id: subnet for subnet in rows.subnets}
    served = [subnets[address.subnet_id] for address in rows.port.addresses]
    return linux.NamesSpec(
        network_id=rows.names.id,
        port_id=rows.port.port.id,
        mac=rows.port.port.mac_address,
        addresses=interfaces(rows.port.addresses, subnets),
        domain=domain(rows.network),
        aliases=(DOMAIN,),
        records=tuple((name, ipaddress.ip_address(ip)) for name, ip in rows.records),
        forwarders=_each(ip for subnet in served for ip in subnet.dns_nameservers),
        gateways=_each(subnet.gateway_ip for subnet in served if subnet.gateway_ip),
        ranges=tuple(_range(subnet) for subnet in served if _asks(subnet)),
        stations=tuple(_station(entry) for entry in rows.stations),
        mtu=rows.network.mtu,
    )


def _asks(subnet: model.Subnet) -> bool:
    """Whether clients in the subnet ask a DHCP server: not where routers tell them all (SLAAC)."""
    return subnet.enable_dhcp and "slaac" not in {subnet.ipv6_address_mode, subnet.ipv6_ra_mode}


def _range(subnet: model.Subnet) -> linux.DhcpRange:
    return linux.DhcpRange(
        subnet=ipaddress.ip_network(subnet.cidr),
        gateway=ipaddress.ip_address(subnet.gateway_ip) if subnet.gateway_ip else None,
        routes=tuple(
            linux.Route(ipaddress.ip_network(route.destination), ipaddress.ip_address(route.nexthop))
            for route in subnet.host_routes
        ),
        gives=not subnet.is_slaac,
    )


def _station(row: model.Station) -> linux.Station:
    """A client that has no name is called after its first address, as upstream's are."""
    name = row.dns_name or (f"host-{row.addresses[0].replace('.', '-').replace(':', '-')}" if row.addresses else "")
    options = tuple(
        linux.DhcpOption(option.opt_name, option.opt_value, option.ip_version) for option in row.dhcp_options
    )
    return linux.Station(row.mac_address, name, tuple(map(ipaddress.ip_address, row.addresses)), options)


def _each(texts: Iterable[str]) -> tuple[linux.Address, ...]:
    """Every address once, in order."""
    return tuple(ipaddress.ip_address(text) for text in dict.fromkeys(texts))
