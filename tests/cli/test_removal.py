"""What `boxship destroy` takes from the engine."""

from __future__ import annotations

from pathlib import Path

from boxship.drivers.engine.fake import FakeEngine
from boxship.drivers.engine.interface import ContainerSpec
from boxship.installation import removal


async def test_containers_go_and_then_their_pods(tmp_path: Path) -> None:
    engine = FakeEngine(tmp_path)
    await engine.pull("busybox:latest")
    await engine.ensure_pod("p1")
    await engine.ensure_pod("empty")
    for id, pod in {"c1": "p1", "c2": "p1", "c3": None}.items():
        await engine.create(ContainerSpec(id, "busybox:latest", tmp_path / id, pod=pod))
        await engine.start(id)
    assert await removal.containers(engine) == 3
    assert (await engine.sights(), await engine.pods()) == ([], set())
    assert await removal.containers(engine) == 0
    await engine.close()
