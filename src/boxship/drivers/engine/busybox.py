"""A small real image from the host's static busybox, for hosts that reach no registry. The same bytes every time."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from pathlib import Path

from boxship.core import errors
from boxship.drivers.engine import archive

PROGRAM = Path("/bin/busybox")
"""Where Debian's busybox-static puts it."""

REFERENCE = "busybox:latest"

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
"""What the kernel calls a machine, in the words of images (GOARCH, OCI image-spec, config.md)."""


def image(program: Path = PROGRAM) -> bytes:
    """An archive as `docker save` writes it: busybox with its applets, PATH, and ``sh`` as command.

    Refused: the host has no busybox, or it is not static.
    """
    try:
        binary = program.read_bytes()
        applets = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError) as error:
        raise errors.Refused("There is no busybox on this host: apt-get install busybox-static") from error
    layer = _layer(binary, applets)
    config = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": "2024-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "busybox-static"}],
    }
    manifest = [{"Config": "config.json", "RepoTags": [REFERENCE], "Layers": ["layer.tar"]}]
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as whole:
        archive.add(whole, "config.json", json.dumps(config, sort_keys=True).encode())
        archive.add(whole, "layer.tar", layer)
        archive.add(whole, "manifest.json", json.dumps(manifest).encode())
    return written.getvalue()


_FILES = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
}


def _layer(binary: bytes, applets: list[str]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as layer:
        for name, mode in {
            "bin": 0o755,
            "etc": 0o755,
            "root": 0o700,
            "tmp": 0o1777,
            "var": 0o755,
            "usr": 0o755,
        }.items():
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, mode
            layer.addfile(directory)
        archive.add(layer, "bin/busybox", binary, mode=0o755)
        for name, content in _FILES.items():
            archive.add(layer, name, content)
        for applet in sorted(set(applets) - {"busybox"}):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname, link.mode = tarfile.SYMTYPE, "busybox", 0o777
            layer.addfile(link)
    return written.getvalue()
