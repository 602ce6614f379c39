"""The whole program on one screen: the drivers plugged in, the list of services, start and stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from boxship import migrations
from boxship.config import BackendKind, Settings, VolumeBackend
from boxship.core import metrics
from boxship.core.auth.rules import Rules
from boxship.core.db import database as db
from boxship.core.errors import BoxshipError
from boxship.core.hosts import Hosts
from boxship.core.http import dialects, listening
from boxship.core.http.call import Reply
from boxship.core.http.doors import ServiceDoors
from boxship.core.http.peers import PeerAuthenticator, Peers
from boxship.core.http.server import Server
from boxship.core.reconcile.loop import Loop
from boxship.core.service import Service
from boxship.core.vault import Vault
from boxship.drivers.engine.interface import Engine
from boxship.drivers.engine.remote import RemoteEngines
from boxship.drivers.linux.interface import Fabric
from boxship.drivers.shares.interface import Exports
from boxship.drivers.storage.interface import Backends, Backups, Blobs, SharedStorage, Storage
from boxship.drivers.web.fetching import PublicWeb
from boxship.drivers.web.interface import Web
from boxship.services.container import api as container_api
from boxship.services.container import live as container_live
from boxship.services.container import policy as container_policy
from boxship.services.container import versions as container_versions
from boxship.services.container.reconciler import capsules as container_capsules
from boxship.services.container.reconciler import commits as container_commits
from boxship.services.container.reconciler import containers as container_reconciler
from boxship.services.container.reconciler import hosts as container_hosts
from boxship.services.container.reconciler import images as container_images
from boxship.services.container.reconciler.world import World
from boxship.services.identity import api as identity_api
from boxship.services.identity import live as identity_live
from boxship.services.identity import policy as identity_policy
from boxship.services.identity import public as identity
from boxship.services.identity.live import catalog as identity_catalog
from boxship.services.identity.live import tokens
from boxship.services.image import api as image_api
from boxship.services.image import live as image_live
from boxship.services.image import policy as image_policy
from boxship.services.image import reconciler as image_reconciler
from boxship.services.network import api as network_api
from boxship.services.network import policy as network_policy
from boxship.services.network import public as network
from boxship.services.network import reconciler as network_reconciler
from boxship.services.network.live import metadata as network_metadata
from boxship.services.orchestration import api as orchestration_api
from boxship.services.orchestration import policy as orchestration_policy
from boxship.services.orchestration.live import NestedStacks
from boxship.services.orchestration.reconciler import StackReconciler
from boxship.services.share import api as share_api
from boxship.services.share import policy as share_policy
from boxship.services.share import public as share
from boxship.services.share import reconciler as share_reconciler
from boxship.services.share import versions as share_versions
from boxship.services.share.live import ShareLive
from boxship.services.volume import api as volume_api
from boxship.services.volume import policy as volume_policy
from boxship.services.volume import public as volume
from boxship.services.volume import reconciler as volume_reconciler
from boxship.services.volume import versions as volume_versions
from boxship.services.volume.live import VolumeLive


@dataclass(frozen=True, slots=True)
class Drivers:
    """The world, real or fake."""

    engine: Engine
    fabric: Fabric
    storage: Backends
    blobs: Blobs
    backups: Backups
    shares: Storage
    exports: Exports
    web: Web


def plug(settings: Settings, mark: str) -> Drivers:
    """The drivers that the settings name; ``mark`` is the installation's."""
    from boxship.drivers.storage.backups import FileBackups
    from boxship.drivers.storage.blobs import FileBlobs

    state = settings.state_dir
    blobs, backups = FileBlobs(state / "images"), FileBackups(state / "backups")
    web = PublicWeb(settings.import_ranges)
    if settings.engine in {"fake", "none"}:
        from boxship.drivers.engine.fake import FakeEngine
        from boxship.drivers.linux.fake import FakeFabric
        from boxship.drivers.shares.fake import FakeExports
        from boxship.drivers.storage.fake import FakeStorage

        return Drivers(
            FakeEngine(state / "engine"),
            FakeFabric(state / "fabric"),
            _fake_storage(settings),
            blobs,
            backups,
            FakeStorage(state / "shares"),
            FakeExports(state / "exports", settings.share_address),
            web,
        )
    from boxship.drivers.engine.docker import DockerEngine
    from boxship.drivers.linux.kernel import KernelFabric
    from boxship.drivers.shares.ganesha import GaneshaExports
    from boxship.drivers.storage.file import FileStorage

    return Drivers(
        DockerEngine(settings.engine_socket, mark, state / "engine"),
        KernelFabric(mark),
        _storage(settings, mark),
        blobs,
        backups,
        FileStorage(state / "shares", mark),
        GaneshaExports(state / "exports", settings.share_address, settings.share_port),
        web,
    )


