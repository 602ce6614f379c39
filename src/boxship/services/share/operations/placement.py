"""Which host a new share is made on: one that lives, takes new shares, and whose backend has what the type asks for."""

from __future__ import annotations

import random
from collections.abc import Mapping

import msgspec

from boxship.config import Settings
from boxship.core import errors as core_errors
from boxship.core.db.database import Transaction
from boxship.services.share.model import ShareType
from boxship.services.share.operations import services, types

NOWHERE = "No storage could be allocated for this share request. Trying again with a different size or share type may succeed."
"""Why a share was not made, in the words that clients know: no host has what its type asks for, or all that have it are away
or disabled."""


class Place(msgspec.Struct, frozen=True):
    """A host, and the availability zone that it is in."""

    host: str
    zone: str


async def choose(
    transaction: Transaction, settings: Settings, share_type: ShareType, zone: str | None, only: Place | None
) -> Place | None:
    """This host, if it can, or any other; ``only``: the one that has what the share begins with, whether it takes other new
    shares or not. None: there is no such host now. NotFound: no host is in the zone at all."""
    if only is not None:
        return only if meets(share_type.extra_specs) else None
    keepers = await services.keepers(transaction, settings)
    if zone is not None and zone not in {one.zone for one in keepers}:
        raise core_errors.NotFound(f"Availability zone {zone[:64]} could not be found.")
    zones = [name.strip() for name in share_type.extra_specs.get("availability_zones", "").split(",") if name.strip()]
    if not meets(share_type.extra_specs):
        return None
    able = [
        Place(one.host, one.zone)
        for one in keepers
        if one.up and not one.disabled and zone in {None, one.zone} and (not zones or one.zone in zones)
    ]
    here = [place for place in able if place.host == settings.host_name]
    return (here or [random.choice(able)])[0] if able else None  # noqa: S311 (any will do)


def capabilities() -> dict[str, object]:
    """What can be asked of the backend of every host, besides its room."""
    return {
        "share_backend_name": services.BACKEND,
        "pool_name": services.POOL,
        "storage_protocol": "NFS",
        "vendor_name": "Open Source",
        "driver_version": "1.0",
        types.DHSS: False,
        types.SNAPSHOTS: True,
        types.COPIES: True,
        types.REVERTS: True,
        types.MOUNTS: False,
        "thin_provisioning": True,
        "ipv4_support": True,
        "ipv6_support": True,
        "dedupe": False,
        "compression": False,
        "qos": False,
        "replication_type": None,
    }


def meets(specs: Mapping[str, str]) -> bool:
    """Whether the backend has all that the extra specs ask for: those without a scope, or of the scope ``capabilities``."""
    has = capabilities()
    for key, wanted in specs.items():
        scope, _, name = key.rpartition(":")
        if scope not in {"", "capabilities"} or name == "availability_zones":
            continue
        if name not in has or not _is_met(has[name], wanted):
            return False
    return True


def _is_met(has: object, wanted: str) -> bool:
    """Booleans in any spelling; false asks for nothing, as a share may have more than it needs. Else the same words."""
    said = wanted.lower().removeprefix("<is>").strip()
    if isinstance(has, bool):
        return has or said in {"false", "0", "no", "off", "f", "n"}
    return str(has).lower() == said
