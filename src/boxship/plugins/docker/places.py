"""Where Docker finds the plugin: a socket, and where that is not in Docker's own directory, a spec file that leads to it
(https://docs.docker.com/engine/extend/plugin_api/, "Plugin discovery").

Both are made for root alone and removed at the end. A file that somebody else made is never touched: a socket is replaced
only where nobody answers on it, and a spec file only where it says what ours would.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

from boxship.core import errors

SOCKETS = Path("/run/docker/plugins")
"""Docker looks here for ``NAME.sock``, and in /etc/docker/plugins and /usr/lib/docker/plugins for ``NAME.spec``."""
_BACKLOG = 128
_FIRST_PASSED = 3
"""The number of the first descriptor that a service manager passes."""


@contextlib.contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A listening UNIX socket that only root may use. Unavailable: another process answers there, or the place is not ours."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # from its first moment on nobody else may connect
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise errors.Unavailable(f"Cannot listen on {path}: {error.strerror or error}.") from error
    finally:
        os.umask(before)
    mine = _identity(path)
    listener.listen(_BACKLOG)
    try:
        yield listener
    finally:
        listener.close()
        if _identity(path) == mine:
            path.unlink(missing_ok=True)


def passed() -> socket.socket | None:
    """The listening UNIX socket that a service manager made and passed to us (sd_listen_fds(3)); None: it passed none.

    It is there before us and after us, so Docker's calls wait in it while we are started. BadRequest: it is something else.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    found = socket.socket(fileno=_FIRST_PASSED)
    if os.environ.get("LISTEN_FDS") == "1" and found.family == socket.AF_UNIX and _is_listening(found):
        os.set_inheritable(_FIRST_PASSED, False)
        return found
    raise errors.BadRequest("What the service manager passed is not one listening UNIX socket.", field="LISTEN_FDS")


def _is_listening(found: socket.socket) -> bool:
    return found.type == socket.SOCK_STREAM and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is: another plugin may have come in our place."""
    with contextlib.suppress(FileNotFoundError):
        found = path.lstat()
        return found.st_dev, found.st_ino
    return None


def _clear(path: Path) -> None:
    """Remove the socket of a plugin that was killed. Unavailable: it is none, or somebody answers on it."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise errors.Unavailable(f"{path} is no socket, and not ours to replace.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise errors.Unavailable(f"Cannot tell who is behind {path}: {error}.") from error
    raise errors.Unavailable(f"Another plugin answers on {path}; stop it, or choose another --name or --socket.")


@contextlib.contextmanager
def spec(path: Path | None, address: str) -> Iterator[None]:
    """A spec file that says where the plugin is, for the time of the ``with``; None: none. Unavailable: there is another."""
    if path is None:
        yield
        return
    text = f"{address}\n"
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        if path.read_text(encoding="utf-8") != text:
            raise errors.Unavailable(f"{path} leads elsewhere, and is not ours to replace.") from error
    except OSError as error:
        raise errors.Unavailable(f"{path} cannot be written: {error.strerror or error}.") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if path.read_text(encoding="utf-8") == text:
                path.unlink()


def tcp(address: str) -> socket.socket:
    """A listening TCP socket at ``HOST:PORT``; it is for TLS only. BadRequest: no address; Unavailable: not to be had."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise errors.BadRequest(f"{address!r} is not HOST:PORT.", field="listen")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise errors.Unavailable(f"Cannot listen on {address}: {error}.") from error


def tls(certificate: Path, key: Path, client_authority: Path) -> ssl.SSLContext:
    """TLS for which clients need a certificate of this authority. BadRequest: the files do not serve."""
    try:
        if key.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            raise errors.BadRequest(f"{key} can be read by everybody on this host; chmod o= {key}", field="tls-key")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(client_authority))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(certificate, key, password="")  # else it is asked for on the terminal
    except (ssl.SSLError, OSError, ValueError) as error:
        raise errors.BadRequest(f"The TLS files cannot be used: {error}.", field="tls") from error
    return context