def _fake_storage(settings: Settings) -> Backends:
    """Every backend as directories, whatever its kind."""
    from boxship.drivers.storage.backends import StorageBackends
    from boxship.drivers.storage.fake import FakeStorage
    from boxship.drivers.storage.fake_shared import FakeSharedStorage

    storages: dict[str, Storage] = {}
    shared: dict[str, SharedStorage] = {}
    for each in settings.backends:
        own = _place(settings, each)
        if each.shared:
            at = Path(each.directory) / "boxship-fake" if each.directory else own / "shared"
            shared[each.name] = FakeSharedStorage(at, own, settings.host_name)
        else:
            storages[each.name] = FakeStorage(own)
    return StorageBackends(storages, shared)


def _storage(settings: Settings, mark: str) -> Backends:
    """The backends that the settings name."""
    from boxship.drivers.storage.backends import StorageBackends
    from boxship.drivers.storage.file import FileStorage
    from boxship.drivers.storage.logical import Group
    from boxship.drivers.storage.lvm import LvmStorage
    from boxship.drivers.storage.nfs import NfsStorage, Place

    storages: dict[str, Storage] = {}
    shared: dict[str, SharedStorage] = {}
    for each in settings.backends:
        own = _place(settings, each)
        if each.kind == BackendKind.NFS:
            at = Path(each.directory) if each.directory else own / "mount"
            place = Place(at, each.file_system, each.share, each.options)
            shared[each.name] = NfsStorage(place, own, mark, settings.host_name)
        elif each.kind == BackendKind.LVM:
            storages[each.name] = LvmStorage(Group((each.group, each.pool), mark), own)
        else:
            files = Path(each.directory) / f"boxship-{mark}" if each.directory else own
            storages[each.name] = FileStorage(files, mark)
    return StorageBackends(storages, shared)


def _place(settings: Settings, backend: VolumeBackend) -> Path:
    """Where in the state directory a backend has what it does not have elsewhere."""
    if backend.kind == BackendKind.FILE and not backend.directory:
        return settings.state_dir / "volumes"
    return settings.state_dir / "backends" / backend.name


@dataclass(frozen=True, slots=True)
class Base:
    """What services stand on: the database, the world of this host, the other hosts, what seals secrets, and how services
    act on one another on behalf of users."""

    settings: Settings
    database: db.Database
    drivers: Drivers
    hosts: Hosts
    peers: Peers
    vault: Vault
    doors: ServiceDoors
    deputies: identity.Deputies


def services(base: Base, people: identity_live.IdentityLive) -> list[Service]:
    """All services, lowest first; ``people`` is identity's live part, which also tells the server who asks."""
    images = image_live.ImageLive(base.drivers.blobs, base.hosts, base.peers, base.drivers.web)
    return [
        Service(
            types=("identity",),
            name="keystone",
            prefix="identity",
            endpoint="/identity/v3",
            dialect=dialects.KEYSTONE,
            routes=identity_api.ROUTES,
            rules=identity_policy.RULES,
            live=people,
        ),
        _images(base, images),
        _networks(base),
        _volumes(base, images),
        _shares(base),
        _containers(base, images),
        _stacks(base),
    ]


def _images(base: Base, images: image_live.ImageLive) -> Service:
    deadline = base.settings.step_deadline
    return Service(
        types=("image",),
        name="glance",
        prefix="image",
        endpoint="/image",
        dialect=dialects.GLANCE,
        routes=image_api.ROUTES,
        rules=image_policy.RULES,
        reconcilers=[
            image_reconciler.ImageReconciler(base.database, base.drivers.blobs, base.hosts, deadline=deadline),
            image_reconciler.ImportReconciler(
                base.database, images, deadline=base.settings.pull_deadline, most=base.settings.max_image
            ),
        ],
        live=images,
    )


def _networks(base: Base) -> Service:
    metadata = network_metadata.Metadata(base.database, base.drivers.fabric, base.settings)
    return Service(
        types=("network",),
        name="neutron",
        prefix="network",
        endpoint="/network",
        dialect=dialects.NEUTRON,
        routes=network_api.ROUTES,
        rules=network_policy.RULES,
        reconcilers=network_reconciler.all_reconcilers(base.database, base.drivers.fabric, base.settings, base.hosts),
        preparations=[metadata.begin],
    )


