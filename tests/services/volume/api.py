"""The volume API as one user asks it: what is made, what is awaited, what must be refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from boxship.core.errors import Refused
from boxship.drivers.storage.fake import FakeStorage
from tests.cloud import PROJECTS, Cloud


@dataclass(slots=True)
class Api:
    """The API of a cloud as this user sees it."""

    cloud: Cloud
    user: str

    async def ask(self, method: str, path: str, body: Any = None, *, version: str = "latest") -> dict[str, Any]:
        """The answer of a request that must succeed; {} where it has none."""
        answer = await self._request(method, path, body, version)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return dict(answer.json()) if answer.content else {}

    async def refused(self, method: str, path: str, status: int, body: Any = None, *, version: str = "latest") -> str:
        """What is said where the request must fail like this."""
        answer = await self._request(method, path, body, version)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return str(answer.text)

    async def _request(self, method: str, path: str, body: Any, version: str) -> Any:
        headers = {"OpenStack-API-Version": f"volume {version}"}
        url = f"/volume/v3/{PROJECTS[self.user]}{path}"
        return await self.cloud.request(self.user, method, url, headers=headers, **({"json": body} if body else {}))

    @property
    def storage(self) -> FakeStorage:
        """What the cloud keeps its volumes in."""
        found = self.cloud.program.drivers.storage.of("file")
        assert isinstance(found, FakeStorage)
        return found

    def fail(self, verb: str, reason: str) -> None:
        """Let the storage refuse the next calls of this verb: more of them than wake-ups that may come together."""
        for _ in range(5):
            self.storage.fail(verb, Refused(reason))

    async def volume(self, **fields: Any) -> str:
        """A new volume that is available; of 1 GiB unless a size is said."""
        body = {"volume": {"size": 1, **fields}}
        made = (await self.ask("POST", "/volumes", body))["volume"]["id"]
        await self.reaches("volumes", made, "available")
        return str(made)

    async def snapshot(self, volume: str) -> str:
        """A new snapshot that is available."""
        made = (await self.ask("POST", "/snapshots", {"snapshot": {"volume_id": volume}}))["snapshot"]["id"]
        await self.reaches("snapshots", made, "available")
        return str(made)

    async def reaches(self, kind: str, id: str, status: str, **fields: Any) -> dict[str, Any]:
        """What is shown when it has this status, and these other fields."""
        wanted = {"status": status, **fields}

        async def reached() -> dict[str, Any] | None:
            shown = (await self.ask("GET", f"/{kind}/{id}"))[kind.removesuffix("s")]
            return shown if {name: shown[name] for name in wanted} == wanted else None

        found: dict[str, Any] = await self.cloud.until(reached, f"{kind}/{id} is {wanted}")
        return found

    async def gone(self, kind: str, id: str) -> None:
        """Wait until it is not there any more."""

        async def missing() -> bool:
            return bool((await self._request("GET", f"/{kind}/{id}", None, "latest")).status_code == 404)

        await self.cloud.until(missing, f"{kind}/{id} is gone")
