"""What can go wrong in the orchestration service, with the names and sentences that Heat's clients know."""

from __future__ import annotations

from boxship.core import errors
from boxship.services.orchestration.template.errors import Invalid, StackValidationFailed, UserParameterMissing

__all__ = [
    "ActionInProgress",
    "ActionNotComplete",
    "EntityNotFound",
    "Invalid",
    "NotSupported",
    "RequestLimitExceeded",
    "StackExists",
    "StackValidationFailed",
    "UserParameterMissing",
]


class EntityNotFound(errors.NotFound):
    """There is no such thing, or the caller must not know."""

    def __init__(self, entity: str, name: str) -> None:
        super().__init__(f"The {entity} ({name[:255]}) could not be found.")


class StackExists(errors.Conflict):
    """The name is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The Stack ({name}) already exists.")


class ActionInProgress(errors.Conflict):
    """Something else is being done to the stack."""

    def __init__(self, name: str, action: str) -> None:
        super().__init__(f"Stack {name} already has an action ({action}) in progress.")


class ActionNotComplete(errors.Conflict):
    """What was asked for has not come to its end yet."""

    def __init__(self, name: str, action: str) -> None:
        super().__init__(f"Stack {name} currently has an action ({action}) in progress.")


class NotSupported(errors.BadRequest):
    """It cannot be done to this."""


class RequestLimitExceeded(errors.BadRequest):
    """A limit of the service."""
