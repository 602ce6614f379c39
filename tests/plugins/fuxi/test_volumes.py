"""Cinder's volumes as Docker's: made, mounted at the first and unmounted after the last use, and removed."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from boxship.plugins.fuxi import driver, filesystems, mounts
from tests.plugins.caller import Refused
from tests.plugins.fuxi.world import GIB, World

pytestmark = pytest.mark.system


def test_a_volume_lives_longer_than_its_containers(world: World) -> None:
    docker = world.docker
    docker.create("data")
    volume = world.volume("data")
    assert (volume["size"], volume["name"]) == (1, "data")
    assert volume["metadata"] == {"volume_from": "fuxi", "docker_volume_name": "data", "fstype": "ext4"}
    shown = docker.get("data")
    assert "Mountpoint" not in shown and shown["CreatedAt"].endswith("+00:00")
    assert shown["Status"]["state"] == "not_attach"
    point = docker.mount("data")
    assert list(point.iterdir()) == []
    (point / "file").write_text("kept")
    assert docker.status("data") | {"id": ""} == {
        "provider": "cinder",
        "id": "",
        "state": "attach_to_this",
        "status": "in-use",
        "size": 1,
        "fstype": "ext4",
        "uses": 1,
    }
    docker.unmount("data")
    world.check()
    assert not point.exists()
    assert docker.status("data")["state"] == "not_attach"
    assert (docker.mount("data", "two") / "file").read_text() == "kept"
    docker.unmount("data", "two")
    docker.remove("data")
    assert world.cloud.volumes == {}
    assert docker.names() == []


def test_uses_are_counted_by_whose_they_are(world: World) -> None:
    docker = world.docker
    docker.create("data")
    points = [
        docker.mount("data", id) for id in ("one", "two", "one")
    ]  # docker cp mounts for a running container again
    assert len(set(points)) == 1
    for id in ("one", "two", "three"):
        docker.unmount("data", id)
        assert len(world.mounted()) == 1
    docker.unmount("data", "one")
    assert world.mounted() == []
    docker.unmount("data", "one")  # nothing is left to unmount


def test_what_is_mounted_can_do_no_harm(world: World) -> None:
    docker = world.docker
    docker.create("data")
    point = docker.mount("data")
    line = next(line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f" {point} " in line)
    assert {"nosuid", "nodev", "rw"} <= set(line.split()[5].split(","))
    for directory in (docker.host.directory / "data", docker.host.records):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    docker.unmount("data")


def test_every_option_reaches_the_cloud(world: World) -> None:
    source = world.brought(2)
    hints = '{"same_host": ["x"]}'
    world.docker.create(
        "a", size="3", volume_type="fast", availability_zone="z", description="d", scheduler_hints=hints
    )
    world.docker.create("b", source_volid=source)
    world.docker.create("c", snapshot_id=source, size="2", multiattach="true", fstype="ext4")
    a, b, c = (world.volume(name) for name in "abc")
    assert (a["size"], a["volume_type"], a["availability_zone"], a["description"]) == (3, "fast", "z", "d")
    assert world.cloud.volumes[a["id"]]["hints"] == {"same_host": ["x"]}
    assert (b["size"], b["source_volid"], "fstype" in b["metadata"]) == (2, source, False)
    assert (c["snapshot_id"], c["multiattach"], c["metadata"]["fstype"]) == (source, True, "ext4")


def test_what_holds_where_nothing_is_said(world: World) -> None:
    docker = world.plugin("other", defaults={"size": 2, "volume_type": "slow", "availability_zone": "y"})
    docker.create("a")
    assert [world.volume("a")[name] for name in ("size", "volume_type", "availability_zone")] == [2, "slow", "y"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"size": "big"}, "size cannot be used: 'big' is no number of GiB"),
        ({"size": "0"}, "from 1 to"),
        ({"fstype": "ntfs"}, "'ntfs' is not offered; there are ext4 and xfs"),
        ({"volume_provider": "nova"}, "'nova' is none; there are cinder and manila"),
        ({"colour": "red"}, "There is no such option".lower()),
        ({"share_proto": "NFS"}, "it is an option of the provider manila"),
        ({"consistencygroup_id": "1"}, "consistency groups are gone from Cinder"),
        ({"source_replica": "1"}, "replication is gone"),
        ({"user_id": "1"}, "belongs to the user of the plugin"),
        ({"project_id": "1"}, "belongs to the project of the plugin"),
        ({"multiattach": "maybe"}, "'maybe' is neither true nor false"),
        ({"volume_id": "x"}, "'x' is no id"),
        ({"volume_id": "0" * 32, "size": "1"}, "size cannot be used: it is said of a new volume"),
        ({"snapshot_id": "0" * 32, "source_volid": "1" * 32}, "not of both"),
        ({"scheduler_hints": "same_host"}, "name=value"),
        ({"scheduler_hints": "{x"}, "no JSON"),
        ({"volume_provider": "manila", "fstype": "ext4"}, "it is an option of the provider cinder"),
        ({"volume_provider": "manila", "share_proto": "CIFS"}, "'CIFS' is not offered"),
        ({"volume_provider": "manila", "consistency_group_id": "x"}, "share groups are not offered"),
        ({"volume_provider": "manila", "share_id": "0" * 32, "existing": "0" * 32}, "it says the same as share_id"),
    ],
)
def test_options_that_are_refused(world: World, options: dict[str, str], reason: str) -> None:
    with pytest.raises(Refused) as refused:
        world.docker.create("data", **options)
    assert (refused.value.status, reason in refused.value.sentence) == (400, True), refused.value.sentence
    assert world.cloud.volumes == {}


@pytest.mark.parametrize("name", ["", "../../etc", "a/b", "-a", ".", "x" * 201])
def test_names_that_are_none(world: World, name: str) -> None:
    with pytest.raises(Refused) as refused:
        world.docker.create(name)
    assert refused.value.status == 400


def test_the_reason_of_the_cloud_is_told_and_nothing_is_left(world: World) -> None:
    with pytest.raises(Refused, match="Volume type none could not be found"):
        world.docker.create("data", volume_type="none")
    world.cloud.fails = True
    with pytest.raises(Refused, match=r"state error: No backend has room\."):
        world.docker.create("data")
    assert world.cloud.volumes == {}


def test_a_volume_that_a_user_brings_is_never_deleted(world: World) -> None:
    id = world.brought()
    world.docker.create("mine", volume_id=id)
    assert world.volume("mine")["id"] == id
    (world.docker.mount("mine") / "x").touch()
    world.docker.unmount("mine")
    with pytest.raises(Refused, match="is Docker's already, under the name mine"):
        world.docker.create("yours", volume_id=id)
    world.docker.remove("mine")
    assert world.cloud.volumes[id]["metadata"] == {"fstype": "ext4"}
    assert world.docker.names() == []
    world.docker.create("yours", volume_id=id)
    assert (world.docker.mount("yours") / "x").exists()
    world.docker.unmount("yours")


def test_a_volume_of_upstreams_fuxi_is_known_by_its_name(world: World) -> None:
    world.brought(metadata={"volume_from": "fuxi", "fstype": "ext4"})
    assert world.docker.names() == ["own"]
    world.docker.mount("own")
    world.docker.unmount("own")


def test_creating_what_is_there_takes_it(world: World) -> None:
    world.docker.create("data", size="2")
    world.docker.create("data", size="5")
    assert world.volume("data")["size"] == 2
    with pytest.raises(Refused, match="belongs to a volume of the provider cinder already"):
        world.docker.create("data", volume_provider="manila")
    with pytest.raises(Refused, match="not to 00000000"):
        world.docker.create("data", volume_id="0" * 32)


def test_one_name_of_two_providers_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_RACE", 0.3)
    world.docker.create("data")
    world.docker.create("other", volume_provider="manila")
    world.share("other")["metadata"]["docker_volume_name"] = "data"
    for call in (world.docker.mount, world.docker.get, world.docker.remove):
        with pytest.raises(Refused) as refused:
            call("data")
        assert refused.value.status == 409
        assert {"(cinder)", "(manila)"} <= set(refused.value.sentence.replace(".", " ").split())


@pytest.mark.parametrize(("server", "who"), [(None, "the host there"), ("c-1", "c-1 on the host there")])
def test_a_volume_that_is_attached_elsewhere_is_refused(world: World, server: str | None, who: str) -> None:
    world.docker.create("data")
    world.cloud.hold(world.volume("data")["id"], "there", server)
    assert world.docker.status("data")["state"] == "attach_to_other"
    for call in (world.docker.mount, world.docker.remove):
        with pytest.raises(Refused, match=f"The volume data is attached to {who}; detach it there first"):
            call("data")


def test_several_hosts_write_to_no_file_system(world: World) -> None:
    world.docker.create("data", multiattach="true")
    volume = world.volume("data")
    world.docker.mount("data")
    world.docker.unmount("data")
    world.cloud.hold(volume["id"], "there")
    with pytest.raises(Refused, match="Two hosts that write would destroy its file system"):
        world.docker.mount("data")
    volume["metadata"]["readonly"] = "True"
    point = world.docker.mount("data")
    with pytest.raises(OSError, match="Read-only"):
        (point / "x").touch()
    world.docker.unmount("data")


def test_containers_of_the_cloud_on_this_host_may_share(world: World) -> None:
    world.docker.create("data", multiattach="true")
    volume = world.volume("data")
    world.docker.mount("data")
    world.docker.unmount("data")
    world.cloud.hold(volume["id"], "here", "container-1")
    world.docker.mount("data")
    world.docker.unmount("data")
    assert len(world.cloud.attachments) == 1


def test_data_that_no_probe_knows_are_not_formatted(world: World) -> None:
    id = world.brought()
    with world.cloud.file(id).open("r+b") as file:
        file.seek(700 << 20)
        file.write(b"precious")
    world.docker.create("data", volume_id=id)
    with pytest.raises(Refused, match="holds data that are no file system we know"):
        world.docker.mount("data")
    with world.cloud.file(id).open("rb") as file:
        assert not any(file.read(1 << 20))
        file.seek(700 << 20)
        assert file.read(8) == b"precious"


def test_another_file_system_than_was_said_is_refused(world: World) -> None:
    world.docker.create("data")
    world.docker.mount("data")
    world.docker.unmount("data")
    world.volume("data")["metadata"]["fstype"] = "xfs"
    with pytest.raises(Refused, match="holds ext4, and not xfs"):
        world.docker.mount("data")


def test_a_clone_and_what_it_was_made_of_are_mounted_together(world: World) -> None:
    world.docker.create("data")
    (world.docker.mount("data") / "x").write_text("both")
    world.docker.unmount("data")
    world.docker.create("clone", source_volid=world.volume("data")["id"])
    first, second = world.docker.mount("data"), world.docker.mount("clone")
    assert (first / "x").read_text() == (second / "x").read_text() == "both"
    assert world.volume("clone")["metadata"]["fstype"] == "ext4"
    world.docker.unmount("data")
    world.docker.unmount("clone")


def test_a_volume_that_grew_has_room(world: World) -> None:
    world.docker.create("data")
    world.docker.mount("data")
    world.docker.unmount("data")
    world.cloud.extend(world.volume("data")["id"], 2)
    point = world.docker.mount("data")
    found = os.statvfs(point)
    # Without CAP_SYS_RESOURCE the kernel lets no mounted ext4 grow; the volume works all the same.
    assert found.f_blocks * found.f_frsize > (1.8 if _may_grow() else 0.8) * GIB
    world.docker.unmount("data")


def _may_grow() -> bool:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff"))
    return bool(int(line.split()[1], 16) >> 24 & 1)


def test_a_device_of_another_size_is_left_alone(world: World) -> None:
    world.docker.create("data")
    world.volume("data")["size"] = 7
    with pytest.raises(Refused, match="it is another one, and is left alone"):
        world.docker.mount("data")
    world.volume("data")["size"] = 1
    assert not filesystems.kind(world.cloud.bind(world.volume("data")["id"]))


def test_a_protocol_that_needs_os_brick(world: World) -> None:
    world.docker.create("data")

    def by_network() -> None:
        for one in world.cloud.attachments.values():
            one["connection_info"]["driver_volume_type"] = "iscsi"

    world.cloud.on["POST /attachments"] = by_network
    with pytest.raises(Refused, match="by 'iscsi', for which this host needs os-brick"):
        world.docker.mount("data")


def test_a_mount_that_is_busy_is_ended_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_BUSY", 0.3)
    world.docker.create("data")
    point = world.docker.mount("data")
    with (point / "open").open("w"), pytest.raises(Refused, match="cannot be unmounted"):
        world.docker.unmount("data")
    assert mounts.at(point)
    world.docker.unmount("data")


@pytest.mark.skipif(
    shutil.which("mkfs.xfs") is None, reason="xfsprogs are not on this host; ext4 is what needs nothing"
)
def test_xfs_is_made_grows_and_is_cloned(world: World) -> None:
    world.docker.create("data", fstype="xfs")
    (world.docker.mount("data") / "x").write_text("kept")
    world.docker.unmount("data")
    world.cloud.extend(world.volume("data")["id"], 2)
    world.docker.create("clone", source_volid=world.volume("data")["id"])
    first, second = world.docker.mount("data"), world.docker.mount("clone")
    assert (first / "x").read_text() == (second / "x").read_text() == "kept"
    found = os.statvfs(first)
    assert found.f_blocks * found.f_frsize > 1.8 * GIB
    world.docker.unmount("data")
    world.docker.unmount("clone")


def test_a_file_system_whose_program_is_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _program: None)
    world.docker.create("data", fstype="xfs")
    with pytest.raises(Refused, match=r"mkfs\.xfs is missing on this host; install xfsprogs"):
        world.docker.mount("data")
    world.check()
