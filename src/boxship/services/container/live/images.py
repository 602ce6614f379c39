"""Searching for images: in the registry of the engine, or in the image service."""

from __future__ import annotations

from typing import Any

from boxship.core import errors
from boxship.core.http.call import Call
from boxship.drivers.engine.interface import Engine
from boxship.services.container.operations import host_images
from boxship.services.container.schemas import images as schemas
from boxship.services.image import public as image

MOST = 100
"""Results that are told; Docker's own limit."""


class Images:
    """Images that could be had."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def search(self, call: Call[Any], term: str) -> list[dict[str, object]]:
        """What is called so, or something like it. BadRequest: no such driver. Conflict, Unavailable: the registry cannot be
        searched."""
        driver = call.query.one("image_driver") or "docker"
        exact = call.query.flag("exact_match")
        if driver == "glance":
            async with call.database.read() as transaction:
                found = await image.search_images(transaction, call.caller, term, exact=exact, most=MOST)
            return [schemas.found_in_glance(one) for one in found]
        if driver not in {"docker", "None"}:
            raise errors.BadRequest(f"{driver[:60]!r} is neither docker nor glance", field="image_driver")
        name, _ = host_images.split(term)
        told = await self._engine.search(name, MOST)
        return [schemas.found_by_engine(one) for one in told if not exact or one.get("name") == name]
