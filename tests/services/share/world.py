"""The share service without HTTP: its operations and reconcilers on a real database, a fake storage and fake exports."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from boxship.config import Settings
from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.auth.rules import Rules
from boxship.core.db import types
from boxship.core.db.database import SqliteDatabase, Transaction
from boxship.core.hosts import Hosts
from boxship.core.http.call import Query
from boxship.drivers.shares.fake import FakeExports
from boxship.drivers.shares.interface import Exports
from boxship.drivers.storage.fake import FakeStorage
from boxship.drivers.storage.interface import Storage
from boxship.services.share import policy, public
from boxship.services.share.model import Rule, Share, Snapshot
from boxship.services.share.operations import messages, rules, shares, sizes, snapshots
from boxship.services.share.reconciler import ShareReconciler, SnapshotReconciler
from boxship.services.share.states import rule_shown
from boxship.services.share.store import rules as rule_store
from boxship.services.share.store import shares as store
from boxship.services.share.store import snapshots as snapshot_store

HOLDER = ("container", "c1")
ADDRESS = "192.0.2.1"
FRIEND = "10.0.0.1"


def caller(name: str, *roles: str) -> Caller:
    """A member of the project of the same name, unless roles are given."""
    return Caller(f"{name}-id", name, "default", frozenset(roles or {"member", "reader"}), Rules(policy.RULES), name)


ADMIN = caller("root", "admin", "member", "reader")


class Killed(BaseException):
    """The program died here."""


class Death:
    """When the program dies: at the n-th call of storage or exports, before or after it took effect."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.left = at
        self.after = after
        self.died = False

    async def pass_by(self, call: Callable[[], Awaitable[Any]]) -> Any:
        self.left -= 1
        if self.left == 0 and not self.after:
            self.die()
        answer = await call()
        if self.left == 0:
            self.die()
        return answer

    def die(self) -> None:
        self.died = True
        raise Killed


class Mortal:
    """A driver whose calls the program may not survive."""

    def __init__(self, driver: Storage | Exports, death: Death) -> None:
        self._driver = driver
        self._death = death

    def __getattr__(self, verb: str) -> Any:
        found = getattr(self._driver, verb)
        if verb in {"progress", "location"}:
            return found  # memory, no calls of the world

        async def call(*given: Any, **named: Any) -> Any:
            return await self._death.pass_by(lambda: found(*given, **named))

        return call


class Broken(FakeExports):
    """Exports that fail as told: ``fail`` one error per change, ``broken`` every change."""

    def __init__(self, root: Path, address: str) -> None:
        super().__init__(root, address)
        self.failures: list[errors.DriverError] = []
        self.broken: errors.DriverError | None = None

    async def put(self, export: Any) -> None:
        if self.broken is not None:
            raise self.broken
        if self.failures:
            raise self.failures.pop(0)
        await super().put(export)


