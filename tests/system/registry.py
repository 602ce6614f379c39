"""A registry on loopback that can be told to break off (OCI Distribution Specification, as far as a pull goes)."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.system import archives

NAME = "library/small"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry(ThreadingHTTPServer):
    """Serves one image, which no other registry ever had. ``broken``: every transfer breaks off halfway; ``free``: while it
    is not set, layers wait; ``login``: user and password that it asks for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.broken = False
        self.login: tuple[str, str] | None = None
        self.free = threading.Event()
        self.free.set()
        self.blobs: dict[str, bytes] = {}
        self.manifest = self._image()

    @property
    def domain(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def image(self) -> str:
        """What to pull."""
        return f"{self.domain}/{NAME}:1"

    def _image(self) -> bytes:
        layer = archives.layer()
        packed = gzip.compress(layer, 1)
        config = archives.config(layer, secrets.token_hex(8))
        entries = [("application/vnd.docker.container.image.v1+json", config)]
        entries.append(("application/vnd.docker.image.rootfs.diff.tar.gzip", packed))
        described = [{"mediaType": media, "size": len(data), "digest": self._keep(data)} for media, data in entries]
        document = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": described[0], "layers": described[1:]}
        return json.dumps(document).encode()

    def _keep(self, data: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[digest] = data
        return digest


class _Answers(BaseHTTPRequestHandler):
    server: Registry

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if not self._known():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="private"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        found = self._found()
        if found is None:
            self.send_error(404)
            return
        media, data = found
        self.send_response(200)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(data).hexdigest()}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[: len(data) // 2] if self.server.broken else data)

    def _known(self) -> bool:
        login = self.server.login
        shown = self.headers.get("Authorization")
        return login is None or shown == "Basic " + base64.b64encode(":".join(login).encode()).decode()

    def _found(self) -> tuple[str, bytes] | None:
        if self.path == "/v2/":
            return "application/json", b"{}"
        if self.path.startswith(f"/v2/{NAME}/manifests/"):
            digest = hashlib.sha256(self.server.manifest).hexdigest()
            known = self.path.endswith(("/1", digest))
            return (_MANIFEST, self.server.manifest) if known else None
        data = self.server.blobs.get(self.path.rpartition("/")[2])
        if data is None:
            return None
        self.server.free.wait(60)
        return "application/octet-stream", data

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Registry]:
    """A registry while it is needed."""
    registry = Registry()
    thread = threading.Thread(target=registry.serve_forever)
    thread.start()
    try:
        yield registry
    finally:
        registry.free.set()
        registry.shutdown()
        thread.join()
        registry.server_close()
