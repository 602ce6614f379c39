"""Docker's networks: each stands for a network of Neutron's, made for it or there before."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from boxship.core import errors
from boxship.plugins.docker.calls import Nothing
from boxship.plugins.kuryr import addresses, endpoints, lookup, marks, options, protocol, ranges, resources
from boxship.plugins.kuryr.host import Host, Pending, log
from boxship.plugins.kuryr.neutron import Neutron
from boxship.plugins.kuryr.options import Options
from boxship.plugins.kuryr.pools import PoolName, Pools, discard, read_name, subnet_of
from boxship.plugins.kuryr.ranges import Network
from boxship.plugins.undo import Undo

_UNDOING = 10.0
"""Seconds to undo what was made of a network that could not be made whole."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """A range of a network to be, with what the user said of its version."""

    cidr: Network
    gateway: str | None
    left_out: tuple[str, ...]
    chosen: Options
    pool: PoolName | None


class Networks:
    """CreateNetwork and DeleteNetwork on one host."""

    def __init__(self, host: Host, pending: Pending, pools: Pools) -> None:
        self._host = host
        self._pending = pending
        self._pools = pools

    def create(self, neutron: Neutron, call: protocol.CreateNetwork) -> Nothing:
        """Make a network, or take the one that the options name. Repeatable.

        BadRequest, NotFound, Conflict: the options do not fit each other or what is there; nothing is left behind then.
        """
        neutron.check()
        wishes = self._wishes(neutron, call)
        try:
            with Undo() as undo:
                network, made = self._network(neutron, call, wishes, undo)
                for wish in wishes:
                    self._ensure_subnet(neutron, network, wish, undo)
                if made:
                    self._settle(neutron, network, call.network_id)
        except errors.Conflict:
            if not self._made_by_another(neutron, call.network_id, wishes):
                raise
        finally:
            for wish in wishes:
                self._pending.forget(wish.cidr)
        return Nothing()

    def _wishes(self, neutron: Neutron, call: protocol.CreateNetwork) -> list[_Wish]:
        """What the call says of each version. BadRequest: several ranges of one."""
        said = (call.options or {}).get(protocol.GENERIC)
        given = said if isinstance(said, dict) else {}
        internal = (call.options or {}).get(protocol.INTERNAL) is True
        found = []
        for v6, data in ((False, call.ipv4 or ()), (True, call.ipv6 or ())):
            if len(data) > 1:
                raise errors.BadRequest(f"A network has one range of IPv{6 if v6 else 4}, not {len(data)}.")
            chosen = options.read(given, v6=v6)
            found += [self._wish(neutron, part, chosen, internal=internal) for part in data if part.pool]
        if not found:
            options.read(given, v6=False)
            raise errors.BadRequest("A network needs a range of addresses; the driver 'null' of IPAM gives none.")
        return found

    def _wish(self, neutron: Neutron, data: protocol.Range, chosen: Options, *, internal: bool) -> _Wish:
        cidr = ranges.network(data.pool, "Pool")
        gateway = None
        if data.gateway and not internal and not addresses.is_no_gateway(data.gateway):
            gateway = str(ranges.address(data.gateway, "Gateway"))
        left_out = tuple(str(ranges.address(text, "AuxAddresses")) for text in (data.auxiliary or {}).values())
        return _Wish(cidr, gateway, left_out, chosen, self._pool(neutron, cidr, chosen))

    def _pool(self, neutron: Neutron, cidr: Network, chosen: Options) -> PoolName | None:
        """Where the range comes from; None: from another IPAM driver."""
        if chosen.pool:
            return PoolName(lookup.chosen(neutron, chosen.pool, resources.Pool).id, cidr)
        known = self._pending.find(cidr)
        return read_name(known) if known else self._pools.unused(neutron, cidr)

    # The network.

    def _network(
        self, neutron: Neutron, call: protocol.CreateNetwork, wishes: list[_Wish], undo: Undo
    ) -> tuple[resources.Network, bool]:
        """The network, and whether it is made for this one."""
        found = lookup.network(neutron, call.network_id)
        if found is not None:
            return found, not marks.is_existing_network(found.tags)
        target = _target(neutron, wishes)
        if target is not None:
            self._take(neutron, target, call.network_id, wishes[0].chosen, undo)
            return target, False
        return self._make(neutron, call.network_id, wishes[0].chosen, undo), True

    def _take(self, neutron: Neutron, network: resources.Network, docker_id: str, chosen: Options, undo: Undo) -> None:
        """Mark a network that was there before: by tags, or by a group that stands for it. Conflict: it is not what the
        options say."""
        if chosen.shared is not None and chosen.shared != network.shared:
            is_shared, wanted = str(network.shared).lower(), str(chosen.shared).lower()
            raise errors.Conflict(
                f"The network {network.id} has shared={is_shared}; neutron.net.shared={wanted} was asked for."
            )
        if not (neutron.has_tags() and self._tagged(neutron, network, docker_id, undo)):
            group = neutron.create(
                "/security-groups",
                "security_group",
                resources.Group,
                name=marks.network(docker_id),
                description=marks.stand_in_note(network.id),
            )
            undo.add(lambda: neutron.afterwards(_UNDOING).delete(f"/security-groups/{group.id}"))

    def _tagged(self, neutron: Neutron, network: resources.Network, docker_id: str, undo: Undo) -> bool:
        """Tag a network; False: it is another project's, which only that may tag."""
        path = f"/networks/{network.id}"
        for tag in (marks.existing_network_tag(docker_id), *marks.network_tags(docker_id)):
            try:
                neutron.tag(path, tag)
            except (errors.Forbidden, errors.NotFound):
                return False
            undo.add(functools.partial(_untag, neutron, path, tag))
        return True

    def _make(self, neutron: Neutron, docker_id: str, chosen: Options, undo: Undo) -> resources.Network:
        values: dict[str, object] = {"shared": True} if chosen.shared else {}
        if chosen.mtu is not None:
            if not neutron.has("net-mtu-writable"):
                raise errors.BadRequest("The cloud chooses the MTU of networks itself.", field=protocol.MTU)
            values["mtu"] = chosen.mtu
        network = neutron.create(
            "/networks",
            "network",
            resources.Network,
            name=marks.network(docker_id),
            admin_state_up=True,
            **values,
        )
        undo.add(lambda: neutron.afterwards(_UNDOING).delete(f"/networks/{network.id}"))
        if neutron.has_tags():
            neutron.set_tags(f"/networks/{network.id}", marks.network_tags(docker_id))
        return network

    # Its subnets.

    def _ensure_subnet(self, neutron: Neutron, network: resources.Network, wish: _Wish, undo: Undo) -> None:
        """The subnet with this range, made unless it is there. Conflict: it is there, and another than was asked for."""
        there = _with_range(neutron, network.id, wish.cidr)
        if there is None:
            try:
                made = self._make_subnet(neutron, network, wish)
                undo.add(lambda: neutron.afterwards(_UNDOING).delete(f"/subnets/{made.id}"))
                if wish.pool is not None:
                    self._stand_for(neutron, made, wish.pool)
                return
            except (errors.Conflict, errors.BadRequest) as error:
                there = _with_range(neutron, network.id, wish.cidr)  # somebody was faster
                if there is None:
                    raise errors.Conflict(error.sentence) from error
        _check_gateway(there, wish)
        if wish.pool is not None:
            self._stand_for(neutron, there, wish.pool)

    def _make_subnet(self, neutron: Neutron, network: resources.Network, wish: _Wish) -> resources.Subnet:
        if wish.chosen.subnet or (wish.pool is not None and wish.pool.cidr is None):
            raise errors.Conflict(f"The subnet that was asked for is not in the network {network.id}.")
        pool = lookup.pool(neutron, wish.pool.id) if wish.pool else None
        part = marks.pool_part(pool.description) if pool else None
        # Subnets of one network come from one pool, by Neutron's rule; ours has room for this one only.
        beside = network.subnets and pool is not None and marks.is_our_pool(pool.name, pool.description)
        values: dict[str, object] = {"subnetpool_id": pool.id} if pool and not beside else {}
        if part is not None or wish.left_out:
            texts = (*wish.left_out, *((wish.gateway,) if wish.gateway else ()))
            left_out = [ranges.address(text, "AuxAddresses") for text in texts]
            values["allocation_pools"] = ranges.allocation(wish.cidr, part, left_out)
        return neutron.create(
            "/subnets",
            "subnet",
            resources.Subnet,
            name=marks.subnet(wish.cidr),
            network_id=network.id,
            ip_version=wish.cidr.version,
            cidr=str(wish.cidr),
            gateway_ip=wish.gateway,
            # Another IPAM gives out addresses that a DHCP service would have.
            enable_dhcp=self._host.dhcp and wish.pool is not None,
            **values,
        )

    def _stand_for(self, neutron: Neutron, subnet: resources.Subnet, name: PoolName) -> None:
        """Note in a pool of ours which subnet of others it stands for. Conflict: another pool than the subnet's was named."""
        if name.cidr is None or subnet.subnetpool_id == name.id:
            return
        pool = lookup.pool(neutron, name.id)
        if pool is None or not marks.is_our_pool(pool.name, pool.description):
            raise errors.Conflict(f"The subnet {subnet.id} is not cut from the subnet pool {name.id}.")
        note = marks.pool_note(self._host.name, marks.pool_part(pool.description), subnet.id)
        neutron.update(f"/subnetpools/{pool.id}", "subnetpool", resources.Pool, description=note)

    # Two at once.

    def _settle(self, neutron: Neutron, network: resources.Network, docker_id: str) -> None:
        """Where two made a network for the same Docker network at once, the younger goes."""
        same = neutron.find("/networks", resources.Network, name=marks.network(docker_id))
        oldest = min(same, key=lambda row: (row.created_at, row.id), default=network)
        if oldest.id != network.id:
            raise errors.Conflict(f"The network {oldest.id} was made for {docker_id} at the same time.")

    def _made_by_another(self, neutron: Neutron, docker_id: str, wishes: list[_Wish]) -> bool:
        """Whether somebody else made the network whole in the meantime: ours, which lost, is gone then."""
        found = lookup.network(neutron, docker_id)
        return found is not None and all(_with_range(neutron, found.id, wish.cidr) for wish in wishes)

    # The end.

    def delete(self, neutron: Neutron, call: protocol.NetworkCall) -> Nothing:
        """Delete a network that we made, with what is left of us in it; of one that was there before, only what we made.

        Conflict: it is in use, by others than Docker on this host.
        """
        network = lookup.network(neutron, call.network_id)
        if network is None:
            return Nothing()
        if marks.is_existing_network(network.tags):
            self._leave(neutron, network, call.network_id)
            return Nothing()
        for port in neutron.find("/ports", resources.Port, network_id=network.id):
            if marks.is_our_port(port.name, port.tags) and self._is_left(port):
                endpoints.discard(neutron, port)
        subnets = neutron.find("/subnets", resources.Subnet, network_id=network.id)
        neutron.delete(f"/networks/{network.id}")
        for subnet in subnets:
            _discard_pool(neutron, subnet)
        return Nothing()

    def _is_left(self, port: resources.Port) -> bool:
        """Whether nobody needs a port of ours: Docker deletes a network when it has no endpoint any more. What it tells of
        others is lost where the cloud was away; engines on other hosts may have theirs where the scope is global."""
        return not port.is_bound or self._host.scope == "local" or port.host == self._host.name

    def _leave(self, neutron: Neutron, network: resources.Network, docker_id: str) -> None:
        """Take our marks and subnets from a network; subnets stay while another Docker network stands for it."""
        groups = lookup.stand_ins(neutron, docker_id)
        for group in groups:
            neutron.delete(f"/security-groups/{group.id}")
        if groups:
            return
        if not marks.is_shared_with_others(network.tags, docker_id):
            for subnet in neutron.find("/subnets", resources.Subnet, network_id=network.id):
                if marks.is_our_subnet(subnet.name):
                    _discard_subnet(neutron, subnet)
        for tag in (*marks.network_tags(docker_id), marks.existing_network_tag(docker_id)):
            neutron.untag(f"/networks/{network.id}", tag)


