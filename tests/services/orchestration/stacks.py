"""Stacks of one user in a cloud of the fake world, for tests: made, changed and looked at over the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests import cloud

VERSION = "2021-04-16"


def template(resources: Mapping[str, Any], **sections: Any) -> dict[str, Any]:
    """A HOT document with these resources."""
    return {"heat_template_version": VERSION, **sections, "resources": dict(resources)}


class Stacks:
    """What ``user`` does with stacks."""

    def __init__(self, running: cloud.Cloud, user: str = "alice") -> None:
        self.running = running
        self.user = user
        self.path = f"/orchestration/v1/{cloud.PROJECTS[user]}/stacks"

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        """The JSON answer of any service. AssertionError: the service refused."""
        answer = await self.running.request(self.user, method, path, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def create(self, name: str, document: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """A stack once its creation ended, however."""
        await self.ask("POST", self.path, json={"stack_name": name, "template": document, **more})
        return await self.ended(name)

    async def update(self, name: str, document: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """The stack once the update ended, however."""
        shown = await self.show(name)
        await self.ask("PUT", f"{self.path}/{name}/{shown['id']}", json={"template": document, **more})
        return await self.ended(name)

    async def delete(self, name: str) -> dict[str, Any]:
        """The stack once it is gone, or could not be removed."""
        shown = await self.show(name)
        await self.ask("DELETE", f"{self.path}/{name}/{shown['id']}")
        return await self.ended(shown["id"])

    async def show(self, name: str) -> dict[str, Any]:
        """The stack, by name or id."""
        answer = await self.running.request(self.user, "GET", f"{self.path}/{name}", follow_redirects=True)
        assert answer.is_success, answer.text
        return dict(answer.json()["stack"])

    async def ended(self, name: str, seconds: float = 20.0) -> dict[str, Any]:
        """The stack once nothing is under way."""

        async def still() -> dict[str, Any] | None:
            shown = await self.show(name)
            return None if shown["stack_status"].endswith("IN_PROGRESS") else shown

        return dict(await self.running.until(still, f"{name} comes to an end", seconds))

    async def resource(self, name: str, resource: str) -> dict[str, Any]:
        """A resource with its attributes."""
        shown = await self.show(name)
        return dict((await self.ask("GET", f"{self.path}/{name}/{shown['id']}/resources/{resource}"))["resource"])
