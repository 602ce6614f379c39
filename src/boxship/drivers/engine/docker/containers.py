"""Containers of a Docker engine: made, started, ended, removed, listed. They are created without a network of Docker's and with
our OCI runtime (``runtime``), which puts them into their sandbox. Nothing is kept in memory."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from boxship.core import errors
from boxship.drivers.engine import files, hardening, orphans, runtime
from boxship.drivers.engine.connection import Missing, Taken
from boxship.drivers.engine.docker.access import (
    LABEL_BUILD,
    LABEL_ID,
    LABEL_MARK,
    LABEL_POD,
    LABEL_SANDBOX,
    named,
    running,
)
from boxship.drivers.engine.docker.hosts import Hosts
from boxship.drivers.engine.docker.pods import Pods
from boxship.drivers.engine.interface import Bind, ContainerSight, ContainerSpec, EngineEvent, EngineState

log = structlog.get_logger("engine")

_MISSED_SECONDS = 2.0
"""How long after a process is gone the engine may still not know of it."""
_EXIT_SECONDS = 10.0
"""From SIGKILL to the end; longer only where the kernel cannot end a process."""


class Containers(Hosts, Pods):
    """The part of ``interface.Engine`` about containers and what happens to them."""

    async def create(self, spec: ContainerSpec) -> ContainerSight:
        shared = self._shared(spec)
        options = await self._disk_options(spec.disk)
        with files.on_disk():
            shown = files.write(spec, self._directory / spec.id)
        body = self._body(spec, [*spec.binds, *shared, *shown])
        body["HostConfig"] |= options
        try:
            await self._docker.json("POST", "/containers/create", body, name=self._name(spec.id))
        except Taken:
            pass  # made by a call whose answer was lost
        except errors.DriverError as error:
            return await self._earlier(spec, error)
        try:
            return await self._assigned(spec)
        except errors.Absent as error:
            raise errors.Busy("The engine is making the container already.") from error

    async def _earlier(self, spec: ContainerSpec, error: errors.DriverError) -> ContainerSight:
        """The container, if one was made before the engine came to say no; the engine looks at the image first."""
        try:
            return await self._assigned(spec)
        except errors.Absent:
            files.remove(self._directory / spec.id)
        if "storage-opt" in error.detail:
            self._limits_disks = None  # the engine was started anew, on another disk
            raise errors.Busy("The engine does not limit disks any more.", detail=error.detail) from error
        if isinstance(error, Missing):
            raise errors.Absent(f"The image {spec.image} is not on this host.", detail=error.sentence) from error
        raise error

    async def _assigned(self, spec: ContainerSpec) -> ContainerSight:
        shown = await self._inspected(spec.id)
        self._assign(shown)
        return _sight(spec.id, shown)

    def _body(self, spec: ContainerSpec, binds: list[Bind]) -> dict[str, Any]:
        labels = {**spec.labels, LABEL_MARK: self._mark, LABEL_ID: spec.id, LABEL_SANDBOX: str(spec.sandbox)}
        labels |= {LABEL_BUILD: str(spec.build), LABEL_POD: spec.pod or ""}  # always: an image may bear them
        host = hardening.host_config(privileged=spec.privileged) | {
            "NetworkMode": "none",
            "IpcMode": "private",
            "Runtime": runtime.NAME,
            "RestartPolicy": {"Name": spec.restart.name, "MaximumRetryCount": spec.restart.retries},
            "NanoCpus": _nano(spec.cpus or 0),
            "Memory": spec.memory or 0,
            "MemorySwap": spec.memory or 0,
            "Mounts": [
                {"Type": "bind", "Source": str(bind.source), "Target": bind.target, "ReadOnly": bind.read_only}
                for bind in binds
            ],
        }
        body: dict[str, Any] = {
            "Image": spec.image,
            "Env": [f"{name}={value}" for name, value in spec.environment.items()],
            "Labels": labels,
            "OpenStdin": spec.interactive,
            "Tty": spec.tty,
            "HostConfig": host,
        }
        chosen = {
            "Cmd": spec.command,
            "Entrypoint": spec.entrypoint,
            "WorkingDir": spec.workdir,
            "Hostname": spec.hostname,
        }
        body |= {name: list(value) if isinstance(value, tuple) else value for name, value in chosen.items() if value}
        if spec.health:
            body["Healthcheck"] = {
                "Test": ["CMD-SHELL", spec.health.command],
                "Interval": spec.health.interval * 1_000_000_000,
                "Timeout": spec.health.timeout * 1_000_000_000,
                "Retries": spec.health.retries,
            }
        return body

    async def start(self, id: str) -> ContainerSight:
        shown = await self._inspected(id)
        note = self._assign(shown)
        try:
            await self._docker.json("POST", f"/containers/{self._name(id)}/start")
        except errors.Refused as error:
            if not _LEFT_OVER.search(error.detail):
                raise
            await asyncio.to_thread(orphans.end, shown["Id"], note.sandbox, alone=note.ipc is None)
            await asyncio.to_thread(orphans.clear, error.detail, shown["Id"])
            raise errors.Busy(
                "The engine has an earlier start of the container to clear.", detail=error.detail
            ) from error
        return await self._shown(id)

    async def stop(self, id: str, timeout: int) -> None:
        """Two signals and waiting, not the engine's own verb: that one's clock would run on in the engine when the program is
        killed, and end in a SIGKILL to a container that was started again meanwhile."""
        shown = await self._inspected(id)
        for signal, patience in ((shown["Config"].get("StopSignal") or "SIGTERM", timeout), ("SIGKILL", _EXIT_SECONDS)):
            try:
                await self._docker.json("POST", f"/containers/{self._name(id)}/kill", signal=signal)
                await asyncio.wait_for(self._ended(id), patience)
            except Taken:
                return  # it does not run
            except TimeoutError:
                continue
            return
        raise errors.Busy("The container does not end.")

    async def _ended(self, id: str) -> None:
        with named(id):
            await self._docker.content(
                "POST", f"/containers/{self._name(id)}/wait", condition="not-running", limit=4096, seconds=None
            )

    async def kill(self, id: str, signal: str) -> None:
        with named(id), running():
            await self._docker.json("POST", f"/containers/{self._name(id)}/kill", signal=signal)

    async def pause(self, id: str) -> None:
        try:
            with named(id), running():
                await self._docker.json("POST", f"/containers/{self._name(id)}/pause")
        except Taken as error:
            if "already paused" not in error.sentence:
                raise

    async def unpause(self, id: str) -> None:
        if not (await self._inspected(id))["State"]["Paused"]:
            return
        try:
            with named(id):
                await self._docker.json("POST", f"/containers/{self._name(id)}/unpause")
        except errors.Refused as error:
            if "is not paused" not in error.detail:
                raise

    async def update(self, id: str, *, cpus: float | None, memory: int | None) -> None:
        body = {} if cpus is None else {"NanoCpus": _nano(cpus)}
        body |= {} if memory is None else {"Memory": memory, "MemorySwap": memory}
        try:
            with named(id):
                await self._docker.json("POST", f"/containers/{self._name(id)}/update", body)
        except errors.Refused as error:
            if "did not terminate successfully" not in error.detail:
                raise
            sentence = "The kernel does not take these limits, or the container uses more than that."
            raise errors.Refused(sentence, detail=error.detail) from error

    async def remove(self, id: str) -> None:
        try:
            shown = await self._inspected(id)
            await self._delete(id)
            runtime.forget(shown["Id"])
            gone = {shown["Id"]: self._note(shown)}
        except Missing:
            gone = runtime.forget_all(f"boxship-{self._mark}-", id)  # removed by others, or by a call that was cut off
        for engine_id, note in gone.items():
            await asyncio.to_thread(orphans.end, engine_id, note.sandbox, alone=note.ipc is None)
        files.remove(self._directory / id)

    async def _delete(self, id: str) -> None:
        """Let the engine remove it. An engine that missed the container's end waits for it until it is started anew; its
        note of what has ended goes with the next sweep after that, and nobody waits for it. Busy; Missing."""
        asked = asyncio.ensure_future(self._docker.json("DELETE", f"/containers/{self._name(id)}", force=True, v=True))
        try:
            while not (await asyncio.wait([asked], timeout=_MISSED_SECONDS))[0]:
                if await self._missed_end(id):
                    log.warning("the engine missed the end of a container; it forgets it once it is restarted", id=id)
                    return
            await asked
        except Taken as error:
            if not await self._missed_end(id):
                raise errors.Busy("The engine is removing the container already.", detail=error.sentence) from error
        finally:
            asked.cancel()

    async def _missed_end(self, id: str) -> bool:
        """Whether the engine takes a container to run whose process is gone: dockerd 20.10 that was killed and started just
        when a container ended never hears of it."""
        state = (await self._inspected(id))["State"]
        return bool(state["Running"] and state["Pid"]) and not _lives(state["Pid"])

    async def sight(self, id: str) -> ContainerSight | None:
        try:
            return await self._shown(id)
        except errors.Absent:
            return None

    async def _shown(self, id: str) -> ContainerSight:
        return _sight(id, await self._inspected(id))

    def _marked(self) -> list[str]:
        """What to filter by. An image may bear the mark without an id: its containers are not listed."""
        return [f"{LABEL_MARK}={self._mark}", LABEL_ID]

    async def sights(self) -> list[ContainerSight]:
        filters = {"label": self._marked()}
        listed = await self._docker.json("GET", "/containers/json", all=True, filters=filters)
        # An image may claim to be marked, and labels of images pass to containers: only the name is ours alone.
        return [_listed(entry) for entry in listed if f"/{self._name(entry['Labels'][LABEL_ID])}" in entry["Names"]]

    async def events(self) -> AsyncIterator[EngineEvent]:
        filters = {"type": ["container"], "label": self._marked()}
        async for event in self._docker.lines("GET", "/events", filters=filters):
            yield EngineEvent(event["Actor"]["Attributes"][LABEL_ID], event["Action"].partition(":")[0])
        raise errors.Busy("The Docker engine went away.")


_LEFT_OVER = re.compile(r"task \w+: already exists|id already in use|failed to start shim: mkdir \S+: file exists")
"""What dockerd says of a container that containerd still has from a dockerd that was killed."""


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _nano(cpus: float) -> int:
    return int(cpus * 1_000_000_000)


def _sight(id: str, shown: dict[str, Any]) -> ContainerSight:
    """All that the engine tells of a container."""
    state = shown["State"]
    return ContainerSight(
        id=id,
        engine_id=shown["Id"],
        state=EngineState(state["Status"]),
        exit_code=state["ExitCode"] if state["Status"] in {"exited", "dead", "restarting"} else None,
        error=state.get("Error", ""),
        started_at=_moment(state.get("StartedAt")),
        finished_at=_moment(state.get("FinishedAt")),
        health=(state.get("Health") or {}).get("Status"),
        restarts=shown.get("RestartCount", 0),
        build=int(shown["Config"]["Labels"].get(LABEL_BUILD, 0)),
    )


def _listed(entry: dict[str, Any]) -> ContainerSight:
    """An entry of the engine's list: state and ids, no times."""
    code = re.match(r"Exited \((-?\d+)\)", entry.get("Status", ""))
    return ContainerSight(
        id=entry["Labels"][LABEL_ID],
        engine_id=entry["Id"],
        state=EngineState(entry["State"]),
        exit_code=int(code.group(1)) if code else None,
        error="",
        started_at=None,
        finished_at=None,
        health=None,
        restarts=0,
        build=int(entry["Labels"].get(LABEL_BUILD, 0)),
    )


def _moment(text: str | None) -> datetime | None:
    """RFC 3339 with nanoseconds; the year 1 means never."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text).replace("Z", "+00:00"))
