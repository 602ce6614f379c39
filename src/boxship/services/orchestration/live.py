"""What the handlers of this service act with beside the database: the other services, and who may be acted for."""

from __future__ import annotations

from boxship.core.http.call import Call
from boxship.services.orchestration.operations.children import NestedStacks
from boxship.services.orchestration.operations.sights import Ground

__all__ = ["NestedStacks", "StackCall"]

StackCall = Call[Ground]
"""A request of this service; ``live`` is what stacks stand on."""
