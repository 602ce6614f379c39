"""Two hosts, one shared volume, and hundreds of things in no order: never do two hosts have it, and in the end who asks for it
gets it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import pytest

from boxship.core.errors import BoxshipError
from boxship.drivers.storage.backends import StorageBackends
from boxship.services.volume.reconciler import VolumeReconciler
from tests.services.volume.test_following import Host, Pair, new_volume, pair
from tests.services.volume.world import Killed, Mortal

__all__ = ["pair"]

STEPS = 300


class Mob:
    """What may happen to a volume; who asks does not wait."""

    def __init__(self, pair: Pair, id: str, chance: random.Random) -> None:
        self.pair = pair
        self.id = id
        self.chance = chance

    @property
    def host(self) -> Host:
        return self.chance.choice(self.pair)

    async def attach(self) -> None:
        host = self.host
        await host.attach(self.id, ("container", f"{host.name}{self.chance.randrange(3)}"))

    async def detach(self) -> None:
        for number in range(3):
            for name in ("first", "second"):
                await self.host.detach(self.id, ("container", f"{name}{number}"))

    async def reconcile(self) -> None:
        await self.host.volumes.reconcile(self.id)

    async def sweep(self) -> None:
        await self.host.volumes.sweep()

    async def look(self) -> None:
        await self.host.volumes.all()

    async def die(self) -> None:
        """The program is killed at one of its next calls, and starts again."""
        host = self.host
        mortal = Mortal(host.storage, self.chance.randint(1, 4), after=self.chance.random() < 0.5)
        storages = StorageBackends({}, {"nfs": mortal})  # type: ignore[dict-item]  # it passes every verb on
        reconciler = VolumeReconciler(host.database, storages, host.volumes._images, host.hosts, deadline=5)
        try:
            await reconciler.reconcile(self.id)
        except Killed:
            await host.storage.open()

    async def step(self) -> None:
        """Something happens; what is refused is refused."""
        ways: list[Callable[[], Awaitable[None]]] = [
            self.attach,
            self.detach,
            self.reconcile,
            self.sweep,
            self.look,
            self.die,
        ]
        try:
            await self.chance.choices(ways, (3, 2, 6, 1, 1, 2))[0]()
        except BoxshipError:
            return


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_one_host_has_the_volume(pair: Pair, seed: int) -> None:
    id = await new_volume(pair[0])
    mob = Mob(pair, id, random.Random(seed))  # noqa: S311 (the same every time)
    homes = set()
    for _ in range(STEPS):
        await mob.step()
        having = [host.name for host in pair if await host.mounted(id)]
        assert len(having) < 2, f"seed {seed}"
        homes.update(having)
    assert homes == {"first", "second"}, "it was used on both"
    await mob.detach()
    for _ in range(3):
        for host in pair:
            await host.volumes.sweep()
            await host.settle(id)
    for host in pair:
        await host.attach(id)
        await host.settle(id)
        assert await host.mounted(id)
        await host.detach(id)
        await host.settle(id)
