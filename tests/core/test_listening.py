"""The server's socket and its TLS: what is said of files that do not serve, and what connections inherit."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from boxship.config import Settings
from boxship.core import errors
from boxship.core.http import listening
from tests import certificates
from tests.system.installation import free_port


def test_connections_notice_that_a_client_has_gone() -> None:
    port = free_port()
    with listening.listen(Settings(listen=f"127.0.0.1:{port}")) as listener:
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listener.accept()
        with client, accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        with pytest.raises(errors.Unavailable, match="--listen"):
            listening.listen(Settings(listen=f"127.0.0.1:{port}"))


def test_no_tls_unless_it_is_asked_for() -> None:
    assert listening.tls(Settings()) is None


def test_tls(tmp_path: Path) -> None:
    made = certificates.make(tmp_path)
    context = listening.tls(Settings(tls_certificate=str(made.certificate), tls_key=str(made.key)))
    assert context is not None
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_files_that_do_not_serve_are_named(tmp_path: Path) -> None:
    made, other = certificates.make(tmp_path / "a"), certificates.make(tmp_path / "b")
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nonsense")
    for certificate, key, said in (
        (tmp_path / "nothing", made.key, "tls_certificate: .*nothing cannot be read"),
        (made.certificate, tmp_path / "nothing", "tls_key: .*nothing cannot be read"),
        (made.certificate, tmp_path, "tls_key: .*cannot be read"),
        (nonsense, made.key, "tls_certificate: .*no certificate in PEM"),
        (made.certificate, other.key, "tls_certificate: .*no certificate in PEM with its key"),
        (made.certificate, made.locked_key(), "without a password"),
    ):
        with pytest.raises(errors.BadRequest, match=said):
            listening.tls(Settings(tls_certificate=str(certificate), tls_key=str(key)))


def test_a_key_that_everybody_can_read(tmp_path: Path) -> None:
    made = certificates.make(tmp_path)
    made.key.chmod(0o644)
    with pytest.raises(errors.BadRequest, match=r"tls_key: .*chmod"):
        listening.tls(Settings(tls_certificate=str(made.certificate), tls_key=str(made.key)))


def test_what_speaks_websocket_is_loaded_with_the_first_one() -> None:
    """Starting the program must not pay for it."""
    program = (
        "import sys; from boxship.config import Settings; from boxship.core.http import listening;"
        "listening.server(None, Settings()).config.load(); print('websockets' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
