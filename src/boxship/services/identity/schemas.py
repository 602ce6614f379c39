"""The wire of Keystone v3: request types, and rows as the API shows them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxship.core import clock, errors
from boxship.services.identity import model

Id = Annotated[str, Meta(min_length=1, max_length=64)]
ProjectName = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=65535)]
Password = Annotated[str, Meta(min_length=1, max_length=4096)]
"""Keystone's max_password_length."""
Tags = Annotated[list[Annotated[str, Meta(min_length=1, max_length=255)]], Meta(max_length=80)]
Options = Annotated[dict[Annotated[str, Meta(max_length=64)], bool | None], Meta(max_length=20)]
"""Keystone's resource options; see ``given``."""
_VACUOUS = {"ignore_password_expiry", "ignore_change_password_upon_first_use"}
"""Options that are always so here: no password expires, none must be changed before it is used."""


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
    """Of a project."""

    kind: ClassVar[str] = "project"
    name: ProjectName | UnsetType = UNSET
    domain_id: Id | None | UnsetType = UNSET
    parent_id: Id | None | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    is_domain: bool | None | UnsetType = UNSET
    options: Options | UnsetType = UNSET


class DomainFields(_Request):
    """Of a domain."""

    kind: ClassVar[str] = "domain"
    name: ProjectName | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    options: Options | UnsetType = UNSET


class ProjectBody(_Request):
    project: ProjectFields


class DomainBody(_Request):
    domain: DomainFields


class UserFields(_Request):
    """Of a user; ``project_id`` is what clients of Keystone's version 2 called the default project, and does not count."""

    kind: ClassVar[str] = "user"
    name: Name | UnsetType = UNSET
    domain_id: Id | None | UnsetType = UNSET
    default_project_id: Id | None | UnsetType = UNSET
    project_id: Id | None | UnsetType = UNSET
    password: Password | None | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=255)] | None | UnsetType = UNSET
    options: Options | UnsetType = UNSET


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

    kind: ClassVar[str] = "role"
    name: Name | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    domain_id: None | UnsetType = UNSET
    options: Options | UnsetType = UNSET


class RoleBody(_Request):
    role: RoleFields


class GroupFields(_Request):
    """Of a group; a ``project_id``, which some clients send as they do of users, does not count."""

    kind: ClassVar[str] = "group"
    name: ProjectName | UnsetType = UNSET
    domain_id: Id | None | UnsetType = UNSET
    project_id: Id | None | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET


class GroupBody(_Request):
    group: GroupFields


class RegionFields(_Request):
    """Of a region; an empty id is as good as none."""

    kind: ClassVar[str] = "region"
    id: Annotated[str, Meta(max_length=255)] | None | UnsetType = UNSET
    parent_region_id: Name | None | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class RegionBody(_Request):
    region: RegionFields


class ServiceFields(_Request):
    """Of a service."""

    kind: ClassVar[str] = "service"
    type: Name | UnsetType = UNSET
    name: Annotated[str, Meta(max_length=255)] | None | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET


class ServiceBody(_Request):
    service: ServiceFields


class EndpointFields(_Request):
    """Of an endpoint; ``region`` is what clients of Keystone's version 2 called the region: it is made where there is none."""

    kind: ClassVar[str] = "endpoint"
    service_id: Id | UnsetType = UNSET
    interface: Literal["public", "internal", "admin"] | UnsetType = UNSET
    url: Annotated[str, Meta(max_length=225, pattern="^[a-zA-Z0-9+.-]+:.+")] | UnsetType = UNSET
    region_id: Name | None | UnsetType = UNSET
    region: Name | None | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    name: Annotated[str, Meta(max_length=255)] | None | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET


class EndpointBody(_Request):
    endpoint: EndpointFields


Shown = dict[str, Any]

PeopleFields = ProjectFields | DomainFields | UserFields | RoleFields | GroupFields
PartFields = RegionFields | ServiceFields | EndpointFields


def given(fields: PeopleFields | PartFields) -> Shown:
    """The fields that a request names, as columns; a description or name of null is an empty one.

    BadRequest: an option that asks for what is not done here (``immutable``, ``lock_password``, ...), or a project that
    is a domain. Options that ask for nothing are as good as none.
    """
    named = {name: getattr(fields, name) for name in fields.__struct_fields__}
    values = {name: value for name, value in named.items() if value is not UNSET}
    for name, value in values.pop("options", {}).items():
        if value and name not in _VACUOUS:
            raise errors.BadRequest("this option is not offered", field=f"{fields.kind}.options.{name}")
    if values.pop("is_domain", False):
        raise errors.BadRequest("domains are made at /v3/domains", field="project.is_domain")
    values.pop("project_id", None)
    for name in ("description", "name"):
        if name in values:
            values[name] = values[name] or ""
    return values


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


def group(row: model.Group, base_url: str) -> Shown:
    """A group."""
    return {
        "id": row.id,
        "name": row.name,
        "domain_id": row.domain_id,
        "description": row.description,
        "links": {"self": f"{base_url}/v3/groups/{row.id}"},
    }


def region(row: model.Region, base_url: str) -> Shown:
    """A region."""
    return msgspec.structs.asdict(row) | {"links": {"self": f"{base_url}/v3/regions/{quote(row.id, safe='')}"}}


def service(row: model.Service, base_url: str) -> Shown:
    """A service of the catalog."""
    return msgspec.structs.asdict(row) | {"links": {"self": f"{base_url}/v3/services/{row.id}"}}


def endpoint(row: model.Endpoint, base_url: str) -> Shown:
    """An endpoint, with its url as it was given; name and description where there are any."""
    shown: Shown = {
        "id": row.id,
        "service_id": row.service_id,
        "interface": row.interface,
        "region": row.region_id,
        "region_id": row.region_id,
        "url": row.url,
        "enabled": row.enabled,
        "links": {"self": f"{base_url}/v3/endpoints/{row.id}"},
    }
    optional = {"name": row.name, "description": row.description}
    return shown | {name: value for name, value in optional.items() if value}


def collection(kind: str, rows: list[Shown], url: str, following: str | None = None) -> Shown:
    """A list as Keystone wraps it; ``following`` is the URL of the next page."""
    return {kind: rows, "links": {"self": url, "previous": None, "next": following}}


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
