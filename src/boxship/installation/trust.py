"""Which CA the clients of an installation are told to trust. Reads certificates; never makes or checks any."""

from __future__ import annotations

from pathlib import Path

from boxship.config import Settings


def authority(settings: Settings) -> Path | None:
    """The file for OS_CACERT: what ``tls_ca`` says, or the server's certificate where nobody else vouches for it.

    None: what clients trust anyway is right, or the server speaks no TLS.
    """
    if settings.tls_ca:
        return Path(settings.tls_ca)
    if settings.tls is None or not settings.url.startswith("https:"):
        return None
    certificate = settings.tls[0]
    return certificate if _is_its_own_issuer(certificate) else None


def _is_its_own_issuer(path: Path) -> bool:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return False  # the server says what is wrong with it
    return certificate.issuer == certificate.subject
