"""Where a new volume may go: which of the backends meet what its type asks for by extra specs. Pure.

An extra spec without a scope, or with the scope ``capabilities``, is compared with what the backend says of itself, the way
Cinder's CapabilitiesFilter does; ``multiattach`` and ``RESKEY:`` keys and keys of other scopes are not about backends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from boxship.services.volume.model import Backend

VENDOR = "Open Source"
"""What Cinder's own drivers say of their vendor."""
PROTOCOL = "local"
"""The name of os-brick's connector for devices of the same host."""


def capabilities(backend: Backend) -> dict[str, str]:
    """What can be asked of a backend."""
    return {
        "volume_backend_name": backend.name,
        "pool_name": backend.name,
        "vendor_name": VENDOR,
        "storage_protocol": PROTOCOL,
        "driver_version": "1.0",
        "multiattach": "True",
        "thin_provisioning_support": "True",
        "thick_provisioning_support": "False",
        "online_extend_support": "True",
        "replication_enabled": "False",
    }


def meets(backend: Backend, specs: Mapping[str, str]) -> bool:
    """Whether the backend has all that the extra specs ask for."""
    has = capabilities(backend)
    return all(_is_met(has.get(name), wanted) for name, wanted in _asked(specs))


def first(backends: Iterable[Backend], specs: Mapping[str, str], preferred: str = "") -> Backend | None:
    """The backend of that name where it has what is asked for, else the first that has; None: none has."""
    able = [backend for backend in backends if meets(backend, specs)]
    return next((backend for backend in able if backend.name == preferred), next(iter(able), None))


def _asked(specs: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for key, wanted in specs.items():
        scope, _, name = key.rpartition(":")
        if scope in {"", "capabilities"}:
            yield name, wanted


def _is_met(has: str | None, wanted: str) -> bool:
    """Cinder's operators ``<is>`` (booleans), ``<in>``, ``<or>``; a bare word is compared as it is."""
    if has is None:
        return False
    words = wanted.split()
    if words and words[0] == "<is>":
        return has.lower() == " ".join(words[1:]).lower()
    if words and words[0] == "<in>":
        return " ".join(words[1:]) in has
    if words and words[0] == "<or>":
        return has in words[1::2]
    return has == wanted
