"""Shares on a real kernel: used on their host and by NFS through a real server, by checksum; nothing of them is left behind."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system import audit, fuxi
from tests.system.api import Failed, Session
from tests.system.engine import Engine
from tests.system.fuxi import Docker
from tests.system.installation import Installation, free_port, prepare
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("shares"), pytest.mark.timeout(300)]

ADDRESS = "127.0.0.1"
USER = "sharer"
LATEST = {"X-OpenStack-Manila-API-Version": "2.73"}
LARGEST = 1000
"""Bytes that libnfs 4.0 writes by NFSv4 in one message; it reads any number."""


@pytest.fixture(scope="module")
def port() -> int:
    """Where the NFS server of these tests listens."""
    return free_port()


@pytest.fixture(scope="module")
def cloud(engine: Engine, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A cloud that exports its shares, and can be killed."""
    directory = tmp_path_factory.mktemp("shares")
    exported = {"BOXSHIP_SHARE_ADDRESS": ADDRESS, "BOXSHIP_SHARE_PORT": str(port)}
    made = prepare(directory / "state", engine.socket, **exported)
    made.start()
    made.answers()
    mark = made.mark
    yield made
    made.destroy()
    audit.assert_nothing_left(made, mark)


@pytest.fixture
def session(cloud: Installation) -> Iterator[Session]:
    """A user; at the end no share is left, and the host is as the database says."""
    made = cloud.session(USER)
    yield made
    until(lambda: made.ask("GET", "/share/v2/shares")["shares"] == [], "no share is left")
    audit.assert_sound(cloud)


class Share:
    """A share of one GiB, or of another wish."""

    def __init__(self, session: Session, **wish: Any) -> None:
        self._session = session
        body = {"share": {"size": 1, "share_proto": "NFS", "name": f"s-{secrets.token_hex(3)}", **wish}}
        self.id = str(session.ask("POST", "/share/v2/shares", body)["share"]["id"])
        self.becomes("available")

    def shown(self) -> dict[str, Any]:
        return dict(self._session.ask("GET", f"/share/v2/shares/{self.id}", headers=LATEST)["share"])

    def becomes(self, status: str, **fields: Any) -> None:
        def reached() -> bool:
            shown = self.shown()
            return bool(shown["status"] == status and all(shown[name] == value for name, value in fields.items()))

        until(reached, f"share {self.id} is {status}", 20)

    def act(self, name: str, **said: Any) -> Any:
        return self._session.ask("POST", f"/share/v2/shares/{self.id}/action", {name: said}, headers=LATEST)

    def allow(self, address: str = ADDRESS, level: str = "rw") -> str:
        said = self.act("allow_access", access_type="ip", access_to=address, access_level=level)
        until(lambda: self.shown()["access_rules_status"] == "active", "the rules are in force")
        return str(said["access"]["id"])

    def deny(self, rule: str) -> None:
        self.act("deny_access", access_id=rule)
        until(lambda: self._gone(f"/share/v2/share-access-rules/{rule}"), "the rule is gone")

    def locations(self) -> list[dict[str, Any]]:
        path = f"/share/v2/shares/{self.id}/export_locations"
        return list(self._session.ask("GET", path, headers=LATEST)["export_locations"])

    @property
    def directory(self) -> Path:
        """Where it is on its host."""
        return Path(next(one["path"] for one in self.locations() if one["path"].startswith("/")))

    def delete(self) -> None:
        self._session.ask("DELETE", f"/share/v2/shares/{self.id}")
        until(lambda: self._gone(f"/share/v2/shares/{self.id}"), "the share is gone", 20)

    def _gone(self, path: str) -> bool:
        try:
            self._session.ask("GET", path, headers=LATEST)
        except Failed as error:
            return error.status == 404
        return False


class Client:
    """An NFS client in user space (libnfs), for one share."""

    def __init__(self, share: Share, port: int, directory: Path) -> None:
        self._url = f"nfs://{ADDRESS}/{share.id}/{{}}?version=4&nfsport={port}"
        self._directory = directory

    def write(self, name: str, content: bytes) -> bool:
        """Whether it could."""
        file = self._directory / secrets.token_hex(4)
        file.write_bytes(content)
        return self._copied(str(file), self._url.format(name))

    def read(self, name: str) -> bytes | None:
        """What is in a file; None: it is not given."""
        file = self._directory / secrets.token_hex(4)
        return file.read_bytes() if self._copied(self._url.format(name), str(file)) else None

    def _copied(self, source: str, target: str) -> bool:
        said = subprocess.run(["nfs-cp", source, target], capture_output=True, check=False, timeout=60)
        return said.returncode == 0


def taken(file: Path, size: int) -> None:
    """A file that takes so many bytes of room."""
    with file.open("wb") as target:
        os.posix_fallocate(target.fileno(), 0, size)


def test_a_share_is_used_here_and_by_the_network(session: Session, port: int, tmp_path: Path) -> None:
    share = Share(session)
    client = Client(share, port, tmp_path)
    assert client.read("file") is None, "nobody may yet"
    rule = share.allow()
    nfs, local = share.locations()
    assert (nfs["path"], nfs["preferred"], local["preferred"]) == (f"{ADDRESS}:/{share.id}", True, False)
    content = secrets.token_bytes(LARGEST)
    assert client.write("file", content)
    assert hashlib.sha256((share.directory / "file").read_bytes()).digest() == hashlib.sha256(content).digest()
    large = secrets.token_bytes(3_000_000)
    (share.directory / "here").write_bytes(large)
    assert client.read("here") == large
    share.deny(rule)
    assert client.read("file") is None, "who is no longer named is cut off"
    assert share.allow(level="ro")
    assert client.read("file") == content
    assert not client.write("other", b"x")
    other = Share(session)
    assert Client(other, port, tmp_path).read("file") is None, "another share is not open"
    other.delete()
    share.delete()


