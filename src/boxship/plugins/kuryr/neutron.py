"""The client of the Networking API: what Kuryr asks of any Neutron, each call within the time that its caller has left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from boxship.core import errors
from boxship.plugins import cloud as clouds
from boxship.plugins.cloud import Deadline, Filters, Resource, read
from boxship.plugins.kuryr import resources

if TYPE_CHECKING:
    from openstack.config.cloud_region import CloudRegion

TAGS = ("standard-attr-tag", "tag-ext", "tag")
"""Extensions with which networks and ports have tags; the last one is of the oldest clouds, for networks only."""
HOST_PLUG = "boxship-host-plug"
ALLOCATION = "subnet_allocation"

_SERVICE = clouds.Service("network", ("network",), "/v2.0")


class Cloud(clouds.Cloud):
    """The cloud as one user sees it, and the extensions that it has."""

    def __init__(self, region: CloudRegion) -> None:
        super().__init__(region)
        self._extensions: dict[str, bool] = {}

    def neutron(self, deadline: Deadline) -> Neutron:
        """Its Networking API, for a call that is due then."""
        return Neutron(self, deadline)

    def has(self, alias: str, neutron: Neutron) -> bool:
        """Whether the cloud has an extension; what it once had or had not is remembered until the plugin ends."""
        if alias not in self._extensions:
            try:
                neutron.get(f"/extensions/{alias}", "extension", resources.Extension)
            except errors.NotFound:
                self._extensions[alias] = False
            else:
                self._extensions[alias] = True
        return self._extensions[alias]


class Neutron:
    """The Networking API for one call of Docker's."""

    def __init__(self, cloud: Cloud, deadline: Deadline) -> None:
        self._cloud = cloud
        self.deadline = deadline

    def afterwards(self, seconds: float) -> Neutron:
        """The same with time of its own: to undo what was made, when the call has failed."""
        return Neutron(self._cloud, Deadline(seconds))

    def has(self, alias: str) -> bool:
        """Whether the cloud has an extension."""
        return self._cloud.has(alias, self)

    def has_tags(self) -> bool:
        """Whether networks and ports have tags."""
        return any(self.has(alias) for alias in TAGS[:2])

    def check(self) -> None:
        """Unavailable: the cloud lacks what nothing here goes without."""
        if not self.has(ALLOCATION):
            raise errors.Unavailable(f"The cloud lacks the Networking API's extension {ALLOCATION}, which Kuryr needs.")

    def get(self, path: str, name: str, kind: type[Resource]) -> Resource:
        """One resource. NotFound."""
        return read(self._ask("GET", path)[name], kind)

    def find(self, path: str, kind: type[Resource], /, **filters: str | Sequence[str]) -> list[Resource]:
        """All resources of a collection that pass the filters, page by page."""
        return list(self._pages(path, kind, filters))

    def _pages(self, path: str, kind: type[Resource], filters: Filters) -> Iterator[Resource]:
        name = path.strip("/").replace("-", "_")
        page = self._ask("GET", path, query=filters)
        while True:
            for row in page[name]:
                yield read(row, kind)
            links = page.get(f"{name}_links") or ()
            following = next((link["href"] for link in links if link.get("rel") == "next"), None)
            if following is None:
                return
            page = self._ask("GET", following)

    def create(self, path: str, name: str, kind: type[Resource], /, **values: object) -> Resource:
        """Make a resource."""
        return read(self._ask("POST", path, {name: values})[name], kind)

    def update(self, path: str, name: str, kind: type[Resource], /, **values: object) -> Resource:
        """Change a resource; names of fields may be given as they are by ``**{"binding:host_id": ...}``."""
        return read(self._ask("PUT", path, {name: values})[name], kind)

    def delete(self, path: str) -> None:
        """Delete a resource; that it is gone already is no error."""
        try:
            self._ask("DELETE", path)
        except errors.NotFound:
            return

    def tag(self, path: str, tag: str) -> None:
        """Put a tag on a resource; the others stay, whoever changes them at the same time."""
        self._ask("PUT", f"{path}/tags/{tag}")

    def untag(self, path: str, tag: str) -> None:
        """Take a tag from a resource; that it has none is no error."""
        self.delete(f"{path}/tags/{tag}")

    def set_tags(self, path: str, tags: Sequence[str]) -> None:
        """Make these the only tags of a resource."""
        self._ask("PUT", f"{path}/tags", {"tags": list(tags)})

    def _ask(self, method: str, path: str, body: object = None, query: Filters | None = None) -> Any:
        return self._cloud.request(_SERVICE, clouds.Request(method, path, body, query or {}), self.deadline.left())


def cloud(name: str | None) -> Cloud:
    """The cloud of this name in clouds.yaml; None: as OS_CLOUD or the OS_* variables say. BadRequest: there is none."""
    return Cloud(clouds.cloud_region(name))
