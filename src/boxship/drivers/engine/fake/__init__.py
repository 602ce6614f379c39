"""An engine that runs nothing and says so: containers are rows in a file, their states follow the verbs.

For people who test API clients and for quick tests; it needs neither root nor Docker. A restarted program finds its
containers again, but not the files that were put into them and the commands that ran in them. Every well-formed image can be
pulled but those whose name holds ``missing`` or ``no-such``; a container whose command is ``false`` or ``exit N`` ends at once
with that code, every other one runs until it is stopped. A session repeats what it is told.
"""

from __future__ import annotations

from boxship.drivers.engine.fake.archives import Archives
from boxship.drivers.engine.fake.containers import Containers
from boxship.drivers.engine.fake.hosts import Hosts
from boxship.drivers.engine.fake.images import Images
from boxship.drivers.engine.fake.reading import Reading
from boxship.drivers.engine.fake.record import SAYING, Record
from boxship.drivers.engine.fake.sessions import Sessions

__all__ = ["SAYING", "FakeEngine"]


class FakeEngine(Containers, Images, Hosts, Reading, Archives, Sessions, Record):
    """See ``interface.Engine``. The file in ``directory`` grows by a line per change and is written anew on start."""
