"""Makes networks, security groups, ports, routers and name services real: a module per kind; ``ground`` is what they share."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from boxship.config import Settings
from boxship.core.db.database import Database
from boxship.core.hosts import Hosts
from boxship.core.reconcile.loop import Reconciler
from boxship.drivers.linux.interface import Fabric
from boxship.services.network.reconciler.ground import Ground
from boxship.services.network.reconciler.groups import GroupReconciler
from boxship.services.network.reconciler.names import NamesReconciler
from boxship.services.network.reconciler.networks import NetworkReconciler
from boxship.services.network.reconciler.ports import PortReconciler
from boxship.services.network.reconciler.routers import RouterReconciler
from boxship.services.network.reconciler.tunnels import TunnelReconciler


def all_reconcilers(database: Database, fabric: Fabric, settings: Settings, hosts: Hosts) -> Sequence[Reconciler]:
    """The reconcilers of this service, on one kernel."""
    ground, deadline = Ground(database, fabric, hosts), settings.step_deadline
    found: list[Reconciler] = [
        NetworkReconciler(ground, deadline=deadline),
        GroupReconciler(ground, deadline=deadline),
        PortReconciler(ground, deadline=deadline),
        RouterReconciler(ground, deadline=deadline),
        NamesReconciler(ground, deadline=deadline),
    ]
    if hosts.shared and settings.tunnel_address:
        local = ipaddress.ip_address(settings.tunnel_address)
        found.append(TunnelReconciler(ground, local, settings.tunnel_port, deadline=deadline))
    return found