def _volumes(base: Base, images: image_live.ImageLive) -> Service:
    deadline, database, storage, hosts = base.settings.step_deadline, base.database, base.drivers.storage, base.hosts
    return Service(
        types=("block-storage", "volumev3", "volume"),
        name="cinder",
        prefix="volume",
        endpoint="/volume/v3/%(project_id)s",
        dialect=dialects.CINDER,
        routes=volume_api.ROUTES,
        rules=volume_policy.RULES,
        microversions=volume_versions.MICROVERSIONS,
        reconcilers=[
            volume_reconciler.VolumeReconciler(database, storage, images, hosts, deadline=deadline),
            volume_reconciler.SnapshotReconciler(database, storage, hosts, deadline=deadline),
            volume_reconciler.BackupReconciler(database, storage, base.drivers.backups, hosts, deadline=deadline),
            volume_reconciler.UploadReconciler(database, storage, images, hosts, deadline=deadline),
        ],
        preparations=[volume.Register(database, base.settings).say],
        live=VolumeLive(base.drivers.storage, base.settings.host_name),
    )


def _shares(base: Base) -> Service:
    deadline, database, hosts = base.settings.step_deadline, base.database, base.hosts
    storage, exports = base.drivers.shares, base.drivers.exports
    return Service(
        types=("shared-file-system", "sharev2", "share"),
        name="manila",
        prefix="share",
        endpoint="/share/v2",
        dialect=dialects.MANILA,
        routes=share_api.ROUTES,
        rules=share_policy.RULES,
        microversions=share_versions.MICROVERSIONS,
        reconcilers=[
            share_reconciler.ShareReconciler(database, storage, exports, hosts, deadline=deadline),
            share_reconciler.SnapshotReconciler(database, storage, hosts, deadline=deadline),
        ],
        live=ShareLive(storage, base.settings.host_name),
    )


def _containers(base: Base, images: image_live.ImageLive) -> Service:
    settings, database, drivers = base.settings, base.database, base.drivers
    world = World(drivers.engine, drivers.fabric, images, base.vault, base.hosts)
    reconciler = container_reconciler.ContainerReconciler(database, world, deadline=settings.step_deadline)
    host = container_hosts.HostReconciler(database, drivers.engine, settings)
    live = container_live.ContainerLive(drivers.engine, database, settings, base.vault, base.hosts)
    return Service(
        types=("container",),
        name="zun",
        prefix="container",
        endpoint="/container/v1",
        dialect=dialects.ZUN,
        routes=container_api.ROUTES,
        rules=container_policy.RULES,
        microversions=container_versions.MICROVERSIONS,
        reconcilers=[
            reconciler,
            container_capsules.CapsuleReconciler(database, world, deadline=settings.step_deadline),
            container_commits.CommitReconciler(
                database, world, deadline=settings.step_deadline, most=settings.max_image
            ),
            host,
            container_images.ImageReconciler(database, world, reconciler.images, deadline=settings.pull_deadline),
        ],
        watchers=[reconciler.watch],
        preparations=[host.register],
        live=live,
        sockets={"/websocket": live.sessions.serve},
    )


def _stacks(base: Base) -> Service:
    engines = RemoteEngines(base.settings.docker_certificates)
    ground = NestedStacks(base.settings, base.doors, base.deputies, engines).ground
    return Service(
        types=("orchestration",),
        name="heat",
        prefix="orchestration",
        endpoint="/orchestration/v1/%(project_id)s",
        dialect=dialects.HEAT,
        routes=orchestration_api.ROUTES,
        rules=orchestration_policy.RULES,
        reconcilers=[StackReconciler(base.database, ground, base.hosts)],
        live=ground,
    )


