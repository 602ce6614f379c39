"""The HTTP server around an ASGI application: its socket, its TLS, and the parts of uvicorn that it is made of. It knows
nothing of what is served."""

from __future__ import annotations

import asyncio
import socket
import ssl
import stat
from typing import TYPE_CHECKING, Any

from boxship.config import Settings
from boxship.core import errors

if TYPE_CHECKING:
    import uvicorn

_MESSAGE = 1 << 20
"""Bytes of a message of a WebSocket; a paste into a terminal is far below."""
_GRACE = 5
"""Seconds that what is under way has to end when the program stops."""
_PING = 20.0
"""Seconds between two pings: proxies close what is silent for a minute."""
_KEEPALIVE = {
    socket.TCP_KEEPIDLE: 60,
    socket.TCP_KEEPINTVL: 15,
    socket.TCP_KEEPCNT: 4,
    socket.TCP_USER_TIMEOUT: 120_000,
}
"""After two minutes without a sign of life a client has gone, though it never said so (tcp(7); the last is in ms)."""


def listen(settings: Settings) -> socket.socket:
    """The listening socket. Unavailable: the address is not to be had."""
    host, port = settings.address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise errors.Unavailable(
            f"Cannot listen on {settings.listen}: {error.strerror or error}. Stop what uses it, or choose another "
            "address with --listen HOST:PORT.",
            detail=str(error),
        ) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # connections inherit these
    for option, value in _KEEPALIVE.items():
        listener.setsockopt(socket.IPPROTO_TCP, option, value)
    return listener


def server(application: Any, settings: Settings) -> uvicorn.Server:
    """A server of the application that was not started yet. BadRequest: certificate and key do not serve."""
    import uvicorn

    context = tls(settings)
    return uvicorn.Server(
        uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="none",
            timeout_graceful_shutdown=_GRACE,
            ws=_websocket,  # type: ignore[arg-type]  # anything that makes a protocol will do
            ws_max_size=_MESSAGE,
            ws_ping_interval=_PING,
            # Pongs are not waited for: they stand behind input that a process does not read yet, and TCP knows who is gone.
            ws_ping_timeout=None,
            # What a terminal shows is small, and a window per session is not.
            ws_per_message_deflate=False,
            ssl_context_factory=(lambda _config, _default: context) if context else None,
        )
    )


def tls(settings: Settings) -> ssl.SSLContext | None:
    """What the server shows its clients; None: nothing. BadRequest: certificate and key cannot be used."""
    files = settings.tls
    if files is None:
        return None
    certificate, key = files
    for name, path in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            path.open("rb").close()
        except OSError as error:
            raise errors.BadRequest(f"{path} cannot be read: {error.strerror or error}.", field=name) from error
    if key.stat().st_mode & stat.S_IROTH:
        raise errors.BadRequest(f"{key} can be read by everybody on this host; chmod o= {key}", field="tls_key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    # A ticket comes after the handshake: a client in Python before 3.13 that reads in one thread loses what another writes
    # at that moment, and waits for ever. Connections are kept open; few would be resumed.
    context.num_tickets = 0
    try:
        # The password is asked for on the terminal otherwise, where nobody may be.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError) as error:
        raise errors.BadRequest(
            f"{certificate} and {key} are no certificate in PEM with its key, without a password.",
            field="tls_certificate",
            detail=str(error),
        ) from error
    return context


def _websocket(*given: Any, **named: Any) -> asyncio.Protocol:
    """A connection that became a WebSocket. What speaks it is loaded with the first one: most programs never need it."""
    from boxship.core.http.pinging import PingingProtocol

    return PingingProtocol(*given, **named)
