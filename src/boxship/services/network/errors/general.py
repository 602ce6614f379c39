"""What can go wrong with any resource: values, rights, quotas, zones and agents."""

from __future__ import annotations

from boxship.core import errors


class InvalidInput(errors.BadRequest):
    """A value is not acceptable; the sentence names it."""


class PolicyNotAuthorized(errors.Forbidden):
    """The resource is visible to the caller, and not the caller's to change."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"rule:{rule} is disallowed by policy")


class OverQuota(errors.OverQuota):
    """``overs`` are the resources, as in the quota, that would exceed it."""

    def __init__(self, overs: str) -> None:
        super().__init__(f"Quota exceeded for resources: ['{overs}'].")


class QuotaBelowUse(errors.BadRequest):
    """A limit is to be set below what the project has already."""

    def __init__(self, resource: str, most: int, used: int) -> None:
        super().__init__(
            f"Quota limit {most} for {resource} must be greater than or equal to already used {used}", field=resource
        )


class TenantQuotaNotFound(errors.NotFound):
    """No admin ever said what the project may have."""

    def __init__(self, project_id: str) -> None:
        super().__init__(f"Quota for tenant {project_id} could not be found.")


class AvailabilityZoneNotFound(errors.NotFound):
    """No host is in the zone that is hinted at."""

    def __init__(self, zone: str) -> None:
        super().__init__(f"AvailabilityZone {zone} could not be found.")


class AgentNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Agent {id} could not be found.")


class AgentInUse(errors.Conflict):
    """Only the agents of hosts that are gone are removed."""

    def __init__(self, id: str, host: str) -> None:
        super().__init__(f"Agent {id} is alive: its host {host} works. Stop Boxship there first.")


class NotUnique(errors.Conflict):
    """A name stands for several resources."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"More than one {kind} is called {name!r}; use an id.")


class RevisionNumberConstraintFailed(errors.RequestError):
    """A change was asked for on condition (``If-Match``) of a revision that is not the resource's."""

    status = 412
    title = "Precondition Failed"

    def __init__(self, expected: int, current: int | None) -> None:
        super().__init__(f"Constrained to {expected}, but current revision is {current}")


class TagNotFound(errors.NotFound):
    def __init__(self, tag: str) -> None:
        super().__init__(f"Tag {tag} could not be found.")


class ExtensionNotFound(errors.NotFound):
    def __init__(self, alias: str) -> None:
        super().__init__(f"Extension with alias {alias} does not exist")


class RbacPolicyNotFound(errors.NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"RBAC policy with ID {id} not found")


class RbacPolicyInUse(errors.Conflict):
    """Projects use what the policy lets them use."""

    def __init__(self, object_id: str) -> None:
        super().__init__(
            f"RBAC policy on object {object_id} cannot be removed because other objects depend on it: "
            "other projects use it."
        )


class DuplicateRbacPolicy(errors.Conflict):
    """The object has a policy with the same action and target."""

    def __init__(self) -> None:
        super().__init__("An RBAC policy already exists with those values.")
