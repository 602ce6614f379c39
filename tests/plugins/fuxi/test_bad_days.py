"""Bad days: the plugin or the host starts anew, the cloud is away, things happen at once, and steps are left half done."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from boxship.core import errors
from boxship.plugins.cloud import Deadline
from boxship.plugins.fuxi import devices, driver, filesystems, mounts, records
from tests.plugins.caller import Refused
from tests.plugins.fuxi.world import World
from tests.system.waiting import until

pytestmark = pytest.mark.system


def test_uses_are_counted_across_a_restart_of_the_plugin(world: World) -> None:
    world.docker.create("data")
    point = world.docker.mount("data", "one")
    world.docker.mount("data", "two")
    (point / "x").write_text("kept")
    docker = world.again()
    assert docker.status("data")["uses"] == 2
    assert (docker.mount("data", "three") / "x").read_text() == "kept"
    for id in ("one", "two"):
        docker.unmount("data", id)
        assert mounts.at(point)
    world.again().unmount("data", "three")
    world.check()


def test_a_new_start_of_the_host_ends_all_uses(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.docker.create("data")
    point = world.docker.mount("data", "one")
    (point / "x").write_text("kept")
    world.docker.stop()
    mounts.unmount(point)
    world.cloud.unbind(world.volume("data")["id"])
    info = next(iter(world.cloud.attachments.values()))["connection_info"]
    info["device_path"] = world.cloud.bind(world.volume("data")["id"])
    (tmp := world.directory / "boot").write_text("another\n")
    monkeypatch.setattr(records, "_BOOT", tmp)
    docker = world.plugin()
    world.docker = docker
    assert (docker.mount("data", "two") / "x").read_text() == "kept"
    assert docker.status("data")["uses"] == 1
    docker.unmount("data", "two")


def test_a_record_that_was_lost_is_made_up_for(world: World) -> None:
    world.docker.create("data")
    point = world.docker.mount("data")
    (point / "x").write_text("kept")
    world.docker.stop()
    for path in (world.docker.host.records).glob("*.json"):
        path.unlink()
    mounts.unmount(point)
    docker = world.docker = world.plugin()
    assert (docker.mount("data") / "x").read_text() == "kept"
    assert len(world.cloud.attachments) == 1
    docker.unmount("data")


def test_two_plugins_do_not_share_a_directory(world: World) -> None:
    with pytest.raises(errors.Unavailable, match="Another plugin works with"):
        world.plugin()


@pytest.mark.parametrize("mode", ["broken", "silent"])
def test_while_the_cloud_is_away_docker_is_answered(world: World, mode: str) -> None:
    docker = world.plugin("quick", timeout=1.0, quick=0.5)
    docker.create("data")
    docker.create("idle")
    point = docker.mount("data", "one")
    world.cloud.mode = mode
    for call in (docker.create, docker.remove, docker.mount, docker.get):
        with pytest.raises(Refused) as refused:
            call("idle")
        assert refused.value.status == 503
    assert docker.mount("data", "two") == point  # what is mounted needs no cloud
    assert docker.status("data")["state"] == "unknown"
    assert "CreatedAt" not in docker.get("data")  # Docker would not read an empty one
    docker.unmount("data", "one")
    docker.unmount("data", "two")
    assert world.mounted() == []
    world.cloud.mode = "open"
    world.cloud.opened.set()
    assert len(world.cloud.attachments) == 1
    docker.stop()
    world.plugin("quick")  # its sweep gives back what could not be given back
    until(lambda: not world.cloud.attachments, "the volume is detached")


def test_hosts_that_make_one_name_at_once_agree(world: World) -> None:
    plugins = [world.docker, *(world.plugin(f"host-{at}", name=f"host-{at}") for at in range(3))]
    with ThreadPoolExecutor(len(plugins)) as pool:
        list(pool.map(lambda docker: docker.create("data"), plugins * 2))
    assert len(world.cloud.volumes) == 1
    assert {docker.status("data")["id"] for docker in plugins} == set(world.cloud.volumes)


def test_calls_about_one_name_come_one_after_the_other(world: World) -> None:
    world.docker.create("data")
    ids = [f"use-{at}" for at in range(8)]
    with ThreadPoolExecutor(8) as pool:
        points = set(pool.map(lambda id: world.docker.mount("data", id), ids))
        assert len(points) == len(world.mounted()) == 1
        list(pool.map(lambda id: world.docker.unmount("data", id), ids))
    world.check()


STEPS = ["POST /attachments", "GET /attachments/.*", "POST /attachments/.*/action"]


@pytest.mark.parametrize("step", STEPS)
def test_a_mount_that_stops_anywhere_leaves_nothing_that_stays(world: World, step: str) -> None:
    """The answer to a step never comes, as if the plugin had been killed there; it is started anew and mounts."""
    docker = world.plugin("quick", timeout=1.0)
    docker.create("data")

    def lost() -> None:
        world.cloud.mode = "silent"
        world.cloud.opened.clear()
        world.cloud.opened.wait(60)

    if step.startswith("GET"):  # the connection comes later
        world.cloud.on["POST /attachments"] = lambda: _hide(world)
    world.cloud.on[step] = lost
    with pytest.raises(Refused):
        docker.mount("data")
    docker.stop()
    _show(world)
    world.cloud.mode = "open"
    world.cloud.opened.set()
    again = world.plugin("quick")
    until(lambda: world.mounted() == [], "nothing is mounted")
    again.mount("data")
    assert len(world.cloud.attachments) == 1
    again.unmount("data")
    until(lambda: not world.cloud.attachments, "the volume is detached")


def _hide(world: World) -> None:
    for one in world.cloud.attachments.values():
        one["hidden"], one["connection_info"] = one["connection_info"], None


def _show(world: World) -> None:
    for one in world.cloud.attachments.values():
        if one.get("hidden"):
            one["connection_info"] = one["hidden"]


def test_formatting_that_was_killed_is_begun_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """mkfs leaves half of a file system: neither blank nor one. Under the same attachment it is made whole."""
    world.docker.create("data")
    made = filesystems.make

    def killed(device: str, kind: str) -> None:
        made(device, kind)
        with Path(device).open("r+b", buffering=0) as half:
            half.seek(1024)
            half.write(bytes(1024))
            os.fsync(half.fileno())
        monkeypatch.setattr(filesystems, "make", made)
        raise OSError(5, "killed")

    def unreleased(*words: object) -> records.Record:
        raise errors.Unavailable("killed")

    with monkeypatch.context() as patch:
        patch.setattr(devices.Devices, "release", unreleased)
        monkeypatch.setattr(filesystems, "make", killed)
        with pytest.raises(Refused, match="killed"):
            world.docker.mount("data")
        world.docker.stop()
    assert filesystems.kind(world.cloud.bind(world.volume("data")["id"])) is None
    point = world.again().mount("data")
    assert list(point.iterdir()) == []
    world.docker.unmount("data")


def test_half_a_file_system_of_somebody_else_is_not_formatted(world: World) -> None:
    world.docker.create("data")
    id = world.volume("data")["id"]
    with world.cloud.file(id).open("r+b") as file:
        file.seek(4096)
        file.write(b"half")
    record = records.Record("data", "cinder", id, formatting="another-attachment")
    records.Records(world.docker.host.records).write(record)
    with pytest.raises(Refused, match="not formatted over them"):
        world.docker.mount("data")


def test_reading_a_large_device_goes_on_where_it_was(world: World, tmp_path: Path) -> None:
    id = world.brought()
    with world.cloud.file(id).open("r+b") as file:
        for at in range(3):
            file.seek(at << 20)
            file.write(b"\0" * 4096)
    device = world.cloud.bind(id)

    class Now(Deadline):
        def left(self) -> float:
            raise errors.Unavailable("over")

    steps, at = 0, 0
    while True:
        try:
            assert filesystems.is_blank(device, Now(0), at)
            break
        except filesystems.Unfinished as error:
            assert error.at > at
            steps, at = steps + 1, error.at
    assert steps == 3
    with world.cloud.file(id).open("r+b") as file:
        file.seek((900 << 20) + 5)
        file.write(b"x")
    assert not filesystems.is_blank(device, Deadline(10))


class Engine:
    """Docker's API as far as the sweep asks it."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.asked = threading.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.asked.set()
        content = json.dumps([{"State": state} for state in self.states]).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


