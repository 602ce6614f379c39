"""A fabric that wires nothing: it keeps the specs, answers as the kernel would, and fails where the kernel would.

For people who test API clients and for quick tests; it needs no root. What it holds ends with the process, as the
kernel's state ends with a boot.
"""

from __future__ import annotations

from pathlib import Path

from boxship.core import errors
from boxship.drivers.linux import names, naming, tunnels
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


class FakeFabric:
    """See ``interface.Fabric``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.networks: dict[str, NetworkSpec] = {}
        self.ports: dict[str, PortSpec] = {}
        self.groups: dict[str, GroupSpec] = {}
        self.routers: dict[str, RouterSpec] = {}
        self.names: dict[str, NamesSpec] = {}
        self.tunnels: dict[str, TunnelSpec] = {}
        self.sandboxes: set[str] = set()
        self.metadata: MetadataHandler | None = None
        self.uplinks: dict[str, UplinkSpec] = {}

    async def open(self) -> None:
        """There is nothing to make."""

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def destroy(self) -> None:
        for kept in (self.networks, self.ports, self.groups, self.routers, self.names, self.tunnels, self.uplinks):
            kept.clear()
        self.sandboxes.clear()

    def _needs(self, network_id: str) -> None:
        if network_id not in self.networks:
            raise errors.Absent(f"The network {network_id} is not in the kernel yet.")

    async def ensure_network(self, spec: NetworkSpec) -> None:
        naming.check(spec.id)
        self.networks[spec.id] = spec

    async def remove_network(self, id: str) -> None:
        self.networks.pop(id, None)
        self.tunnels.pop(id, None)

    async def ensure_uplink(self, spec: UplinkSpec) -> None:
        self._needs(spec.network_id)
        self.uplinks[spec.network_id] = spec

    async def remove_uplink(self, network_id: str) -> None:
        self.uplinks.pop(network_id, None)

    def sandbox_path(self, name: str) -> Path:
        return self._directory / name

    async def ensure_sandbox(self, name: str) -> None:
        naming.check(name)
        self.sandboxes.add(name)

    async def remove_sandbox(self, name: str) -> None:
        self.sandboxes.discard(name)
        for port in [port for port in self.ports.values() if port.sandbox == name]:
            del self.ports[port.id]

    async def ensure_port(self, spec: PortSpec) -> None:
        naming.check(spec.id)
        naming.check_port(spec.mac, spec.interface)
        if spec.sandbox:
            naming.check(spec.sandbox)
        else:
            naming.check_plug(spec.interface)
        self._needs(spec.network_id)
        missing = [group for group in spec.groups if group not in self.groups]
        if spec.guarded and missing:
            raise errors.Absent(f"The security group {missing[0]} is not in the kernel yet.")
        if spec.sandbox:
            self.sandboxes.add(spec.sandbox)
        self.ports[spec.id] = spec

    async def remove_port(self, id: str) -> None:
        self.ports.pop(id, None)

    async def ensure_group(self, spec: GroupSpec) -> None:
        naming.check(spec.id)
        self.groups[spec.id] = spec

    async def remove_group(self, id: str) -> None:
        if any(id in port.groups and port.guarded for port in self.ports.values()):
            raise errors.Busy("A port is still filtered by the group.")
        self.groups.pop(id, None)

    async def ensure_router(self, spec: RouterSpec) -> None:
        naming.check(spec.id)
        for leg in (*spec.legs, *([spec.gateway] if spec.gateway else [])):
            self._needs(leg.network_id)
        self.routers[spec.id] = spec

    async def remove_router(self, id: str) -> None:
        self.routers.pop(id, None)

    async def ensure_names(self, spec: NamesSpec) -> None:
        names.check(spec)
        self._needs(spec.network_id)
        self.names[spec.network_id] = spec

    async def remove_names(self, network_id: str) -> None:
        self.names.pop(network_id, None)

    async def answer_metadata(self, handler: MetadataHandler) -> None:
        self.metadata = handler

    async def ensure_tunnel(self, spec: TunnelSpec) -> None:
        tunnels.check(spec)
        self._needs(spec.network_id)
        self.tunnels[spec.network_id] = spec

    async def remove_tunnel(self, network_id: str) -> None:
        self.tunnels.pop(network_id, None)

    async def sight(self) -> FabricSight:
        return FabricSight(
            networks=frozenset(self.networks),
            ports=frozenset(self.ports),
            groups=frozenset(self.groups),
            routers=frozenset(self.routers),
            names=frozenset(self.names),
            sandboxes=frozenset(self.sandboxes),
            uplinks=frozenset(self.uplinks),
            tunnels=frozenset(self.tunnels),
        )
