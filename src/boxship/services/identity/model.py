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


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """A user's role on a target: ``kind`` is project, domain or system (whose id is ``all``)."""

    user_id: str
    kind: str
    target_id: str
    role_id: str
