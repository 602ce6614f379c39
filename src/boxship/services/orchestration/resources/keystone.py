"""People and projects, for admins: OS::Keystone::Project, User, Group, Role, Domain, UserRoleAssignment, GroupRoleAssignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from boxship.core import errors
from boxship.services.orchestration.resources.declaring import flag, rows, text, texts
from boxship.services.orchestration.resources.interface import (
    Attribute,
    Kind,
    ResourceType,
    RestResource,
    Work,
)


class _Keystone(RestResource):
    service = "identity"
    admin = True
    change_method = "PATCH"


class Project(_Keystone):
    """A project."""

    name = "OS::Keystone::Project"
    since = "2015.1"
    collection, key = "/projects", "project"
    properties = {
        "name": text("Its name.", changes=True),
        "domain": text("Its domain.", default="default", finds="domain"),
        "description": text("What it is for.", default="", changes=True),
        "enabled": flag("Whether it is in use.", default=True, changes=True),
        "parent": text("The project above it.", finds="project"),
        "tags": texts("Tags.", default=[], changes=True),
    }
    attributes = {
        "name": Attribute("Its name."),
        "parent_id": Attribute("The project above it."),
        "domain_id": Attribute("Its domain."),
        "enabled": Attribute("Whether it is in use.", Kind.BOOLEAN),
        "is_domain": Attribute("Whether it is a domain.", Kind.BOOLEAN),
    }

    def body(self, it: Work) -> dict[str, Any]:
        made = super().body(it)
        made["domain_id"] = made.pop("domain")
        if "parent" in made:
            made["parent_id"] = made.pop("parent")
        return made


_ROLES = rows(
    "Roles.",
    {
        "role": text("The role.", required=True, finds="role"),
        "project": text("Where: a project.", finds="project"),
        "domain": text("Where: a domain.", finds="domain"),
    },
    changes=True,
)


def _misplaced(properties: Mapping[str, Any]) -> str | None:
    """What is wrong with the places of roles, if anything is."""
    given = properties.get("roles")
    for entry in given if isinstance(given, list) else ():
        if not isinstance(entry, Mapping):
            continue
        if entry.get("project") is not None and entry.get("domain") is not None:
            return "roles: Cannot define the following properties at the same time: project, domain."
        if entry.get("project") is None and entry.get("domain") is None:
            return f"roles: Either project or domain must be specified for role {entry.get('role')}"
    return None


class User(_Keystone):
    """A user."""

    name = "OS::Keystone::User"
    since = "2015.1"
    collection, key = "/users", "user"
    properties = {
        "name": text("The name.", changes=True),
        "domain": text("The domain.", default="default", finds="domain"),
        "description": text("Who that is.", default="", changes=True),
        "enabled": flag("Whether the user may log in.", default=True, changes=True),
        "email": text("The mail address.", changes=True),
        "password": text("The password.", changes=True),
        "default_project": text("The project where none is said.", changes=True, finds="project"),
        "groups": texts("The groups that the user is a member of.", changes=True, finds="group"),
        "roles": _ROLES,
    }
    attributes = {
        **{
            name: Attribute(f"The {name.replace('_', ' ')}.")
            for name in ("name", "default_project_id", "domain_id", "password_expires_at")
        },
        "enabled": Attribute("Whether the user may log in.", Kind.BOOLEAN),
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        return _misplaced(properties)

    def body(self, it: Work) -> dict[str, Any]:
        made = {name: value for name, value in super().body(it).items() if name not in _BESIDES}
        made["domain_id"] = made.pop("domain")
        if "default_project" in made:
            made["default_project_id"] = made.pop("default_project")
        return made

    def changes(self, it: Work, changed: Mapping[str, Any]) -> dict[str, Any]:
        made = {name: value for name, value in super().changes(it, changed).items() if name not in _BESIDES}
        if "default_project" in made:
            made["default_project_id"] = made.pop("default_project")
        return made

    async def create(self, it: Work) -> None:
        await super().create(it)
        await _join(it, [], it.properties["groups"] or [])
        await grant(it, f"users/{it.physical_id}", [], it.properties["roles"] or [])

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        await super().update(it, changed)
        if "groups" in changed:
            await _join(it, it.before.get("groups") or [], it.properties["groups"] or [])
        if "roles" in changed:
            await grant(it, f"users/{it.physical_id}", it.before.get("roles") or [], it.properties["roles"] or [])


_BESIDES = frozenset({"groups", "roles"})
"""Properties that are no fields of a user or group."""


async def _join(it: Work, old: list[str], new: list[str]) -> None:
    """Make the user a member of the groups that it is to be in, and of the others no more."""
    for verb, groups in (("DELETE", set(old) - set(new)), ("PUT", set(new) - set(old))):
        for group in sorted(groups):
            await _told(it, verb, f"/groups/{group}/users/{it.physical_id}")


async def _told(it: Work, verb: str, path: str) -> None:
    """Ask for it; what is gone already need not be taken away."""
    try:
        await it.ask("identity", verb, path)
    except errors.NotFound:
        if verb == "PUT":
            raise


async def grant(it: Work, actor: str, old: list[Any], new: list[Any]) -> None:
    """Take away the roles that an actor (``users/ID`` or ``groups/ID``) is not to have any more, and give those that it is to
    have."""
    for verb, entries in (
        ("DELETE", [entry for entry in old if entry not in new]),
        ("PUT", [entry for entry in new if entry not in old]),
    ):
        for entry in entries:
            where = f"projects/{entry['project']}" if entry.get("project") else f"domains/{entry.get('domain')}"
            await _told(it, verb, f"/{where}/{actor}/roles/{entry['role']}")


class Group(_Keystone):
    """A group of users."""

    name = "OS::Keystone::Group"
    since = "2015.1"
    collection, key = "/groups", "group"
    properties = {
        "name": text("Its name.", changes=True),
        "domain": text("Its domain.", default="default", finds="domain"),
        "description": text("What it is for.", default="", changes=True),
        "roles": _ROLES,
    }

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        return _misplaced(properties)

    def body(self, it: Work) -> dict[str, Any]:
        made = {name: value for name, value in super().body(it).items() if name not in _BESIDES}
        made["domain_id"] = made.pop("domain")
        return made

    def changes(self, it: Work, changed: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in super().changes(it, changed).items() if name not in _BESIDES}

    async def create(self, it: Work) -> None:
        await super().create(it)
        await grant(it, f"groups/{it.physical_id}", [], it.properties["roles"] or [])

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        await super().update(it, changed)
        if "roles" in changed:
            await grant(it, f"groups/{it.physical_id}", it.before.get("roles") or [], it.properties["roles"] or [])


class Role(_Keystone):
    """A role."""

    name = "OS::Keystone::Role"
    since = "2015.1"
    collection, key = "/roles", "role"
    properties = {"name": text("Its name.", changes=True)}


class Domain(_Keystone):
    """A domain; it is switched off before it goes, as Keystone wants it."""

    name = "OS::Keystone::Domain"
    since = "8.0.0"
    collection, key = "/domains", "domain"
    properties = {
        "name": text("Its name.", changes=True),
        "description": text("What it is for.", changes=True),
        "enabled": flag("Whether it is in use.", default=True, changes=True),
    }

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await it.ask(self.service, "PATCH", self.path(it), {"domain": {"enabled": False}})
        await super().delete(it)


class _RoleAssignment(ResourceType):
    """Roles of somebody who is there: ``actor`` is the property that says who, ``actors`` where they are."""

    since = "5.0.0"
    admin = True
    actor: ClassVar[str]
    actors: ClassVar[str]

    def check_properties(self, properties: Mapping[str, Any]) -> str | None:
        return _misplaced(properties)

    def _who(self, properties: Mapping[str, Any]) -> str:
        return f"{self.actors}/{properties[self.actor]}"

    async def create(self, it: Work) -> None:
        await grant(it, self._who(it.properties), [], it.properties["roles"] or [])
        it.physical_id = it.physical_name

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        before = it.before.get("roles") or []
        if self.actor in changed:
            await grant(it, self._who(it.before), before, [])
            before = []
        await grant(it, self._who(it.properties), before, it.properties["roles"] or [])

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await grant(it, self._who(it.properties), it.properties["roles"] or [], [])


class UserRoleAssignment(_RoleAssignment):
    """Roles of a user who is there."""

    name = "OS::Keystone::UserRoleAssignment"
    actor, actors = "user", "users"
    properties = {"user": text("The user.", required=True, changes=True, finds="user"), "roles": _ROLES}


class GroupRoleAssignment(_RoleAssignment):
    """Roles of a group that is there."""

    name = "OS::Keystone::GroupRoleAssignment"
    actor, actors = "group", "groups"
    properties = {"group": text("The group.", required=True, changes=True, finds="group"), "roles": _ROLES}


TYPES: tuple[ResourceType, ...] = (
    *(Project(), User(), Group(), Role(), Domain()),
    *(UserRoleAssignment(), GroupRoleAssignment()),
)
