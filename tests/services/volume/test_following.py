"""Two hosts, one database, one shared backend: a volume that nobody has follows who needs it; never do two hosts have it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
import sqlalchemy as sa

from boxship.config import BackendKind, Settings, VolumeBackend
from boxship.core import hosts as core_hosts
from boxship.core.db import types
from boxship.core.db.database import SqliteDatabase
from boxship.core.errors import Busy
from boxship.core.hosts import Hosts
from boxship.drivers.storage.backends import StorageBackends
from boxship.drivers.storage.fake_shared import FakeSharedStorage
from boxship.services.volume import errors, public
from boxship.services.volume.operations import backends, connections, following, sizes, snapshots, sources, volumes
from boxship.services.volume.reconciler import SnapshotReconciler, VolumeReconciler
from boxship.services.volume.store import snapshots as snapshot_store
from boxship.services.volume.store import volumes as store
from tests.services.volume.world import HOLDER, OTHER, caller

SHARED = (VolumeBackend(name="nfs", kind=BackendKind.NFS, directory="/srv/volumes"),)


class Host:
    """What one host knows and does."""

    def __init__(self, name: str, directory: Path, database: SqliteDatabase) -> None:
        self.name = name
        self.settings = Settings(host=name, database="postgresql://db/cloud", volume_backends=SHARED)
        self.hosts = Hosts(database, self.settings)
        self.database = database
        self.storage = FakeSharedStorage(directory / "shared", directory / name, name)
        self.start()

    def start(self) -> None:
        """As after a restart."""
        storages = StorageBackends({}, {"nfs": self.storage})
        images: Any = None
        self.volumes = VolumeReconciler(self.database, storages, images, self.hosts, deadline=5)
        self.snapshots = SnapshotReconciler(self.database, storages, self.hosts, deadline=5)

    async def beat(self) -> None:
        async with self.database.write() as transaction:
            await self.hosts._beat(transaction, started=False)

    async def settle(self, id: str) -> None:
        while await self.volumes.reconcile(id) is not None:
            pass

    async def attach(self, id: str, holder: tuple[str, str] = HOLDER) -> None:
        """A container of this host needs it."""
        wish = public.AttachmentWish(holder, "/data", host=self.name)
        async with self.database.write() as transaction:
            await public.attach(transaction, self.settings, id, wish)

    async def detach(self, id: str, holder: tuple[str, str] = HOLDER) -> None:
        async with self.database.write() as transaction:
            await public.detach(transaction, id, holder)

    async def mounted(self, id: str) -> bool:
        sight = await self.storage.sight(id)
        return sight is not None and sight.path is not None


Pair = tuple[Host, Host]


@pytest_asyncio.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """Two hosts that live."""
    path = tmp_path / "boxship.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    types.metadata.create_all(engine)
    engine.dispose()
    database = SqliteDatabase(path, lambda *_: None)
    first, second = Host("first", tmp_path, database), Host("second", tmp_path, database)
    async with database.write() as transaction:
        await public.bootstrap(transaction)
    for host in (first, second):
        await host.storage.open()
        await host.beat()
        await backends.Register(database, host.settings).say()
    await first.beat()
    yield first, second
    await database.close()


async def new_volume(host: Host) -> str:
    """A volume that was made on this host."""
    wish = volumes.VolumeWish(project_id="alice", size=1, name="data", host=host.name)
    async with host.database.write() as transaction:
        id = (await volumes.create_volume(transaction, caller("alice"), host.settings, wish)).id
    await host.settle(id)
    return id


async def host_of(host: Host, id: str) -> str:
    async with host.database.read() as transaction:
        volume = await store.get(transaction, id)
    assert volume is not None
    return volume.host


async def pinned(host: Host, id: str) -> list[str]:
    async with host.database.read() as transaction:
        return await public.hosts_of(transaction, host.settings, [id])


async def test_a_detached_volume_follows_with_its_data_and_snapshots(pair: Pair) -> None:
    first, second = pair
    id = await new_volume(first)
    await first.attach(id)
    await first.settle(id)
    sight = await first.storage.sight(id)
    assert sight is not None
    assert sight.path is not None
    (sight.path / "file").write_text("kept")
    await first.detach(id)
    await first.settle(id)
    async with first.database.write() as transaction:
        wish = snapshots.SnapshotWish(volume_id=id)
        snapshot = (await snapshots.create_snapshot(transaction, caller("alice"), first.settings, wish)).id
    while await first.snapshots.reconcile(snapshot) is not None:
        pass
    assert await pinned(first, id) == []
    await second.attach(id)
    assert await host_of(second, id) == "second"
    await second.settle(id)
    async with first.database.read() as transaction:
        (view,) = await public.mounts(transaction, [id])
        taken = await snapshot_store.get(transaction, snapshot)
    assert view.path is not None
    assert (view.path / "file").read_text() == "kept"
    assert taken is not None
    assert taken.host == "second"
    assert not await first.mounted(id)


async def test_a_volume_stays_while_its_host_has_it(pair: Pair) -> None:
    first, second = pair
    id = await new_volume(first)
    for settled in (False, True):  # wished, and real
        if settled:
            await first.settle(id)
        else:
            await first.attach(id)
        assert await pinned(second, id) == ["first"]
        with pytest.raises((errors.AttachedElsewhere, errors.VolumeInUse)):
            await second.attach(id, OTHER)
    await first.detach(id)
    assert await pinned(second, id) == ["first"], "it is not unmounted yet"
    with pytest.raises(errors.AttachedElsewhere):
        await second.attach(id, OTHER)
    await first.settle(id)
    await second.attach(id, OTHER)
    assert await host_of(first, id) == "second"


async def test_a_volume_of_a_dead_host_follows_unless_that_has_it(pair: Pair) -> None:
    first, second = pair
    free, used = await new_volume(first), await new_volume(first)
    await first.attach(used)
    await first.settle(used)  # and then the first host loses power
    await second.attach(free, OTHER)
    await second.settle(free)
    assert await second.mounted(free)
    assert await pinned(second, used) == ["first"]


async def test_rows_may_say_what_they_want_two_hosts_never_have_a_volume(pair: Pair) -> None:
    first, second = pair
    id = await new_volume(first)
    await first.attach(id)
    await first.settle(id)
    async with first.database.write() as transaction:  # as a database that was restored from an older copy has it
        volume = await store.get(transaction, id)
        assert volume is not None
        await store.update(transaction, volume, host="second", path=None, device=None)
    with pytest.raises(Busy, match="Host first has the volume"):
        await second.settle(id)
    assert not await second.mounted(id)
    await first.volumes.sweep()  # what the database gives to another host is let go of
    assert not await first.mounted(id)
    await second.settle(id)
    assert await second.mounted(id)


async def test_a_host_that_an_operator_gave_up_loses_what_it_had(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = pair
    id = await new_volume(first)
    await first.attach(id)
    await first.settle(id)
    await first.detach(id)  # its container is deleted; the host never hears of it
    async with second.database.write() as transaction:
        await core_hosts.forget(transaction, "first")
    await second.beat()
    await second.attach(id, OTHER)
    assert await host_of(second, id) == "second"
    with pytest.raises(Busy, match="Host first has the volume"):
        await second.settle(id)
    later = time.monotonic() + second.settings.host_lease
    monkeypatch.setattr(time, "monotonic", lambda: later)
    await second.settle(id)
    assert await second.storage.owner(id) == "second"


async def test_a_volume_of_a_host_that_is_gone_is_removed_with_its_bytes(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair
    id = await new_volume(first)
    async with second.database.write() as transaction:
        await core_hosts.forget(transaction, "first")
        await volumes.delete_volume(transaction, caller("alice"), id)
    await second.beat()
    monkeypatch.setattr(time, "monotonic", lambda: 1e9)
    await second.settle(id)
    assert await second.storage.sights() == []


async def test_what_is_asked_of_a_volume_of_a_dead_host_is_done_by_another(pair: Pair) -> None:
    first, second = pair
    id, alive = await new_volume(first), await new_volume(first)
    wish = snapshots.SnapshotWish(volume_id=alive)
    async with second.database.write() as transaction:
        await snapshots.create_snapshot(transaction, caller("alice"), second.settings, wish)
    assert await host_of(second, alive) == "first", "its host lives"
    async with second.database.write() as transaction:
        table = types.metadata.tables["hosts"]
        await transaction.execute(table.update().where(table.c.name == "first").values(seen=0.0))
        await sizes.extend(transaction, caller("alice"), second.settings, id, 2)
    assert await host_of(second, id) == "second"
    await second.settle(id)
    (sight,) = [sight for sight in await second.storage.sights() if sight.id == id]
    assert sight.size == 2 << 30
    async with second.database.write() as transaction:
        await following.adopt(transaction, caller("alice"), second.settings, alive)
    assert await host_of(second, alive) == "first", "its host is in the midst of a snapshot"
    with pytest.raises(errors.VolumeNotFound):
        async with second.database.write() as transaction:
            await following.adopt(transaction, caller("bob"), second.settings, id)


async def test_a_volume_that_is_being_copied_stays(pair: Pair) -> None:
    first, second = pair
    id = await new_volume(first)
    wish = volumes.VolumeWish(project_id="alice", size=1, source=sources.Named(volume_id=id))
    async with first.database.write() as transaction:
        copy = (await volumes.create_volume(transaction, caller("alice"), first.settings, wish)).id
    assert await pinned(second, id) == ["first"]
    with pytest.raises(errors.AttachedElsewhere):
        await second.attach(id)
    await first.settle(copy)
    await second.attach(id)


async def test_a_volume_does_not_follow_where_a_host_lacks_the_backend(pair: Pair) -> None:
    first, second = pair
    id = await new_volume(first)
    others = msgspec.structs.replace(second.settings, volume_backends=())
    await backends.Register(second.database, others).say()
    assert await pinned(first, id) == ["first"]


async def test_clients_name_hosts_that_live(pair: Pair) -> None:
    first, second = pair
    id = await new_volume(first)
    for name, ends in (("nowhere", "first"), ("second", "second")):
        wish = connections.ConnectionWish(volume_id=id, connector={"host": name})
        async with first.database.write() as transaction:
            if ends == "first":
                with pytest.raises(errors.AttachedElsewhere):
                    await connections.create_attachment(transaction, caller("alice"), first.settings, wish)
            else:
                await connections.create_attachment(transaction, caller("alice"), first.settings, wish)
        assert await host_of(second, id) == ends
