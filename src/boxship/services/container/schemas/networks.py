"""Networks on the wire. A network of the network service needs nothing of an engine here, so that it is shown as it is."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import msgspec
from msgspec import Meta


class NetworkRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of POST: a network of the network service, and a name that Zun asks for and does not keep."""

    neutron_net_id: Annotated[str, Meta(min_length=1, max_length=255)]
    name: Annotated[str, Meta(max_length=255)] | None = None


def view(neutron_net_id: str, project_id: str, user_id: str) -> dict[str, Any]:
    """What Zun shows of the engine's network for it; its id is always the same one, and there is none in the engine."""
    return {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, neutron_net_id)),
        "name": neutron_net_id,
        "project_id": project_id,
        "user_id": user_id,
        "network_id": None,
        "neutron_net_id": neutron_net_id,
    }
