"""Images of the fake engine: names without content."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator, Callable

from boxship.core import errors
from boxship.drivers.engine import archive
from boxship.drivers.engine import reference as references
from boxship.drivers.engine.fake.record import SAYING, Change, Record
from boxship.drivers.engine.interface import Credentials, ImageSight, PullProgress

_SIZE = 1 << 20


class Images(Record):
    """The part of ``interface.Engine`` about images."""

    async def image(self, reference: str) -> ImageSight | None:
        if reference in self._images:
            return _sight(reference)
        return next((image for image in await self.images() if image.id == reference), None)

    async def images(self) -> list[ImageSight]:
        return [_sight(reference) for reference in sorted(self._images)]

    async def pull(
        self,
        reference: str,
        progress: Callable[[PullProgress], None] | None = None,
        credentials: Credentials | None = None,  # noqa: ARG002 (there is no registry to show them to)
    ) -> ImageSight:
        if "missing" in reference or "no-such" in reference:
            raise errors.Refused(f"There is no image {reference}, or it may not be pulled.")
        if progress:
            progress(PullProgress(_SIZE, _SIZE))
        return self._have(reference)

    async def load(self, archive: AsyncIterator[bytes], reference: str) -> ImageSight:
        size = 0
        async for chunk in archive:
            size += len(chunk)
        if size == 0:
            raise errors.Refused("The image is not an archive as `docker save` writes it.")
        return self._have(reference)

    async def commit(self, id: str, reference: str) -> ImageSight:
        if not references.is_name(reference):
            raise errors.Refused(f"{reference[:100]!r} is not the name of an image.")
        self._known(id)
        return self._have(reference)

    def _have(self, reference: str) -> ImageSight:
        self._change(Change(reference, image=True))
        return _sight(reference)

    async def remove_image(self, reference: str) -> None:
        self._change(Change(reference))

    async def save(self, reference: str) -> AsyncIterator[bytes]:
        if reference not in self._images:
            raise errors.Absent(f"The image {reference} is not on this host.")
        yield _archive(reference)

    async def search(self, term: str, limit: int) -> list[dict[str, str | int | bool]]:
        if references.registry(term):
            raise errors.Refused("Images are searched for in the engine's default registry only.")
        if "missing" in term or "no-such" in term or limit < 1:
            return []
        found: dict[str, str | int | bool] = {"name": term, "description": SAYING.decode().strip()}
        return [found | {"star_count": 0, "is_official": False, "is_automated": False}]


def _sight(reference: str) -> ImageSight:
    return ImageSight(f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}", (reference,), _SIZE)


def _archive(reference: str) -> bytes:
    """An image without layers, as ``docker save`` writes one."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        config = {"os": "linux", "author": SAYING.decode(), "rootfs": {"type": "layers", "diff_ids": []}}
        archive.add(tar, "config.json", json.dumps(config).encode())
        manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": []}]
        archive.add(tar, "manifest.json", json.dumps(manifest).encode())
    return content.getvalue()
