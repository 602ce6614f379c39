"""Certificates that tests make for themselves: each its own issuer, for this host's loopback address."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of a certificate and its key, in PEM."""

    certificate: Path
    key: Path

    def locked_key(self) -> Path:
        """Another file with the same key, under a password."""
        path = self.key.with_name("locked.pem")
        path.touch(mode=0o600)
        key = serialization.load_pem_private_key(self.key.read_bytes(), None)
        path.write_bytes(_pem(key, serialization.BestAvailableEncryption(b"secret")))  # type: ignore[arg-type]  # EC
        return path


def make(directory: Path, address: str = "127.0.0.1") -> Certificate:
    """A certificate for this address and localhost, good for a day."""
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(address))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = Certificate(directory / "certificate.pem", directory / "key.pem")
    made.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    made.key.touch(mode=0o600)
    made.key.write_bytes(_pem(key, serialization.NoEncryption()))
    return made


def _pem(key: ec.EllipticCurvePrivateKey, lock: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
