"""A Docker engine that is killed and comes back: containers run on, and the driver goes on with them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from boxship.core.errors import Busy
from boxship.drivers.engine.interface import EngineState, LogQuery
from tests.conformance.host import Host
from tests.dockerd import Dockerd

pytestmark = [
    pytest.mark.system,
    pytest.mark.xdist_group("docker"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a Docker engine and network namespaces need root"),
]


@pytest_asyncio.fixture
async def dockerd() -> AsyncIterator[Dockerd]:
    made = Dockerd(Path(tempfile.mkdtemp(prefix="boxship-dockerd-")))  # the names of sockets are short
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest_asyncio.fixture
async def host(dockerd: Dockerd, tmp_path: Path) -> AsyncIterator[Host]:
    made = Host(tmp_path, dockerd.socket)
    await made.have_image()
    yield made
    await made.clear()


async def test_containers_outlive_their_engine(dockerd: Dockerd, host: Host) -> None:
    before = await host.run("c1", "sh", "-c", "echo hello; sleep 1000")
    pid = int(dockerd.docker("inspect", "--format", "{{.State.Pid}}", before.engine_id))
    events = host.engine.events()
    listening = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.3)  # an engine says nothing when it begins to listen
    dockerd.kill()
    with pytest.raises(Busy):
        await asyncio.wait_for(listening, 20)
    for verb in (host.engine.sight("c1"), host.engine.sights(), host.engine.start("c1"), host.engine.info()):
        with pytest.raises(Busy, match="does not answer"):
            await verb
    assert Path(f"/proc/{pid}").exists()
    dockerd.start()
    after = await host.seen("c1")
    assert (after.engine_id, after.state, after.started_at) == (before.engine_id, before.state, before.started_at)
    assert (await host.engine.execute("c1", ("echo", "hi"))).output == "hi\n"
    assert await host.engine.logs("c1", LogQuery()) == b"hello\n"
    await host.engine.stop("c1", 0)
    assert (await host.engine.start("c1")).state == EngineState.RUNNING
    await host.engine.remove("c1")
    assert not Path(f"/proc/{pid}").exists()


async def test_a_pod_outlives_its_engine(dockerd: Dockerd, host: Host) -> None:
    await host.engine.ensure_pod("p1")
    for id in ("c1", "c2"):
        await host.run(id, pod="p1")
    await host.engine.execute("c1", ("sh", "-c", "echo kept > /dev/shm/said"))
    dockerd.kill()
    await host.engine.ensure_pod("p1")
    dockerd.start()
    assert await host.engine.pods() == {"p1"}
    await host.engine.stop("c2", 0)
    await host.engine.start("c2")
    spaces = [(await host.engine.execute(id, ("readlink", "/proc/self/ns/ipc"))).output for id in ("c1", "c2")]
    assert spaces[0] == spaces[1]
    assert (await host.engine.execute("c2", ("cat", "/dev/shm/said"))).output == "kept\n"


async def test_an_engine_killed_in_the_middle_of_everything(dockerd: Dockerd, host: Host) -> None:
    """Whatever was under way fails as Busy at most; the same calls again make it right, once per container."""

    async def run(at: int) -> None:
        try:
            await host.run(f"c{at}")
        except Busy:
            return

    running = [asyncio.create_task(run(at)) for at in range(6)]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    dockerd.kill()
    await asyncio.gather(*running)
    dockerd.start()
    wanted = [(f"c{at}", EngineState.RUNNING) for at in range(6)]
    for _ in range(5):  # an engine that was killed in a start may tell of its end only after the next one
        for at in range(6):
            await settled(host, f"c{at}")
        seen = sorted((sight.id, sight.state) for sight in await host.engine.sights())
        if seen == wanted:
            break
    assert seen == wanted
    for at in range(6):
        inode = host.sandbox(f"c{at}").stat().st_ino
        assert len(processes_in(inode)) == 1
        await host.engine.remove(f"c{at}")
        assert processes_in(inode) == []


async def settled(host: Host, id: str) -> None:
    """As a reconciler does it: again, as long as the engine is busy."""
    for _ in range(50):
        try:
            await host.run(id)
        except Busy:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError(f"{id} does not start")


def processes_in(inode: int) -> list[str]:
    """The processes in a network namespace."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            if entry.name.isdigit() and (entry / "ns" / "net").stat().st_ino == inode:
                found.append(entry.name)
    return found
