"""Who asks: the facts of a validated token and what the rules let it do. Never looks anything up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from boxship.core import errors
from boxship.core.auth.rules import Rules


@dataclass(frozen=True, slots=True)
class Caller:
    """The bearer of a token. ``project_id`` is None for an unscoped, domain or system token; ``roles`` are lower case."""

    user_id: str
    user_name: str
    user_domain_id: str
    roles: frozenset[str]
    rules: Rules
    project_id: str | None = None
    project_name: str | None = None
    project_domain_id: str | None = None
    domain_id: str | None = None
    system: bool = False
    token_expires_at: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    request: str | None = None
    """The one request (method and target) that the token is good for; None: for any."""

    def attribute(self, name: str) -> str | None:
        """For rules (``Subject``)."""
        if name == "is_admin":
            return str(self.is_admin)
        if name == "system_scope":
            return "all" if self.system else None
        if name == "domain_id":
            return self.domain_id
        if name in {"user_id", "project_id", "user_domain_id", "project_domain_id"}:
            value: str | None = getattr(self, name)
            return value
        return self.attributes.get(name)

    @property
    def is_admin(self) -> bool:
        """May see and do everything in every project (rule ``context_is_admin``)."""
        return "admin" in self.roles

    @property
    def project(self) -> str:
        """The project acted in. Forbidden: the token is not scoped to one."""
        if self.project_id is None:
            raise errors.Forbidden("This needs a token that is scoped to a project; yours is not.")
        return self.project_id

    def may(self, rule: str, target: Mapping[str, object] | None = None) -> bool:
        """Whether the rule allows it; without a target the caller's own user and project are meant."""
        if target is None:
            target = {"project_id": self.project_id, "user_id": self.user_id, "tenant_id": self.project_id}
        return self.rules.allow(rule, self, target)

    def require(self, rule: str, target: Mapping[str, object] | None = None) -> None:
        """Forbidden, naming the rule, where it does not allow it."""
        if not self.may(rule, target):
            raise errors.Forbidden(f"Policy does not allow {rule} to be performed.")

    def sees(self, project_id: str) -> bool:
        """Whether rows of that project exist for this caller."""
        return self.is_admin or project_id == self.project_id


class Authenticator(Protocol):
    """Turns the text of X-Auth-Token into a caller; the identity service is one."""

    async def caller(self, token: str) -> Caller:
        """Unauthorized: not a valid token (any more)."""
        ...
