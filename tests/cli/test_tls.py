"""A cloud that speaks TLS, from the command line to a session: whom clients are told to trust, and what is said of
settings that do not go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from boxship.config import Settings
from boxship.installation import secrets, trust
from tests import certificates
from tests.cli.conftest import CommandLine


@pytest.fixture
def certificate(tmp_path: Path) -> certificates.Certificate:
    return certificates.make(tmp_path / "tls")


def secure(certificate: certificates.Certificate) -> dict[str, str]:
    return {"BOXSHIP_TLS_CERTIFICATE": str(certificate.certificate), "BOXSHIP_TLS_KEY": str(certificate.key)}


def test_a_cloud_with_tls(boxship: CommandLine, certificate: certificates.Certificate) -> None:
    boxship.environment.update(secure(certificate))
    assert f"https://127.0.0.1:{boxship.port}" in boxship.up()
    boxship.environment.clear()  # the installation remembers
    assert "health" in boxship.ok("status")
    assert f"export OS_CACERT={certificate.certificate}" in boxship.ok("env")
    clouds = yaml.safe_load((boxship.state_dir / "clouds.yaml").read_text())["clouds"]
    assert {cloud["cacert"] for cloud in clouds.values()} == {str(certificate.certificate)}
    assert all(cloud["auth"]["auth_url"].startswith("https://") for cloud in clouds.values())
    boxship.ok("run", "--detach", "--interactive", "--name", "secure", "busybox", "sh")
    assert "nothing runs here" in boxship.ok("exec", "--interactive", "secure", "true"), "a session over wss"
    boxship.ok("down")


@pytest.mark.parametrize("given", ["TLS_CERTIFICATE", "TLS_KEY"])
def test_one_without_the_other(boxship: CommandLine, certificate: certificates.Certificate, given: str) -> None:
    done = boxship.run("up", "--detach", "--engine", "fake", **{f"BOXSHIP_{given}": str(certificate.key)})
    missing = {"TLS_CERTIFICATE": "tls_key", "TLS_KEY": "tls_certificate"}[given]
    assert done.returncode == 2, done.stderr
    assert missing in done.stderr
    assert not boxship.state_dir.exists()


def test_a_key_of_another_certificate(boxship: CommandLine, tmp_path: Path) -> None:
    one, other = certificates.make(tmp_path / "one"), certificates.make(tmp_path / "other")
    boxship.environment.update(secure(certificates.Certificate(one.certificate, other.key)))
    done = boxship.run("up", "--detach", "--engine", "fake", "--listen", f"127.0.0.1:{boxship.port}")
    assert done.returncode != 0
    assert "tls_certificate" in done.stderr
    assert "no certificate in PEM with its key" in done.stderr


def settings(tmp_path: Path, certificate: certificates.Certificate, **more: Any) -> Settings:
    given: dict[str, Any] = {"tls_certificate": str(certificate.certificate), "tls_key": str(certificate.key), **more}
    return Settings(state_dir=tmp_path, **given)


def test_whom_clients_trust(tmp_path: Path, certificate: certificates.Certificate) -> None:
    assert trust.authority(Settings()) is None
    assert trust.authority(settings(tmp_path, certificate)) == certificate.certificate
    assert trust.authority(settings(tmp_path, certificate, tls_ca="/ca.pem")) == Path("/ca.pem")
    behind = Settings(public_url="https://cloud.example", tls_ca="/ca.pem")
    assert trust.authority(behind) == Path("/ca.pem"), "what is in front of the server may have a CA too"
    assert secrets.variables(behind, "demo", "demo", None)["OS_CACERT"] == "/ca.pem"
    assert trust.authority(settings(tmp_path, certificate, public_url="http://cloud.example")) is None


def test_urls(tmp_path: Path, certificate: certificates.Certificate) -> None:
    plain = Settings(listen="10.0.0.1:80")
    assert (plain.url, plain.sessions_url) == ("http://10.0.0.1:80", "ws://10.0.0.1:80/container/websocket")
    secured = settings(tmp_path, certificate, listen="10.0.0.1:443")
    assert secured.sessions_url == "wss://10.0.0.1:443/container/websocket"
    public = Settings(public_url="https://cloud.example/openstack/")
    assert public.sessions_url == "wss://cloud.example/openstack/container/websocket"
    assert Settings(websocket_url="wss://sessions.example/").sessions_url == "wss://sessions.example/"