def test_uses_that_docker_knows_nothing_of_are_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from boxship.plugins.docker import places
    from tests.plugins.caller import serving

    engine = Engine()
    path = world.directory / "docker.sock"
    monkeypatch.setattr(driver, "_SETTLED", 0.0)
    with places.listening(path) as listener, serving(engine, listener):
        docker = world.plugin("swept")
        docker.create("data")
        docker.mount("data")
        docker.stop()
        for states in (["running"], ["exited", "paused"]):
            engine.states = states
            engine.asked.clear()
            docker = world.plugin("swept", docker=path)
            until(engine.asked.is_set, "the sweep has asked")
            docker.stop()
            assert len(world.mounted()) == 1
        engine.states = ["exited", "dead", "created"]
        world.plugin("swept", docker=path)
        until(lambda: not world.mounted() and not world.cloud.attachments, "the use is over")


def test_uses_stay_while_docker_does_not_say(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_SETTLED", 0.0)
    docker = world.plugin("swept", docker=world.directory / "nobody.sock")
    docker.create("data")
    docker.mount("data")
    docker.stop()
    docker = world.plugin("swept", docker=world.directory / "nobody.sock")
    docker.stop()  # the first round of its sweep is over
    assert len(world.mounted()) == 1
    world.plugin("swept").unmount("data")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"Name": 1}', b'{"Name": "../x"}', b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("call", ["Create", "Remove", "Mount", "Unmount", "Path", "Get"])
def test_bodies_that_are_none(world: World, call: str, content: bytes) -> None:
    status, answer = world.docker.raw("POST", f"/VolumeDriver.{call}", content)
    assert (status, bool(answer["Err"])) == (400, True)


def test_what_is_not_there(world: World) -> None:
    for call in (world.docker.mount, world.docker.get):
        with pytest.raises(Refused) as refused:
            call("nothing")
        assert refused.value.status == 404
    world.docker.unmount("nothing")
    world.docker.remove("nothing")
    assert world.docker.call("Plugin.Activate") == {"Implements": ["VolumeDriver"]}
    assert world.docker.call("VolumeDriver.Capabilities")["Capabilities"] == {"Scope": "global"}
    assert world.docker.raw("POST", "/VolumeDriver.Nothing", b"{}")[0] == 404
