"""IPAM: single addresses. Each is a port that waits for its endpoint; both families of one endpoint meet in one port.

Docker says the MAC of the endpoint with both wishes, and a MAC is had once in a network: that is how the second wish finds
the port of the first. A port of a user's that has the address, and no device, is used as it is (``existing``).
"""

from __future__ import annotations

from boxship.core import errors
from boxship.plugins.docker.calls import Nothing
from boxship.plugins.kuryr import existing, lookup, marks, protocol, ranges, resources
from boxship.plugins.kuryr.neutron import Neutron
from boxship.plugins.kuryr.pools import PoolName, read_name, subnet_of

_NO_GATEWAY = {4: "0.0.0.0/0", 6: "::/0"}
"""What Docker is told where a subnet has no gateway: it wants an address, and makes no route of this one."""


def is_no_gateway(text: str) -> bool:
    """Whether Docker was told that there is no gateway."""
    return text in _NO_GATEWAY.values()


def request(neutron: Neutron, wish: protocol.RequestAddress) -> protocol.AddressAnswer:
    """An address of a range: for an endpoint, the gateway, or one that nobody is to get. Errors as Neutron's."""
    name = read_name(wish.pool_id)
    said = wish.options or {}
    subnet = subnet_of(neutron, name)
    wanted = str(ranges.address(wish.address, "Address")) if wish.address else ""
    if said.get(protocol.ADDRESS_TYPE) == protocol.GATEWAY:
        return protocol.AddressAnswer(_gateway(name, subnet, wanted))
    if subnet is None:
        return protocol.AddressAnswer(_auxiliary(name, wanted))
    cidr = ranges.network(subnet.cidr, "cidr")
    if wanted and ranges.address(wanted, "Address") not in cidr:
        raise errors.BadRequest(f"{wanted} is not in the subnet {subnet.id} ({cidr}).", field="Address")
    mac = said.get(protocol.MAC, "").lower()
    if wanted and not mac:
        _keep(neutron, subnet, wanted)
        return protocol.AddressAnswer(f"{wanted}/{cidr.prefixlen}")
    return protocol.AddressAnswer(f"{_held(neutron, subnet, wanted, mac)}/{cidr.prefixlen}")


def _gateway(name: PoolName, subnet: resources.Subnet | None, wanted: str) -> str:
    """The gateway of a network. Conflict: the subnet has another one."""
    if subnet is None:
        if name.cidr is None:
            raise errors.NotFound(f"The subnet {name.id} is gone.")
        address = ranges.address(wanted, "Address") if wanted else ranges.first_host(name.cidr)
        if address not in name.cidr:
            raise errors.BadRequest(f"The gateway {address} is not in {name.cidr}.", field="Address")
        return f"{address}/{name.cidr.prefixlen}"
    if wanted and wanted != subnet.gateway_ip:
        has = subnet.gateway_ip or "none"
        raise errors.Conflict(f"The gateway of the subnet {subnet.id} is {has}, not {wanted}.")
    length = subnet.cidr.rpartition("/")[2]
    return f"{subnet.gateway_ip}/{length}" if subnet.gateway_ip else _NO_GATEWAY[subnet.ip_version]


def _auxiliary(name: PoolName, wanted: str) -> str:
    """An address that is to be left out of a subnet that will be made."""
    if not wanted or name.cidr is None:
        raise errors.NotFound(
            "The range has no subnet in the cloud: its network was not made by this driver, or is gone."
        )
    if ranges.address(wanted, "Address") not in name.cidr:
        raise errors.BadRequest(f"{wanted} is not in {name.cidr}.", field="Address")
    return f"{wanted}/{name.cidr.prefixlen}"


def _keep(neutron: Neutron, subnet: resources.Subnet, ip: str) -> None:
    """Keep an auxiliary address from being given out; whoever has it already keeps it as well."""
    if subnet.gateway_ip == ip or lookup.ports_with(neutron, subnet.network_id, ip):
        return
    _create(neutron, subnet, marks.RESERVED, ip, "")


