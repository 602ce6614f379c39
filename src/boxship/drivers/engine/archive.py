"""Image archives in the form of `docker save`, from anybody: read with suspicion, written anew with one name only.

An archive names the images in it (RepoTags), and an engine would believe it: a tenant could replace another's image. So
only the configuration and the layers that the one image needs are copied, under the name that we chose.
"""

from __future__ import annotations

import errno
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from boxship.core import errors

_MANIFEST_LIMIT = 1 << 20
_LAYERS_LIMIT = 512
_MEMBERS_LIMIT = 16384
_SLACK = 64 << 20
"""By how many bytes the copied parts may exceed the archive: a layer may occur more than once, by links."""


class _Bounded(io.FileIO):
    """A file that gives little at a time: the size of a header, and so what is kept in memory, is the sender's to say."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= _MANIFEST_LIMIT:
            raise tarfile.ReadError("a header or a read of this size is no part of an image")
        return super().read(size) or b""


def rewrite(source: Path, target: Path, reference: str) -> None:
    """Write the one image in ``source`` to ``target`` with the name ``reference``. Blocks.

    Refused: not such an archive (compressed ones are not), no or several images in it, or members that are not plain files.
    Busy: the disk is full.
    """
    try:
        with _Bounded(source) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for count, _ in enumerate(archive):
                if count > _MEMBERS_LIMIT:
                    raise errors.Refused(f"The image archive has more than {_MEMBERS_LIMIT} members.")
            with tarfile.open(target, "w") as copy:
                _rewrite(archive, copy, reference, source.stat().st_size + _SLACK)
    except (tarfile.TarError, EOFError, OSError, KeyError, RecursionError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise errors.Busy("The disk of the host is full.") from error
        raise errors.Refused("The image is not an archive as `docker save` writes it.", detail=repr(error)) from error


def _rewrite(archive: tarfile.TarFile, copy: tarfile.TarFile, reference: str, room: int) -> None:
    config, layers = _image(archive)
    names = {layer: f"{at:04d}/layer.tar" for at, layer in enumerate(dict.fromkeys(layers))}
    for source, name in [(config, "config.json"), *names.items()]:
        room -= _copy(archive, source, copy, name)
        if room < 0:
            raise errors.Refused("The image archive names the same content again and again.")
    manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": [names[layer] for layer in layers]}]
    add(copy, "manifest.json", json.dumps(manifest).encode())


def _image(archive: tarfile.TarFile) -> tuple[str, list[str]]:
    """The names of the configuration and the layers of the only image."""
    member = archive.getmember("manifest.json")
    file = archive.extractfile(member) if member.isreg() and member.size <= _MANIFEST_LIMIT else None
    if file is None:
        raise errors.Refused("The image's manifest.json is not a plain file of a sensible size.")
    try:
        manifest: Any = json.loads(file.read())
        (image,) = manifest
        config, layers = image["Config"], image["Layers"]
    except (ValueError, TypeError, KeyError) as error:
        raise errors.Refused("The image archive must hold exactly one image.", detail=repr(error)) from error
    names = [config, *(layers if isinstance(layers, list) else [None])]
    if len(names) > _LAYERS_LIMIT or not all(isinstance(name, str) for name in names):
        raise errors.Refused("The image's manifest.json does not name its layers.")
    return config, layers


def _copy(archive: tarfile.TarFile, name: str, copy: tarfile.TarFile, new_name: str) -> int:
    """Copy a member under a new name; its size."""
    member = archive.getmember(name)
    file = None if member.issparse() else archive.extractfile(member)
    if file is None:
        raise errors.Refused(f"The image archive's {name!r} is not a plain file.")
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    copy.addfile(_plain(new_name, size), file)
    return size


def add(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    """A plain file with this content, the same bytes every time."""
    archive.addfile(_plain(name, len(content), mode), io.BytesIO(content))


def _plain(name: str, size: int, mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode
    return info
