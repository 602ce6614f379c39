"""Ports that end on a host (extension ``boxship-host-plug``): bound by whoever plugs them into something that we do not run.

Such a port names its host and has ``{"plug": "host"}`` in its binding profile. Its host makes the cable and leaves the free
end in its own network namespace; ``binding:vif_details`` says how the device is called. Never decides who may: ``ports`` has.
"""

from __future__ import annotations

from boxship.core import hosts
from boxship.core.db.database import Transaction
from boxship.services.network import errors, model
from boxship.services.network.operations import wiring
from boxship.services.network.store import removals, rows, tables


def wanted(port: model.Port) -> bool:
    """Whether the binding asks for the end of the cable on a host."""
    return bool(port.host) and port.profile.get("plug") == "host"


async def follow(transaction: Transaction, before: model.Port, port: model.Port) -> None:
    """Plug or unplug as the binding of ``port`` says, where that of ``before`` said otherwise.

    InvalidInput: there is no such host. PortInUse: it is plugged in elsewhere.
    """
    plugged = before.sandbox == model.HOST_PLUG
    if wanted(port) and plugged and port.host != before.host:
        raise errors.PortInUse(port.id, f"It is plugged in on host {before.host}; unbind it first.")
    if wanted(port) and before.sandbox and not plugged:
        raise errors.PortInUse(port.id, f"It is bound to {before.device_owner or 'device'} {before.device_id}.")
    if wanted(port) and not plugged:
        await _check_host(transaction, port.host)
        await _rewire(transaction, port, sandbox=model.HOST_PLUG, interface=device(port.id))
    elif plugged and not wanted(port):
        gone = model.Removal(model.Kind.PORT, port.id, port.network_id, model.HOST_PLUG, host=before.host)
        await removals.add(transaction, gone)
        await _rewire(transaction, port, sandbox="", interface="")


async def _check_host(transaction: Transaction, name: str) -> None:
    known = [host.name for host in await hosts.known(transaction) if host.works]
    if known and name not in known:
        raise errors.InvalidInput(
            f"'{name}' is no host of this cloud that has networks; there is {', '.join(known)}.",
            field="binding:host_id",
        )


def device(port_id: str) -> str:
    """The device on the host: a name that no port of another installation on that host has either."""
    return f"bxp{port_id.replace('-', '')[:12]}"


async def _rewire(transaction: Transaction, port: model.Port, **place: str) -> None:
    """The cable is down until it is real, and the names that the network's ports have follow."""
    down = {"status": str(model.Status.DOWN), "reason": None}
    await rows.change(transaction, tables.ports, port.id, **place, **down)
    await rows.wish(transaction, tables.ports, [port.id], model.Kind.PORT)
    await wiring.names_changed(transaction, port)
