"""Stand-ins for the images that the tests name, made from programs of this Debian host; downloads nothing.

They have what the tests use: a shell, sleep, cat and ping of busybox, curl, a web server that greets as nginx does.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
_WELCOME = "<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title></head><body><h1>Welcome to nginx!</h1></body></html>\n"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Image:
    """What an image holds beside busybox: programs of this host with their libraries, and files; and what it runs."""

    name: str
    command: Sequence[str]
    programs: Sequence[str] = ()
    files: dict[str, str] = field(default_factory=dict)


IMAGES = (
    Image("cirros:latest", ["sleep", "2147483647"], ["curl"]),
    Image("nginx:latest", ["httpd", "-f", "-p", "80", "-h", "/usr/share/nginx/html"], (), {
        "usr/share/nginx/html/index.html": _WELCOME
    }),
    Image("ubuntu:latest", ["bash"], ["bash"]),
    Image("alpine:latest", ["sh"]),
)  # fmt: skip


class ProgramMissing(Exception):
    """A program that belongs into an image is not on this host."""


def save(image: Image, path: Path) -> Path:
    """Write the image as ``docker save`` does. ProgramMissing: the host lacks what belongs in it."""
    layer = _layer(image)
    config = _config(image, layer)
    digest = hashlib.sha256(config).hexdigest()
    manifest = [{"Config": f"{digest}.json", "RepoTags": [image.name], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        _add(archive, f"{digest}.json", config)
        _add(archive, "layer.tar", layer)
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    return path


def _config(image: Image, layer: bytes) -> bytes:
    """OCI Image Specification, image configuration."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": list(image.command), "Env": [_PATH]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": f"stand-in for {image.name}"}],
    }
    return json.dumps(document).encode()


def _layer(image: Image) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as files:
        for name, mode in (("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("tmp", 0o1777)):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, mode
            files.addfile(directory)
        _add(files, "bin/busybox", BUSYBOX.read_bytes(), 0o755)
        own = {f"bin/{name}" for name in image.programs}
        for applet in sorted({f"bin/{name}" for name in _applets()} - own):
            _link(files, applet, "busybox")
        for name in image.programs:
            _add_program(files, name)
        for name, text in {
            "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
            "etc/group": "root:x:0:\n",
            **image.files,
        }.items():
            _add(files, name, text.encode())
    return buffer.getvalue()


def _applets() -> Iterable[str]:
    """The names under which busybox is another program."""
    said = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout
    return (name for name in said.split() if name != "busybox")


def _add_program(files: tarfile.TarFile, name: str) -> None:
    """The program with the libraries that the loader would load for it, where it looks for them."""
    found = shutil.which(name)
    if found is None:
        raise ProgramMissing(
            f"The program {name} belongs in an image of the tests and is not here; apt-get install {name}."
        )
    _add(files, f"bin/{name}", Path(found).read_bytes(), 0o755)
    said = subprocess.run(["ldd", found], capture_output=True, text=True, check=True).stdout
    for library in sorted(set(re.findall(r"(/\S+) \(0x", said))):
        _add(files, library.lstrip("/"), Path(library).resolve().read_bytes(), 0o755)


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _link(archive: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    archive.addfile(entry)
