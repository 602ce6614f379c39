"""Docker engines that are not this host's own: named by templates, reached by TLS with the operator's certificates, or by a UNIX
socket. Decides nothing about who may name one."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from boxship.core import errors
from boxship.drivers.engine.connection import Connection, Remote

_PORT = 2376
"""Where engines listen with TLS (https://docs.docker.com/engine/security/protect-access/)."""


class RemoteEngines:
    """The engines at ``unix:///path`` and ``tcp://host:port``. ``certificates`` is a directory with ``ca.pem``, ``cert.pem`` and
    ``key.pem`` as the Docker client has it; None: no engine is reached by TCP."""

    def __init__(self, certificates: Path | None) -> None:
        self._certificates = certificates

    @asynccontextmanager
    async def open(self, endpoint: str) -> AsyncIterator[Connection]:
        """A connection, for so long. Refused: no such endpoint, or no certificates for it."""
        connection = Connection(self._address(endpoint))
        try:
            yield connection
        finally:
            await connection.close()

    def _address(self, endpoint: str) -> Path | Remote:
        parts = urlsplit(endpoint)
        if parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc:
            return Path(parts.path)
        if parts.scheme not in {"tcp", "https"} or not parts.hostname or parts.path not in {"", "/"} or parts.username:
            raise errors.Refused(f"{endpoint[:200]} is no endpoint like tcp://host:2376 or unix:///path.")
        try:
            port = parts.port or _PORT
        except ValueError as error:
            raise errors.Refused(f"{endpoint[:200]} has no port like 2376.") from error
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return Remote(f"https://{host}:{port}", self._trust())

    def _trust(self) -> ssl.SSLContext:
        if self._certificates is None:
            raise errors.Refused("No certificates for Docker engines are set (docker_certificates).")
        try:
            context = ssl.create_default_context(cafile=str(self._certificates / "ca.pem"))
            context.load_cert_chain(self._certificates / "cert.pem", self._certificates / "key.pem")
        except OSError as error:
            raise errors.Refused("The certificates for Docker engines cannot be read.", detail=repr(error)) from error
        return context