class Program:
    """The assembled program: the ASGI application ``server`` and the reconcile loop, on one database and one world."""

    def __init__(self, settings: Settings, drivers: Drivers) -> None:
        self.settings = settings
        self.drivers = drivers
        self.loop = Loop(concurrency=settings.workers, scan_interval=settings.scan_interval)
        self.database = db.connect(settings.database_url, self.loop.wake)
        self.hosts = Hosts(self.database, settings)
        vault = Vault(settings.state_dir / "keys" / "vault")
        self.peers = Peers(self.hosts, settings, vault)
        catalog = identity_catalog.Catalog(settings)
        people = identity_live.IdentityLive(settings, tokens.Keys(settings.state_dir / "keys"), catalog)
        doors, self.deputies = ServiceDoors(settings, self.database), identity.Deputies()
        base = Base(settings, self.database, drivers, self.hosts, self.peers, vault, doors, self.deputies)
        self.services = services(base, people)
        catalog.fill(self.services)
        rules = Rules([rule for service in self.services for rule in service.rules], _overrides(settings))
        doors.open(self.services)
        self.deputies.open(rules)
        self.users = identity.TokenAuthenticator(self.database, rules, people)
        self.authenticator = PeerAuthenticator(self.users, rules, vault)
        self.server = Server(
            self.services,
            settings=settings,
            database=self.database,
            authenticator=self.authenticator,
            peers=self.peers,
            pages={"": self._root, "healthcheck": self._health, "metrics": self._metrics},
        )

    async def open(self, passwords: Mapping[str, str], *, start: bool = True) -> None:
        """Fill a new database (of the present schema), open the world, and start reconciling."""
        async with self.database.write() as transaction:
            project_id = await identity.bootstrap(transaction, passwords)
            await network.bootstrap(transaction, self.settings, project_id)
            await volume.bootstrap(transaction)
            await share.bootstrap(transaction)
        await self.hosts.begin()
        self._watch_hosts()
        if self.settings.engine == "none":
            self.loop.start()
            return
        await self.drivers.fabric.open()
        await self.drivers.storage.open()
        await self.drivers.backups.open()
        await self.drivers.shares.open()
        await self.drivers.exports.open()
        for service in self.services:
            for reconciler in service.reconcilers:
                self.loop.add(reconciler)
            for watcher in service.watchers:
                self.loop.watch(watcher)
            for prepare in service.preparations:
                await prepare()
        if start:
            self.loop.start()

    def _watch_hosts(self) -> None:
        """Say that this host lives, and hear what the others change; a database that is a file has no others."""
        if not isinstance(self.database, db.PostgresDatabase):
            return
        database = self.database
        self.loop.watch(self.hosts.watch)
        self.loop.watch(lambda wake: database.listen(wake, self.loop.rescan))

    async def close(self) -> None:
        """Stop reconciling and let go of the world, which runs on."""
        await self.loop.stop()
        await self.peers.close()
        await self.drivers.engine.close()
        await self.drivers.fabric.close()
        await self.database.close()

    async def _root(self) -> Reply:
        links = {
            service.name: {"type": service.types[0], "href": f"{self.settings.url}/{service.prefix}/"}
            for service in self.services
        }
        return Reply({"name": "boxship", "services": links})

    async def _health(self) -> Reply:
        """Whether the parts answer, and whether the cloud runs anything at all (the fake engine does not)."""
        parts: dict[str, str] = {}
        try:
            await self.database.ping()
            parts["database"] = "ok"
            if self.settings.engine != "none":
                info = await self.drivers.engine.info()
                parts["engine"] = f"{info.kind} {info.version}"
        except BoxshipError as error:
            parts["problem"] = error.sentence
        healthy = "problem" not in parts
        body: dict[str, object] = {"status": "ok" if healthy else "degraded", "fake": self.settings.engine == "fake"}
        if self.hosts.shared:
            body["hosts"] = {host.name: "up" if self.hosts.lives(host.name) else "down" for host in self.hosts.all()}
        body |= parts
        return Reply(body | {"pending": self.loop.pending()}, 200 if healthy else 503)

    async def _metrics(self) -> Reply:
        return Reply(metrics.exposition(), media="text/plain; version=0.0.4; charset=utf-8")


async def serve(
    settings: Settings, mark: str, passwords: Mapping[str, str], ready: Callable[[], None] = lambda: None
) -> None:
    """Run the program until SIGTERM or SIGINT; ``ready`` is called when requests are answered.

    BoxshipError: the port, the database, the kernel or the engine is not as it must be; the sentence says what to do.
    """
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    with listening.listen(settings) as listener:
        program = Program(settings, plug(settings, mark))
        http = listening.server(program.server, settings)
        await migrations.upgrade(settings.database_url)
        try:
            await program.open(passwords)
            if not stopping.is_set():
                ready()
                await http.serve(sockets=[listener])
        finally:
            await program.close()


def _overrides(settings: Settings) -> Mapping[str, str]:
    """The operator's ``policy.yaml`` in the state directory: rule names and expressions."""
    path = settings.state_dir / "policy.yaml"
    if not path.is_file():
        return {}
    import yaml

    content = yaml.safe_load(path.read_text()) or {}
    return {str(name): str(check) for name, check in content.items()}
