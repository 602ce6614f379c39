"""What every ``Engine`` does to a container that is there: pausing it and changing its limits; and what it says of its host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.engine.interface import EngineState
from tests.conformance.host import Host
from tests.conformance.test_docker import inside, operator

MEBIBYTE = 1 << 20


async def test_a_paused_container_goes_on(host: Host) -> None:
    running = await host.run("c1")
    await host.engine.pause("c1")
    paused = await host.seen("c1")
    assert (paused.state, paused.started_at) == (EngineState.PAUSED, running.started_at)
    assert [sight.state for sight in await host.engine.sights()] == [EngineState.PAUSED]
    await host.engine.unpause("c1")
    assert await host.seen("c1") == running


async def test_pausing_may_be_repeated(host: Host) -> None:
    await host.run("c1")
    await host.engine.unpause("c1")
    await host.engine.pause("c1")
    await host.engine.pause("c1")
    await host.engine.unpause("c1")
    await host.engine.unpause("c1")
    assert (await host.seen("c1")).state == EngineState.RUNNING


async def test_what_cannot_be_paused(host: Host) -> None:
    with pytest.raises(Absent, match="The container nobody is not in the engine"):
        await host.engine.pause("nobody")
    with pytest.raises(Absent, match="The container nobody is not in the engine"):
        await host.engine.unpause("nobody")
    await host.engine.create(host.spec("c1"))
    with pytest.raises(Refused, match=r"The container is not running\."):
        await host.engine.pause("c1")
    await host.engine.unpause("c1")


async def test_a_paused_container_runs_nothing_else(host: Host) -> None:
    await host.run("c1")
    await host.engine.pause("c1")
    with pytest.raises(Refused, match=r"The container is paused\."):
        await host.engine.execute("c1", ("true",))
    with pytest.raises(Busy):
        await host.engine.start("c1")


@pytest.mark.parametrize("end", ["stop", "kill", "remove"])
async def test_a_paused_container_can_be_ended(host: Host, end: str) -> None:
    await host.run("c1")
    await host.engine.pause("c1")
    if end == "remove":
        await host.engine.remove("c1")
        assert await host.engine.sight("c1") is None
        return
    await (host.engine.stop("c1", 0) if end == "stop" else host.engine.kill("c1", "SIGKILL"))
    assert (await host.ends("c1")).exit_code == 137


@pytest.mark.parametrize("state", [EngineState.CREATED, EngineState.RUNNING, EngineState.PAUSED, EngineState.EXITED])
async def test_limits_can_be_changed_in_every_state(host: Host, state: EngineState) -> None:
    await host.engine.create(host.spec("c1", cpus=0.5, memory=64 * MEBIBYTE))
    if state != EngineState.CREATED:
        await host.engine.start("c1")
    if state == EngineState.PAUSED:
        await host.engine.pause("c1")
    if state == EngineState.EXITED:
        await host.engine.stop("c1", 0)
    await host.engine.update("c1", cpus=None, memory=128 * MEBIBYTE)
    await host.engine.update("c1", cpus=0.25, memory=None)
    await host.engine.update("c1", cpus=None, memory=32 * MEBIBYTE)
    await host.engine.update("c1", cpus=None, memory=None)
    assert (await host.seen("c1")).state == state


async def test_limits_that_are_refused(host: Host) -> None:
    with pytest.raises(Absent, match="The container nobody is not in the engine"):
        await host.engine.update("nobody", cpus=1, memory=None)
    await host.run("c1")
    with pytest.raises(Refused):
        await host.engine.update("c1", cpus=1e6, memory=None)
    with pytest.raises(Refused):
        await host.engine.update("c1", cpus=None, memory=1)


async def test_the_kernel_has_the_last_word(docker: Host) -> None:
    await docker.run("c1")
    with pytest.raises(Refused) as caught:
        await docker.engine.update("c1", cpus=0.001, memory=None)
    assert caught.value.sentence == "The kernel does not take these limits, or the container uses more than that."
    assert (await docker.seen("c1")).state == EngineState.RUNNING


async def test_limits_are_in_force(docker: Host) -> None:
    await docker.run("c1", cpus=0.5, memory=64 * MEBIBYTE)
    await docker.engine.update("c1", cpus=0.25, memory=96 * MEBIBYTE)
    shown = operator(
        docker,
        "inspect",
        "--format",
        "{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}",
        docker.name("c1"),
    )
    assert shown == f"250000000 {96 * MEBIBYTE} {96 * MEBIBYTE}"
    if Path("/sys/fs/cgroup/memory").exists():  # version 1
        assert await inside(docker, "c1", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes") == str(96 * MEBIBYTE)
        assert await inside(docker, "c1", "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us") == "25000"
    else:
        assert await inside(docker, "c1", "cat /sys/fs/cgroup/memory.max") == str(96 * MEBIBYTE)
        assert await inside(docker, "c1", "cat /sys/fs/cgroup/cpu.max") == "25000 100000"


async def test_the_host(host: Host) -> None:
    sight = await host.engine.host()
    info = await host.engine.info()
    assert (sight.cpus, sight.memory) == (info.cpus, info.memory)
    assert 0 <= sight.memory_used <= sight.memory
    assert 0 <= sight.disk_used <= sight.disk
    assert sight.os_type == "linux"
    assert sight.runtimes == ("runc",)
    assert (sight.architecture, sight.kernel) == (os.uname().machine, os.uname().release)


async def test_the_host_is_this_one(docker: Host) -> None:
    sight = await docker.engine.host()
    assert sight.cpus == os.cpu_count()
    assert sight.memory_used > 0
    assert docker.socket is not None
    place = os.statvfs(docker.socket.parent / "data")
    assert sight.disk == place.f_blocks * place.f_frsize
    assert 0 < sight.disk_used < sight.disk
