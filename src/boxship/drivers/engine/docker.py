"""Containers by Docker, through the Engine API (docs.docker.com/engine/api), each in the sandbox that is ready for it.

Containers, labels and names carry the installation's mark; nothing else is ever touched. They are created without a network
of Docker's and with our OCI runtime (``runtime``), which puts them into their sandbox. Nothing is kept in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import struct
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from boxship.core import errors
from boxship.drivers.engine import archive, connection, files, hardening, orphans, runtime
from boxship.drivers.engine.connection import Connection, Missing, Taken
from boxship.drivers.engine.interface import (
    Bind,
    ContainerSight,
    ContainerSpec,
    EngineEvent,
    EngineInfo,
    EngineState,
    ExecResult,
    ImageSight,
    LogQuery,
    PullProgress,
)

LABEL_MARK, LABEL_ID = "io.boxship.mark", "io.boxship.id"
_OUTPUT_LIMIT = 1 << 20
_LOG_LIMIT = 8 << 20
_EXEC_SECONDS = 300.0
_GRACE = 60.0
"""How long the engine itself may take, in seconds, apart from what the container takes."""
_EXIT_SECONDS = 10.0
"""From SIGKILL to the end; longer only where the kernel cannot end a process."""


class DockerEngine:
    """See ``interface.Engine``. ``directory`` (root's alone) holds the files shown in containers."""

    def __init__(self, socket: Path, mark: str, directory: Path) -> None:
        self._mark = mark
        self._directory = directory
        self._docker = Connection(socket)

    def _name(self, id: str) -> str:
        return f"boxship-{self._mark}-{id}"

    async def info(self) -> EngineInfo:
        shown = await self._docker.json("GET", "/info")
        if runtime.NAME not in shown.get("Runtimes", {}):
            raise errors.Busy(
                "The Docker engine does not know the runtime boxship; `boxship engine register` tells it, "
                "or stop the engine and let `boxship up` start it."
            )
        return EngineInfo("docker", shown["ServerVersion"], shown["NCPU"], shown["MemTotal"], shown["Driver"])

    async def close(self) -> None:
        await self._docker.close()

    # Images.

    async def image(self, reference: str) -> ImageSight | None:
        if not _REFERENCE.fullmatch(reference):
            return None
        try:
            shown = await self._docker.json("GET", f"/images/{reference}/json")
        except Missing:
            return None
        return ImageSight(shown["Id"], tuple(shown.get("RepoTags") or ()), shown["Size"])

    async def pull(self, reference: str, progress: Callable[[PullProgress], None] | None = None) -> ImageSight:
        layers: dict[str, tuple[int, int]] = {}
        if not _REFERENCE.fullmatch(reference):
            raise errors.Refused(f"{reference[:100]!r} is not the name of an image.")
        if not re.search("[:@]", reference.rpartition("/")[2]):
            reference += ":latest"  # without a tag an engine fetches all
        try:
            async for line in self._docker.lines(
                "POST", "/images/create", fromImage=reference, silence=connection.SILENCE
            ):
                if "error" in line:
                    raise _pull_failure(reference, line["error"])
                detail = line.get("progressDetail") or {}
                if progress and detail.get("total"):
                    layers[line.get("id", "")] = (detail.get("current", 0), detail["total"])
                    progress(PullProgress(sum(d for d, _ in layers.values()), sum(t for _, t in layers.values())))
        except Missing as error:
            raise errors.Refused(
                f"There is no image {reference}, or it may not be pulled.", detail=str(error)
            ) from error
        except errors.Refused as error:
            raise _pull_failure(reference, error.detail or error.sentence) from error
        return await self._present(reference)

    async def _present(self, reference: str) -> ImageSight:
        image = await self.image(reference)
        if image is None:
            raise errors.Busy(f"The image {reference} is not there after it was fetched.")
        return image

    async def load(self, archive_: AsyncIterator[bytes], reference: str) -> ImageSight:
        with files.on_disk():
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            scratch_ = tempfile.TemporaryDirectory(dir=self._directory, prefix="load-")
        with scratch_ as scratch, files.on_disk():
            given, clean = Path(scratch, "given"), Path(scratch, "clean")
            with given.open("wb") as file:
                async for chunk in archive_:
                    await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(archive.rewrite, given, clean, reference)
            with clean.open("rb") as file:
                async for line in self._docker.lines(
                    "POST", "/images/load", file, quiet=True, silence=connection.SILENCE
                ):
                    if "error" in line:
                        if connection.is_full(line["error"]):
                            raise connection.full(line["error"])
                        raise errors.Refused(f"The engine cannot load the image: {line['error']}.")
        return await self._present(reference)

    async def remove_image(self, reference: str) -> None:
        if not _REFERENCE.fullmatch(reference):
            return
        with contextlib.suppress(Missing, Taken):
            await self._docker.json("DELETE", f"/images/{reference}")

    # Containers.

    async def create(self, spec: ContainerSpec) -> ContainerSight:
        with files.on_disk():
            shown = files.write(spec, self._directory / spec.id)
        body = self._body(spec, [*spec.binds, *shown])
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
        if isinstance(error, Missing):
            raise errors.Absent(f"The image {spec.image} is not on this host.", detail=error.sentence) from error
        raise error

    async def _assigned(self, spec: ContainerSpec) -> ContainerSight:
        sight = await self._shown(spec.id)
        with files.on_disk():
            runtime.assign(sight.engine_id, spec.sandbox)
        return sight

    def _body(self, spec: ContainerSpec, binds: list[Bind]) -> dict[str, Any]:
        labels = {**spec.labels, LABEL_MARK: self._mark, LABEL_ID: spec.id, _LABEL_SANDBOX: str(spec.sandbox)}
        host = hardening.host_config(privileged=spec.privileged) | {
            "NetworkMode": "none",
            "Runtime": runtime.NAME,
            "RestartPolicy": {"Name": spec.restart.name, "MaximumRetryCount": spec.restart.retries},
            "NanoCpus": int((spec.cpus or 0) * 1_000_000_000),
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
        sandbox = Path(shown["Config"]["Labels"][_LABEL_SANDBOX])
        with files.on_disk():
            runtime.assign(shown["Id"], sandbox)
        try:
            await self._docker.json("POST", f"/containers/{self._name(id)}/start")
        except errors.Refused as error:
            if not _LEFT_OVER.search(error.detail):
                raise
            await asyncio.to_thread(orphans.end, shown["Id"], sandbox)
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
        with _named(id):
            await self._docker.content(
                "POST", f"/containers/{self._name(id)}/wait", condition="not-running", limit=4096, seconds=None
            )

    async def kill(self, id: str, signal: str) -> None:
        with _named(id), _running():
            await self._docker.json("POST", f"/containers/{self._name(id)}/kill", signal=signal)

    async def remove(self, id: str) -> None:
        try:
            shown = await self._inspected(id)
            await self._docker.json("DELETE", f"/containers/{self._name(id)}", force=True, v=True)
            runtime.forget(shown["Id"])
            gone = {shown["Id"]: Path(shown["Config"]["Labels"][_LABEL_SANDBOX])}
        except Missing:
            gone = runtime.forget_all(
                f"boxship-{self._mark}-", f"-{id}"
            )  # removed by somebody else, or by a call that was cut off
        except Taken as error:
            raise errors.Busy("The engine is removing the container already.", detail=error.sentence) from error
        for engine_id, sandbox in gone.items():
            await asyncio.to_thread(orphans.end, engine_id, sandbox)
        files.remove(self._directory / id)

    async def sight(self, id: str) -> ContainerSight | None:
        try:
            return await self._shown(id)
        except errors.Absent:
            return None

    async def _inspected(self, id: str) -> dict[str, Any]:
        with _named(id):
            shown: dict[str, Any] = await self._docker.json("GET", f"/containers/{self._name(id)}/json")
        return shown

    async def _shown(self, id: str) -> ContainerSight:
        shown = await self._inspected(id)
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
        )

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

    # Live.

    async def logs(self, id: str, query: LogQuery) -> bytes:
        shown = await self._inspected(id)
        raw = await self._docker.content(
            "GET",
            f"/containers/{self._name(id)}/logs",
            limit=_LOG_LIMIT,
            seconds=_GRACE,
            stdout=query.stdout,
            stderr=query.stderr,
            timestamps=query.timestamps,
            tail="all" if query.tail is None else query.tail,
            since=query.since,
        )
        return raw if shown["Config"]["Tty"] else demultiplexed(raw)

    async def execute(self, id: str, command: tuple[str, ...]) -> ExecResult:
        body = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command)}
        with _named(id), _running():
            made = await self._docker.json("POST", f"/containers/{self._name(id)}/exec", body)
        start = f"/exec/{made['Id']}/start"
        started = self._docker.content("POST", start, {"Detach": False}, limit=_OUTPUT_LIMIT, seconds=_EXEC_SECONDS + 1)
        try:
            raw = await asyncio.wait_for(started, _EXEC_SECONDS)
        except TimeoutError as error:
            raise errors.Busy(f"The command did not end within {_EXEC_SECONDS:g} s; it goes on.") from error
        shown = await self._docker.json("GET", f"/exec/{made['Id']}/json")
        output = demultiplexed(raw).decode("utf-8", errors="replace")
        return ExecResult(output, -1 if shown["ExitCode"] is None else shown["ExitCode"])