def test_its_size_is_enforced_and_changes(session: Session, port: int, tmp_path: Path) -> None:
    share = Share(session)
    share.allow()
    with pytest.raises(OSError, match="No space left"):
        taken(share.directory / "large", 1 << 30)
    (share.directory / "large").unlink()
    (share.directory / "file").write_text("kept")
    share.act("extend", new_size=3)
    share.becomes("available", size=3)
    taken(share.directory / "large", 2 << 30)
    share.act("shrink", new_size=1)
    share.becomes("shrinking_possible_data_loss_error", size=3)
    (message,) = session.ask("GET", f"/share/v2/messages?resource_id={share.id}", headers=LATEST)["messages"]
    assert "It holds more than" in message["user_message"]
    (share.directory / "large").unlink()
    share.act("shrink", new_size=1)
    share.becomes("available", size=1)
    assert Client(share, port, tmp_path).read("file") == b"kept"
    share.delete()


def test_snapshots_keep_and_give_back(session: Session) -> None:
    share = Share(session)
    (share.directory / "file").write_text("before")
    made = session.ask("POST", "/share/v2/snapshots", {"snapshot": {"share_id": share.id}})["snapshot"]["id"]
    path = f"/share/v2/snapshots/{made}"
    until(lambda: session.ask("GET", path)["snapshot"]["status"] == "available", "the snapshot is taken")
    (share.directory / "file").write_text("after")
    copy = Share(session, snapshot_id=made, size=2)
    assert (copy.directory / "file").read_text() == "before"
    assert shutil.disk_usage(copy.directory).total > 1 << 30
    share.act("revert", snapshot_id=made)
    share.becomes("available")
    assert (share.directory / "file").read_text() == "before"
    copy.delete()
    session.ask("DELETE", path)
    until(lambda: session.ask("GET", "/share/v2/snapshots")["snapshots"] == [], "the snapshot is gone")
    share.delete()


def test_whoever_is_killed_the_data_are_there(cloud: Installation, session: Session, port: int, tmp_path: Path) -> None:
    share = Share(session)
    share.allow()
    client = Client(share, port, tmp_path)
    content = secrets.token_bytes(LARGEST)
    assert client.write("file", content)
    cloud.kill()
    assert client.read("file") == content, "the server outlives the program"
    server = int((cloud.state_dir / "exports" / "ganesha.pid").read_text())
    os.kill(server, 9)
    assert client.read("file") is None
    cloud.start()
    cloud.answers()
    until(lambda: client.read("file") == content, "the server is started again", 30)
    share.delete()


def test_containers_have_shares(session: Session) -> None:
    session.network("shared", "10.79.0.0/24")
    share = Share(session)
    (share.directory / "file").write_text("of the share")
    one = container(session, share, "cat /data/file; echo; echo more > /data/other; sleep 1000")
    until(lambda: said(session, one) == "of the share", "the container reads what is in the share")
    until((share.directory / "other").exists, "what the container writes is in the share")
    two = container(session, share, "cat /data/other; touch /data/x 2>&1 || echo refused; sleep 1000", read_only=True)
    until(
        lambda: said(session, two).splitlines() == ["more", "touch: /data/x: Read-only file system", "refused"], "two"
    )
    with pytest.raises(Failed, match="mounted in containers"):
        session.ask("DELETE", f"/share/v2/shares/{share.id}")
    for id in (one, two):
        session.ask("DELETE", f"/container/v1/containers/{id}?stop=true")
    until(lambda: session.ask("GET", "/container/v1/containers")["containers"] == [], "the containers are gone", 30)
    share.delete()


def container(session: Session, share: Share, script: str, **mount: Any) -> str:
    """A container that runs, with the share at /data; its id."""
    wish = {
        "image": "busybox",
        "command": ["sh", "-c", script],
        "nets": [{"network": "shared"}],
        "mounts": [{"type": "share", "source": share.id, "destination": "/data", **mount}],
    }
    id = str(session.ask("POST", "/container/v1/containers?run=true", wish)["uuid"])
    path = f"/container/v1/containers/{id}"
    until(lambda: session.ask("GET", path)["status"] == "Running", f"container {id} runs", 30)
    return id


def said(session: Session, id: str) -> str:
    """What a container has printed."""
    return str(session.ask("GET", f"/container/v1/containers/{id}/logs")).strip()


def test_docker_has_shares(
    cloud: Installation, session: Session, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("fuxi")
    plugin = fuxi.plugin(fuxi.clouds(cloud, USER, directory), directory, "--docker", str(engine.socket))
    plugin.start()
    docker = Docker(engine, plugin.name)
    name = f"s-{secrets.token_hex(3)}"
    try:
        docker.create(name, volume_provider="manila", size="1", share_proto="NFS")
        docker.start(f"{name}-a", f"{name}:/data")
        docker.start(f"{name}-b", f"{name}:/data")
        before = docker.execute(f"{name}-a", "head -c 5000000 /dev/urandom > /data/file; sync; sha256sum < /data/file")
        assert docker.execute(f"{name}-b", "sha256sum < /data/file") == before
        (shown,) = session.ask("GET", "/share/v2/shares/detail")["shares"]
        assert shown["metadata"]["docker_volume_name"] == name
        plugin.kill()
        plugin.start()
        docker.stop(f"{name}-a", f"{name}-b")
        assert docker.run(name, "sha256sum < /data/file") == before
        docker.remove(name)
        assert plugin.nothing_left()
    finally:
        plugin.stop()
