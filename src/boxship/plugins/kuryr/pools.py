"""IPAM: ranges of addresses. A range is cut from a subnet pool, or is that of a subnet that was there before.

Docker remembers the ``PoolID`` and says it with every address: ``subnet/ID`` or ``pool/ID/RANGE``. It does not say it when
the network is made, so a pool of ours notes the subnet of others that it came to stand for.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from boxship.core import errors
from boxship.plugins.docker.calls import Nothing
from boxship.plugins.kuryr import lookup, marks, options, protocol, ranges, resources
from boxship.plugins.kuryr.host import Host, Pending, log
from boxship.plugins.kuryr.neutron import Neutron
from boxship.plugins.kuryr.options import Choice, Options

Network = IPv4Network | IPv6Network

_NAME = re.compile(r"(subnet|pool)/([A-Za-z0-9-]{1,64})(?:/([0-9a-f:./]+))?")


@dataclass(frozen=True, slots=True)
class PoolName:
    """A ``PoolID``: the id of a subnet (``cidr`` None) or of a subnet pool and the range in it."""

    id: str
    cidr: Network | None = None

    def __str__(self) -> str:
        return f"pool/{self.id}/{self.cidr}" if self.cidr else f"subnet/{self.id}"


def read_name(text: str) -> PoolName:
    """A ``PoolID`` of ours. BadRequest: it is none."""
    match = _NAME.fullmatch(text)
    if match is None or (match[1] == "pool") != bool(match[3]):
        raise errors.BadRequest(f"{text[:80]!r} is not a PoolID of this driver.", field="PoolID")
    return PoolName(match[2], ranges.network(match[3], "PoolID") if match[3] else None)


def subnet_of(neutron: Neutron, name: PoolName) -> resources.Subnet | None:
    """The subnet that a range has by now; None: it has none yet, or no more."""
    if name.cidr is None:
        return lookup.subnet(neutron, name.id)
    cidr = str(name.cidr)
    found = neutron.find("/subnets", resources.Subnet, subnetpool_id=name.id, cidr=cidr)
    if found:
        return found[0]
    pool = lookup.pool(neutron, name.id)
    stands_for = marks.pool_subnet(pool.description) if pool else None
    return lookup.subnet(neutron, stands_for) if stands_for else None


class Pools:
    """RequestPool and ReleasePool on one host."""

    def __init__(self, host: Host, pending: Pending) -> None:
        self._host = host
        self._pending = pending
        self._choosing = threading.Lock()

    def request(self, neutron: Neutron, wish: protocol.RequestPool) -> protocol.PoolAnswer:
        """A range for a network. BadRequest, NotFound, Conflict: what was asked for does not fit."""
        neutron.check()
        chosen = options.read(wish.options, v6=wish.v6)
        cidr, part = _asked(wish)
        existing = self._existing(neutron, chosen, cidr, v6=wish.v6)
        if existing is not None:
            return self._of_subnet(neutron, existing, cidr, part)
        if chosen.pool:
            return self._cut(neutron, lookup.chosen(neutron, chosen.pool, resources.Pool), cidr, part, v6=wish.v6)
        if cidr is None:
            return self._by_default(neutron, v6=wish.v6)
        self._pending.reserve(cidr, neutron.deadline)
        return self._own(neutron, cidr, part, chosen)

    def _existing(
        self, neutron: Neutron, chosen: Options, cidr: Network | None, *, v6: bool
    ) -> resources.Subnet | None:
        """The subnet that the options name, by itself or by its network."""
        version = 6 if v6 else 4
        if chosen.subnet:
            found = lookup.chosen(neutron, chosen.subnet, resources.Subnet)
            if found.ip_version != version:
                raise errors.BadRequest(f"The subnet {found.id} has IPv{found.ip_version}, not IPv{version}.")
            return found
        if not chosen.network or chosen.pool:
            return None
        network = lookup.chosen(neutron, chosen.network, resources.Network)
        filters = {"cidr": str(cidr)} if cidr else {"ip_version": str(version)}
        subnets = neutron.find("/subnets", resources.Subnet, network_id=network.id, **filters)
        if len(subnets) > 1:
            ids = ", ".join(f"{subnet.id} ({subnet.cidr})" for subnet in subnets)
            raise errors.Conflict(
                f"The network {network.id} has several subnets: {ids}. Choose one with neutron.subnet.uuid."
            )
        return subnets[0] if subnets else None

    def _of_subnet(
        self, neutron: Neutron, subnet: resources.Subnet, cidr: Network | None, part: Network | None
    ) -> protocol.PoolAnswer:
        has = ranges.network(subnet.cidr, "cidr")
        if cidr not in {None, has}:
            raise errors.Conflict(f"The subnet {subnet.id} has the range {has}, not {cidr}.")
        if part not in {None, has}:
            raise errors.BadRequest(
                f"The subnet {subnet.id} says itself which part of it is given out; leave --ip-range out."
            )
        name = PoolName(subnet.id)
        self._pending.reserve(has, neutron.deadline)
        self._pending.give(has, str(name))
        gateway = {protocol.GATEWAY: f"{subnet.gateway_ip}/{has.prefixlen}"} if subnet.gateway_ip else {}
        return protocol.PoolAnswer(str(name), str(has), gateway)

    def _cut(
        self, neutron: Neutron, pool: resources.Pool, cidr: Network | None, part: Network | None, *, v6: bool
    ) -> protocol.PoolAnswer:
        """A range of a pool that was there before."""
        if pool.ip_version != (6 if v6 else 4):
            raise errors.BadRequest(f"The subnet pool {pool.id} has IPv{pool.ip_version}.")
        if part not in {None, cidr}:
            raise errors.BadRequest(
                "--ip-range goes with a range of its own, not with one that is cut from neutron.pool."
            )
        prefixes = [ranges.network(text, "prefixes") for text in pool.prefixes]
        if cidr is None:
            taken = [ranges.network(row.cidr, "cidr") for row in _cut_from(neutron, pool.id)]
            cidr = self._free(prefixes, int(pool.default_prefixlen), taken, f"subnet pool {pool.name or pool.id}")
        elif not any(ranges.inside(cidr, prefix) for prefix in prefixes):
            raise errors.BadRequest(
                f"The range {cidr} is not in the subnet pool {pool.id} ({', '.join(pool.prefixes)})."
            )
        else:
            self._pending.reserve(cidr, neutron.deadline)
        name = PoolName(pool.id, cidr)
        self._pending.give(cidr, str(name))
        return protocol.PoolAnswer(str(name), str(cidr))

    def _free(self, prefixes: list[Network], length: int, taken: list[Network], where: str) -> Network:
        """Reserve the first range that is free. Conflict: none is."""
        with self._choosing:
            found = ranges.free(prefixes, length, [*taken, *self._pending.held()])
            if found is None or not self._pending.try_reserve(found):
                raise errors.Conflict(f"The {where} has no range of /{length} left; say --subnet.")
            return found

    def _by_default(self, neutron: Neutron, *, v6: bool) -> protocol.PoolAnswer:
        """A range for somebody who said none: of the pool for that, or of our own ranges."""
        name = self._host.pools[v6]
        found = neutron.find("/subnetpools", resources.Pool, name=name) or neutron.find(
            "/subnetpools", resources.Pool, id=name
        )
        if found:
            return self._cut(neutron, lookup.chosen(neutron, Choice(id=found[0].id), resources.Pool), None, None, v6=v6)
        version = "6" if v6 else "4"
        subnets = neutron.find("/subnets", resources.Subnet, ip_version=version)
        taken = [ranges.network(subnet.cidr, "cidr") for subnet in subnets]
        cidr = self._free([self._host.ranges[v6]], self._host.lengths[v6], taken, f"range {self._host.ranges[v6]}")
        return self._own(neutron, cidr, None, options.read({}, v6=v6))

    def _own(self, neutron: Neutron, cidr: Network, part: Network | None, chosen: Options) -> protocol.PoolAnswer:
        """A pool with just this range, which is reserved. One that a Docker which died left behind is taken again."""
        note = marks.pool_note(self._host.name, None if part == cidr else part)
        try:
            pool = next((row for row in self._unused(neutron, cidr) if row.description == note), None)
            if pool is None:
                pool = self._make(neutron, cidr, note, shared=bool(chosen.shared))
        except errors.BoxshipError:
            self._pending.forget(cidr)
            raise
        name = PoolName(pool.id, cidr)
        self._pending.give(cidr, str(name))
        return protocol.PoolAnswer(str(name), str(cidr))

    def _unused(self, neutron: Neutron, cidr: Network) -> list[resources.Pool]:
        """Pools of ours with this range that have no subnet."""
        found = neutron.find("/subnetpools", resources.Pool, name=marks.pool(cidr))
        ours = [row for row in found if marks.pool_host(row.description) == self._host.name.replace(" ", "_")]
        idle = [row for row in ours if marks.pool_subnet(row.description) is None]
        return [row for row in idle if not _cut_from(neutron, row.id)]

    def unused(self, neutron: Neutron, cidr: Network) -> PoolName | None:
        """The pool of ours that a network with this range is to be made of, where the call before was another process's."""
        found = neutron.find("/subnetpools", resources.Pool, name=marks.pool(cidr))
        ours = self._unused(neutron, cidr) or [row for row in found if marks.is_our_pool(row.name, row.description)]
        return PoolName(ours[0].id, cidr) if ours else None

    def _make(self, neutron: Neutron, cidr: Network, note: str, *, shared: bool) -> resources.Pool:
        length = cidr.prefixlen
        values: dict[str, object] = {"shared": True} if shared else {}
        return neutron.create(
            "/subnetpools",
            "subnetpool",
            resources.Pool,
            name=marks.pool(cidr),
            description=note,
            prefixes=[str(cidr)],
            default_prefixlen=length,
            min_prefixlen=length,
            **values,
        )

    def release(self, neutron: Neutron, wish: protocol.PoolCall) -> Nothing:
        """Docker needs the range no more. A pool of ours goes; one that a network of another Docker still uses stays."""
        name = read_name(wish.pool_id)
        if name.cidr is None:
            subnet = lookup.subnet(neutron, name.id)
            if subnet is not None:
                self._pending.forget(ranges.network(subnet.cidr, "cidr"))
            return Nothing()
        self._pending.forget(name.cidr)
        pool = lookup.pool(neutron, name.id)
        if pool is not None and marks.is_our_pool(pool.name, pool.description):
            discard(neutron, pool.id)
        return Nothing()