_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DIGEST = "sha256:[0-9a-f]{64}"
_REFERENCE = re.compile(
    rf"(?=.{{1,255}}$)(?:{_DIGEST}|(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{{1,5}})?/)?{_PART}(?:/{_PART})*"
    rf"(?::\w[\w.-]{{0,127}})?(?:@{_DIGEST})?)"
)
"""What may stand in the path of a request about an image: a name, tag or digest (distribution/reference), and no ``..``."""

_LABEL_SANDBOX = "io.boxship.sandbox"
_LEFT_OVER = re.compile(r"task \w+: already exists|id already in use|failed to start shim: mkdir \S+: file exists")
"""What dockerd says of a container that containerd still has from a dockerd that was killed."""


@contextlib.contextmanager
def _named(id: str) -> Iterator[None]:
    """Say which container the engine does not know."""
    try:
        yield
    except Missing as error:
        raise Missing(f"The container {id} is not in the engine.", detail=error.sentence) from error


@contextlib.contextmanager
def _running() -> Iterator[None]:
    """Tell a container that does not run from one that is on its way."""
    try:
        yield
    except Taken as error:
        if "is not running" not in error.sentence:
            raise
        raise errors.Refused("The container is not running.", detail=error.sentence) from error


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
    )


def _moment(text: str | None) -> datetime | None:
    """RFC 3339 with nanoseconds; the year 1 means never."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text).replace("Z", "+00:00"))


def _pull_failure(reference: str, said: str) -> errors.DriverError:
    if connection.is_full(said):
        return connection.full(said)
    if re.search(
        r"not found|denied|unauthorized|manifest unknown|does not exist|invalid reference", said, re.IGNORECASE
    ):
        return errors.Refused(f"There is no image {reference}, or it may not be pulled.", detail=said)
    return errors.Busy(f"The registry of {reference} cannot be reached.", detail=said)


def demultiplexed(raw: bytes) -> bytes:
    """Docker's stream of frames (8 bytes of header: stream, 0, 0, 0, length) as the bytes alone; a cut last frame counts."""
    parts, at = [], 0
    while at + 8 <= len(raw):
        (length,) = struct.unpack(">I", raw[at + 4 : at + 8])
        parts.append(raw[at + 8 : at + 8 + length])
        at += 8 + length
    return b"".join(parts)
