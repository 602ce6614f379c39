"""Places that are taken in turns: none is lost, none is given twice, whatever is cut while it waits."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from boxship.core.reconcile.turns import Turns


@pytest.mark.parametrize("seed", range(20))
async def test_no_place_is_lost_or_given_twice(seed: int) -> None:
    """Pieces of work of several shares come, end and are cut at random; at the end all places are free again."""
    dice, turns = random.Random(seed), Turns(3)  # noqa: S311 (chance, no secret)
    inside = 0
    ended: Counter[str] = Counter()

    async def share(name: str) -> str:
        await asyncio.sleep(0)
        return name

    async def work(name: str) -> None:
        nonlocal inside
        async with turns.place(lambda: share(name)):
            inside += 1
            assert inside <= 3
            try:
                for _ in range(dice.randrange(4)):
                    await asyncio.sleep(0)
            finally:
                inside -= 1
        ended[name] += 1

    tasks = [asyncio.create_task(work(dice.choice("abc"))) for _ in range(100)]
    for _ in range(30):
        await asyncio.sleep(0)
        dice.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert inside == 0
    assert sum(ended.values()) == sum(not task.cancelled() for task in tasks)
    for name in "abc":  # as many can work at once as in the beginning
        await asyncio.wait_for(asyncio.gather(*(work(name) for _ in range(5))), 1)
