"""What every ``Engine`` does with pods, and how the real one keeps them: shared inside, closed to all others."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from boxship.core.errors import Busy, Refused
from boxship.drivers.engine import orphans, pods, runtime
from boxship.drivers.engine.interface import Bind, ContainerSight, EngineState
from tests.conformance.host import Host
from tests.conformance.test_docker import inside, operator


async def test_pods_come_and_go(host: Host) -> None:
    assert await host.engine.pods() == set()
    await asyncio.gather(*(host.engine.ensure_pod(pod) for pod in ("p1", "p1", "p2")))
    await host.engine.ensure_pod("p1")
    assert await host.engine.pods() == {"p1", "p2"}
    await host.engine.remove_pod("p1")
    await host.engine.remove_pod("p1")
    await host.engine.remove_pod("never-made")
    assert await host.engine.pods() == {"p2"}


async def test_a_restarted_program_finds_its_pods(host: Host) -> None:
    await host.engine.ensure_pod("p1")
    await host.engine.close()
    host.engine = host.another()
    assert await host.engine.pods() == {"p1"}


async def test_pods_of_another_installation_are_not_seen(host: Host) -> None:
    await host.engine.ensure_pod("p1")
    other = host.another(f"{host.mark}0")
    assert await other.pods() == set()
    await other.remove_pod("p1")
    await other.close()
    assert await host.engine.pods() == {"p1"}


@pytest.mark.parametrize("name", ["", ".", "..", "../p1", "a/b", "/etc", "a b", "x" * 65])
async def test_a_pod_cannot_be_called_that(host: Host, name: str) -> None:
    with pytest.raises(Refused, match="A pod cannot be called"):
        await host.engine.ensure_pod(name)
    assert await host.engine.pods() == set()


async def test_containers_wait_for_their_pod(host: Host) -> None:
    with pytest.raises(Busy, match="pod of the container is not there"):
        await host.engine.create(host.spec("c1", pod="p1"))
    assert await host.engine.sights() == []
    await host.engine.ensure_pod("p1")
    await host.run("c1", pod="p1")
    await host.engine.stop("c1", 0)
    await host.engine.remove_pod("p1")
    with pytest.raises(Busy, match="pod of the container is not there"):
        await host.engine.start("c1")
    await host.engine.ensure_pod("p1")
    assert (await host.engine.start("c1")).state == EngineState.RUNNING


async def run_pods(host: Host) -> None:
    """Two containers of one pod, one of another, one of none."""
    await asyncio.gather(host.engine.ensure_pod("p1"), host.engine.ensure_pod("p2"))
    for id, pod in {"a": "p1", "b": "p1", "other": "p2", "lone": None}.items():
        await host.run(id, pod=pod)


MAKE = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
assert libc.msgget(0x1234, 0o1600) >= 0 and libc.shmget(0x5678, 4096, 0o1600) >= 0 and libc.semget(0x9abc, 1, 0o1600) >= 0
"""
KEYS = {0x1234, 0x5678, 0x9ABC}


async def test_ipc_is_shared_in_a_pod_only(docker: Host) -> None:
    await run_pods(docker)
    pid = operator(docker, "inspect", "--format", "{{.State.Pid}}", docker.name("a"))
    subprocess.run(["nsenter", f"--ipc=/proc/{pid}/ns/ipc", sys.executable, "-c", MAKE], check=True)
    for id, seen in {"a": KEYS, "b": KEYS, "other": set(), "lone": set()}.items():
        table = await inside(docker, id, "tail -qn +2 /proc/sysvipc/msg /proc/sysvipc/shm /proc/sysvipc/sem")
        assert {int(line.split()[0]) for line in table.splitlines()} == seen
    namespaces = [await inside(docker, id, "readlink /proc/self/ns/ipc") for id in ("a", "b", "other", "lone")]
    assert namespaces[0] == namespaces[1]
    assert len({*namespaces, str(Path("/proc/self/ns/ipc").readlink())}) == 4


async def test_memory_is_shared_in_a_pod_only(docker: Host) -> None:
    await run_pods(docker)
    await inside(docker, "a", "umask 0; echo hello > /dev/shm/said")
    assert await inside(docker, "b", "cat /dev/shm/said; echo back >> /dev/shm/said") == "hello"
    assert await inside(docker, "a", "cat /dev/shm/said") == "hello\nback"
    for id in ("other", "lone"):
        assert await inside(docker, id, "ls /dev/shm") == ""


async def run_in_one_sandbox(host: Host) -> list[ContainerSight]:
    """Two containers of one pod, as capsules have them: with one network too."""
    await host.engine.ensure_pod("p1")
    sandbox = host.sandbox("p1")
    for id in ("a", "b"):
        await host.engine.create(replace(host.spec(id, pod="p1"), sandbox=sandbox))
    return [await host.engine.start(id) for id in ("a", "b")]


