"""What the real engine must do beyond the interface's verbs: keep containers in their place and their sandbox, and go on
after it or its containers were killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.engine import hardening, runtime
from boxship.drivers.engine.interface import (
    Bind,
    EngineState,
    InjectedFile,
    LogQuery,
    RestartPolicy,
)
from boxship.drivers.linux import namespace
from tests.conformance import archives
from tests.conformance.host import IMAGE, Host, eventually, pieces
from tests.system.installation import free_port
from tests.system.waiting import until


async def inside(host: Host, id: str, command: str) -> str:
    """What a shell command prints in the container, where it succeeds."""
    result = await host.engine.execute(id, ("sh", "-c", command))
    assert result.exit_code == 0, result.output
    return result.output.strip()


def operator(host: Host, *words: str) -> str:
    """The engine as the operator of the host uses it."""
    command = ["docker", "--host", f"unix://{host.socket}", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


# Sandboxes.


async def test_it_runs_in_its_sandbox_and_nowhere_else(docker: Host) -> None:
    await docker.run("c1")
    inode = docker.sandbox("c1").stat().st_ino
    assert await inside(docker, "c1", "readlink /proc/self/ns/net") == f"net:[{inode}]"
    assert await inside(docker, "c1", "ls /sys/class/net") == "lo"


async def test_starting_does_not_wait_for_an_interpreter(docker: Host, docker_socket: Path) -> None:
    """This engine writes its bundles as the quick way of the runtime expects them."""
    enter = docker_socket.parent / "enter.py"
    kept = enter.read_text()
    enter.write_text("raise SystemExit('the careful way was taken')")
    try:
        await docker.run("c1")
    finally:
        enter.write_text(kept)
    assert await inside(docker, "c1", "ls /sys/class/net") == "lo"


async def test_it_does_not_start_without_its_sandbox(docker: Host) -> None:
    spec = docker.spec("c1")
    await docker.engine.create(spec)
    namespace.remove(spec.sandbox.name)
    with pytest.raises(Refused, match="sandbox"):
        await docker.engine.start("c1")
    assert (await docker.seen("c1")).state == EngineState.CREATED
    spec.sandbox.touch()  # what is left of a namespace after a boot of the host
    with pytest.raises(Refused, match="sandbox"):
        await docker.engine.start("c1")
    spec.sandbox.unlink()
    docker.sandbox("c1")
    assert (await docker.engine.start("c1")).state == EngineState.RUNNING


async def test_it_does_not_start_behind_our_back_without_a_note(docker: Host) -> None:
    """Somebody starts it by hand after a boot: the note of its sandbox is gone, so it stays where it is."""
    sight = await docker.engine.create(docker.spec("c1"))
    runtime.forget(sight.engine_id)
    with pytest.raises(subprocess.CalledProcessError):
        operator(docker, "start", sight.engine_id)
    assert (await docker.engine.start("c1")).state == EngineState.RUNNING


@pytest.mark.parametrize("policy", [RestartPolicy("always"), RestartPolicy("on-failure", 5)])
async def test_it_comes_back_into_the_same_sandbox(docker: Host, policy: RestartPolicy) -> None:
    first = await docker.run("c1", restart=policy)
    pid = int(operator(docker, "inspect", "--format", "{{.State.Pid}}", first.engine_id))
    os.kill(pid, 9)

    async def restarted() -> bool:
        sight = await docker.seen("c1")
        return sight.restarts == 1 and sight.state == EngineState.RUNNING

    await eventually(restarted, "the engine starts it again")
    inode = docker.sandbox("c1").stat().st_ino
    assert await inside(docker, "c1", "readlink /proc/self/ns/net") == f"net:[{inode}]"


async def test_what_a_tenant_names_leads_to_no_other_sandbox(docker: Host) -> None:
    """Labels, environment and name of a container are its own; the note that counts is root's, by the engine's id."""
    await docker.run("victim")
    labels = {"io.boxship.sandbox": str(docker.sandbox("victim")), "io.boxship.mark": "ffff", "io.boxship.id": "victim"}
    await docker.run("c1", labels=labels, environment={"BOXSHIP_SANDBOX": str(docker.sandbox("victim"))})
    inode = docker.sandbox("c1").stat().st_ino
    assert await inside(docker, "c1", "readlink /proc/self/ns/net") == f"net:[{inode}]"
    assert {sight.id for sight in await docker.engine.sights()} == {"c1", "victim"}
    assert runtime.SANDBOXES.stat().st_mode & 0o777 == 0o700


# Hardening.


async def test_what_a_container_may_do(docker: Host) -> None:
    await docker.run("c1")
    status = dict(
        line.split(":\t")
        for line in (await inside(docker, "c1", "cat /proc/self/status")).splitlines()
        if ":\t" in line
    )
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    expected = sum(1 << hardening._ALL.index(name) for name in hardening.CAPABILITIES)
    assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == expected
    assert expected & (1 << 12 | 1 << 21) == 0, "neither NET_ADMIN nor SYS_ADMIN"
    assert status["CapAmb"].strip("0") == ""


@pytest.mark.parametrize(
    "attempt",
    [
        "mount -t tmpfs none /mnt",
        "ip link add x type veth",
        "ip address add 10.9.9.9/24 dev lo",
        "unshare -n true",
        "mknod /dev/x b 7 0",
        "echo 1 > /proc/sys/kernel/panic",
        "cat /proc/kcore",
        "chroot /proc/1/root/../../ test -e /etc/debian_version",
    ],
)
async def test_what_a_container_may_not_do(docker: Host, attempt: str) -> None:
    await docker.run("c1")
    result = await docker.engine.execute("c1", ("sh", "-c", attempt))
    assert result.exit_code != 0, result.output


async def test_a_privileged_one_has_what_the_host_can_give_and_still_its_own_network(docker: Host) -> None:
    await docker.run("c1", privileged=True)
    await inside(docker, "c1", "ip link add name x type bridge && ip link set x up && mount -t tmpfs none /tmp")
    assert "x" in await inside(docker, "c1", "ls /sys/class/net")
    assert not Path("/sys/class/net/x").exists()
    assert await inside(docker, "c1", "ls /dev/loop0 /dev/sda /dev/vda /dev/mem 2>/dev/null || true") == ""


async def test_limits(docker: Host) -> None:
    await docker.run("c1", cpus=0.5, memory=64 << 20)
    shown = json.loads(operator(docker, "inspect", (await docker.seen("c1")).engine_id))[0]["HostConfig"]
    assert (shown["NanoCpus"], shown["Memory"], shown["PidsLimit"]) == (500_000_000, 64 << 20, 4096)
    assert shown["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    with pytest.raises(Refused, match="memory"):
        await docker.engine.create(docker.spec("c2", memory=1 << 20))
    assert await docker.engine.sight("c2") is None


async def test_files_are_shown_read_only(docker: Host, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    await docker.run(
        "c1",
        hosts=(("10.0.0.5", "web"),),
        nameservers=("10.0.0.2",),
        search=("example.org",),
        hostname="web",
        files=(InjectedFile("/etc/deep/my.conf", b"\x00given\xff"),),
        binds=(Bind(tmp_path / "data", "/data"), Bind(tmp_path / "data", "/frozen", read_only=True)),
    )
    assert "10.0.0.5 web" in (await inside(docker, "c1", "cat /etc/hosts")).splitlines()
    assert await inside(docker, "c1", "cat /etc/resolv.conf") == "search example.org\nnameserver 10.0.0.2"
    assert await inside(docker, "c1", "hostname") == "web"
    assert await inside(docker, "c1", "od -An -tx1 /etc/deep/my.conf") == "00 67 69 76 65 6e ff"
    await inside(docker, "c1", "echo kept > /data/file")
    assert (tmp_path / "data" / "file").read_text() == "kept\n"
    for path in ("/etc/hosts", "/etc/resolv.conf", "/etc/deep/my.conf", "/frozen/file"):
        assert (await docker.engine.execute("c1", ("sh", "-c", f"echo x >> {path}"))).exit_code != 0, path


async def test_entrypoint_workdir_environment_and_terminal(docker: Host) -> None:
    command = ("echo $A; pwd; test -t 1 && echo terminal; sleep 1000",)
    await docker.run("c1", *command, entrypoint=("sh", "-c"), workdir="/tmp", environment={"A": "b=c d"}, tty=True)
    said = await eventually(lambda: lines(docker, 3), "it prints three lines")
    assert said == ["b=c d", "/tmp", "terminal"]


async def lines(host: Host, count: int) -> list[str] | None:
    """The lines of the log of ``c1``, once there are so many."""
    said = (await host.engine.logs("c1", LogQuery())).decode().splitlines()
    return said if len(said) >= count else None


# Errors.


async def test_a_command_that_is_not_there(docker: Host) -> None:
    await docker.engine.create(docker.spec("c1", "no-such-program"))
    with pytest.raises(Refused) as caught:
        await docker.engine.start("c1")
    assert caught.value.sentence == (
        'The container could not be started: "no-such-program": executable file not found in $PATH.'
    )


@pytest.mark.parametrize(
    ("wish", "what"),
    [
        ({"workdir": "relative"}, "relative"),
        ({"binds": (Bind(Path("/never/made"), "/x"),)}, "/never/made"),
        ({"binds": (Bind(Path("/tmp"), "not/absolute"),)}, "not/absolute"),
        ({"files": (InjectedFile("/", b""),)}, "/"),
        ({"restart": RestartPolicy("sometimes")}, "sometimes"),
    ],
)
async def test_a_wish_that_can_never_work(docker: Host, wish: dict[str, object], what: str) -> None:
    with pytest.raises(Refused) as caught:
        await docker.run("c1", **wish)
    assert what in caught.value.sentence
    assert str(docker.directory) not in caught.value.sentence, "the user is not told of places on the host"


async def test_a_container_outlives_the_name_of_its_image(docker: Host) -> None:
    await docker.engine.load(pieces(archives.Archive().written()), "second/name:1")
    spec = docker.spec("c1", image="second/name:1")
    made = await docker.engine.create(spec)
    await docker.engine.remove_image("second/name:1")
    assert await docker.engine.image("second/name:1") is None
    assert await docker.engine.create(spec) == made


# Images.


@pytest.mark.parametrize("content", archives.HOSTILE.values(), ids=archives.HOSTILE.keys())
async def test_hostile_archives_are_refused_and_leave_nothing(docker: Host, content: bytes) -> None:
    before = operator(docker, "images", "--all", "--no-trunc")
    with pytest.raises(Refused) as caught:
        await docker.engine.load(pieces(content), "hostile/image:1")
    assert "/" not in caught.value.sentence or "etc" in caught.value.sentence
    assert operator(docker, "images", "--all", "--no-trunc") == before
    kept = docker.directory / "containers" / docker.mark
    assert list(kept.iterdir()) == []


async def test_an_archive_cannot_take_the_name_of_another_image(docker: Host) -> None:
    honest = await docker.engine.image(IMAGE)
    archive = archives.Archive()
    archive.config(Env=["EVIL=1"])
    loaded = await docker.engine.load(pieces(archive.written()), "mine/image:1")
    assert "mine/image:1" in loaded.references
    assert await docker.engine.image(IMAGE) == honest
    await docker.engine.remove_image("mine/image:1")


@pytest.mark.parametrize("claims", [{"io.boxship.id": "c1"}, {}], ids=["mark and id", "mark alone"])
async def test_labels_of_an_image_mark_nothing(docker: Host, claims: dict[str, str]) -> None:
    """A container that somebody else makes from a tenant's image is not taken for ours."""
    archive = archives.Archive()
    archive.config(Labels={"io.boxship.mark": docker.mark, "io.boxship.sandbox": "/run/netns/x", **claims})
    await docker.engine.load(pieces(archive.written()), "mine/image:1")
    foreign = operator(docker, "run", "--detach", "--network", "none", "mine/image:1", "sleep", "1000")
    assert await docker.engine.sights() == []
    assert await docker.engine.sight("c1") is None
    await docker.engine.remove("c1")
    assert operator(docker, "inspect", "--format", "{{.State.Running}}", foreign) == "true"
    operator(docker, "rm", "--force", foreign)
    await docker.engine.remove_image("mine/image:1")


