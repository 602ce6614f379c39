"""RBAC policies on the wire (Networking API v2.0, "RBAC Policies")."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.services.network import errors, model
from boxship.services.network.schemas.fields import Id, Request, Text, known

_TARGET = re.compile(r"\*|[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
"""A project, or ``*`` for all of them."""


class _Targeted(Request, frozen=True, kw_only=True):
    """Whom something is shared with, in the old or the new spelling."""

    target_tenant: Id | UnsetType = UNSET
    target_project: Id | UnsetType = UNSET

    @property
    def target(self) -> str:
        """The project. InvalidInput: none is named, or two, or what is no id of a project."""
        old, new = known(self.target_tenant), known(self.target_project)
        if old is not None and new is not None and old != new:
            raise errors.InvalidInput("target_tenant and target_project differ.", field="target_tenant")
        found = new if old is None else old
        if found is None:
            raise errors.InvalidInput("Whom it is shared with is required.", field="target_tenant")
        if not _TARGET.fullmatch(found):
            raise errors.InvalidInput(
                f"'{found}' is not a valid target project ID; expected a UUID or '*'", field="target_tenant"
            )
        return found


class RbacCreate(_Targeted, frozen=True, kw_only=True):
    """A policy to be made."""

    object_type: Text
    object_id: Id
    action: Text
    project_id: Id | UnsetType = UNSET
    tenant_id: Id | UnsetType = UNSET


class RbacUpdate(_Targeted, frozen=True, kw_only=True):
    """Whom it is to be shared with from now on."""


class RbacCreateBody(Request, frozen=True, kw_only=True):
    """One policy or several."""

    rbac_policy: RbacCreate | UnsetType = UNSET
    rbac_policies: Annotated[tuple[RbacCreate, ...], Meta(min_length=1, max_length=100)] | UnsetType = UNSET


class RbacUpdateBody(Request, frozen=True, kw_only=True):
    rbac_policy: RbacUpdate


class Rbac(msgspec.Struct, frozen=True):
    """A policy as clients read it."""

    id: str
    project_id: str
    tenant_id: str
    object_type: str
    object_id: str
    action: str
    target_tenant: str


def policy(row: model.Rbac) -> Rbac:
    """The answer for a policy."""
    return Rbac(row.id, row.project_id, row.project_id, row.object_type, row.object_id, row.action, row.target)
