"""People and projects, for admins: OS::Keystone::Project, User, Role, Domain, UserRoleAssignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    collection, key = "/v3/projects", "project"
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


class User(_Keystone):
    """A user."""

    name = "OS::Keystone::User"
    since = "2015.1"
    collection, key = "/v3/users", "user"
    properties = {
        "name": text("The name.", changes=True),
        "domain": text("The domain.", default="default", finds="domain"),
        "description": text("Who that is.", default="", changes=True),
        "enabled": flag("Whether the user may log in.", default=True, changes=True),
        "email": text("The mail address.", changes=True),
        "password": text("The password.", changes=True),
        "default_project": text("The project where none is said.", changes=True, finds="project"),
        "roles": rows(
            "Roles.",
            {
                "role": text("The role.", required=True, finds="role"),
                "project": text("Where: a project.", finds="project"),
                "domain": text("Where: a domain.", finds="domain"),
            },
            changes=True,
        ),
    }
    attributes = {
        **{
            name: Attribute(f"The {name.replace('_', ' ')}.")
            for name in ("name", "default_project_id", "domain_id", "password_expires_at")
        },
        "enabled": Attribute("Whether the user may log in.", Kind.BOOLEAN),
    }

    def body(self, it: Work) -> dict[str, Any]:
        made = {name: value for name, value in super().body(it).items() if name != "roles"}
        made["domain_id"] = made.pop("domain")
        if "default_project" in made:
            made["default_project_id"] = made.pop("default_project")
        return made

    def changes(self, it: Work, changed: Mapping[str, Any]) -> dict[str, Any]:
        made = {name: value for name, value in super().changes(it, changed).items() if name != "roles"}
        if "default_project" in made:
            made["default_project_id"] = made.pop("default_project")
        return made

    async def create(self, it: Work) -> None:
        await super().create(it)
        await grant(it, str(it.physical_id), [], it.properties["roles"] or [])

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        await super().update(it, changed)
        if "roles" in changed:
            await grant(it, str(it.physical_id), it.before.get("roles") or [], it.properties["roles"] or [])


async def grant(it: Work, user: str, old: list[Any], new: list[Any]) -> None:
    """Take away the roles that a user is not to have any more, and give those that the user is to have."""
    for verb, entries in (
        ("DELETE", [entry for entry in old if entry not in new]),
        ("PUT", [entry for entry in new if entry not in old]),
    ):
        for entry in entries:
            where = f"projects/{entry['project']}" if entry.get("project") else f"domains/{entry.get('domain')}"
            try:
                await it.ask("identity", verb, f"/v3/{where}/users/{user}/roles/{entry['role']}")
            except errors.NotFound:
                if verb == "PUT":
                    raise


class Role(_Keystone):
    """A role."""

    name = "OS::Keystone::Role"
    since = "2015.1"
    collection, key = "/v3/roles", "role"
    properties = {"name": text("Its name.", changes=True)}


class Domain(_Keystone):
    """A domain; it is switched off before it goes, as Keystone wants it."""

    name = "OS::Keystone::Domain"
    since = "8.0.0"
    collection, key = "/v3/domains", "domain"
    properties = {
        "name": text("Its name.", changes=True),
        "description": text("What it is for.", changes=True),
        "enabled": flag("Whether it is in use.", default=True, changes=True),
    }

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await it.ask(self.service, "PATCH", self.path(it), {"domain": {"enabled": False}})
        await super().delete(it)


class UserRoleAssignment(ResourceType):
    """Roles of a user who is there."""

    name = "OS::Keystone::UserRoleAssignment"
    since = "5.0.0"
    admin = True
    properties = {
        "user": text("The user.", required=True, changes=True, finds="user"),
        "roles": User.properties["roles"],
    }

    async def create(self, it: Work) -> None:
        await grant(it, it.properties["user"], [], it.properties["roles"] or [])
        it.physical_id = it.physical_name

    async def update(self, it: Work, changed: Mapping[str, Any]) -> None:
        if "user" in changed:
            await grant(it, it.before["user"], it.before.get("roles") or [], [])
            await grant(it, it.properties["user"], [], it.properties["roles"] or [])
            return
        await grant(it, it.properties["user"], it.before.get("roles") or [], it.properties["roles"] or [])

    async def delete(self, it: Work) -> None:
        if it.physical_id is not None:
            await grant(it, it.properties["user"], it.properties["roles"] or [], [])


TYPES: tuple[ResourceType, ...] = (Project(), User(), Role(), Domain(), UserRoleAssignment())
