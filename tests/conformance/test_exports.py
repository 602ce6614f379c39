"""What every driver of exports has to do, the real one and the fake."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from boxship.core.errors import Refused
from boxship.drivers.shares.fake import FakeExports
from boxship.drivers.shares.ganesha import PROGRAM, GaneshaExports
from boxship.drivers.shares.interface import Access, Export, Exports
from tests.system.installation import free_port

A, B = "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e000a", "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e000b"
ADDRESS = "127.0.0.1"
HERE = Access(ADDRESS, writable=True)


@pytest.fixture(params=["fake", pytest.param("ganesha", marks=pytest.mark.system)])
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    if found == "ganesha" and shutil.which(PROGRAM) is None:
        pytest.fail("nfs-ganesha is not installed; scripts/bootstrap --tests does it")
    return found


@pytest_asyncio.fixture
async def exports(kind: str, directory: Path, another: Path, tmp_path: Path) -> AsyncIterator[Exports]:
    place = tmp_path / "a place with spaces"
    if kind == "fake":
        fake = FakeExports(place, ADDRESS)
        await fake.open()
        yield fake
        return
    real = GaneshaExports(place, ADDRESS, free_port())
    await real.open()
    yield real
    await real.destroy()


@pytest.fixture
def directory(kind: str, tmp_path: Path) -> Iterator[Path]:
    with share(kind, tmp_path / "data of a share") as made:
        yield made


@pytest.fixture
def another(kind: str, tmp_path: Path) -> Iterator[Path]:
    with share(kind, tmp_path / "data of another") as made:
        yield made


@contextmanager
def share(kind: str, made: Path) -> Iterator[Path]:
    """Where the bytes of a share are; ganesha serves mounted file systems only."""
    made.mkdir()
    if kind == "ganesha":
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "boxship-test", str(made)], check=True)
    try:
        yield made
    finally:
        if kind == "ganesha":
            subprocess.run(["umount", str(made)], check=True)


async def test_what_was_put_is_seen_until_it_is_dropped(exports: Exports, directory: Path, another: Path) -> None:
    assert await exports.sights() == []
    assert await exports.sight(A) is None
    first = Export(A, directory, (HERE,))
    await exports.put(first)
    await exports.put(first)
    assert await exports.sight(A) == first
    changed = Export(A, directory, (Access("10.0.0.0/8", writable=False), Access("fd00::1", writable=True)))
    await exports.put(changed)
    other = Export(B, another, (HERE,))
    await exports.put(other)
    assert await exports.sights() == [changed, other]
    await exports.drop(A)
    await exports.drop(A)
    assert await exports.sights() == [other]
    await exports.drop(B)
    assert await exports.sights() == []


async def test_a_new_program_finds_it(exports: Exports, directory: Path) -> None:
    export = Export(A, directory, (HERE,))
    await exports.put(export)
    await exports.close()
    await exports.open()
    assert await exports.sights() == [export]


async def test_clients_are_told_where(exports: Exports) -> None:
    assert exports.location(A) == f"{ADDRESS}:/{A}"


async def test_who_has_no_address_says_nothing(kind: str, tmp_path: Path) -> None:
    nothing = FakeExports(tmp_path / "x") if kind == "fake" else GaneshaExports(tmp_path / "x", "", 2049)
    await nothing.open()
    assert nothing.location(A) is None


@pytest.mark.parametrize("name", ["", "../x", 'a"b', "a b", "a\nb", "x" * 300])
async def test_only_ids_are_names(exports: Exports, directory: Path, name: str) -> None:
    with pytest.raises(Refused):
        await exports.put(Export(name, directory, (HERE,)))
    assert await exports.sights() == []


@pytest.mark.parametrize(
    "address", ["", "host.example", "10.0.0.1; }", "10.0.0.0/33", "*", "127.0.0.1\n", "fe80::1%x; }"]
)
async def test_only_addresses_are_addresses(exports: Exports, directory: Path, address: str) -> None:
    with pytest.raises(Refused):
        await exports.put(Export(A, directory, (Access(address, writable=True),)))
    assert await exports.sights() == []
