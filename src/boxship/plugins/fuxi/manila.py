"""The client of the Shared File Systems API v2: what Fuxi asks of any Manila, each request in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boxship.core import errors
from boxship.plugins.cloud import Cloud, Deadline, Filters, Request, Service, read
from boxship.plugins.fuxi import marks, resources

SERVICE = Service(
    "shared file system",
    ("sharev2", "shared-file-system"),
    "/v2",
    {"X-OpenStack-Manila-API-Version": "2.45"},  # access rules as a resource, with metadata
)
_PAGE = 1000


class Manila:
    """The API for one call of Docker's."""

    def __init__(self, cloud: Cloud, deadline: Deadline, *, all_projects: bool = False) -> None:
        self._cloud = cloud
        self._all = {"all_tenants": "1"} if all_projects else {}
        self.deadline = deadline

    def afterwards(self, seconds: float) -> Manila:
        """The same with time of its own: to undo what was made, when the call has failed."""
        return Manila(self._cloud, Deadline(seconds), all_projects=bool(self._all))

    def shares(self) -> list[resources.Share]:
        """All shares that are Docker's, by their mark; clouds that do not filter give more, which are left out here."""
        said = "{" + ", ".join(f"'{name}': '{value}'" for name, value in marks.FILTER.items()) + "}"
        found: list[resources.Share] = []
        while True:
            query = {"metadata": said, "limit": str(_PAGE), "offset": str(len(found)), **self._all}
            rows = self._ask("GET", "/shares/detail", query=query)["shares"]
            found += [read(row, resources.Share) for row in rows]
            if len(rows) < _PAGE:
                return [share for share in found if marks.docker_name(share.name, share.metadata) is not None]

    def share(self, id: str) -> resources.Share:
        """One share. NotFound."""
        return read(self._ask("GET", f"/shares/{id}")["share"], resources.Share)

    def create(self, values: Mapping[str, object]) -> resources.Share:
        """A new share."""
        return read(self._ask("POST", "/shares", {"share": dict(values)})["share"], resources.Share)

    def snapshot_size(self, id: str) -> int:
        """GiB of a snapshot of a share. NotFound."""
        return read(self._ask("GET", f"/snapshots/{id}")["snapshot"], resources.Snapshot).size

    def delete(self, id: str) -> None:
        """Delete a share; that it is gone already is no error."""
        try:
            self._ask("DELETE", f"/shares/{id}")
        except errors.NotFound:
            return

    def mark(self, id: str, metadata: Mapping[str, str]) -> None:
        """Add metadata to a share."""
        self._ask("POST", f"/shares/{id}/metadata", {"metadata": dict(metadata)})

    def unmark(self, id: str, name: str) -> None:
        """Take metadata from a share; that it has none is no error."""
        try:
            self._ask("DELETE", f"/shares/{id}/metadata/{name}")
        except errors.NotFound:
            return

    def rules(self, share_id: str) -> list[resources.Rule]:
        """The access rules of a share."""
        rows = self._ask("GET", "/share-access-rules", query={"share_id": share_id})["access_list"]
        return [read(row, resources.Rule) for row in rows]

    def allow(self, share_id: str, address: str) -> resources.Rule:
        """Let an address read and write the share. Conflict: it may already."""
        body = {"allow_access": {"access_type": "ip", "access_to": address, "access_level": "rw"}}
        return read(self._ask("POST", f"/shares/{share_id}/action", body)["access"], resources.Rule)

    def deny(self, share_id: str, rule_id: str) -> None:
        """Take an access rule away; that it is gone already is no error."""
        try:
            self._ask("POST", f"/shares/{share_id}/action", {"deny_access": {"access_id": rule_id}})
        except errors.NotFound:
            return

    def locations(self, share_id: str) -> list[resources.Location]:
        """Where the share can be mounted from."""
        rows = self._ask("GET", f"/shares/{share_id}/export_locations")["export_locations"]
        return [read(row, resources.Location) for row in rows]

    def why(self, share_id: str) -> str:
        """What the cloud says of why something failed; empty: it does not."""
        try:
            rows = self._ask("GET", "/messages", query={"resource_id": share_id})["messages"]
        except (errors.RequestError, KeyError):
            return ""
        found = sorted((read(row, resources.Message) for row in rows), key=lambda message: message.created_at)
        return found[-1].user_message if found else ""

    def _ask(self, method: str, path: str, body: object = None, query: Filters | None = None) -> Any:
        return self._cloud.request(SERVICE, Request(method, path, body, query or {}), self.deadline.left())
