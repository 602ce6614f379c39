"""Port forwardings on the wire (Networking API v2.0, "Floating IPs port forwarding")."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.services.network import model
from boxship.services.network.schemas.fields import Digits, Id, Ip, Request, Text

Number = Annotated[int, Meta(ge=-(1 << 31), le=(1 << 31) - 1)] | Digits | None
"""What is no port has a sentence of its own."""
Range = Annotated[str, Meta(pattern=r"^[0-9]{1,5}(:[0-9]{1,5})?\Z")]
"""A port, or the first and the last of several."""


class ForwardingWish(Request, frozen=True, kw_only=True):
    """What may be said of a forwarding, and changed: a port and a range are two spellings of the same."""

    external_port: Number | UnsetType = UNSET
    external_port_range: Range | None | UnsetType = UNSET
    internal_port: Number | UnsetType = UNSET
    internal_port_range: Range | None | UnsetType = UNSET
    internal_port_id: Id | UnsetType = UNSET
    internal_ip_address: Ip | UnsetType = UNSET
    protocol: Annotated[str, Meta(max_length=16)] | UnsetType = UNSET
    description: Text | UnsetType = UNSET


class ForwardingCreate(ForwardingWish, frozen=True, kw_only=True):
    """A forwarding to be made; it belongs to the project of its floating IP, whatever is said."""

    project_id: Id | UnsetType = UNSET
    tenant_id: Id | UnsetType = UNSET


class ForwardingCreateBody(Request, frozen=True, kw_only=True):
    """One forwarding or several."""

    port_forwarding: ForwardingCreate | UnsetType = UNSET
    port_forwardings: Annotated[tuple[ForwardingCreate, ...], Meta(min_length=1, max_length=100)] | UnsetType = UNSET


class ForwardingUpdateBody(Request, frozen=True, kw_only=True):
    port_forwarding: ForwardingWish


class Exposed(msgspec.Struct, frozen=True, kw_only=True):
    """A forwarding as the answer for its floating IP has it; a single port is not there where there are several."""

    id: str
    protocol: str
    internal_ip_address: str
    internal_port_id: str
    internal_port: int | UnsetType = UNSET
    external_port: int | UnsetType = UNSET


class Forwarding(Exposed, frozen=True, kw_only=True):
    """A forwarding as clients read it."""

    internal_port_range: str
    external_port_range: str
    description: str


def exposed(row: model.Forwarding) -> Exposed:
    """What its floating IP tells of a forwarding."""
    return Exposed(
        id=row.id,
        protocol=row.protocol,
        internal_ip_address=row.internal_ip_address,
        internal_port_id=row.internal_port_id,
        internal_port=row.internal_port if row.internal_port == row.internal_last else UNSET,
        external_port=row.external_port if row.external_port == row.external_last else UNSET,
    )


def forwarding(row: model.Forwarding) -> Forwarding:
    """The answer for a forwarding."""
    return Forwarding(
        **msgspec.structs.asdict(exposed(row)),
        internal_port_range=f"{row.internal_port}:{row.internal_last}",
        external_port_range=f"{row.external_port}:{row.external_last}",
        description=row.description,
    )
