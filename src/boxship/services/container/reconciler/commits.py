"""Makes images of containers: has the engine make one, sends its bytes to the image service, removes it from the engine.

What a crash cuts off begins anew with the same image: the engine's one is found by its name, and the image service
queues again what was half sent. The container is not frozen meanwhile, as everybody would see it Paused: the image is
what a crash of the container at that moment would leave. It also takes away what the engine has of images that were
deleted. Never decides what may be committed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from boxship.core import clock, errors
from boxship.core.db.database import Database
from boxship.services.container import model, operations
from boxship.services.container.reconciler.world import World
from boxship.services.container.store import actions as actions_store
from boxship.services.container.store import commits as store
from boxship.services.container.store import containers as containers_store
from boxship.services.image import public as image

PAUSE = 1.0
"""Seconds between looks at an image whose upload somebody else has to end."""


class CommitReconciler:
    """One commit at a time, from its row, the image and the engine."""

    kind = operations.COMMIT
    leisure = 0.0

    def __init__(self, database: Database, world: World, *, deadline: float, most: int) -> None:
        self.deadline = deadline
        self._database = database
        self._world = world
        self._most = most

    async def all(self) -> Iterable[str]:
        """The same as ``due``: a row is there while something is to be done."""
        return await self.due()

    async def due(self) -> Iterable[str]:
        async with self._database.read() as transaction:
            return await store.ids(transaction, self._world.hosts.only)

    async def share(self, id: str) -> str:
        """The project that asked."""
        async with self._database.read() as transaction:
            commit = await store.get(transaction, id)
        return commit.project_id if commit else ""

    async def reconcile(self, id: str) -> float | None:
        async with self._database.read() as transaction:
            commit = await store.get(transaction, id)
            status = await image.snapshot_status(transaction, id)
        if commit is None or not self._world.hosts.owns(commit.host):
            return None
        if commit.fault is None and status == "saving":
            return PAUSE
        if commit.fault is None and status == "queued":
            await self._make(commit)
            await self._send(commit)
        await self._clean(commit)
        return None

    async def _make(self, commit: model.Commit) -> None:
        """Refused: the container is gone."""
        engine = self._world.engine
        if await engine.image(commit.engine_image) is not None:
            return
        try:
            await engine.commit(commit.container_id, commit.engine_image)
        except errors.Absent as error:
            if await engine.sight(commit.container_id) is None:
                raise errors.Refused("The container is not in the engine any more.", detail=error.sentence) from error
            raise

    async def _send(self, commit: model.Commit) -> None:
        """Refused: too large, the disk is full, or the image was deleted or filled by somebody else."""
        archive = self._world.engine.save(commit.engine_image)
        try:
            await self._world.images.receive(self._database, None, commit.id, archive, image.Sizes(self._most, None))
        except errors.RequestError as error:
            raise errors.Refused(error.sentence, detail=error.detail) from error

    async def _clean(self, commit: model.Commit) -> None:
        await self._world.engine.remove_image(commit.engine_image)
        result = "Error" if commit.fault else "Success"
        event = model.Event("compute__do_container_commit", commit.created_at, clock.now(), result, commit.fault or "")
        async with self._database.write() as transaction:
            await actions_store.finish(transaction, commit.container_id, commit.request_id, event)
            await store.forget(transaction, commit.id)

    async def give_up(self, id: str, reason: str) -> None:
        """The image that got no bytes is withdrawn, and the action of the container tells the reason."""
        async with self._database.write() as transaction:
            if not await store.fail(transaction, id, reason):
                return
            await image.withdraw_snapshot(transaction, id)
            commit = await store.get(transaction, id)
        if commit is not None:
            with contextlib.suppress(errors.DriverError):  # the next scan cleans up
                await self._clean(commit)

    async def sweep(self) -> None:
        """Take from the engine the images that were deleted in the image service, once no container is made of them. Images of
        commits need none, as their rows go after them."""
        start = f"{model.RESERVED_REPOSITORY}:"
        names = [
            name for sight in await self._world.engine.images() for name in sight.references if name.startswith(start)
        ]
        async with self._database.read() as transaction:
            deleted = [
                name
                for name in names
                if await image.snapshot_status(transaction, name.removeprefix(start)) is None
                and not await containers_store.uses_image(transaction, name.removeprefix(start))
            ]
        for name in deleted:
            await self._world.engine.remove_image(name)
