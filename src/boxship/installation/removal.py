"""Taking an installation away: first what it made in the world, through the drivers, then its files. Every step can be
repeated, and nothing without this installation's mark or outside of its state directory is touched."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from boxship.core import errors
from boxship.drivers.engine.interface import Engine
from boxship.drivers.linux.interface import Fabric
from boxship.drivers.shares.interface import Exports
from boxship.drivers.storage.interface import Backends, Storage
from boxship.installation import directory, files

IMAGES = "boxship.invalid/glance"
"""How all names begin that the container service gives to images in an engine: loaded from the image service, with their id
as tag, and those that it makes of containers."""
_PARALLEL = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """What keeps bytes."""

    volumes: Backends
    shares: Storage
    exports: Exports


async def containers(engine: Engine) -> int:
    """Remove all containers of this installation and then what pods share; how many containers there were. Busy: the engine
    does not answer."""
    found = await engine.sights()
    limit = asyncio.Semaphore(_PARALLEL)

    async def remove(id: str) -> None:
        async with limit:
            await engine.remove(id)

    await asyncio.gather(*(remove(sight.id) for sight in found))
    for pod in await engine.pods():
        await engine.remove_pod(pod)
    return len(found)


async def images(engine: Engine) -> int:
    """Take from the engine the images that came from this cloud's image service or were on their way to it; those that users
    pulled stay in its cache. Another cloud on the same engine brings its own again when it needs them."""
    found = [name for sight in await engine.images() for name in sight.references if name.startswith(IMAGES)]
    for name in found:
        await engine.remove_image(name)
    return len(found)


async def world(fabric: Fabric, kept: Kept, done: Callable[[str, Awaitable[None]], Awaitable[None]]) -> None:
    """Remove networks, then volumes and shares; ``done`` wraps each step, to show it."""
    await done("Networks", fabric.destroy())
    await done("Volumes", kept.volumes.destroy())
    await done("Shares", _shares(kept))


async def _shares(kept: Kept) -> None:
    """Nobody uses them any more, and then they are gone."""
    await kept.exports.destroy()
    await kept.shares.destroy()


def state(state_dir: Path, *, operators: bool = True) -> list[str]:
    """Remove the state directory; call it with the lock held. The names of files in it that are not ours, and so stay;
    those that the operator wrote into it stay too unless ``operators``.

    Busy: something is still mounted below it, so that removing could reach beyond it.
    """
    mounted = _mounts_below(state_dir)
    if mounted:
        raise errors.Busy(f"{mounted[0]} is still mounted. Unmount it (umount {mounted[0]}) and run this again.")
    with files.sentences(state_dir):
        for name in directory.OWN if operators else [name for name in directory.OWN if name not in directory.OPERATORS]:
            path = state_dir / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for rotated in state_dir.glob(".*.json.*"):
            rotated.unlink()
    with contextlib.suppress(OSError):
        state_dir.rmdir()
    return sorted(path.name for path in state_dir.iterdir()) if state_dir.is_dir() else []


def _mounts_below(place: Path) -> list[str]:
    """Mount points below the directory (proc(5), /proc/self/mountinfo: field 5, octal escapes)."""
    points = [
        line.split()[4].encode().decode("unicode_escape")
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
    ]
    start = f"{place.resolve()}/"
    return sorted(point for point in points if point.startswith(start))
