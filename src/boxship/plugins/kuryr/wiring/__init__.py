"""How a bound port becomes a device of this host that Docker can take: by the cloud (``plug``), or by us on a bridge or in
Open VSwitch (``veth``) where an agent of Neutron's does the rest. Which one, the cloud says."""

from __future__ import annotations

from boxship.core import errors
from boxship.plugins.kuryr import resources
from boxship.plugins.kuryr.neutron import HOST_PLUG, Neutron
from boxship.plugins.kuryr.wiring import plug, veth

_POLL = 0.05
"""Seconds between two looks at a port that is being wired."""


def binding(neutron: Neutron, host: str) -> dict[str, object]:
    """The fields of a port that bind it to this host."""
    fields: dict[str, object] = {"binding:host_id": host}
    return fields | ({"binding:profile": plug.PROFILE} if neutron.has(HOST_PLUG) else {})


def loose(neutron: Neutron) -> dict[str, object]:
    """The fields of a port that is bound to no host."""
    fields: dict[str, object] = {"binding:host_id": ""}
    return fields | ({"binding:profile": {}} if neutron.has(HOST_PLUG) else {})


def wire(neutron: Neutron, port: resources.Port, mtu: int | None) -> None:
    """Make the device of a bound port, and wait until packets pass. Refused or Unavailable: it does not come about."""
    if port.vif_type != plug.VIF_TYPE:
        veth.wire(port, mtu)
    while port.status != "ACTIVE":
        if port.status == "ERROR":
            raise errors.Unavailable(f"The cloud could not wire the port {port.id}.")
        neutron.deadline.wait(_POLL)
        port = neutron.get(f"/ports/{port.id}", "port", resources.Port)


def unwire(port: resources.Port) -> None:
    """Remove what ``wire`` made on this host; repeatable."""
    if port.vif_type != plug.VIF_TYPE:
        veth.unwire(port)


def device(port: resources.Port) -> str:
    """The device that Docker takes into the container."""
    return plug.device(port) if port.vif_type == plug.VIF_TYPE else veth.device(port)
