"""Networks as Zun has them: the engine's part of a network of the network service.

Here containers are plugged into those networks themselves, and an engine knows none of them. What Zun makes and removes
is thus always there, or not needed: asking for it says only whether the network exists.
"""

from __future__ import annotations

from boxship.core.auth.caller import Caller
from boxship.core.db.database import Transaction
from boxship.services.network import public as network


async def check(transaction: Transaction, caller: Caller, network_id: str) -> str:
    """The id of a network that containers can be plugged into. NetworkNotFound."""
    return await network.find_network(transaction, caller, network_id)
