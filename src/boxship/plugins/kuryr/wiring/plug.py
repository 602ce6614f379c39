"""Ports whose device the cloud makes on this host (Boxship's extension ``boxship-host-plug``): there is nothing to do."""

from __future__ import annotations

from boxship.core import errors
from boxship.plugins.kuryr import resources

VIF_TYPE = "boxship"
PROFILE = {"plug": "host"}


def device(port: resources.Port) -> str:
    """The device as the cloud named it. Unavailable: it does not say."""
    name = port.vif_details.get("interface")
    if not isinstance(name, str):
        raise errors.Unavailable(f"The cloud does not say which device the port {port.id} has on this host.")
    return name
