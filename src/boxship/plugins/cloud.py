"""The way to a cloud: one request to one of its services, within the time that its caller has left. Knows no resource.

Where the cloud is and who we are is read by openstacksdk, from clouds.yaml or the OS_* variables; tokens are keystoneauth's
affair. Nothing is asked before the first call, so that a plugin starts while the cloud is away.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from boxship.core import errors

if TYPE_CHECKING:
    from keystoneauth1.session import Session
    from openstack.config.cloud_region import CloudRegion

Resource = TypeVar("Resource", bound=msgspec.Struct)
Filters = Mapping[str, str | Sequence[str]]

_STATUSES: dict[int, type[errors.RequestError]] = {
    400: errors.BadRequest,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.OverQuota,
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


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the cloud: ``name`` for sentences, ``types`` as a catalog may call it, the most exact first, ``version``
    where the catalog's address may lack it, ``headers`` that go with every request (the microversion)."""

    name: str
    types: tuple[str, ...]
    version: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """A request; ``path`` starts behind the version, or is the URL of a next page."""

    method: str
    path: str
    body: object = None
    query: Filters = field(default_factory=dict)


class Missing(errors.Unavailable):
    """The cloud has no such service."""


class Cloud:
    """The cloud as one user sees it, for all calls."""

    def __init__(self, region: CloudRegion) -> None:
        self._region = region
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._urls: dict[str, str] = {}

    def request(self, service: Service, request: Request, seconds: float) -> Any:
        """The document of the answer. Errors as ``_STATUSES``; Missing; Unavailable."""
        from keystoneauth1 import exceptions
        from requests import RequestException

        session = self._opened()
        try:
            path = request.path
            answer = session.request(
                path if "://" in path else f"{self._endpoint(session, service)}{path}",
                request.method,
                params=dict(request.query) or None,
                json=request.body,
                headers=dict(service.headers),
                raise_exc=False,
                timeout=seconds,
                redirect=False,
            )
            content = answer.content
        except exceptions.Unauthorized as error:
            raise errors.Forbidden(f"The cloud does not take the credentials of the plugin: {plain(error)}") from error
        except (exceptions.ClientException, RequestException) as error:
            raise errors.Unavailable(f"The cloud does not answer: {plain(error)}", detail=str(error)) from error
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

    def _endpoint(self, session: Session, service: Service) -> str:
        """The address of a service with its version, found once. Missing."""
        if service.name not in self._urls:
            found = next(filter(None, (self._listed(session, kind) for kind in service.types)), None)
            if found is None:
                raise Missing(f"The cloud's catalog has no {service.name} service.")
            self._urls[service.name] = _versioned(found.rstrip("/"), service.version)
        return self._urls[service.name]

    def _listed(self, session: Session, kind: str) -> str | None:
        from keystoneauth1 import exceptions

        region = self._region
        try:
            found = region.get_endpoint(kind) or session.get_endpoint(
                service_type=kind, interface=region.get_interface(kind), region_name=region.get_region_name(kind)
            )
        except exceptions.EndpointNotFound:
            return None
        return str(found) if found else None


def _versioned(url: str, version: str) -> str:
    """The address with the version in it; some catalogs say it, and some a project behind it."""
    return url if not version or f"{version}/" in f"{url}/" else f"{url}{version}"


def cloud_region(name: str | None) -> CloudRegion:
    """The cloud of this name in clouds.yaml; None: as OS_CLOUD or the OS_* variables say. BadRequest: there is none."""
    from keystoneauth1 import exceptions as keystone
    from openstack import exceptions
    from openstack.config import OpenStackConfig

    try:
        config = OpenStackConfig(app_name="boxship-plugin")
        return config.get_one(cloud=name) if name else config.get_one()
    except (exceptions.SDKException, keystone.ClientException) as error:
        raise errors.BadRequest(
            f"There is no way to the cloud: {plain(error)} Say --cloud NAME (clouds.yaml) or set the OS_* variables."
        ) from error


def read(row: object, kind: type[Resource]) -> Resource:
    """A resource of an answer. Nulls stand for what is not said. Unavailable: the cloud speaks otherwise than its API."""
    try:
        return msgspec.convert(_said(row), kind, strict=False)
    except msgspec.ValidationError as error:
        raise errors.Unavailable(
            f"The cloud answers with something that is no {kind.__name__.lower()}: {error}."
        ) from error


def _said(value: object) -> object:
    """A document without what is null, however deep."""
    if isinstance(value, dict):
        return {name: _said(inner) for name, inner in value.items() if inner is not None}
    return [_said(inner) for inner in value] if isinstance(value, list) else value


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


def plain(error: Exception) -> str:
    """The first line of what a library says."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".") + "."