def _untag(neutron: Neutron, path: str, tag: str) -> None:
    neutron.afterwards(_UNDOING).untag(path, tag)


def _target(neutron: Neutron, wishes: list[_Wish]) -> resources.Network | None:
    """The network that the options name, by itself or by a subnet. Conflict: they name several."""
    found: dict[str, resources.Network] = {}
    for wish in wishes:
        if wish.chosen.network:
            network = lookup.chosen(neutron, wish.chosen.network, resources.Network)
            found[network.id] = network
        subnet = _named_subnet(neutron, wish)
        if subnet is not None and subnet.network_id not in found:
            found[subnet.network_id] = neutron.get(f"/networks/{subnet.network_id}", "network", resources.Network)
    if len(found) > 1:
        raise errors.Conflict(f"The options name several networks: {', '.join(sorted(found))}.")
    return next(iter(found.values()), None)


def _named_subnet(neutron: Neutron, wish: _Wish) -> resources.Subnet | None:
    """The subnet that was there before and that the range is of. Conflict: it has another range."""
    if wish.chosen.subnet:
        found = lookup.chosen(neutron, wish.chosen.subnet, resources.Subnet)
        if ranges.network(found.cidr, "cidr") != wish.cidr:
            raise errors.Conflict(
                f"The subnet {found.id} has the range {found.cidr}, not {wish.cidr}; "
                "say neutron.subnet.* with --ipam-opt too, or --subnet."
            )
        return found
    return subnet_of(neutron, wish.pool) if wish.pool is not None and wish.pool.cidr is None else None


