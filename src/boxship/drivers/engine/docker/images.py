"""Images of a Docker engine: fetched, loaded, found, removed. Knows no containers."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from boxship.core import errors
from boxship.drivers.engine import archive, connection, files
from boxship.drivers.engine.connection import Missing, Taken
from boxship.drivers.engine.docker.access import Access
from boxship.drivers.engine.interface import ImageSight, PullProgress


class Images(Access):
    """The part of ``interface.Engine`` about images."""

    async def image(self, reference: str) -> ImageSight | None:
        if not _REFERENCE.fullmatch(reference):
            return None
        try:
            shown = await self._docker.json("GET", f"/images/{reference}/json")
        except Missing:
            return None
        return ImageSight(shown["Id"], tuple(shown.get("RepoTags") or ()), shown["Size"])

    async def pull(self, reference: str, progress: Callable[[PullProgress], None] | None = None) -> ImageSight:
        layers: dict[str, tuple[int, int]] = {}
        if not _REFERENCE.fullmatch(reference):
            raise errors.Refused(f"{reference[:100]!r} is not the name of an image.")
        if not re.search("[:@]", reference.rpartition("/")[2]):
            reference += ":latest"  # without a tag an engine fetches all
        try:
            async for line in self._docker.lines(
                "POST", "/images/create", fromImage=reference, silence=connection.SILENCE
            ):
                if "error" in line:
                    raise _pull_failure(reference, line["error"])
                detail = line.get("progressDetail") or {}
                if progress and detail.get("total"):
                    layers[line.get("id", "")] = (detail.get("current", 0), detail["total"])
                    progress(PullProgress(sum(d for d, _ in layers.values()), sum(t for _, t in layers.values())))
        except Missing as error:
            raise errors.Refused(
                f"There is no image {reference}, or it may not be pulled.", detail=str(error)
            ) from error
        except errors.Refused as error:
            raise _pull_failure(reference, error.detail or error.sentence) from error
        return await self._present(reference)

    async def _present(self, reference: str) -> ImageSight:
        image = await self.image(reference)
        if image is None:
            raise errors.Busy(f"The image {reference} is not there after it was fetched.")
        return image

    async def load(self, archive_: AsyncIterator[bytes], reference: str) -> ImageSight:
        with files.on_disk():
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            scratch_ = tempfile.TemporaryDirectory(dir=self._directory, prefix="load-")
        with scratch_ as scratch, files.on_disk():
            given, clean = Path(scratch, "given"), Path(scratch, "clean")
            with given.open("wb") as file:
                async for chunk in archive_:
                    await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(archive.rewrite, given, clean, reference)
            with clean.open("rb") as file:
                async for line in self._docker.lines(
                    "POST", "/images/load", file, quiet=True, silence=connection.SILENCE
                ):
                    if "error" in line:
                        if connection.is_full(line["error"]):
                            raise connection.full(line["error"])
                        raise errors.Refused(f"The engine cannot load the image: {line['error']}.")
        return await self._present(reference)

    async def remove_image(self, reference: str) -> None:
        if not _REFERENCE.fullmatch(reference):
            return
        with contextlib.suppress(Missing, Taken):
            await self._docker.json("DELETE", f"/images/{reference}")


_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DIGEST = "sha256:[0-9a-f]{64}"
_REFERENCE = re.compile(
    rf"(?=.{{1,255}}$)(?:{_DIGEST}|(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{{1,5}})?/)?{_PART}(?:/{_PART})*"
    rf"(?::\w[\w.-]{{0,127}})?(?:@{_DIGEST})?)"
)
"""What may stand in the path of a request about an image: a name, tag or digest (distribution/reference), and no ``..``."""


def _pull_failure(reference: str, said: str) -> errors.DriverError:
    if connection.is_full(said):
        return connection.full(said)
    if re.search(
        r"not found|denied|unauthorized|manifest unknown|does not exist|invalid reference", said, re.IGNORECASE
    ):
        return errors.Refused(f"There is no image {reference}, or it may not be pulled.", detail=said)
    return errors.Busy(f"The registry of {reference} cannot be reached.", detail=said)
