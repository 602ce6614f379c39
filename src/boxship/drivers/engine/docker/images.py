"""Images of a Docker engine: fetched, loaded, made of containers, given out, found, removed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from boxship.core import errors
from boxship.drivers.engine import archive, connection, files
from boxship.drivers.engine import reference as references
from boxship.drivers.engine.connection import Missing, Taken
from boxship.drivers.engine.docker.access import LABELS, Access, named
from boxship.drivers.engine.interface import Credentials, ImageSight, PullProgress


class Images(Access):
    """The part of ``interface.Engine`` about images."""

    async def image(self, reference: str) -> ImageSight | None:
        if not references.is_one(reference):
            return None
        try:
            shown = await self._docker.json("GET", f"/images/{reference}/json")
        except Missing:
            return None
        return _sight(shown)

    async def images(self) -> list[ImageSight]:
        sights = [_sight(shown) for shown in await self._docker.json("GET", "/images/json")]
        return [sight for sight in sights if sight.references]

    async def pull(
        self,
        reference: str,
        progress: Callable[[PullProgress], None] | None = None,
        credentials: Credentials | None = None,
    ) -> ImageSight:
        layers: dict[str, tuple[int, int]] = {}
        if not references.is_one(reference):
            raise errors.Refused(f"{reference[:100]!r} is not the name of an image.")
        reference = references.tagged(reference)  # without a tag an engine fetches all
        body = _authorized(reference, credentials) if credentials else None
        try:
            async for line in self._docker.lines(
                "POST", "/images/create", body, fromImage=reference, silence=connection.SILENCE
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

    async def save(self, reference: str) -> AsyncIterator[bytes]:
        if not references.is_one(reference):
            raise _absent(reference)
        given = self._docker.chunks("GET", f"/images/{reference}/get", silence=connection.SILENCE)
        try:
            async with aclosing(given) as chunks:
                async for chunk in chunks:
                    yield chunk
        except Missing as error:
            raise _absent(reference) from error

    async def search(self, term: str, limit: int) -> list[dict[str, str | int | bool]]:
        if references.registry(term):
            raise errors.Refused("Images are searched for in the engine's default registry only.")
        try:
            found = await self._docker.json("GET", "/images/search", term=term, limit=min(max(limit, 1), 100))
        except (Missing, errors.Refused) as error:
            raise errors.Busy("The registry of the engine cannot be reached.", detail=error.detail) from error
        return [{field: entry.get(field, unsaid) for field, unsaid in _RESULT.items()} for entry in found or []]

    async def commit(self, id: str, reference: str) -> ImageSight:
        if not references.is_name(reference):
            raise errors.Refused(f"{reference[:100]!r} is not the name of an image.")
        name, _, tag = references.tagged(reference).rpartition(":")
        # The engine adds the container's labels to those that are given, and takes none away.
        unmarked = {"Labels": dict.fromkeys(LABELS, "")}
        # It is not paused for the time of the copy: everybody would see it Paused.
        order = {"container": self._name(id), "repo": name, "tag": tag, "pause": False}
        with named(id):
            await self._docker.content("POST", "/commit", unmarked, limit=4096, seconds=connection.SILENCE, **order)
        return await self._present(reference)

    async def remove_image(self, reference: str) -> None:
        if not references.is_one(reference):
            return
        with contextlib.suppress(Missing, Taken):
            await self._docker.json("DELETE", f"/images/{reference}")


_RESULT: dict[str, str | int | bool] = {
    "name": "",
    "description": "",
    "star_count": 0,
    "is_official": False,
    "is_automated": False,
}
"""What is told of an image that was found, and what it is where the registry does not say."""


def _sight(shown: dict[str, Any]) -> ImageSight:
    """From the engine's list or its answer about one; older engines write a name for what has none."""
    names = [name for name in shown.get("RepoTags") or () if name != "<none>:<none>"]
    return ImageSight(shown["Id"], tuple(names), shown["Size"])


def _absent(reference: str) -> errors.Absent:
    return errors.Absent(f"The image {reference[:255]} is not on this host.")


def _authorized(reference: str, credentials: Credentials) -> connection.Authorized:
    """What the engine shows to the registry."""
    address = references.registry(reference) or "https://index.docker.io/v1/"
    return connection.Authorized(
        {"username": credentials.username, "password": credentials.password, "serveraddress": address}
    )


def _pull_failure(reference: str, said: str) -> errors.DriverError:
    if connection.is_full(said):
        return connection.full(said)
    if re.search(
        r"not found|denied|unauthorized|no basic auth|manifest unknown|does not exist|invalid reference",
        said,
        re.IGNORECASE,
    ):
        return errors.Refused(f"There is no image {reference}, or it may not be pulled.", detail=said)
    return errors.Busy(f"The registry of {reference} cannot be reached.", detail=said)
