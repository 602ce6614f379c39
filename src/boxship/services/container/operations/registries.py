"""Private registries of projects."""

from __future__ import annotations

from typing import Any

from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.core.vault import Vault


async def find(transaction: Transaction, caller: Caller, name: str) -> Any:
    """NotFound."""
    raise errors.NotFound(f"Registry {name} could not be found.")


async def credentials(transaction: Transaction, vault: Vault, registry_id: str) -> Any:
    """None."""


async def guards(transaction: Transaction, image: str) -> bool:
    """Whether the image is from a registry that somebody keeps credentials for."""
    return False
