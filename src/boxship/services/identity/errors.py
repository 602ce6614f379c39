"""What can go wrong, in Keystone's words."""

from __future__ import annotations

from boxship.core import errors


class ResourceNotFound(errors.NotFound):
    """``kind`` is user, group, project, domain, role, ..."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"Could not find {kind}: {id}.")


class TokenNotFound(errors.NotFound):
    def __init__(self) -> None:
        super().__init__("Could not find token: it is not valid, or not any more.")


class AssignmentNotFound(errors.NotFound):
    def __init__(self) -> None:
        super().__init__("Could not find role assignment.")


class NotInGroup(errors.NotFound):
    def __init__(self, user_id: str, group_id: str) -> None:
        super().__init__(f"User '{user_id}' not found in group '{group_id}'")


class Duplicate(errors.Conflict):
    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"Conflict occurred attempting to store {kind} - Duplicate entry found with name {name}.")


class DuplicateRegion(errors.Conflict):
    def __init__(self, id: str) -> None:
        super().__init__(f"Conflict occurred attempting to store region - Duplicate ID, {id}.")


class BuiltIn(errors.Forbidden):
    """What this program offers, it lists: ``kind`` is region, service or endpoint."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"The {kind} {id} is of this cloud itself: it can be neither changed nor deleted.")


class RegionInUse(errors.Forbidden):
    def __init__(self, id: str) -> None:
        super().__init__(f"Unable to delete region {id} because it or its child regions have associated endpoints.")


class CircularRegions(errors.BadRequest):
    def __init__(self, parent_id: str) -> None:
        super().__init__(
            f"The specified parent region {parent_id} would create a circular region hierarchy.",
            field="region.parent_region_id",
        )


class InvalidUrl(errors.BadRequest):
    def __init__(self, url: str) -> None:
        super().__init__(f"Cannot create an endpoint with an invalid URL: {url}.", field="endpoint.url")


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
