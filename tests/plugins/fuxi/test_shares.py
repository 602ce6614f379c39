"""Manila's shares as Docker's: several containers on one share, on its own host by bind mount, and what is refused elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boxship.core import errors
from boxship.plugins.fuxi import shares
from tests.plugins.caller import Refused
from tests.plugins.fuxi.world import World

pytestmark = pytest.mark.system

MANILA = {"volume_provider": "manila"}


def test_several_containers_use_one_share(world: World) -> None:
    docker = world.docker
    docker.create(
        "docs", **MANILA, size="2", share_type="small", is_public="yes", description="d", availability_zone="z"
    )
    share = world.share("docs")
    said = [
        share[name] for name in ("size", "share_proto", "share_type", "is_public", "description", "availability_zone")
    ]
    assert said == [2, "NFS", "small", True, "d", "z"]
    assert share["metadata"] == {"volume_from": "fuxi", "docker_volume_name": "docs"}
    assert docker.status("docs")["state"] == "not_attach"
    point = docker.mount("docs", "one")
    assert [rule["access_to"] for rule in world.cloud.rules.values()] == ["127.0.0.1"]
    assert docker.mount("docs", "two") == point
    (point / "x").write_text("both")
    assert (world.cloud.share_directory(share["id"]) / "x").read_text() == "both"
    assert docker.status("docs")["state"] == "attach_to_this"
    line = next(line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f" {point} " in line)
    assert {"nosuid", "nodev"} <= set(line.split()[5].split(","))
    docker.unmount("docs", "one")
    assert len(world.mounted()) == 1
    docker.unmount("docs", "two")
    assert (world.mounted(), world.cloud.rules) == ([], {})
    docker.remove("docs")
    assert world.cloud.shares == {}


def test_a_share_is_as_large_as_its_snapshot(world: World) -> None:
    world.docker.create("copy", **MANILA, snapshot_id="0" * 32)
    assert (world.share("copy")["size"], world.share("copy")["snapshot_id"]) == (3, "0" * 32)
    world.docker.remove("copy")


def test_a_share_that_a_user_brings_is_never_deleted(world: World) -> None:
    made = world.cloud.answer("POST", "/share/v2/shares", {"share": {"name": "own", "size": 1, "share_proto": "NFS"}})
    assert made is not None
    id = made["share"]["id"]
    for option in ("share_id", "existing", "volume_id"):
        world.docker.create("mine", **MANILA, **{option: id})
        assert world.share("mine")["id"] == id
        world.docker.remove("mine")
        assert world.cloud.shares[id]["metadata"] == {}
    with pytest.raises(Refused, match="There is no share 0000"):
        world.docker.create("mine", **MANILA, share_id="0" * 32)


def test_a_share_that_is_open_to_others_is_not_removed(world: World) -> None:
    world.docker.create("docs", **MANILA)
    id = world.share("docs")["id"]
    world.cloud.rules["r"] = {"id": "r", "share_id": id, "access_type": "ip", "access_to": "9.9.9.9", "state": "active"}
    world.docker.mount("docs")
    world.docker.unmount("docs")
    with pytest.raises(Refused, match=r"is open to 9\.9\.9\.9 as well"):
        world.docker.remove("docs")
    world.cloud.rules.clear()


def test_a_rule_of_the_users_own_serves_and_stays(world: World) -> None:
    world.docker.create("docs", **MANILA)
    rule = {
        "id": "r",
        "share_id": world.share("docs")["id"],
        "access_type": "ip",
        "access_to": "127.0.0.1",
        "state": "active",
    }
    world.cloud.rules["r"] = rule
    world.docker.mount("docs")
    world.docker.unmount("docs")
    assert list(world.cloud.rules) == ["r"]


def test_a_share_that_cannot_be_made_is_removed_with_the_reason(world: World) -> None:
    world.cloud.fails = True
    with pytest.raises(Refused, match=r"state error: No pool has room\."):
        world.docker.create("docs", **MANILA)
    assert world.cloud.shares == {}


def test_a_share_of_another_host_needs_nfs(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    world.cloud.local = False
    world.docker.create("docs", **MANILA)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="has no NFS client: install nfs-common"):
        world.docker.mount("docs")
    (tmp_path / "mount.nfs").write_text("#!/bin/sh\n")
    (tmp_path / "mount.nfs").chmod(0o755)
    (tmp_path / "modprobe").write_text("#!/bin/sh\n")
    (tmp_path / "modprobe").chmod(0o755)
    known = tmp_path / "filesystems"
    known.write_text("nodev\tproc\n\text4\n")
    monkeypatch.setattr(shares, "_FILESYSTEMS", known)
    with pytest.raises(Refused, match="the kernel of this one knows no NFS"):
        world.docker.mount("docs")
    assert world.cloud.rules == {}


def test_the_command_that_mounts_by_nfs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The kernels of these tests have no NFS: a program in the place of mount says what it was told."""
    for name, script in {"mount": f'echo "$@" > {tmp_path}/said', "mount.nfs": "", "modprobe": ""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    known = tmp_path / "filesystems"
    known.write_text("nodev\tnfs4\n")
    monkeypatch.setattr(shares, "_FILESYSTEMS", known)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    shares.mount_nfs("server:/share", tmp_path, 10)
    assert (tmp_path / "said").read_text() == f"-t nfs -o nosuid,nodev,hard,timeo=100 -- server:/share {tmp_path}\n"
    (tmp_path / "mount").write_text("#!/bin/sh\necho access denied >&2; exit 32\n")
    with pytest.raises(errors.Conflict, match="cannot be mounted: access denied"):
        shares.mount_nfs("server:/share", tmp_path, 10)


def test_a_local_path_that_is_none_of_a_share_is_not_mounted(world: World, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/etc")
    for path in (link, Path("relative"), tmp_path / ".." / "x"):
        with pytest.raises(errors.Conflict, match="no plain path"):
            shares.mount_local(path, tmp_path)


def test_a_cloud_without_shares_has_volumes(world: World) -> None:
    world.docker.create("data")
    world.cloud.has_shares = False
    with pytest.raises(Refused, match="no shares"):  # it is there and does not answer: a share may have the name
        world.docker.mount("data")
