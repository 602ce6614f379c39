"""The fabric on the real kernel: bridges, cables, filters, routers and name services of one installation.

Every verb looks at what is there and adds what is missing; a verb that was cut off is completed by the next call. The
work is done by ip(8), nft(8) and conntrack(8) in worker threads, one at a time per object. The texts they are given
come from the pure modules beside this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from boxship.core import errors
from boxship.drivers.linux import filter as texts
from boxship.drivers.linux import names, namespace, naming, programs, rules, tunnels, uplink
from boxship.drivers.linux.bridges import Bridges
from boxship.drivers.linux.interface import (
    FabricSight,
    GroupSpec,
    MetadataHandler,
    NamesSpec,
    NetworkSpec,
    PortSpec,
    RouterSpec,
    TunnelSpec,
    UplinkSpec,
)
from boxship.drivers.linux.legs import Legs
from boxship.drivers.linux.metadata import Doors
from boxship.drivers.linux.nfnetlink import Tables
from boxship.drivers.linux.ports import Ports
from boxship.drivers.linux.records import Records
from boxship.drivers.linux.router import Routers

T = TypeVar("T")

RUN = Path("/run/boxship")
"""Pid files, records of ports: what must not outlive a boot."""

_FABRIC_SETTINGS = {
    "bridge/bridge-nf-call-iptables": "1",
    "bridge/bridge-nf-call-ip6tables": "1",
    "bridge/bridge-nf-call-arptables": "0",
    "netfilter/nf_conntrack_tcp_loose": "0",
    "netfilter/nf_conntrack_tcp_timeout_time_wait": "30",
    "ipv6/conf/all/disable_ipv6": "1",
    "ipv6/conf/default/disable_ipv6": "1",
}
_SANDBOX_SETTINGS = {
    "ipv4/ip_unprivileged_port_start": "0",
    "ipv4/ping_group_range": "0 2147483647",
    "ipv6/conf/default/accept_ra": "0",
    "ipv6/conf/default/accept_dad": "0",
    # Neighbours that knew another MAC of an address learn the new one at once.
    "ipv4/conf/default/arp_notify": "1",
    "ipv6/conf/default/ndisc_notify": "1",
}


class KernelFabric:
    """See ``interface.Fabric``. ``mark`` is four hexadecimal digits, one per installation."""

    def __init__(self, mark: str, run_directory: Path = RUN) -> None:
        self._naming = naming.Naming(mark)
        self._run = run_directory / mark
        self._tables = Tables(self._naming.fabric)
        self._bridges = Bridges(self._naming)
        self._ports = Ports(self._naming, Records(self._run / "ports"), self._tables, self._bridges)
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._groups: dict[str, GroupSpec] = {}
        self._stateful: dict[str, bool] = {}
        self._legs = Legs(self._naming)
        self._routers = Routers(self._naming, self._legs, self._run / "routers")
        self._names = names.Names(self._naming, self._legs, self._run / "names")
        self._doors = Doors()
        self._tunnels = tunnels.Tunnels(self._naming)
        self._uplinks = uplink.Uplinks(self._naming, self._legs)

    async def _do(self, lock: str, work: Callable[[], T]) -> T:
        async with self._locks.setdefault(lock, asyncio.Lock()):
            return await asyncio.to_thread(work)

    # The whole.

    async def open(self) -> None:
        await self._do("fabric", self._open)

    def _open(self) -> None:
        fabric = self._naming.fabric
        if not Path("/proc/sys/net/bridge").is_dir():
            programs.run(programs.HOST, ["modprobe", "br_netfilter"], check=False)
        namespace.prepare()
        self._ports.records.open()
        if not namespace.exists(fabric):
            self._ports.records.forget_all()  # of another boot
        namespace.create(fabric, _FABRIC_SETTINGS)
        chains = self._chains()
        if not texts.is_current(chains):
            chains = self._begin_anew()
        programs.nft(fabric, texts.base())
        self._bridges.recover()
        self._stateful = rules.seen(chains)
        self._ports.recover(self._aliased(self._aliases(), "port"), chains)
        self._drop_empty_members()

    def _chains(self) -> list[str]:
        listed = programs.nft_list(self._naming.fabric, "chains", "inet").get("nftables", [])
        return [entry["chain"]["name"] for entry in listed if "chain" in entry]

    def _begin_anew(self) -> list[str]:
        """Remove the tables of an older program, and the ports first: without filters they would be open."""
        self._ports.begin_anew(self._aliased(self._aliases(), "port"))
        programs.nft(self._naming.fabric, texts.no_base())
        return []

    def _aliases(self) -> list[str]:
        return [link.get("ifalias", "") for link in programs.links(self._naming.fabric)]

    def _drop_empty_members(self) -> None:
        """Sets of groups that are gone stayed for rules that read them; those that none reads any more go."""
        listed = programs.nft_list(self._naming.fabric, "sets", "inet").get("nftables", [])
        sets = [entry["set"]["name"] for entry in listed if "set" in entry]
        kept = {naming.token(id) for id in self._stateful}
        for token in {name[3:] for name in sets if name.startswith(("m4_", "m6_"))} - kept:
            self._drop_members(token)

    def _drop_members(self, group: str) -> None:
        with contextlib.suppress(errors.Absent, errors.Busy):  # Busy: a rule reads them
            self._tables.change(rules.remove_members(group))

    async def close(self) -> None:
        """Every program has ended; sockets are open to the filters and at the metadata address."""
        await self._doors.close_all()
        self._tables.close()

    async def destroy(self) -> None:
        await self._doors.close_all()
        await self._do("fabric", self._destroy)

    def _destroy(self) -> None:
        for network_id in self._names.ids():
            self._names.remove(network_id)
        for router_id in self._naming.named(namespace.names(self._naming.prefix), "router"):
            self._routers.remove(router_id)
        self._uplinks.remove_all()
        self._tunnels.remove_all()
        self._tables.close()
        for name in namespace.names(self._naming.prefix):
            namespace.remove(name)
        shutil.rmtree(self._run, ignore_errors=True)
        with contextlib.suppress(OSError):  # another installation has something there
            self._run.parent.rmdir()
        self._forget()

    def _forget(self) -> None:
        self._ports.records.forget_all()
        self._routers.forget()
        self._names.forget()
        self._bridges.forget()
        for known in (self._groups, self._stateful):
            known.clear()

    async def sight(self) -> FabricSight:
        return await self._do("fabric", self._sight)

    def _sight(self) -> FabricSight:
        there = namespace.exists(self._naming.fabric)
        aliases = self._aliases() if there else []
        spaces = namespace.names(self._naming.prefix)
        return FabricSight(
            networks=self._aliased(aliases, "network"),
            ports=self._aliased(aliases, "port"),
            groups=self._seen_groups() if there else frozenset(),
            routers=self._naming.named(spaces, "router"),
            names=self._naming.named(spaces, "names"),
            sandboxes=self._naming.named(spaces, "sandbox"),
            uplinks=self._uplinks.seen(),
            tunnels=self._aliased(aliases, "tunnel"),
        )

    def _aliased(self, aliases: list[str], kind: str) -> frozenset[str]:
        return frozenset(id for alias in aliases if (id := self._naming.aliased(alias, kind)))

    def _seen_groups(self) -> frozenset[str]:
        return frozenset(rules.seen(self._chains()))

    # Networks.

    async def ensure_network(self, spec: NetworkSpec) -> None:
        naming.check(spec.id)
        await self._do(f"network:{spec.id}", lambda: self._bridges.ensure(spec))

    async def remove_network(self, id: str) -> None:
        await self.remove_tunnel(id)
        await self._do(f"network:{id}", lambda: self._bridges.remove(id))

    # Sandboxes.

    def sandbox_path(self, name: str) -> Path:
        return namespace.path(self._naming.sandbox(name))

    async def ensure_sandbox(self, name: str) -> None:
        naming.check(name)
        await self._do(f"sandbox:{name}", lambda: namespace.create(self._naming.sandbox(name), _SANDBOX_SETTINGS))

    async def remove_sandbox(self, name: str) -> None:
        for port in self._ports.records.inside(name):
            await self.remove_port(port)
        await self._do(f"sandbox:{name}", lambda: namespace.remove(self._naming.sandbox(name)))

    # Ports.

    async def ensure_port(self, spec: PortSpec) -> None:
        naming.check(spec.id)
        naming.check_port(spec.mac, spec.interface)
        if spec.sandbox:
            await self.ensure_sandbox(spec.sandbox)
        else:
            naming.check_plug(spec.interface)
        await self._do(f"port:{spec.id}", lambda: self._ports.ensure(spec, stateless=self._stateless(spec)))

    def _stateless(self, spec: PortSpec) -> bool:
        kinds = {self._stateful.get(group, True) for group in spec.groups if spec.guarded}
        if len(kinds) > 1:
            raise errors.Refused("The security groups of a port are either all stateful or all stateless.")
        return kinds == {False}

    async def remove_port(self, id: str) -> None:
        await self._do(f"port:{id}", lambda: self._ports.remove(id))

    # Security groups.

    async def ensure_group(self, spec: GroupSpec) -> None:
        naming.check(spec.id)
        await self._do(f"group:{spec.id}", lambda: self._ensure_group(spec))

    def _ensure_group(self, spec: GroupSpec) -> None:
        before = self._groups.get(spec.id)
        if before == spec:
            return
        if before and (before.rules, before.stateful) == (spec.rules, spec.stateful):
            self._change_members(spec, before)
        else:
            self._replace_group(spec)
        self._groups[spec.id] = spec
        for remote in rules.remotes(before.rules if before else ()) - rules.remotes(spec.rules) - self._groups.keys():
            self._drop_members(remote)

    def _replace_group(self, spec: GroupSpec) -> None:
        batch = rules.put(spec)
        if self._stateful.get(spec.id, spec.stateful) != spec.stateful:
            batch = batch + rules.remove_chains(spec.id, stateful=not spec.stateful)  # Busy: a port is filtered by them
        self._tables.change(batch)
        self._stateful[spec.id] = spec.stateful

    def _change_members(self, spec: GroupSpec, before: GroupSpec) -> None:
        try:
            self._tables.change(rules.change_members(spec, before.members))
        except errors.Absent:  # somebody took them away
            self._tables.change(rules.put(spec))

    async def remove_group(self, id: str) -> None:
        await self._do(f"group:{id}", lambda: self._remove_group(id))

    def _remove_group(self, id: str) -> None:
        self._tables.change(rules.remove(id, stateful=self._stateful.get(id, True)))
        self._stateful.pop(id, None)
        before = self._groups.pop(id, None)
        for gone in {id, *rules.remotes(before.rules if before else ())} - self._groups.keys():
            self._drop_members(gone)

    # Routers.

    async def ensure_router(self, spec: RouterSpec) -> None:
        naming.check(spec.id)
        await self._do(f"router:{spec.id}", lambda: self._routers.ensure(spec))
        await self._doors.open(self._naming.router(spec.id), "router", spec.id)

    async def remove_router(self, id: str) -> None:
        await self._doors.close(self._naming.router(id))
        await self._do(f"router:{id}", lambda: self._routers.remove(id))

    # Names.

    async def ensure_names(self, spec: NamesSpec) -> None:
        names.check(spec)
        await self._do(f"names:{spec.network_id}", lambda: self._names.ensure(spec))
        await self._doors.open(self._naming.names(spec.network_id), "names", spec.network_id)

    async def remove_names(self, network_id: str) -> None:
        await self._doors.close(self._naming.names(network_id))
        await self._do(f"names:{network_id}", lambda: self._names.remove(network_id))

    # The metadata address.

    async def answer_metadata(self, handler: MetadataHandler) -> None:
        self._doors.handler = handler

    # Tunnels.

    async def ensure_tunnel(self, spec: TunnelSpec) -> None:
        tunnels.check(spec)
        await self._do("tunnels", lambda: self._tunnels.ensure(spec))

    async def remove_tunnel(self, network_id: str) -> None:
        await self._do("tunnels", lambda: self._tunnels.remove(network_id))

    # Uplinks.

    async def ensure_uplink(self, spec: UplinkSpec) -> None:
        naming.check(spec.network_id)
        await self._do("uplinks", lambda: self._uplinks.ensure(spec))

    async def remove_uplink(self, network_id: str) -> None:
        await self._do("uplinks", lambda: self._uplinks.remove(network_id))


def _gone(work: Callable[[], None]) -> None:
    """Do away with something that may be gone already."""
    try:
        work()
    except errors.Absent:
        return
