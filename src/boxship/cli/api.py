"""A client of the cloud's HTTP API, as small as the command line needs: log in, find the service in the catalog, ask, or read
and write what is too large or too long to hold. It is written on the standard library so that a command starts in a few
hundredths of a second."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from boxship.cli.failure import Exit, Failure

if TYPE_CHECKING:
    from boxship.config import Settings

CONTAINER_VERSION = "container 1.40"
_TIMEOUT = 120.0
_PAGE = 1000
_CHUNK = 1 << 16


class RequestFailed(Failure):
    """The API said no; ``status`` is the HTTP status and the sentence the API's own."""

    def __init__(self, status: int, sentence: str) -> None:
        codes = {401: Exit.REFUSED, 403: Exit.REFUSED, 413: Exit.REFUSED, 404: Exit.NOT_FOUND}
        super().__init__(sentence, codes.get(status, Exit.FAILURE))
        self.status = status


class Cloud:
    """A cloud as one user sees it. ``variables`` are the OS_* ones; nothing is asked before the first call."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._catalog: dict[str, str] = {}
        self._token = ""
        self._project_id = ""

    def get(self, service: str, path: str, **query: object) -> Any:
        """The answer to a GET; ``service`` is its type in the catalog, ``path`` starts behind the endpoint."""
        return self.call("GET", service, _with(path, query))

    def post(self, service: str, path: str, body: object = None, **query: object) -> Any:
        """The answer to a POST of this JSON; None where it is empty."""
        return self.call("POST", service, _with(path, query), body)

    def put(self, service: str, path: str, body: object = None) -> Any:
        """The answer to a PUT of this JSON."""
        return self.call("PUT", service, path, body)

    def delete(self, service: str, path: str, **query: object) -> None:
        """DELETE; RequestFailed 404 where it is gone already."""
        self.call("DELETE", service, _with(path, query))

    def upload(self, path: str, content: Iterable[bytes], size: int) -> None:
        """PUT bytes to the image service."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._send("PUT", self._url("image", path), content, headers)

    def patch(self, service: str, path: str, body: object) -> Any:
        """The answer to a PATCH of this JSON."""
        return self.call("PATCH", service, path, body)

    def all(self, service: str, path: str, name: str, key: str = "id", **query: object) -> list[dict[str, Any]]:
        """A whole list, page by page; ``key`` is the field that a page's marker names."""
        rows: list[dict[str, Any]] = []
        while True:
            marker = rows[-1][key] if rows else None
            page = self.get(service, path, limit=_PAGE, marker=marker, **query)[name]
            rows += page
            if len(page) < _PAGE:
                return rows

    def call(self, method: str, service: str, path: str, body: object = None) -> Any:
        """One request. RequestFailed: the API refused. Failure (not running): nobody answers."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        try:
            return self._send(method, self._url(service, path), content, headers)[0]
        except RequestFailed as error:
            if error.status != 401 or not self._token:
                raise
        self._token = ""  # it ends after an hour; a command that follows something may run for days
        return self._send(method, self._url(service, path), content, headers)[0]

    @contextmanager
    def reading(
        self, service: str, path: str, accept: str, /, *, patient: bool = False, **query: object
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer to a GET while it comes. ``patient``: it may be silent for ever, as a log that is followed."""
        headers = {"Accept": accept}
        with self._opened("GET", self._url(service, _with(path, query)), None, headers, patient=patient) as answer:
            yield answer

    def write(self, service: str, path: str, content: Iterable[bytes], kind: str, /, **query: object) -> Any:
        """The answer to a POST of bytes as they come; ``kind`` is their media type."""
        return self._send("POST", self._url(service, _with(path, query)), content, {"Content-Type": kind})[0]

    def tls(self) -> ssl.SSLContext:
        """How to trust the cloud's certificates, as the OS_* variables say, for a session: two threads may use it."""
        from boxship.cli import wire

        return wire.shared(self._trust())

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._variables.get("OS_CACERT") or None)

    @property
    def project_id(self) -> str:
        """The project that the user works in."""
        self.log_in()
        return self._project_id

    def fake(self) -> bool:
        """Whether the cloud says of itself that it runs nothing."""
        url = self._url("identity", "").partition("/identity")[0]
        found = health(url, self._trust() if url.startswith("https") else None)
        return bool(found and found.get("fake"))

    def _url(self, service: str, path: str) -> str:
        self.log_in()
        if service not in self._catalog:
            raise Failure(f"The cloud offers no service of type {service}.", Exit.NOT_FOUND)
        return self._catalog[service].rstrip("/") + path

    def log_in(self) -> None:
        """Get a token, unless there is one; the first call does it by itself."""
        if self._token:
            return
        variables = self._variables
        user = {
            "name": variables["OS_USERNAME"],
            "password": variables.get("OS_PASSWORD", ""),
            "domain": {"name": variables.get("OS_USER_DOMAIN_NAME", "Default")},
        }
        domain = {"name": variables.get("OS_PROJECT_DOMAIN_NAME", "Default")}
        scope = {"project": {"name": variables.get("OS_PROJECT_NAME", ""), "domain": domain}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        url = f"{variables['OS_AUTH_URL'].rstrip('/')}/auth/tokens"
        answer, headers = self._send("POST", url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        token = answer["token"]
        self._token = headers["X-Subject-Token"]
        self._project_id = str(token["project"]["id"])
        region = variables.get("OS_REGION_NAME")
        for entry in token["catalog"]:
            for endpoint in entry["endpoints"]:
                if endpoint["interface"] == "public" and region in {None, endpoint.get("region_id")}:
                    self._catalog.setdefault(entry["type"], endpoint["url"])

    def _send(
        self, method: str, url: str, content: bytes | Iterable[bytes] | None, headers: Mapping[str, str]
    ) -> tuple[Any, http.client.HTTPMessage]:
        with self._opened(method, url, content, headers) as answer:
            received = b"".join(chunks(answer))
        return (json.loads(received) if received else None), answer.headers

    @contextmanager
    def _opened(
        self,
        method: str,
        url: str,
        content: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
        *,
        patient: bool = False,
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer, its body not read yet. RequestFailed: it is a refusal."""
        parts = urlsplit(url)
        sent = {"OpenStack-API-Version": CONTAINER_VERSION, "Accept": "application/json", **headers}
        if self._token:
            sent["X-Auth-Token"] = self._token
        resource = parts.path + (f"?{parts.query}" if parts.query else "")
        connection = self._connection(parts.scheme, parts.netloc)
        try:
            try:
                _ask(connection, method, resource, content, sent)
                wire = connection.sock
                answer = connection.getresponse()
                if patient and wire is not None:
                    _wait_for_ever(wire)
                refusal = answer.read() if answer.status >= 400 else b""
            except (OSError, http.client.HTTPException) as error:
                raise _unreachable(url, error) from error
            if answer.status >= 400:
                raise RequestFailed(answer.status, _sentence(answer.status, refusal))
            yield answer
        finally:
            connection.close()

    def _connection(self, scheme: str, place: str) -> http.client.HTTPConnection:
        """A fresh one: a kept one may have been closed by the server while a command waited for something."""
        return _connected(scheme, place, self._trust() if scheme == "https" else None, _TIMEOUT)


def connect(state_dir: Path | None = None, user: str = "demo") -> Cloud:
    """The cloud that the OS_* variables name; without them the one in the state directory, as its user ``user``."""
    if state_dir is None and os.environ.get("OS_AUTH_URL") and os.environ.get("OS_USERNAME"):
        return Cloud({name: value for name, value in os.environ.items() if name.startswith("OS_")})
    from boxship.installation import choice, directory, secrets

    settings = choice.settings({"state_dir": state_dir})
    directory.existing(settings.state_dir)
    password = secrets.passwords(settings.state_dir)[user]
    return Cloud(secrets.variables(settings, user, user, password))


def local_health(settings: Settings) -> dict[str, Any] | None:
    """The same of the program on this host, whatever is in front of it."""
    if settings.tls is None:
        return health(settings.local_url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Its certificate is for the name that clients call it, not for the address that it listens on.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return health(settings.local_url, context)


def health(url: str, context: ssl.SSLContext | None = None, timeout: float = 5.0) -> dict[str, Any] | None:
    """What the program says of itself, healthy or not; None where nobody answers."""
    parts = urlsplit(url)
    connection = _connected(parts.scheme, parts.netloc, context, timeout)
    try:
        connection.request("GET", f"{parts.path}/healthcheck")
        content = json.loads(connection.getresponse().read())
        return content if isinstance(content, dict) and "status" in content else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _connected(scheme: str, place: str, context: ssl.SSLContext | None, timeout: float) -> http.client.HTTPConnection:
    if scheme != "https":
        return http.client.HTTPConnection(place, timeout=timeout)
    return http.client.HTTPSConnection(place, timeout=timeout, context=context)


def chunks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """What comes, when it comes. Failure: the connection broke off."""
    try:
        while received := answer.read1(_CHUNK):
            yield received
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"The connection to the cloud broke off: {error}.", Exit.NOT_RUNNING) from error


def document(answer: http.client.HTTPResponse) -> Any:
    """The whole answer as JSON. Failure: it is none."""
    try:
        return json.loads(b"".join(chunks(answer)))
    except ValueError as error:
        raise Failure("The cloud answered with something that is no JSON.") from error


def quoted(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def _with(path: str, query: Mapping[str, object]) -> str:
    given = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in query.items()
        if value is not None
    }
    return f"{path}?{urlencode(given)}" if given else path


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    resource: str,
    content: bytes | Iterable[bytes] | None,
    headers: Mapping[str, str],
) -> None:
    """Send the request. A server that refuses may close before all is sent: its answer says why."""
    try:
        connection.request(method, resource, content, headers)
    except (BrokenPipeError, ConnectionResetError):
        if content is None or isinstance(content, bytes):
            raise


def _wait_for_ever(wire: socket.socket) -> None:
    """No limit on silence, but a peer that is gone is noticed."""
    wire.settimeout(None)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _unreachable(url: str, error: Exception) -> Failure:
    place = urlsplit(url).netloc
    if isinstance(error, ConnectionRefusedError):
        return Failure(f"No cloud answers at {place}. Start it with 'boxship up --detach'.", Exit.NOT_RUNNING)
    return Failure(f"The cloud at {place} does not answer: {error}.", Exit.NOT_RUNNING)


def _sentence(status: int, content: bytes) -> str:
    """The message in an error body of any of the services."""
    try:
        body = json.loads(content)
    except ValueError:
        return f"The cloud answered with status {status}."
    found = _message(body)
    return found if found else f"The cloud answered with status {status}."


def _message(body: Any) -> str:
    """Where each upstream puts it: ``{"error": {"message"}}``, ``{"NeutronError": ...}``, ``{"errors": [{"detail"}]}``."""
    if isinstance(body, list):
        return _message(body[0]) if body else ""
    if not isinstance(body, dict):
        return ""
    for name in ("message", "detail"):
        if isinstance(body.get(name), str) and body[name]:
            return str(body[name])
    return next((found for inner in body.values() if (found := _message(inner))), "")
