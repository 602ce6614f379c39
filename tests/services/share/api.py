"""The share API as one user asks it: what is made, what is awaited, what must be refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from boxship.core.errors import Refused
from boxship.drivers.storage.fake import FakeStorage
from tests.cloud import PROJECTS, Cloud

DHSS = {"driver_handles_share_servers": "False"}
"""The extra spec that every type has to have."""


@dataclass(slots=True)
class Api:
    """The API of a cloud as this user sees it."""

    cloud: Cloud
    user: str = "alice"

    @property
    def project(self) -> str:
        """The user's project."""
        return PROJECTS[self.user]

    def of(self, user: str) -> Api:
        """The same cloud as another user sees it."""
        return Api(self.cloud, user)

    async def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer of a request that must succeed; {} where it has none."""
        answer = await self.request(method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return dict(answer.json()) if answer.content else {}

    async def refused(self, method: str, path: str, status: int, body: Any = None) -> str:
        """What is said where the request must fail like this."""
        answer = await self.request(method, path, body)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        (error,) = answer.json().values()
        return str(error["message"])

    async def request(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"X-OpenStack-Manila-API-Version": "2.73"}
        given = {} if body is None else {"json": body}
        return await self.cloud.request(self.user, method, f"/share/v2{path}", headers=headers, **given)

    async def type(self, name: str, **specs: str) -> str:
        """A new public type; admins only."""
        body = {"share_type": {"name": name, "extra_specs": {**DHSS, **specs}}}
        return str((await self.ask("POST", "/types", body))["share_type"]["id"])

    async def share(self, size: int = 1, **fields: Any) -> str:
        """A new share that is available."""
        made = (await self.ask("POST", "/shares", wish(size, **fields)))["share"]["id"]
        await self.reaches("shares", made, status="available")
        return str(made)

    async def snapshot(self, share: str) -> str:
        """A new snapshot that is available."""
        made = (await self.ask("POST", "/snapshots", {"snapshot": {"share_id": share}}))["snapshot"]["id"]
        await self.reaches("snapshots", made, status="available")
        return str(made)

    async def reaches(self, kind: str, id: str, **fields: Any) -> None:
        """Wait until these fields are shown."""

        async def reached() -> bool:
            shown = (await self.ask("GET", f"/{kind}/{id}"))[kind.removesuffix("s")]
            return {name: shown[name] for name in fields} == fields

        await self.cloud.until(reached, f"{kind}/{id} is {fields}")

    async def quota(self, resource: str, where: str = "") -> tuple[int, int]:
        """The limit of a resource and what is used of it; ``where``: the query, for a user or type."""
        found = (await self.ask("GET", f"/quota-sets/{self.project}/detail{where}"))["quota_set"][resource]
        return found["limit"], found["in_use"]

    def fail(self, verb: str, reason: str) -> None:
        """Let the storage refuse the next calls of this verb: more of them than wake-ups that may come together."""
        storage = self.cloud.program.drivers.shares
        assert isinstance(storage, FakeStorage)
        for _ in range(5):
            storage.fail(verb, Refused(reason))


def wish(size: int = 1, **fields: Any) -> dict[str, Any]:
    """The body that asks for a share."""
    return {"share": {"size": size, "share_proto": "NFS", **fields}}
