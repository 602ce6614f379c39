"""Whoever may use one share makes up file handles of another share and of the host's own disk, and gets nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from boxship.drivers.shares import ganesha
from boxship.drivers.shares.interface import Access, Export
from tests.drivers.shares import wire
from tests.system.installation import free_port
from tests.system.waiting import until

pytestmark = pytest.mark.system

MINE, OTHER = "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e001a", "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e001b"
ADDRESS = "127.0.0.1"


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Two shares as they are: images with ext4, mounted."""
    made = {}
    try:
        for id in (MINE, OTHER):
            image, point = tmp_path / f"{id}.image", tmp_path / id
            with image.open("wb") as file:
                file.truncate(32 << 20)
            point.mkdir()
            subprocess.run(["mkfs.ext4", "-qF", str(image)], check=True)
            subprocess.run(["mount", "-o", "loop,nosuid,nodev", str(image), str(point)], check=True)
            made[id] = point
            (point / "file").write_text(f"secret of {id}")
        yield made
    finally:
        for point in made.values():
            subprocess.run(["umount", str(point)], check=True)


@pytest_asyncio.fixture
async def port(disks: dict[str, Path], tmp_path: Path) -> AsyncIterator[int]:
    """Where both are served; only one of them to us."""
    port = free_port()
    exports = ganesha.GaneshaExports(tmp_path / "exports", ADDRESS, port)
    await exports.open()
    try:
        await exports.put(Export(MINE, disks[MINE], (Access(ADDRESS, writable=True),)))
        await exports.put(Export(OTHER, disks[OTHER], (Access("192.0.2.1", writable=True),)))
        yield port
    finally:
        await exports.destroy()


def attack(port: int, disks: dict[str, Path], host: Path) -> dict[str, int]:
    """What the server says to handles of our own file, of another share, of a file of the host, and above our share."""
    client = wire.Wire(ADDRESS, port)
    try:
        known = client.handle(MINE, "file")
        assert wire.forged(known, disks[MINE] / "file") == known, "this is how handles are made"
        answers = {}
        for what, file in (("mine", disks[MINE] / "file"), ("other", disks[OTHER] / "file"), ("host", host)):
            answers[what], said = client.read(wire.forged(known, file))
            assert (b"secret" in said) == (what == "mine"), what
        return answers
    finally:
        client.close()


async def test_a_handle_that_is_made_up_opens_nothing(port: int, disks: dict[str, Path], tmp_path: Path) -> None:
    host = tmp_path / "of the host"
    host.write_text("secret of the host")
    refused = {"mine": 0, "other": wire.STALE, "host": wire.STALE}
    assert attack(port, disks, host) == refused
    pid = int((tmp_path / "exports" / "ganesha.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}/fd").exists(), "the server is gone")
    await ganesha.GaneshaExports(tmp_path / "exports", ADDRESS, port).open()
    assert attack(port, disks, host) == refused, "nor when the server has just read all of it"