async def test_containers_of_a_pod_end_one_by_one(host: Host) -> None:
    await run_in_one_sandbox(host)
    await host.engine.stop("a", 0)
    assert (await host.seen("b")).state == EngineState.RUNNING
    await host.engine.start("a")
    await host.engine.remove("a")
    assert [(sight.id, sight.state) for sight in await host.engine.sights()] == [("b", EngineState.RUNNING)]


async def test_what_an_engine_forgot_ends_alone(docker: Host) -> None:
    """A container that was removed behind our back: what is left of it goes, and nothing of the rest of its pod."""
    first, second = await run_in_one_sandbox(docker)
    pid = int(operator(docker, "inspect", "--format", "{{.State.Pid}}", first.engine_id))
    orphans.end(second.engine_id, docker.sandbox("p1"), alone=False)
    assert (await docker.ends("b")).exit_code == 137
    operator(docker, "rm", "--force", second.engine_id)
    await docker.engine.remove("b")
    assert not (runtime.SANDBOXES / second.engine_id).exists()
    assert (runtime.SANDBOXES / first.engine_id).exists()
    assert (await docker.seen("a")).state == EngineState.RUNNING
    assert Path(f"/proc/{pid}").exists()


async def test_what_a_pod_shares_is_bounded(docker: Host) -> None:
    await run_pods(docker)
    mount = await inside(docker, "a", "grep ' /dev/shm ' /proc/mounts")
    options = set(mount.split()[3].split(","))
    assert {"rw", "nosuid", "nodev", "noexec", "size=65536k"} <= options
    filled = await docker.engine.execute("a", ("sh", "-c", "head -c 70000000 /dev/zero > /dev/shm/full"))
    assert filled.exit_code != 0
    assert await inside(docker, "a", "cat /proc/sys/kernel/shmall") == "65536"
    assert int(await inside(docker, "lone", "cat /proc/sys/kernel/shmall")) > 65536


async def test_a_pod_outlives_its_containers_and_the_engine_objects(docker: Host) -> None:
    await run_pods(docker)
    await inside(docker, "a", "echo kept > /dev/shm/said")
    for id in ("a", "b"):
        await docker.engine.stop(id, 0)
        await docker.engine.start(id)
    await docker.engine.ensure_pod("p1")
    assert await inside(docker, "b", "cat /dev/shm/said") == "kept"
    assert await inside(docker, "a", "readlink /proc/self/ns/ipc") == await inside(
        docker, "b", "readlink /proc/self/ns/ipc"
    )


async def test_what_a_volume_covers_is_not_shared(docker: Host) -> None:
    await docker.engine.ensure_pod("p1")
    volume = docker.directory / "volume"
    volume.mkdir()
    (volume / "mine").touch()
    await docker.run("a", pod="p1", binds=(Bind(volume, "/dev/shm/"),))
    assert await inside(docker, "a", "ls /dev/shm") == "mine"


async def test_an_image_cannot_choose_a_pod(docker: Host) -> None:
    """Labels of images pass to containers."""
    await docker.engine.ensure_pod("p1")
    await docker.run("c1", pod="p1")
    reference = f"boxship/of-p1-{docker.mark}"
    operator(docker, "commit", docker.name("c1"), reference)  # with all its labels
    try:
        await docker.run("c2", image=reference)
        spaces = [await inside(docker, id, "readlink /proc/self/ns/ipc") for id in ("c1", "c2")]
        assert spaces[0] != spaces[1]
    finally:
        await docker.engine.remove("c2")
        await docker.engine.remove_image(reference)


async def test_a_half_made_pod_is_made_whole(docker: Host) -> None:
    """As a kill between two steps leaves it."""
    await docker.engine.ensure_pod("p1")
    subprocess.run(["umount", str(pods.ipc(docker.mark, "p1"))], check=True)
    with pytest.raises(Busy):
        await docker.engine.create(docker.spec("c1", pod="p1"))
    await docker.engine.ensure_pod("p1")
    await docker.run("c1", pod="p1")
    pods.ipc(docker.mark, "p1")
    await docker.engine.remove("c1")
    subprocess.run(["umount", str(pods.ipc(docker.mark, "p1")), str(pods.shm(docker.mark, "p1"))], check=True)
    assert await docker.engine.pods() == {"p1"}
    await docker.engine.remove_pod("p1")
    assert await docker.engine.pods() == set()


async def test_a_removed_pod_leaves_no_mount(docker: Host) -> None:
    await docker.engine.ensure_pod("p1")
    await docker.run("c1", pod="p1")
    await docker.engine.remove_pod("p1")  # while it is in use: the container keeps what it has
    await inside(docker, "c1", "echo on > /dev/shm/x && cat /dev/shm/x")
    assert f"{pods.PODS}/{docker.mark}/" not in Path("/proc/self/mountinfo").read_text()