async def test_layers_of_an_image_lead_nowhere(docker: Host, tmp_path: Path) -> None:
    """Links out of the root and devices in a layer are the container's own affair."""
    archive = archives.Archive()
    archive.layer(
        archives.entry("out", tarfile.SYMTYPE, str(tmp_path)),
        archives.entry("../../../../../../tmp/boxship-escaped", tarfile.SYMTYPE, "/etc"),
    )
    with contextlib.suppress(Refused):
        await docker.engine.load(pieces(archive.written()), "mine/image:1")
        await docker.run(
            "c1", image="mine/image:1", files=(InjectedFile("/out/file", b"x"),), workdir="/out/../out/made"
        )
    assert not [path for path in tmp_path.iterdir() if path.name in {"file", "made"}]
    assert not Path("/tmp/boxship-escaped").is_symlink()
    await docker.engine.remove("c1")
    await docker.engine.remove_image("mine/image:1")


@contextmanager
def registry(directory: Path) -> Iterator[str]:
    """A registry on loopback, as ``host:port``."""
    address = f"127.0.0.1:{free_port()}"
    settings = directory / "registry.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {directory / 'registry'}}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    process = subprocess.Popen(
        ["docker-registry", "serve", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield address
    finally:
        process.terminate()
        process.wait()


async def test_pulling(docker: Host, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with registry(tmp_path) as address:
        reference = f"{address}/some/image"
        operator(docker, "tag", IMAGE, f"{reference}:latest")
        await asyncio.to_thread(until, lambda: pushed(docker, reference), "the registry takes the image")
        await docker.engine.remove_image(f"{reference}:latest")
        with pytest.raises(Refused, match="There is no image"):
            await docker.engine.pull(f"{address}/no/image")
        with pytest.raises(Refused, match="There is no image"):
            await docker.engine.pull(f"{reference}:not-this-tag")
        pulled = await docker.engine.pull(reference, lambda progress: seen.append((progress.done, progress.total)))
        assert pulled.references.count(f"{reference}:latest") == 1
        assert all(0 <= done <= total for done, total in seen)
        assert await docker.engine.image(reference) == pulled
    await docker.engine.remove_image(f"{reference}:latest")
    with pytest.raises(Busy, match="cannot be reached"):
        await docker.engine.pull(reference)


def pushed(host: Host, reference: str) -> bool:
    command = ["docker", "--host", f"unix://{host.socket}", "push", "--quiet", f"{reference}:latest"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


WRONG = [
    "UPPER/CASE",
    "a b",
    "",
    "../../info",
    "x/../../info",
    "../containers/x",
    "x?y=z",
    "http://h/i",
    "a" * 400,
    "a\n",
]


@pytest.mark.parametrize("reference", WRONG)
async def test_references_that_are_none(docker: Host, reference: str) -> None:
    """Whatever a reference holds, it names an image or nothing, never another part of the engine's API."""
    assert await docker.engine.image(reference) is None
    await docker.engine.remove_image(reference)
    with pytest.raises(Refused):
        await docker.engine.pull(reference)


async def test_no_reference_removes_a_container(docker: Host) -> None:
    sight = await docker.run("c1")
    await docker.engine.stop("c1", 0)
    for way in ("..", "a/../..", "h.org/a/../../.."):
        await docker.engine.remove_image(f"{way}/containers/{sight.engine_id}")
    assert await docker.engine.sight("c1") is not None


# Live.


async def test_both_streams_of_the_log(docker: Host) -> None:
    await docker.run("c1", "sh", "-c", "echo out; echo err >&2")
    await docker.ends("c1")
    assert await docker.engine.logs("c1", LogQuery(stderr=False)) == b"out\n"
    assert await docker.engine.logs("c1", LogQuery(stdout=False)) == b"err\n"
    assert await docker.engine.logs("c1", LogQuery(since=4_000_000_000)) == b""
    assert len((await docker.engine.logs("c1", LogQuery(since=1_000_000_000.5))).splitlines()) == 2


async def test_output_has_a_bound(docker: Host) -> None:
    await docker.run("c1")
    result = await docker.engine.execute("c1", ("sh", "-c", "yes | head -c 3000000; exit 4"))
    assert 0 < len(result.output) <= 1 << 20
    assert (await docker.engine.execute("c1", ("printf", "a\\377b"))).output == "a\ufffdb"
    assert (await docker.engine.execute("c1", ("sh", "-c", "echo err >&2"))).output == "err\n"


async def test_a_command_in_a_container_that_is_not_there(docker: Host) -> None:
    await docker.run("c1")
    result = await docker.engine.execute("c1", ("no-such-program",))
    assert result.exit_code in {126, 127}
    assert "no-such-program" in result.output


# Others on the same engine.


async def test_installations_do_not_see_each_other(docker: Host) -> None:
    other = Host(docker.directory, docker.socket)
    await docker.run("c1")
    assert await other.engine.sights() == []
    assert await other.engine.sight("c1") is None
    await other.run("c1")
    await other.engine.remove("c1")
    assert (await docker.seen("c1")).state == EngineState.RUNNING
    await other.clear()


async def test_removed_behind_our_back(docker: Host) -> None:
    sight = await docker.run("c1")
    operator(docker, "rm", "--force", sight.engine_id)
    assert await docker.engine.sight("c1") is None
    with pytest.raises(Absent):
        await docker.engine.start("c1")
    await docker.engine.remove("c1")
    again = await docker.run("c1")
    assert again.engine_id != sight.engine_id


async def test_anonymous_volumes_go_with_their_container(docker: Host) -> None:
    archive = archives.Archive()
    archive.config(Volumes={"/data": {}})
    await docker.engine.load(pieces(archive.written()), "mine/image:1")
    await docker.run("c1", image="mine/image:1")
    assert operator(docker, "volume", "ls", "--quiet")
    await docker.engine.remove("c1")
    assert not operator(docker, "volume", "ls", "--quiet")
    await docker.engine.remove_image("mine/image:1")
