"""The client of the Block Storage API v3: what Fuxi asks of any Cinder, each request within the time that a call has left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from boxship.core import errors
from boxship.plugins.cloud import Cloud, Deadline, Filters, Request, Service, read
from boxship.plugins.fuxi import marks, resources

SERVICE = Service(
    "block storage",
    ("volumev3", "block-storage"),
    "/v3",
    {"OpenStack-API-Version": "volume 3.44"},  # attachments, and the action that completes them
)


class Cinder:
    """The API for one call of Docker's."""

    def __init__(self, cloud: Cloud, deadline: Deadline, *, all_projects: bool = False) -> None:
        self._cloud = cloud
        self._all = {"all_tenants": "1"} if all_projects else {}
        self.deadline = deadline

    def afterwards(self, seconds: float) -> Cinder:
        """The same with time of its own: to undo what was made, when the call has failed."""
        return Cinder(self._cloud, Deadline(seconds), all_projects=bool(self._all))

    def volumes(self) -> list[resources.Volume]:
        """All volumes that are Docker's, by their mark; clouds that do not filter give more, which are left out here."""
        said = "{" + ", ".join(f"'{name}': '{value}'" for name, value in marks.FILTER.items()) + "}"
        found = self._pages("/volumes/detail", {"metadata": said, **self._all})
        return [volume for volume in found if marks.docker_name(volume.name, volume.metadata) is not None]

    def _pages(self, path: str, query: Filters) -> Iterator[resources.Volume]:
        page = self._ask("GET", path, query=query)
        while True:
            for row in page["volumes"]:
                yield read(row, resources.Volume)
            links = page.get("volumes_links") or ()
            following = next((link["href"] for link in links if link.get("rel") == "next"), None)
            if following is None:
                return
            page = self._ask("GET", following)

    def volume(self, id: str) -> resources.Volume:
        """One volume. NotFound."""
        return read(self._ask("GET", f"/volumes/{id}")["volume"], resources.Volume)

    def create(self, values: Mapping[str, object], hints: Mapping[str, object]) -> resources.Volume:
        """A new volume."""
        body: dict[str, object] = {"volume": dict(values)}
        if hints:
            body["OS-SCH-HNT:scheduler_hints"] = dict(hints)
        return read(self._ask("POST", "/volumes", body)["volume"], resources.Volume)

    def delete(self, id: str) -> None:
        """Delete a volume; that it is gone already is no error."""
        self._gone(f"/volumes/{id}")

    def mark(self, id: str, metadata: Mapping[str, str]) -> None:
        """Add metadata to a volume."""
        self._ask("POST", f"/volumes/{id}/metadata", {"metadata": dict(metadata)})

    def unmark(self, id: str, name: str) -> None:
        """Take metadata from a volume; that it has none is no error."""
        self._gone(f"/volumes/{id}/metadata/{name}")

    def attach(self, volume_id: str, connector: Mapping[str, object], *, read_only: bool) -> resources.Attachment:
        """A new attachment of a volume to a host. Conflict, BadRequest: the volume is had by somebody else."""
        wish: dict[str, object] = {"volume_uuid": volume_id, "connector": dict(connector)}
        if read_only:
            wish["connector"] = {**connector, "mode": "ro"}
        return read(self._ask("POST", "/attachments", {"attachment": wish})["attachment"], resources.Attachment)

    def attachment(self, id: str) -> resources.Attachment:
        """One attachment, with its connection. NotFound."""
        return read(self._ask("GET", f"/attachments/{id}")["attachment"], resources.Attachment)

    def complete(self, id: str) -> None:
        """Say that the device is there: the volume is in use from now on."""
        self._ask("POST", f"/attachments/{id}/action", {"os-complete": id})

    def detach(self, id: str) -> None:
        """End an attachment; that it is gone already is no error."""
        self._gone(f"/attachments/{id}")

    def why(self, volume_id: str) -> str:
        """What the cloud says of why something failed; empty: it does not."""
        query = {"resource_uuid": volume_id, "resource_type": "VOLUME"}
        try:
            rows = self._ask("GET", "/messages", query=query)["messages"]
        except (errors.RequestError, KeyError):
            return ""
        found = sorted((read(row, resources.Message) for row in rows), key=lambda message: message.created_at)
        return found[-1].user_message if found else ""

    def _gone(self, path: str) -> None:
        try:
            self._ask("DELETE", path)
        except errors.NotFound:
            return

    def _ask(self, method: str, path: str, body: object = None, query: Filters | None = None) -> Any:
        return self._cloud.request(SERVICE, Request(method, path, body, query or {}), self.deadline.left())
