"""Image archives in the form of `docker save`, from anybody: read with suspicion, written anew with one name only.

An archive names the images in it (RepoTags), and an engine would believe it: a tenant could replace another's image. So
only the configuration and the layers that the one image needs are copied, under the name that we chose.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from boxship.core import errors

_MANIFEST_LIMIT = 1 << 20
_LAYERS_LIMIT = 512


def rewrite(source: Path, target: Path, reference: str) -> None:
    """Write the one image in ``source`` to ``target`` with the name ``reference``. Blocks.

    Refused: not such an archive, no or several images in it, or members that are not plain files.
    """
    try:
        with tarfile.open(source) as archive, tarfile.open(target, "w") as copy:
            config, layers = _image(archive)
            manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": []}]
            _copy(archive, config, copy, "config.json")
            for at, layer in enumerate(layers):
                name = f"{at:04d}/layer.tar"
                _copy(archive, layer, copy, name)
                manifest[0]["Layers"].append(name)  # type: ignore[attr-defined]  # a list, two lines above
            add(copy, "manifest.json", json.dumps(manifest).encode())
    except (tarfile.TarError, EOFError, OSError, KeyError) as error:
        if isinstance(error, OSError) and error.errno == 28:
            raise errors.Refused("The disk is full.") from error
        raise errors.Refused("The image is not an archive as `docker save` writes it.", detail=repr(error)) from error


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


def _copy(archive: tarfile.TarFile, name: str, copy: tarfile.TarFile, new_name: str) -> None:
    member = archive.getmember(name)
    if member.issparse():
        raise errors.Refused(f"The image archive holds a sparse file, {name!r}.")
    file = archive.extractfile(member)
    if file is None:
        raise errors.Refused(f"The image archive's {name!r} is not a file.")
    file.seek(0, io.SEEK_END)
    size = file.tell()
    file.seek(0)
    copy.addfile(_plain(new_name, size), file)


def add(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    """A plain file with this content, the same bytes every time."""
    archive.addfile(_plain(name, len(content), mode), io.BytesIO(content))


def _plain(name: str, size: int, mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode
    return info
