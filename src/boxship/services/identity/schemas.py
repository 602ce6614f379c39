"""The wire of Keystone v3: request types, and rows as the API shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.core import clock
from boxship.services.identity import model

Id = Annotated[str, Meta(min_length=1, max_length=64)]
ProjectName = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=65535)]
Password = Annotated[str, Meta(min_length=1, max_length=4096)]
"""Keystone's max_password_length."""
Tags = Annotated[list[Annotated[str, Meta(min_length=1, max_length=255)]], Meta(max_length=80)]


class _Request(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    pass


class DomainReference(_Request):
    """A domain by id or name."""

    id: Id | None = None
    name: Name | None = None


class UserReference(_Request):
    """A user by id, or by name and domain, with the password."""

    password: Password
    id: Id | None = None
    name: Name | None = None
    domain: DomainReference | None = None


class PasswordMethod(_Request):
    user: UserReference


class TokenMethod(_Request):
    id: Annotated[str, Meta(max_length=4096)]


class IdentityRequest(_Request):
    """How one proves who one is."""

    methods: Annotated[list[Literal["password", "token"]], Meta(min_length=1, max_length=2)]
    password: PasswordMethod | None = None
    token: TokenMethod | None = None


class ProjectReference(_Request):
    """A project by id, or by name and domain."""

    id: Id | None = None
    name: ProjectName | None = None
    domain: DomainReference | None = None


class SystemReference(_Request):
    all: bool


class ScopeRequest(_Request):
    """Where one wants to act."""

    project: ProjectReference | None = None
    domain: DomainReference | None = None
    system: SystemReference | None = None


class AuthRequest(_Request):
    """Who, and where to."""

    identity: IdentityRequest
    scope: ScopeRequest | Literal["unscoped"] | None = None


class AuthBody(_Request):
    """POST /v3/auth/tokens."""

    auth: AuthRequest


class ProjectFields(_Request):
    """Of a project or domain; ``options`` and ``is_domain`` are read as clients send them."""

    name: ProjectName | UnsetType = UNSET
    domain_id: Id | None | UnsetType = UNSET
    parent_id: Id | None | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    is_domain: bool | UnsetType = UNSET
    options: dict[str, bool] | UnsetType = UNSET


class ProjectBody(_Request):
    project: ProjectFields


class DomainBody(_Request):
    domain: ProjectFields


class UserFields(_Request):
    """Of a user."""

    name: Name | UnsetType = UNSET
    domain_id: Id | None | UnsetType = UNSET
    default_project_id: Id | None | UnsetType = UNSET
    password: Password | None | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=255)] | None | UnsetType = UNSET
    options: dict[str, bool] | UnsetType = UNSET


class UserBody(_Request):
    user: UserFields


class PasswordFields(_Request):
    """The old and the new one."""

    original_password: Password
    password: Password


class PasswordBody(_Request):
    """POST /v3/users/{id}/password."""

    user: PasswordFields


class RoleFields(_Request):
    """Of a role; roles of one domain are not offered."""

    name: Name | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    domain_id: None | UnsetType = UNSET
    options: dict[str, bool] | UnsetType = UNSET


class RoleBody(_Request):
    role: RoleFields


Shown = dict[str, Any]


def given(fields: msgspec.Struct) -> Shown:
    """The fields that a request names, but those that are read and ignored."""
    values = {name: getattr(fields, name) for name in fields.__struct_fields__}
    return {k: v for k, v in values.items() if v is not UNSET and k not in {"options", "is_domain"}}


def project(row: model.Project, base_url: str) -> Shown:
    """A project, or a domain in its own form."""
    kind = "domains" if row.is_domain else "projects"
    shown: Shown = {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "enabled": row.enabled,
        "tags": row.tags,
        "options": {},
        "links": {"self": f"{base_url}/v3/{kind}/{row.id}"},
    }
    if row.is_domain:
        return shown
    return shown | {"domain_id": row.domain_id, "parent_id": row.parent_id, "is_domain": False}


def user(row: model.User, base_url: str) -> Shown:
    """A user; never the password."""
    shown: Shown = {
        "id": row.id,
        "name": row.name,
        "domain_id": row.domain_id,
        "enabled": row.enabled,
        "description": row.description,
        "password_expires_at": None,
        "options": {},
        "links": {"self": f"{base_url}/v3/users/{row.id}"},
    }
    optional = {"email": row.email, "default_project_id": row.default_project_id}
    return shown | {name: value for name, value in optional.items() if value is not None}


def role(row: model.Role, base_url: str) -> Shown:
    """A role."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "domain_id": None,
        "options": {},
        "links": {"self": f"{base_url}/v3/roles/{row.id}"},
    }


def collection(kind: str, rows: list[Shown], base_url: str, path: str = "") -> Shown:
    """A list as Keystone wraps it."""
    return {kind: rows, "links": {"self": f"{base_url}/v3/{path or kind}", "previous": None, "next": None}}


def version(base_url: str) -> Shown:
    """The one version, v3."""
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base_url}/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }


def moment(value: Any) -> str | None:
    """Keystone's times: microseconds and Z."""
    text = clock.stamp_micro(value)
    return f"{text}Z" if text else None
