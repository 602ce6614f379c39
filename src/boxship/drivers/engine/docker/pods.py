"""What containers of a pod share, as the Docker driver gives it: the kernel's objects are ``drivers.engine.pods``'s."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from boxship.core import errors
from boxship.drivers.engine import files, pods, runtime
from boxship.drivers.engine.docker.access import LABEL_POD, LABEL_SANDBOX, Access
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
        self._ipc(spec.pod)
        taken = any(bind.target.rstrip("/") == "/dev/shm" for bind in spec.binds)  # noqa: S108 (the container's)
        return [] if taken else [Bind(pods.shm(self._mark, spec.pod), "/dev/shm")]  # noqa: S108 (the container's)

    def _assign(self, shown: dict[str, Any]) -> Path:
        """Tell the runtime where the container, which the engine shows, starts; its sandbox. Busy: its pod is not there."""
        labels = shown["Config"]["Labels"]
        sandbox, pod = Path(labels[LABEL_SANDBOX]), labels.get(LABEL_POD, "")
        with files.on_disk():
            runtime.assign(shown["Id"], sandbox, self._ipc(pod) if pod else None)
        return sandbox

    def _ipc(self, pod: str) -> Path:
        if not pods.exists(self._mark, pod):
            raise errors.Busy("The pod of the container is not there yet.")
        return pods.ipc(self._mark, pod)