def _with_range(neutron: Neutron, network_id: str, cidr: Network) -> resources.Subnet | None:
    found = neutron.find("/subnets", resources.Subnet, network_id=network_id, cidr=str(cidr))
    return found[0] if found else None


def _check_gateway(subnet: resources.Subnet, wish: _Wish) -> None:
    """Conflict: the user said another gateway than the subnet has. The first address may be Docker's own idea: where nobody
    says a gateway it asks for any, before it is known which network is meant; containers get the subnet's."""
    if wish.gateway in {None, subnet.gateway_ip, str(ranges.first_host(wish.cidr))}:
        return
    raise errors.Conflict(
        f"The gateway of the subnet {subnet.id} is {subnet.gateway_ip or 'none'}, not {wish.gateway}."
    )


def _discard_subnet(neutron: Neutron, subnet: resources.Subnet) -> None:
    """Delete a subnet of ours with its pool; one that has ports of others stays."""
    try:
        neutron.delete(f"/subnets/{subnet.id}")
    except errors.Conflict as error:
        log.warning("a subnet stays, as it is in use", subnet=subnet.id, reason=error.sentence)
        return
    _discard_pool(neutron, subnet)


def _discard_pool(neutron: Neutron, subnet: resources.Subnet) -> None:
    """Delete the pool of ours that a subnet, which is gone, was cut from: Docker may have released it before the network."""
    pool = lookup.pool(neutron, subnet.subnetpool_id) if subnet.subnetpool_id else None
    if pool is not None and marks.is_our_pool(pool.name, pool.description):
        discard(neutron, pool.id)
