"""Containers by Docker, through the Engine API (docs.docker.com/engine/api), each in the sandbox that is ready for it.

Containers, labels and names carry the installation's mark; nothing else is ever touched. A module per part of
``interface.Engine``; what they share is ``access``.
"""

from __future__ import annotations

from boxship.drivers.engine.docker.containers import Containers
from boxship.drivers.engine.docker.images import Images
from boxship.drivers.engine.docker.reading import Reading
from boxship.drivers.engine.docker.sessions import Sessions


class DockerEngine(Containers, Images, Reading, Sessions):
    """See ``interface.Engine``."""

    async def close(self) -> None:
        await self._docker.close()