class World:
    """A database, a storage, exports, and what the loop would do with the reconcilers."""

    def __init__(self, database: SqliteDatabase, directory: Path, wakes: list[tuple[str, str]]) -> None:
        self.database = database
        self.storage = FakeStorage(directory / "shares")
        self.exports = Broken(directory / "exports", ADDRESS)
        self.wakes = wakes
        self.settings = Settings()

    def reconcilers(self, death: Death | None = None) -> tuple[ShareReconciler, SnapshotReconciler]:
        """Reconcilers without any memory, as after a restart."""
        hosts = Hosts(self.database, self.settings)
        storage = cast("Storage", Mortal(self.storage, death)) if death else self.storage
        exports = cast("Exports", Mortal(self.exports, death)) if death else self.exports
        return (
            ShareReconciler(self.database, storage, exports, hosts, deadline=5),
            SnapshotReconciler(self.database, storage, hosts, deadline=5),
        )

    @property
    def reconciler(self) -> ShareReconciler:
        return self.reconcilers()[0]

    async def settle(self, death: Death | None = None) -> None:
        """What the loop does until nothing is due; Busy is not waited for."""
        both = self.reconcilers(death)
        for _ in range(10):
            due = [(one, id) for one in both for id in await one.due()]
            if not due:
                return
            before = await self.everything()
            for one, id in due:
                await self._settle(one, id)
            if await self.everything() == before:
                return
        raise AssertionError(f"not at rest: {due}")

    async def _settle(self, one: ShareReconciler | SnapshotReconciler, id: str) -> None:
        try:
            while await one.reconcile(id) is not None:
                pass
        except errors.Refused as error:
            await one.give_up(id, error.sentence)

    async def everything(self) -> tuple[list[Any], list[Any]]:
        """The rows of all shares and snapshots."""
        async with self.database.read() as transaction:
            query = Query((("all_tenants", "1"),))
            found, _ = await shares.list_shares(transaction, ADMIN, query)
            taken, _ = await snapshots.list_snapshots(transaction, ADMIN, query)
        return found, taken

    async def act(self, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        """One request's transaction."""
        async with self.database.write() as transaction:
            return await work(transaction)

    async def create(self, user: str | Caller = "alice", **wish: Any) -> str:
        """Ask for a share; its id."""
        chosen = shares.ShareWish(**{"size": 1, "name": "data", "share_proto": "NFS", **wish})
        share = await self.act(lambda it: shares.create_share(it, _who(user), self.settings, chosen))
        return str(share.id)

    async def made(self, user: str | Caller = "alice", **wish: Any) -> str:
        """A share that is available."""
        id = await self.create(user, **wish)
        await self.settle()
        assert await self.status(id) == "available"
        return id

    async def share(self, id: str) -> Share:
        async with self.database.read() as transaction:
            found = await store.get(transaction, id)
        assert found is not None
        return found

    async def status(self, id: str) -> str:
        async with self.database.read() as transaction:
            found = await store.get(transaction, id) or await snapshot_store.get(transaction, id)
        return found.status if found else "gone"

    async def allow(self, id: str, to: str = FRIEND, user: str | Caller = "alice", **wish: Any) -> str:
        """Ask for a rule; its id."""
        chosen = rules.RuleWish(**{"access_type": "ip", "access_to": to, **wish})
        rule = await self.act(lambda it: rules.allow(it, _who(user), id, chosen))
        return str(rule.id)

    async def deny(self, id: str, rule: str, user: str | Caller = "alice") -> None:
        await self.act(lambda it: rules.deny(it, _who(user), id, rule))

    async def rules(self, id: str) -> dict[str, str]:
        """The states of the rules of a share by address."""
        return {rule.access_to: str(rule_shown(rule)) for rule in await self.rule_rows(id)}

    async def rule_rows(self, id: str) -> list[Rule]:
        async with self.database.read() as transaction:
            return (await rule_store.of(transaction, [id])).get(id, [])

    async def exported(self, id: str) -> list[tuple[str, bool]] | None:
        """To whom the share is served, None: it is not."""
        export = await self.exports.sight(id)
        return [(access.address, access.writable) for access in export.access] if export else None

    async def snapshot(self, id: str, user: str | Caller = "alice") -> str:
        """Ask for a snapshot; its id."""
        wish = snapshots.SnapshotWish(share_id=id)
        taken: Snapshot = await self.act(lambda it: snapshots.create_snapshot(it, _who(user), self.settings, wish))
        return taken.id

    async def extend(self, id: str, size: int, user: str | Caller = "alice") -> None:
        await self.act(lambda it: sizes.extend(it, _who(user), self.settings, id, size))

    async def shrink(self, id: str, size: int, user: str | Caller = "alice") -> None:
        await self.act(lambda it: sizes.shrink(it, _who(user), id, size))

    async def revert(self, id: str, snapshot: str, user: str | Caller = "alice") -> None:
        await self.act(lambda it: sizes.revert(it, _who(user), self.settings, id, snapshot))

    async def reset(self, id: str, status: str = "available") -> None:
        """An admin declares its state, which has it looked at again."""
        await self.act(lambda it: sizes.reset_status(it, ADMIN, id, status))

    async def delete(self, id: str, user: str | Caller = "alice", *, force: bool = False) -> None:
        await self.act(lambda it: shares.delete_share(it, _who(user), id, force=force))

    async def delete_snapshot(self, id: str, user: str | Caller = "alice") -> None:
        await self.act(lambda it: snapshots.delete_snapshot(it, _who(user), id))

    async def attach(self, id: str) -> None:
        await self.act(lambda it: public.attach(it, id, HOLDER))

    async def detach(self, id: str) -> None:
        await self.act(lambda it: public.detach(it, id, HOLDER))

    async def mount(self, id: str) -> public.MountView:
        async with self.database.read() as transaction:
            return (await public.mounts(transaction, [id]))[0]

    async def told(self, user: str = "alice") -> list[tuple[str, str, str]]:
        """What messages the project has: about what, doing what, why."""
        async with self.database.read() as transaction:
            found, _ = await messages.list_messages(transaction, caller(user), Query(()))
        return [(one.resource_id, messages.ACTIONS[messages.Action(one.action)], one.reason) for one in found]

    def data(self, id: str) -> Path:
        """Where the bytes of the share are in the fake, mounted or not."""
        return self.storage._volumes / id / "data"


def _who(user: str | Caller) -> Caller:
    return caller(user) if isinstance(user, str) else user


@functools.cache
def _empty_database() -> bytes:
    """All tables without a row, made once: that takes longer than most tests."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "boxship.db"
        engine = sa.create_engine(f"sqlite:///{path}")
        types.metadata.create_all(engine)
        engine.dispose()
        return path.read_bytes()


@asynccontextmanager
async def world(directory: Path) -> AsyncIterator[World]:
    """A new world with the default share type."""
    wakes: list[tuple[str, str]] = []
    path = directory / "boxship.db"
    path.write_bytes(_empty_database())
    database = SqliteDatabase(path, lambda *woken: wakes.append(woken))
    made = World(database, directory, wakes)
    await made.storage.open()
    await made.exports.open()
    async with database.write() as transaction:
        await public.bootstrap(transaction)
    try:
        yield made
    finally:
        await database.close()