def _cut_from(neutron: Neutron, pool_id: str) -> list[resources.Subnet]:
    return neutron.find("/subnets", resources.Subnet, subnetpool_id=pool_id)


def discard(neutron: Neutron, pool_id: str) -> None:
    """Delete a pool of ours, unless a subnet is still cut from it."""
    try:
        neutron.delete(f"/subnetpools/{pool_id}")
    except (errors.Conflict, errors.BadRequest) as error:
        log.info("a subnet pool stays, as it is in use", pool=pool_id, reason=error.sentence)


def _asked(wish: protocol.RequestPool) -> tuple[Network | None, Network | None]:
    """The range and the part of it for containers. BadRequest: they are none, or of another version."""
    if not wish.pool:
        if wish.part:
            raise errors.BadRequest("--ip-range needs --subnet.", field="SubPool")
        return None, None
    cidr = ranges.network(wish.pool, "Pool")
    part = ranges.network(wish.part, "SubPool") if wish.part else None
    if cidr.version != (6 if wish.v6 else 4):
        raise errors.BadRequest(f"Pool: {cidr} has IPv{cidr.version}.", field="Pool")
    if part is not None and not ranges.inside(part, cidr):
        raise errors.BadRequest(f"SubPool: {part} is not in {cidr}.", field="SubPool")
    return cidr, part
