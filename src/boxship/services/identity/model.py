"""Rows as frozen types. Everything here is written by operations; nothing of it acts on the world."""

from __future__ import annotations

from datetime import datetime

import msgspec

DEFAULT_DOMAIN = "default"


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project, or (``is_domain``) a domain, whose ``domain_id`` is empty."""

    id: str
    name: str
    domain_id: str
    parent_id: str
    is_domain: bool
    enabled: bool
    description: str
    tags: list[str]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """``password`` is an argon2 hash, or None: nobody can log in.

    Tokens carry the ``valid_after`` of their time and are good while it is the same; whatever ends them all changes it.
    """

    id: str
    name: str
    domain_id: str
    enabled: bool
    description: str
    email: str | None
    default_project_id: str | None
    password: str | None
    valid_after: datetime


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role; names are unique."""

    id: str
    name: str
    description: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Users who have what the group is given; names are unique in a domain, whose users need not be its members."""

    id: str
    name: str
    domain_id: str
    description: str


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """A user's role on a target: ``kind`` is project, domain or system (whose id is ``all``)."""

    user_id: str
    kind: str
    target_id: str
    role_id: str


class GroupAssignment(msgspec.Struct, frozen=True, kw_only=True):
    """A group's role on a target, as an ``Assignment``: every member has it."""

    group_id: str
    kind: str
    target_id: str
    role_id: str


Grant = Assignment | GroupAssignment


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A region of the catalog; whether it is ``enabled`` is kept for those who ask, and changes nothing (as in Keystone)."""

    id: str
    description: str
    parent_region_id: str | None
    enabled: bool = True


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A service of the catalog; neither names nor types are unique."""

    id: str
    type: str
    name: str
    enabled: bool = True
    description: str = ""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service is reached: ``interface`` is public, internal or admin; ``url`` may name what it is filled with."""

    id: str
    service_id: str
    interface: str
    region_id: str | None
    url: str
    enabled: bool = True
    name: str = ""
    description: str = ""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a catalog is made of: of the program itself, which are no rows of the database, or of admins, which are."""

    regions: tuple[Region, ...] = ()
    services: tuple[Service, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()

    def with_those_of(self, other: Parts) -> Parts:
        """All of both, these first."""
        return Parts(
            regions=self.regions + other.regions,
            services=self.services + other.services,
            endpoints=self.endpoints + other.endpoints,
        )
