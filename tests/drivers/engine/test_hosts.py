"""What the driver concludes from the host: whether the disk of a container can be limited, and what it then asks for."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from boxship.core.errors import Busy, Refused
from boxship.drivers.engine.docker import DockerEngine, hosts
from boxship.drivers.engine.interface import ContainerSpec

INFO = {
    "NCPU": 2,
    "MemTotal": 8 << 30,
    "DockerRootDir": "/",
    "Driver": "overlay2",
    "Architecture": "x86_64",
    "OperatingSystem": "Debian",
    "OSType": "linux",
    "KernelVersion": "6.1",
    "Labels": ["rack=7", "ssd"],
}
MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard
40 22 254:16 / /var/lib/docker rw,relatime shared:2 - xfs /dev/vdb rw,inode64,logbufs=8,prjquota
41 22 254:32 / /srv/pquota rw,relatime - xfs /dev/vdc rw,inode64,noquota
42 22 254:48 / /srv/prj\\040quota rw - ext4 /dev/vdd rw,prjquota
"""


@pytest.mark.parametrize(("minor", "limits"), [(1, False), (16, True), (32, False), (48, False), (64, False)])
def test_where_a_writable_layer_can_be_limited(minor: int, limits: bool) -> None:
    assert hosts.limits_projects(MOUNTS, os.makedev(254, minor)) is limits


def test_the_mounts_of_this_host_can_be_read() -> None:
    assert hosts.has_project_quota(Path("/proc")) is False


@asynccontextmanager
async def engine(tmp_path: Path, asked: list[Any], *, no: str = "no", **info: object) -> AsyncIterator[DockerEngine]:
    """The driver of an engine that tells of its host, keeps what it is asked to create, and refuses it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        status, said = 200, {"ApiVersion": "1.41"} | INFO | info
        if b"/containers/create" in head:
            length = next(int(line.split()[1]) for line in head.splitlines() if line.startswith(b"Content-Length"))
            asked.append(json.loads(await reader.readexactly(length)))
            status, said = 400, {"message": no}
        elif b"/containers/" in head:
            status, said = 404, {"message": "none"}
        body = json.dumps(said).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "socket")
    driver = DockerEngine(tmp_path / "socket", "aaaa", tmp_path / "containers")
    try:
        yield driver
    finally:
        await driver.close()
        server.close()


@pytest.mark.parametrize("disk", [5 << 30, None])
@pytest.mark.parametrize(("driver", "quota"), [("overlay2", True), ("overlay2", False), ("vfs", True)])
async def test_the_limit_of_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str, quota: bool, disk: int | None
) -> None:
    monkeypatch.setattr(hosts, "has_project_quota", lambda root: quota)
    asked: list[Any] = []
    async with engine(tmp_path, asked, Driver=driver) as boxship:
        sight = await boxship.host()
        with pytest.raises(Refused):
            await boxship.create(ContainerSpec("c1", "x:1", Path("/run/netns/x"), disk=disk))
    limits = quota and driver == "overlay2"
    assert sight.disk_quota is limits
    assert sight.labels == {"rack": "7", "ssd": ""}
    assert asked[0]["HostConfig"].get("StorageOpt") == ({"size": str(disk)} if limits and disk else None)


async def test_an_engine_on_another_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It came back without quotas: the next attempt asks it again."""
    monkeypatch.setattr(hosts, "has_project_quota", lambda root: True)
    asked: list[Any] = []
    refusal = "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"
    spec = ContainerSpec("c1", "x:1", Path("/run/netns/x"), disk=5 << 30)
    async with engine(tmp_path, asked, no=refusal) as boxship:
        with pytest.raises(Busy, match="does not limit disks"):
            await boxship.create(spec)
        monkeypatch.setattr(hosts, "has_project_quota", lambda root: False)
        with pytest.raises(Busy):
            await boxship.create(spec)
    assert [body["HostConfig"].get("StorageOpt") for body in asked] == [{"size": str(5 << 30)}, None]
