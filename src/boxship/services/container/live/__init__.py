"""What the engine itself answers, read through and never stored; ``ContainerLive`` is what handlers are given."""

from __future__ import annotations

from boxship.config import Settings
from boxship.core.db.database import Database
from boxship.core.hosts import Hosts
from boxship.core.vault import Vault
from boxship.drivers.engine.interface import Engine
from boxship.services.container.live.archives import Archives
from boxship.services.container.live.images import Images
from boxship.services.container.live.reading import Reading
from boxship.services.container.live.sessions import Sessions


class ContainerLive:
    """The live view of containers on this host's engine."""

    def __init__(self, engine: Engine, database: Database, settings: Settings, vault: Vault, hosts: Hosts) -> None:
        self.vault = vault
        self.hosts = hosts
        self.reading = Reading(engine)
        self.archives = Archives(engine)
        self.images = Images(engine)
        self.sessions = Sessions(engine, database, settings)
