"""A small real image as ``docker save`` writes it, from Debian's static busybox; needs no engine and no registry."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
_APPLETS = (
    *(
        "sh",
        "cat",
        "echo",
        "sleep",
        "ping",
        "nc",
        "wget",
        "httpd",
        "nslookup",
        "ip",
        "id",
        "ls",
        "true",
        "false",
        "env",
    ),
    *(
        "hostname",
        "seq",
        "sync",
        "date",
        "mkdir",
        "rm",
        "touch",
        "kill",
        "ps",
        "head",
        "test",
        "sha256sum",
        "dd",
        "tail",
        "timeout",
        "killall",
    ),
)


def busybox(path: Path, name: str) -> Path:
    """Write the archive of an image of this name (``repository:tag``); it runs a shell as root."""
    files = layer()
    content = config(files)
    digest = hashlib.sha256(content).hexdigest()
    manifest = [{"Config": f"{digest}.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        for member, data in (
            (f"{digest}.json", content),
            ("layer.tar", files),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            archive.addfile(_file(member, len(data)), io.BytesIO(data))
    return path


def config(files: bytes, maker: str = "busybox") -> bytes:
    """The configuration of an image with this one layer (OCI Image Specification); another maker, another image."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["sh"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(files).hexdigest()}"]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": maker}],
    }
    return json.dumps(document).encode()


def layer() -> bytes:
    """The files of the image as a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as files:
        for name, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("www", 0o755)):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, mode
            files.addfile(directory)
        data = BUSYBOX.read_bytes()
        files.addfile(_file("bin/busybox", len(data), 0o755), io.BytesIO(data))
        for applet in _APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            files.addfile(link)
        for name, text in (("etc/passwd", "root:x:0:0:root:/:/bin/sh\n"), ("etc/group", "root:x:0:\n")):
            files.addfile(_file(name, len(text)), io.BytesIO(text.encode()))
    return buffer.getvalue()


def _file(name: str, size: int, mode: int = 0o644) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    return entry
