"""The calls of Docker, each on a line: what it reads, and what answers it. Bodies in, bodies out; knows no HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from boxship.plugins.cloud import Cloud, Deadline
from boxship.plugins.docker.calls import Call, Nothing, always
from boxship.plugins.docker.server import Plugin
from boxship.plugins.fuxi import protocol, records, sweep
from boxship.plugins.fuxi.cinder import Cinder
from boxship.plugins.fuxi.driver import Driver, Session
from boxship.plugins.fuxi.host import Host
from boxship.plugins.fuxi.manila import Manila
from boxship.plugins.fuxi.shares import Shares
from boxship.plugins.fuxi.volumes import Volumes


@contextlib.contextmanager
def plugin(host: Host, cloud: Cloud) -> Iterator[Plugin[Session]]:
    """The plugin of this host, as a client of this cloud, with its directory to itself and its sweep. Unavailable."""
    with records.opened(host.records) as kept:
        driver = Driver(host, kept)

        def session(deadline: Deadline) -> Session:
            cinder = Cinder(cloud, deadline, all_projects=host.all_projects)
            manila = Manila(cloud, deadline, all_projects=host.all_projects)
            return Session((Volumes(cinder, host), Shares(manila, host)), deadline)

        with sweep.sweeping(lambda: driver.sweep(session(Deadline(host.timeout)))):
            yield Plugin(calls(driver, host.quick), session, host.timeout)


def calls(driver: Driver, quick: float) -> Mapping[str, Call[Session]]:
    """All calls of the protocol, by their paths; ``quick``: seconds for those that only look."""
    return {
        "/Plugin.Activate": Call(Nothing, always(protocol.Activation())),
        "/VolumeDriver.Create": Call(protocol.Create, driver.create),
        "/VolumeDriver.Remove": Call(protocol.Named, driver.remove),
        "/VolumeDriver.Mount": Call(protocol.Use, driver.mount),
        "/VolumeDriver.Path": Call(protocol.Named, driver.path, quick),
        "/VolumeDriver.Unmount": Call(protocol.Use, driver.unmount),
        "/VolumeDriver.Get": Call(protocol.Named, driver.get, quick),
        "/VolumeDriver.List": Call(Nothing, driver.list, quick),
        "/VolumeDriver.Capabilities": Call(Nothing, always(protocol.Capabilities())),
    }
