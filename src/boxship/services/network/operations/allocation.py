"""Which addresses a port gets: as asked, or by Neutron's rule (one IPv4, one IPv6, and every SLAAC subnet's)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from boxship.core.db.database import Transaction
from boxship.services.network import errors, model
from boxship.services.network.operations import checks
from boxship.services.network.schemas.ports import FixedIpWish
from boxship.services.network.store import addresses

Taken = tuple[str, str]
"""A subnet's id and the key of an address in it."""


async def lock(transaction: Transaction, network_id: str) -> None:
    """One transaction at a time changes the addresses of a network."""
    await transaction.serialise(f"network:addresses:{network_id}")


async def choose(
    transaction: Transaction, subnets: Sequence[model.Subnet], mac: str, device_owner: str = ""
) -> list[Taken]:
    """Addresses for a port that asks for none in particular.

    IpAddressGenerationFailure: there are subnets of an IP version and all their pools are used up.
    """
    fitting = [subnet for subnet in subnets if not subnet.service_types or device_owner in subnet.service_types]
    taken: list[Taken] = []
    for version in (4, 6):
        pooled = [subnet for subnet in fitting if subnet.ip_version == version and not subnet.is_slaac]
        if pooled:
            taken.append(await _first_free(transaction, pooled))
    for subnet in fitting:
        if subnet.is_slaac:
            taken.append(await _eui64(transaction, subnet, mac))
    return taken


async def honour(
    transaction: Transaction, subnets: Sequence[model.Subnet], wishes: Sequence[FixedIpWish], mac: str, network_id: str
) -> list[Taken]:
    """Addresses exactly as asked, certain ones first so that no other wish takes them away.

    SubnetNotFound, InvalidIpForNetwork, InvalidIpForSubnet, IpAddressAlreadyAllocated, IpAddressGenerationFailure.
    """
    taken: list[Taken] = []
    for wish in sorted(wishes, key=lambda wish: wish.ip_address is None):
        subnet = _subnet_of(wish, subnets, network_id)
        if subnet.is_slaac:
            _fits_slaac(wish, subnet, mac)
            taken.append(await _eui64(transaction, subnet, mac))
        elif wish.ip_address is not None:
            taken.append(await certain(transaction, subnet, wish.ip_address))
        else:
            taken.append(await _first_free(transaction, [subnet]))
    return taken


def _subnet_of(wish: FixedIpWish, subnets: Sequence[model.Subnet], network_id: str) -> model.Subnet:
    """The subnet that a wish names or whose range its address is in."""
    if wish.subnet_id is not None:
        named = next((subnet for subnet in subnets if subnet.id == wish.subnet_id), None)
        if named is None:
            raise errors.InvalidInput(
                f"Failed to create port on network {network_id}, because fixed_ips included invalid subnet "
                f"{wish.subnet_id}",
                field="fixed_ips",
            )
        return named
    if wish.ip_address is None:
        raise errors.InvalidInput("IP allocation requires subnet_id or ip_address", field="fixed_ips")
    ip = checks.address(wish.ip_address, "fixed_ips.ip_address")
    found = next((subnet for subnet in subnets if ip in ipaddress.ip_network(subnet.cidr)), None)
    if found is None:
        raise errors.InvalidIpForNetwork(wish.ip_address)
    return found


def _fits_slaac(wish: FixedIpWish, subnet: model.Subnet, mac: str) -> None:
    """InvalidIpForSubnet: addresses there follow from the MAC, and another one is asked for."""
    if wish.ip_address is None:
        return
    only = checks.eui64(ipaddress.ip_network(subnet.cidr), mac)
    if str(checks.address(wish.ip_address, "fixed_ips.ip_address", 6)) != only:
        raise errors.InvalidIpForSubnet(wish.ip_address)


async def certain(transaction: Transaction, subnet: model.Subnet, text: str) -> Taken:
    """Take a certain address. InvalidIpForSubnet, IpAddressAlreadyAllocated."""
    ip = checks.address(text, "fixed_ips.ip_address")
    if not checks.is_usable(ip, ipaddress.ip_network(subnet.cidr)):
        raise errors.InvalidIpForSubnet(text)
    key = addresses.key(str(ip))
    if await addresses.taken(transaction, subnet.network_id, key):
        raise errors.IpAddressAlreadyAllocated(str(ip), subnet.id)
    await addresses.take(transaction, subnet.id, key)
    return subnet.id, key


async def _eui64(transaction: Transaction, subnet: model.Subnet, mac: str) -> Taken:
    return await certain(transaction, subnet, checks.eui64(ipaddress.ip_network(subnet.cidr), mac))


async def _first_free(transaction: Transaction, subnets: Sequence[model.Subnet]) -> Taken:
    """The next free address of the first subnet that has one."""
    for subnet in subnets:
        key = await addresses.take_next(transaction, subnet)
        if key is not None:
            return subnet.id, key
    raise errors.IpAddressGenerationFailure(subnets[0].network_id)
