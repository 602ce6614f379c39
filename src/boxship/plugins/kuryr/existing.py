"""Ports that a user made: used as they are, and given back as they were. They are never renamed and never deleted.

Docker does not let a driver say the MAC of an endpoint that it has chosen already, so the port gets Docker's for the time
that it is used; a tag keeps its own. Another tag says which addresses it did not have.
"""

from __future__ import annotations

from boxship.core import errors
from boxship.plugins.kuryr import marks, resources
from boxship.plugins.kuryr.neutron import Neutron


def check_free(port: resources.Port) -> None:
    """Conflict: the port belongs to a device already."""
    if port.is_bound:
        whose = " ".join(word for word in (port.device_owner, port.device_id) if word) or f"host {port.host}"
        ips = ", ".join(fixed.ip_address for fixed in port.fixed_ips)
        raise errors.Conflict(f"The port {port.id} ({ips}) is in use by {whose}.")


def use(neutron: Neutron, port: resources.Port, mac: str) -> resources.Port:
    """Mark a user's port, and give it this MAC (empty: it keeps its own). Repeatable. Conflict: it cannot be marked."""
    if not neutron.has_tags():
        raise errors.Conflict(f"The port {port.id} was there before, and a cloud without tags cannot remember that.")
    path = f"/ports/{port.id}"
    if marks.EXISTING_PORT not in port.tags:
        neutron.tag(path, marks.EXISTING_PORT)
    if mac and mac != port.mac_address:
        if marks.kept_mac(port.tags) is None:
            neutron.tag(path, marks.mac_tag(port.mac_address))
        _change_mac(neutron, port, mac)
    return neutron.get(path, "port", resources.Port)


def _change_mac(neutron: Neutron, port: resources.Port, mac: str) -> None:
    try:
        neutron.update(f"/ports/{port.id}", "port", resources.Port, mac_address=mac)
    except errors.Forbidden as error:
        give_back(neutron, port)
        raise errors.Forbidden(
            f"The MAC of the port {port.id} may not be changed; use it with --mac-address {port.mac_address}."
        ) from error


def give_back(neutron: Neutron, port: resources.Port) -> None:
    """Make a user's port, which is unbound, what it was before. Repeatable; a port that is gone is no error."""
    path = f"/ports/{port.id}"
    try:
        port = neutron.get(path, "port", resources.Port)
        values = _before(port)
        if values:
            neutron.update(path, "port", resources.Port, **values)
        if marks.EXISTING_PORT in port.tags:
            neutron.set_tags(path, marks.without_port_marks(port.tags))
    except errors.NotFound:
        return


def _before(port: resources.Port) -> dict[str, object]:
    """What of the port is not as it was."""
    values: dict[str, object] = {}
    mac, added = marks.kept_mac(port.tags), marks.added(port.tags)
    if mac is not None and mac != port.mac_address:
        values["mac_address"] = mac
    if any(fixed.ip_address in added for fixed in port.fixed_ips):
        values["fixed_ips"] = [
            {"subnet_id": fixed.subnet_id, "ip_address": fixed.ip_address}
            for fixed in port.fixed_ips
            if fixed.ip_address not in added
        ]
    return values
