"""From the row of a container to what the engine is told. Pure: nothing is read or written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from boxship.drivers.engine import interface as engine
from boxship.services.container import model
from boxship.services.container.operations import label
from boxship.services.network import public as network

MIB, GIB = 2**20, 2**30


def specification(
    row: model.Container, plugs: Sequence[network.Plug], mounts: Mapping[str, Path], sandbox: Path
) -> engine.ContainerSpec:
    """The container as the engine is to make it: ``plugs`` are the ports in its sandbox, ``mounts`` the places of its volumes."""
    name = label(row.hostname or row.name)
    nameservers = tuple(dict.fromkeys(server for plug in plugs for server in plug.nameservers))
    return engine.ContainerSpec(
        id=row.id,
        build=row.rebuilds,
        image=row.engine_image,
        sandbox=sandbox,
        pod=row.capsule_id,
        command=tuple(row.command) if row.command else None,
        entrypoint=tuple(row.entrypoint) if row.entrypoint else None,
        environment=row.environment,
        labels=row.labels,
        workdir=row.workdir,
        hostname=row.hostname or name,
        cpus=row.cpu,
        memory=row.memory * MIB if row.memory else None,
        disk=row.disk * GIB,
        restart=_restart(row),
        health=_health(row),
        interactive=row.interactive,
        tty=row.tty,
        privileged=row.privileged,
        binds=tuple(engine.Bind(mounts[mount.source_id], mount.destination, mount.read_only) for mount in row.mounts),
        files=tuple(engine.InjectedFile(file.destination, file.content) for file in row.files),
        hosts=tuple((fixed.ip, row.hostname or name) for plug in plugs for fixed in plug.addresses),
        nameservers=nameservers,
        search=tuple(dict.fromkeys(plug.domain for plug in plugs if plug.domain)),
    )


def _restart(row: model.Container) -> engine.RestartPolicy:
    if row.restart_policy is None:
        return engine.RestartPolicy()
    return engine.RestartPolicy(row.restart_policy.Name, int(row.restart_policy.MaximumRetryCount))


def _health(row: model.Container) -> engine.HealthCheck | None:
    check = row.healthcheck
    return engine.HealthCheck(check.test, check.interval, check.retries, check.timeout) if check else None
