"""What containers of a pod share, as the Docker driver gives it: the kernel's objects are ``drivers.engine.pods``'s."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from boxship.core import errors
from boxship.drivers.engine import files, pods, runtime
from boxship.drivers.engine.docker.access import LABEL_ID, LABEL_POD, LABEL_SANDBOX, Access
from boxship.drivers.engine.interface import Bind, ContainerSpec


class Pods(Access):
    """The part of ``interface.Engine`` about pods, and how a container gets into its own."""

    async def ensure_pod(self, pod: str) -> None:
        with files.on_disk():
            await asyncio.to_thread(pods.ensure, self._mark, pod)

    async def remove_pod(self, pod: str) -> None:
        with files.on_disk():
            await asyncio.to_thread(pods.remove, self._mark, pod)

    async def pods(self) -> set[str]:
        return pods.names(self._mark)

    def _shared(self, spec: ContainerSpec) -> list[Bind]:
        """What the pod shows in the container, where its owner shows nothing. Busy: it is not there."""
        if spec.pod is None:
            return []
        self._present_pod(spec.pod)
        taken = any(bind.target.rstrip("/") == "/dev/shm" for bind in spec.binds)  # noqa: S108 (the container's)
        return [] if taken else [Bind(pods.shm(self._mark, spec.pod), "/dev/shm")]  # noqa: S108 (the container's)

    def _note(self, shown: dict[str, Any]) -> runtime.Note:
        """Where the container that the engine shows belongs."""
        labels = shown["Config"]["Labels"]
        pod = labels.get(LABEL_POD)
        return runtime.Note(Path(labels[LABEL_SANDBOX]), pods.ipc(self._mark, pod) if pod else None, labels[LABEL_ID])

    def _assign(self, shown: dict[str, Any]) -> runtime.Note:
        """Tell the runtime where it starts. Busy: its pod is not there."""
        note = self._note(shown)
        if note.ipc:
            self._present_pod(note.ipc.parent.name)
        with files.on_disk():
            runtime.assign(shown["Id"], note)
        return note

    def _present_pod(self, pod: str) -> None:
        if not pods.exists(self._mark, pod):
            raise errors.Busy("The pod of the container is not there yet.")