def _held(neutron: Neutron, subnet: resources.Subnet, ip: str, mac: str) -> str:
    """An address for the endpoint with this MAC (empty: not known), on a port. Conflict: somebody has it."""
    if ip:
        for port in lookup.ports_with(neutron, subnet.network_id, ip):
            return _of(subnet, _taken(neutron, port, mac), ip)
    for port in _with_mac(neutron, subnet, mac):
        return _extended(neutron, port, subnet, ip)
    return _of(subnet, _create(neutron, subnet, marks.UNBOUND, ip, mac), ip)


def _taken(neutron: Neutron, port: resources.Port, mac: str) -> resources.Port:
    """The port that has the address asked for, if it waits for an endpoint or is nobody's."""
    existing.check_free(port)
    if marks.is_our_port(port.name, port.tags):
        if port.name == marks.RESERVED:
            ips = ", ".join(fixed.ip_address for fixed in port.fixed_ips)
            raise errors.Conflict(f"The address {ips} is kept as an auxiliary address of a network.")
        if port.name == marks.UNBOUND and mac not in {"", port.mac_address}:
            # Docker died, or gave up, before its endpoint came: nobody else asks for an address of another's MAC.
            return neutron.update(f"/ports/{port.id}", "port", resources.Port, mac_address=mac)
        return port
    return existing.use(neutron, port, mac)


def _with_mac(neutron: Neutron, subnet: resources.Subnet, mac: str) -> list[resources.Port]:
    if not mac:
        return []
    return neutron.find("/ports", resources.Port, network_id=subnet.network_id, mac_address=mac)


def _extended(neutron: Neutron, port: resources.Port, subnet: resources.Subnet, ip: str) -> str:
    """The address in this subnet of the port that the endpoint has already, which gets one if it has none."""
    existing.check_free(port)
    ours = marks.is_our_port(port.name, port.tags)
    if not ours:
        port = existing.use(neutron, port, port.mac_address)
    has = next((fixed.ip_address for fixed in port.fixed_ips if fixed.subnet_id == subnet.id), None)
    if has is not None and ip in {"", has}:
        return has
    wish = {"subnet_id": subnet.id} | ({"ip_address": ip} if ip else {})
    before = [{"subnet_id": fixed.subnet_id, "ip_address": fixed.ip_address} for fixed in port.fixed_ips]
    known = {fixed.ip_address for fixed in port.fixed_ips}
    port = neutron.update(f"/ports/{port.id}", "port", resources.Port, fixed_ips=[*before, wish])
    new = next(fixed.ip_address for fixed in port.fixed_ips if fixed.ip_address not in known)
    if not ours:
        neutron.tag(f"/ports/{port.id}", marks.added_tag(new))
    return new


def _create(neutron: Neutron, subnet: resources.Subnet, name: str, ip: str, mac: str) -> resources.Port:
    fixed = {"subnet_id": subnet.id} | ({"ip_address": ip} if ip else {})
    values: dict[str, object] = {"mac_address": mac} if mac else {}
    return neutron.create(
        "/ports", "port", resources.Port, network_id=subnet.network_id, name=name, fixed_ips=[fixed], **values
    )


def _of(subnet: resources.Subnet, port: resources.Port, ip: str) -> str:
    return ip or next(fixed.ip_address for fixed in port.fixed_ips if fixed.subnet_id == subnet.id)


def release(neutron: Neutron, wish: protocol.ReleaseAddress) -> Nothing:
    """Docker needs the address no more. A port of ours without an endpoint goes; a user's is as it was before. What is
    bound to an endpoint is another one's by now."""
    name = read_name(wish.pool_id)
    ip = str(ranges.address(wish.address, "Address"))
    subnet = subnet_of(neutron, name)
    if subnet is None:
        return Nothing()
    for port in lookup.ports_with(neutron, subnet.network_id, ip):
        if port.is_bound:
            continue
        if marks.is_our_port(port.name, port.tags):
            neutron.delete(f"/ports/{port.id}")
        elif marks.EXISTING_PORT in port.tags:
            existing.give_back(neutron, port)
    return Nothing()
