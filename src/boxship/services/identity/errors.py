"""What can go wrong, in Keystone's words."""

from __future__ import annotations

from boxship.core import errors


class ResourceNotFound(errors.NotFound):
    """``kind`` is user, project, domain, role, ..."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"Could not find {kind}: {id}.")


class TokenNotFound(errors.NotFound):
    def __init__(self) -> None:
        super().__init__("Could not find token: it is not valid, or not any more.")


class AssignmentNotFound(errors.NotFound):
    def __init__(self) -> None:
        super().__init__("Could not find role assignment.")


class Duplicate(errors.Conflict):
    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"Conflict occurred attempting to store {kind} - Duplicate entry found with name {name}.")


class StillEnabled(errors.Forbidden):
    def __init__(self) -> None:
        super().__init__("Cannot delete a domain that is enabled, please disable it first.")


class WrongCredentials(errors.Unauthorized):
    """One sentence for every cause, so that nobody learns which users exist."""

    def __init__(self) -> None:
        super().__init__("The request you have made requires authentication.")


class TooManyFailures(errors.Unauthorized):
    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many wrong passwords for this user; try again in {seconds} seconds.")
