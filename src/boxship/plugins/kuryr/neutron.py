"""The client of the Networking API: what Kuryr asks of any Neutron, each call within the time that its caller has left.

Where the cloud is and who we are is read by openstacksdk, from clouds.yaml or the OS_* variables; tokens are keystoneauth's
affair. Nothing is asked before the first call, so that the plugin starts while the cloud is away.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from boxship.core import errors
from boxship.plugins.kuryr import resources

if TYPE_CHECKING:
    from keystoneauth1.session import Session
    from openstack.config.cloud_region import CloudRegion

Resource = TypeVar("Resource", bound=msgspec.Struct)
Filters = Mapping[str, str | Sequence[str]]

TAGS = ("standard-attr-tag", "tag-ext", "tag")
"""Extensions with which networks and ports have tags; the last one is of the oldest clouds, for networks only."""
HOST_PLUG = "boxship-host-plug"
ALLOCATION = "subnet_allocation"

_STATUSES: dict[int, type[errors.RequestError]] = {
    400: errors.BadRequest,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
}
_TOKEN_STEP = 10.0
_LEAST = 0.05
"""Seconds below which a request is not begun."""


class Deadline:
    """When the answer to Docker is due."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then. Unavailable: there are none."""
        left = self._end - time.monotonic()
        if left < _LEAST:
            raise errors.Unavailable("The cloud did not answer in time.")
        return left

    def wait(self, seconds: float) -> None:
        """Sleep, at most until then."""
        time.sleep(min(seconds, self.left()))


class Cloud:
    """The cloud as one user sees it, for all calls."""

    def __init__(self, region: CloudRegion) -> None:
        self._region = region
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._url = ""
        self._extensions: dict[str, bool] = {}

    def neutron(self, deadline: Deadline) -> Neutron:
        """Its Networking API, for a call that is due then."""
        return Neutron(self, deadline)

    def request(self, method: str, path: str, body: object, query: Filters, seconds: float) -> Any:
        """One request; ``path`` starts behind the version, or is the URL of a next page. Errors as ``_STATUSES``; Unavailable."""
        from keystoneauth1 import exceptions
        from requests import RequestException

        session = self._opened()
        try:
            url = path if "://" in path else f"{self._endpoint(session)}/v2.0{path}"
            answer = session.request(
                url, method, params=dict(query) or None, json=body, raise_exc=False, timeout=seconds, redirect=False
            )
            content = answer.content
        except exceptions.Unauthorized as error:
            raise errors.Forbidden(f"The cloud does not take the credentials of the plugin: {_plain(error)}") from error
        except (exceptions.ClientException, RequestException) as error:
            raise errors.Unavailable(f"The cloud does not answer: {_plain(error)}", detail=str(error)) from error
        if answer.status_code >= 400:
            raise _refusal(answer.status_code, content)
        return _document(content)

    def _opened(self) -> Session:
        """The session. Its own limit holds for every step of getting a token."""
        with self._lock:
            if self._session is None:
                self._session = self._region.get_session()
                self._session.timeout = _TOKEN_STEP
            return self._session

    def _endpoint(self, session: Session) -> str:
        if not self._url:
            region = self._region
            found = region.get_endpoint("network") or session.get_endpoint(
                service_type="network",
                interface=region.get_interface("network"),
                region_name=region.get_region_name("network"),
            )
            if not found:
                raise errors.Unavailable("The cloud's catalog has no network service.")
            self._url = str(found).rstrip("/").removesuffix("/v2.0")
        return self._url

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
        return _read(self._ask("GET", path)[name], kind)

    def find(self, path: str, kind: type[Resource], /, **filters: str | Sequence[str]) -> list[Resource]:
        """All resources of a collection that pass the filters, page by page."""
        return list(self._pages(path, kind, filters))

    def _pages(self, path: str, kind: type[Resource], filters: Filters) -> Iterator[Resource]:
        name = path.strip("/").replace("-", "_")
        page = self._ask("GET", path, query=filters)
        while True:
            for row in page[name]:
                yield _read(row, kind)
            links = page.get(f"{name}_links") or ()
            following = next((link["href"] for link in links if link.get("rel") == "next"), None)
            if following is None:
                return
            page = self._ask("GET", following)

    def create(self, path: str, name: str, kind: type[Resource], /, **values: object) -> Resource:
        """Make a resource."""
        return _read(self._ask("POST", path, {name: values})[name], kind)

    def update(self, path: str, name: str, kind: type[Resource], /, **values: object) -> Resource:
        """Change a resource; names of fields may be given as they are by ``**{"binding:host_id": ...}``."""
        return _read(self._ask("PUT", path, {name: values})[name], kind)

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
        return self._cloud.request(method, path, body, query or {}, self.deadline.left())


def cloud(name: str | None) -> Cloud:
    """The cloud of this name in clouds.yaml; None: as OS_CLOUD or the OS_* variables say. BadRequest: there is none."""
    from keystoneauth1 import exceptions as keystone
    from openstack import exceptions
    from openstack.config import OpenStackConfig

    try:
        config = OpenStackConfig(app_name="boxship-kuryr")
        return Cloud(config.get_one(cloud=name) if name else config.get_one())
    except (exceptions.SDKException, keystone.ClientException) as error:
        raise errors.BadRequest(
            f"There is no way to the cloud: {_plain(error)} Say --cloud NAME (clouds.yaml) or set the OS_* variables."
        ) from error


def _read(row: object, kind: type[Resource]) -> Resource:
    """A resource of an answer. Nulls stand for what is not said. Unavailable: the cloud speaks otherwise than Neutron."""
    said = {name: value for name, value in row.items() if value is not None} if isinstance(row, dict) else row
    try:
        return msgspec.convert(said, kind, strict=False)
    except msgspec.ValidationError as error:
        raise errors.Unavailable(
            f"The cloud answers with something that is no {kind.__name__.lower()}: {error}."
        ) from error


def _document(content: bytes) -> Any:
    if not content:
        return {}
    try:
        return json.loads(content)
    except ValueError as error:
        raise errors.Unavailable("The cloud answers with something that is no JSON.") from error


def _refusal(status: int, content: bytes) -> errors.RequestError:
    """The error of the API, with its own sentence."""
    try:
        body = json.loads(content)
        inner = next(iter(body.values())) if isinstance(body, dict) and body else {}
        said = inner.get("message") if isinstance(inner, dict) else inner
    except ValueError:
        said = None
    sentence = str(said) if said else f"The cloud answered with status {status}."
    kind = _STATUSES.get(status)
    if kind is None:
        kind = errors.Unavailable if status >= 500 or status == 429 else errors.BadRequest
    return kind(sentence)


def _plain(error: Exception) -> str:
    """The first line of what a library says."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".") + "."
