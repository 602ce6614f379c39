"""The fabric on the real kernel: bridges, cables, filters, routers and name services of one installation.

Every verb looks at what is there and adds what is missing; a verb that was cut off is completed by the next call. The
work is done by ip(8), nft(8) and conntrack(8) in worker threads, one at a time per object. The texts they are given
come from the pure modules beside this one.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from boxship.core import errors
from boxship.drivers.linux import cabling, conntrack, flows, namespace, naming, programs
from boxship.drivers.linux import filter as rules
from boxship.drivers.linux import names as dns
from boxship.drivers.linux import router as routers
from boxship.drivers.linux import uplink as uplinks
from boxship.drivers.linux.interface import (
    FabricSight,
    GroupSpec,
    NamesSpec,
    NetworkSpec,
    PortSpec,
    RouterSpec,
    UplinkSpec,
)
from boxship.drivers.linux.records import Record, Records

T = TypeVar("T")

RUN = Path("/run/boxship")
"""Pid files, records of ports: what must not outlive a boot."""

_FABRIC_SETTINGS = {
    "bridge/bridge-nf-call-iptables": "1",
    "bridge/bridge-nf-call-ip6tables": "1",
    "bridge/bridge-nf-call-arptables": "0",
    "netfilter/nf_conntrack_tcp_loose": "0",
    "ipv6/conf/all/disable_ipv6": "1",
    "ipv6/conf/default/disable_ipv6": "1",
}
_SANDBOX_SETTINGS = {
    "ipv4/ip_unprivileged_port_start": "0",
    "ipv4/ping_group_range": "0 2147483647",
    "ipv6/conf/default/accept_ra": "0",
}
_NAMES_SETTINGS = {"ipv6/conf/default/accept_ra": "0", "ipv6/conf/default/accept_dad": "0"}


class KernelFabric:
    """See ``interface.Fabric``. ``mark`` is four hexadecimal digits, one per installation."""

    def __init__(self, mark: str, run_directory: Path = RUN) -> None:
        self._naming = naming.Naming(mark)
        self._run = run_directory / mark
        self._records = Records(self._run / "ports")
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._links: set[str] = set()
        self._networks: dict[str, NetworkSpec] = {}
        self._ports: dict[str, PortSpec] = {}
        self._groups: dict[str, GroupSpec] = {}
        self._routers: dict[str, RouterSpec] = {}
        self._names: dict[str, NamesSpec] = {}
        self._uplink: UplinkSpec | None = None

    async def _do(self, lock: str, work: Callable[[], T]) -> T:
        async with self._locks[lock]:
            return await asyncio.to_thread(work)

    # The whole.

    async def open(self) -> None:
        await self._do("fabric", self._open)

    def _open(self) -> None:
        fabric = self._naming.fabric
        if not Path("/proc/sys/net/bridge").is_dir():
            programs.run(programs.HOST, ["modprobe", "br_netfilter"], check=False)
        namespace.create(fabric, _FABRIC_SETTINGS)
        tables = programs.nft_list(fabric, "tables").get("nftables", [])
        if not any(entry.get("table", {}).get("name") == "boxship" for entry in tables):
            programs.nft(fabric, rules.BASE)
        self._records.open()
        self._look()

    def _look(self) -> list[dict[str, str]]:
        """The links of the fabric; names are remembered."""
        links = programs.links(self._naming.fabric)
        self._links = {link["ifname"] for link in links}
        return links

    async def close(self) -> None:
        """There is nothing to let go of: every program has ended."""

    async def destroy(self) -> None:
        await self._do("fabric", self._destroy)

    def _destroy(self) -> None:
        for directory in (self._run / "names").glob("*"):
            dns.stop(directory)
        self._remove_uplink()
        for name in namespace.names(self._naming.prefix):
            namespace.remove(name)
        shutil.rmtree(self._run, ignore_errors=True)
        self._records = Records(self._run / "ports")
        for known in (self._networks, self._ports, self._groups, self._routers, self._names):
            known.clear()

    async def sight(self) -> FabricSight:
        return await self._do("fabric", self._sight)

    def _sight(self) -> FabricSight:
        links = self._look() if namespace.exists(self._naming.fabric) else []
        aliases = [link.get("ifalias", "") for link in links]
        found = {kind: self._aliased(aliases, kind) for kind in ("network", "port")}
        spaces = namespace.names(self._naming.prefix)
        uplink = any(link["ifname"] == self._naming.uplink for link in programs.links(programs.HOST))
        for known, seen in ((self._networks, found["network"]), (self._ports, found["port"])):
            for id in known.keys() - seen:
                known.pop(id)
        return FabricSight(
            networks=found["network"],
            ports=found["port"] | self._records.ids(),
            groups=self._seen_groups() if links else frozenset(),
            routers=self._naming.named(spaces, "router"),
            names=self._naming.named(spaces, "names"),
            sandboxes=self._naming.named(spaces, "sandbox"),
            uplink=uplink,
        )

    def _aliased(self, aliases: list[str], kind: str) -> frozenset[str]:
        return frozenset(id for alias in aliases if (id := self._naming.aliased(alias, kind)))

    def _seen_groups(self) -> frozenset[str]:
        listed = programs.nft_list(self._naming.fabric, "chains").get("nftables", [])
        chains = [entry["chain"]["name"] for entry in listed if "chain" in entry]
        return frozenset(
            name[2:-3].replace("_", "-") for name in chains if name.startswith("g_") and name.endswith("_in")
        )

    # Networks.

    async def ensure_network(self, spec: NetworkSpec) -> None:
        await self._do(f"network:{spec.id}", lambda: self._ensure_network(spec))

    def _ensure_network(self, spec: NetworkSpec) -> None:
        if self._networks.get(spec.id) == spec:
            return
        bridge = naming.bridge(spec.id)
        if bridge not in self._links:
            made = f"link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
            programs.ip(self._naming.fabric, [made])
            self._links.add(bridge)
        alias = self._naming.alias("network", spec.id)
        programs.ip(self._naming.fabric, [f"link set {bridge} mtu {spec.mtu} alias {alias} up"])
        programs.nft(self._naming.fabric, rules.zone(bridge, spec.segment))
        self._networks[spec.id] = spec

    async def remove_network(self, id: str) -> None:
        await self._do(f"network:{id}", lambda: self._remove_network(id))

    def _remove_network(self, id: str) -> None:
        bridge = naming.bridge(id)
        self._drop_link(bridge)
        spec = self._networks.pop(id, None)
        zones = programs.nft_list(self._naming.fabric, "map", "inet", "boxship", "zones")
        segment = spec.segment if spec else _zone_of(zones, bridge)
        if segment is not None:
            _gone(lambda: programs.nft(self._naming.fabric, rules.no_zone(bridge, segment)))

    def _drop_link(self, name: str) -> None:
        _gone(lambda: programs.ip(self._naming.fabric, [f"link delete {name}"]))
        self._links.discard(name)

    # Sandboxes.

    def sandbox_path(self, name: str) -> Path:
        return namespace.path(self._naming.sandbox(name))

    async def ensure_sandbox(self, name: str) -> None:
        await self._do(f"sandbox:{name}", lambda: namespace.create(self._naming.sandbox(name), _SANDBOX_SETTINGS))

    async def remove_sandbox(self, name: str) -> None:
        await self._do(f"sandbox:{name}", lambda: namespace.remove(self._naming.sandbox(name)))
        self._locks.pop(f"sandbox:{name}", None)

    # Ports.

    async def ensure_port(self, spec: PortSpec) -> None:
        if self._ports.get(spec.id) == spec:
            return
        await self.ensure_sandbox(spec.sandbox)
        await self._do(f"port:{spec.id}", lambda: self._ensure_port(spec))

    def _ensure_port(self, spec: PortSpec) -> None:
        if naming.bridge(spec.network_id) not in self._links:
            raise errors.Absent(f"The network {spec.network_id} is not in the kernel yet.")
        sandbox, tap = self._naming.sandbox(spec.sandbox), naming.tap(spec.id)
        place = f"{sandbox}/{spec.interface}"
        record = self._records.get(spec.id)
        if tap in self._links and record.place != place:
            self._drop_link(tap)
        if record.applied != repr(spec):
            self._apply_filter(spec, record, place)
        cable = [] if tap in self._links else cabling.cable(spec, sandbox, self._naming.alias("port", spec.id))
        programs.ip(self._naming.fabric, [*cable, *cabling.plugged(spec)])
        self._links.add(tap)
        try:
            programs.ip(sandbox, cabling.configured(spec, fresh=not record.applied))
        except errors.Absent:
            self._drop_link(tap)  # its other end is gone, or in another sandbox of the same name
            raise
        self._ports[spec.id] = spec

    def _apply_filter(self, spec: PortSpec, record: Record, place: str) -> None:
        undo = rules.no_port(spec)
        self._records.put(spec.id, Record(undo=tuple(dict.fromkeys((*record.undo, undo))), place=record.place))
        programs.nft(self._naming.fabric, "".join(record.undo) + rules.port(spec))
        self._records.put(spec.id, Record(applied=repr(spec), place=place, undo=(undo,)))

    async def remove_port(self, id: str) -> None:
        await self._do(f"port:{id}", lambda: self._remove_port(id))
        self._locks.pop(f"port:{id}", None)

    def _remove_port(self, id: str) -> None:
        self._drop_link(naming.tap(id))
        record = self._records.get(id)
        if record.undo:
            programs.nft(self._naming.fabric, "".join(record.undo))
        self._records.forget(id)
        self._ports.pop(id, None)

    # Security groups.

    async def ensure_group(self, spec: GroupSpec) -> None:
        await self._do(f"group:{spec.id}", lambda: self._ensure_group(spec))

    def _ensure_group(self, spec: GroupSpec) -> None:
        before = self._groups.get(spec.id)
        if before == spec:
            return
        same_rules = before is not None and before.rules == spec.rules
        programs.nft(self._naming.fabric, rules.members(spec) if same_rules else rules.group(spec))
        self._groups[spec.id] = spec
        if before is not None and (set(before.rules) - set(spec.rules) or set(before.members) - set(spec.members)):
            self._cut_flows(spec.id)

    def _cut_flows(self, group: str) -> None:
        """End the flows that no rule allows any more, of ports in the group or in one whose rules name it."""
        naming_it = {id for id, spec in self._groups.items() if any(rule.remote_group == group for rule in spec.rules)}
        affected = [port for port in list(self._ports.values()) if naming_it | {group} & set(port.groups)]
        for network_id in {port.network_id for port in affected}:
            network = self._networks.get(network_id)
            ports = [port for port in affected if port.network_id == network_id and port.guarded]
            for flow in conntrack.flows(self._naming.fabric, network.segment) if network else []:
                if any(self._forbids(port, flow) for port in ports):
                    assert network is not None
                    conntrack.cut(self._naming.fabric, network.segment, flow)

    def _forbids(self, port: PortSpec, flow: flows.Flow) -> bool:
        own = {address.ip for address in port.addresses}
        incoming = flow.destination in own and not flows.allowed(flow, "ingress", port.groups, self._groups)
        outgoing = flow.source in own and not flows.allowed(flow, "egress", port.groups, self._groups)
        return incoming or outgoing

    async def remove_group(self, id: str) -> None:
        await self._do(f"group:{id}", lambda: self._remove_group(id))

    def _remove_group(self, id: str) -> None:
        _gone(lambda: programs.nft(self._naming.fabric, rules.no_group(id)))
        self._groups.pop(id, None)
        try:
            _gone(lambda: programs.nft(self._naming.fabric, rules.no_members(id)))
        except errors.Busy:
            return  # rules of other groups still read the (now empty) sets

    # Routers.

    async def ensure_router(self, spec: RouterSpec) -> None:
        await self._do(f"router:{spec.id}", lambda: self._ensure_router(spec))

    def _ensure_router(self, spec: RouterSpec) -> None:
        before = self._routers.get(spec.id)
        if before == spec:
            return
        where = self._naming.router(spec.id)
        namespace.create(where, routers.SETTINGS)
        for leg in routers.legs(spec):
            if naming.bridge(leg.network_id) not in self._links:
                raise errors.Absent(f"The network {leg.network_id} is not in the kernel yet.")
        present = cabling.present(where)
        wanted = {naming.leg(leg.port_id): leg for leg in routers.legs(spec)}
        for device in present.keys() - wanted.keys():
            programs.ip(where, [f"link delete {device}"])
        for device, leg in wanted.items():
            tap = naming.tap(leg.port_id)
            if device not in present:
                self._drop_link(tap)
                programs.ip(self._naming.fabric, cabling.leg(leg, where, self._naming.alias("leg", leg.port_id)))
                self._links.add(tap)
        programs.nft(where, routers.nat(spec))
        programs.ip(where, cabling.addressed(routers.addresses(spec), present))
        programs.ip(where, routers.routes(spec), force=True)
        self._cut_translations(where, before, spec)
        self._routers[spec.id] = spec

    def _cut_translations(self, where: str, before: RouterSpec | None, spec: RouterSpec) -> None:
        """Flows of floating IPs that moved or went end; the host learns anew where the others are."""
        gone = set(before.floating) - set(spec.floating) if before else set()
        for floating in gone:
            conntrack.cut_translated(where, str(floating.floating))
            conntrack.cut_translated(where, str(floating.fixed))
        changed = gone | (set(spec.floating) - set(before.floating if before else ()))
        lines = [f"neigh flush to {floating.floating} dev {self._naming.uplink}" for floating in changed]
        programs.ip(programs.HOST, lines, force=True)

    async def remove_router(self, id: str) -> None:
        await self._do(f"router:{id}", lambda: self._remove_router(id))

    def _remove_router(self, id: str) -> None:
        where = self._naming.router(id)
        if namespace.exists(where):
            devices = [device for device in cabling.present(where) if device.startswith("qr-")]
            programs.ip(where, [f"link delete {device}" for device in devices], force=True)
        namespace.remove(where)
        self._routers.pop(id, None)
        self._look()

    # Names.

    async def ensure_names(self, spec: NamesSpec) -> None:
        await self._do(f"names:{spec.network_id}", lambda: self._ensure_names(spec))

    def _ensure_names(self, spec: NamesSpec) -> None:
        directory = self._run / "names" / spec.network_id
        where, tap = self._naming.names(spec.network_id), naming.tap(spec.port_id)
        alive = dns.running(directory) is not None
        if alive and self._names.get(spec.network_id) == spec:
            return
        if naming.bridge(spec.network_id) not in self._links:
            raise errors.Absent(f"The network {spec.network_id} is not in the kernel yet.")
        namespace.create(where, _NAMES_SETTINGS)
        present = cabling.present(where)
        device = naming.leg(spec.port_id)
        if device not in present:
            self._drop_link(tap)
            programs.ip(self._naming.fabric, cabling.names_leg(spec, where, self._naming.alias("names", spec.port_id)))
            self._links.add(tap)
        programs.ip(where, cabling.addressed({device: list(spec.addresses)}, present))
        programs.ip(where, [f"route replace default via {hop}" for hop in spec.gateways], force=True)
        self._serve_names(spec, directory, where, alive=alive)
        self._names[spec.network_id] = spec

    def _serve_names(self, spec: NamesSpec, directory: Path, where: str, *, alive: bool) -> None:
        changed = dns.write(spec, directory)
        command = "\n".join(dns.command(spec, directory))
        kept = directory / "command"
        if alive and kept.is_file() and kept.read_text() == command:
            if changed:
                dns.reload(directory)
            return
        dns.stop(directory)
        dns.write(spec, directory)
        dns.start(where, spec, directory)
        kept.write_text(command)

    async def remove_names(self, network_id: str) -> None:
        await self._do(f"names:{network_id}", lambda: self._remove_names(network_id))

    def _remove_names(self, network_id: str) -> None:
        dns.stop(self._run / "names" / network_id)
        where = self._naming.names(network_id)
        if namespace.exists(where):
            devices = [device for device in cabling.present(where) if device.startswith("qr-")]
            programs.ip(where, [f"link delete {device}" for device in devices], force=True)
        namespace.remove(where)
        self._names.pop(network_id, None)

    # The uplink.

    async def ensure_uplink(self, spec: UplinkSpec) -> None:
        await self._do("uplink", lambda: self._ensure_uplink(spec))

    def _ensure_uplink(self, spec: UplinkSpec) -> None:
        if self._uplink == spec:
            return
        bridge, device = naming.bridge(spec.network_id), self._naming.uplink
        if bridge not in self._links:
            raise errors.Absent(f"The network {spec.network_id} is not in the kernel yet.")
        present = cabling.present(programs.HOST)
        cabling.check_free(spec, present, device)
        if device not in present:
            alias = self._naming.alias("uplink", spec.network_id)
            programs.ip(programs.HOST, cabling.uplink(device, self._naming.fabric, alias))
        programs.ip(self._naming.fabric, cabling.uplink_inside(bridge, device))
        programs.nft(programs.HOST, uplinks.table(self._naming, spec))
        programs.ip(programs.HOST, cabling.addressed({device: list(spec.addresses)}, present))
        uplinks.open_forwarding(self._naming)
        self._uplink = spec

    async def remove_uplink(self) -> None:
        await self._do("uplink", self._remove_uplink)

    def _remove_uplink(self) -> None:
        uplinks.close_forwarding(self._naming)
        programs.nft(programs.HOST, uplinks.no_table(self._naming))
        _gone(lambda: programs.ip(programs.HOST, [f"link delete {self._naming.uplink}"]))
        self._uplink = None


def _gone(work: Callable[[], None]) -> None:
    """Do away with something that may be gone already."""
    try:
        work()
    except errors.Absent:
        return


def _zone_of(listed: dict[str, object], bridge: str) -> int | None:
    """The zone of a bridge in the JSON of the zone map."""
    entries = listed.get("nftables", [])
    assert isinstance(entries, list)
    for entry in entries:
        for pair in entry.get("map", {}).get("elem", []):
            if pair[0] == bridge:
                return int(pair[1])
    return None
