"""Storage in containers, by checksum: volumes that were there, by size, files, several of each, for reading only, shared
between containers, with Docker, and in capsules."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from boxship.drivers.storage import ext4
from tests.system import audit, fuxi
from tests.system.api import Failed, Session
from tests.system.engine import Engine
from tests.system.fuxi import Docker
from tests.system.installation import Installation
from tests.system.test_capsules import becomes, create, delete, inside, part
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

IDLE = "trap exit TERM; while true; do sleep 1; done"
USER = "storer"


@pytest.fixture
def session(cloud: Installation) -> Iterator[Session]:
    """A user with a network; at the end no volume is left, and the host is as the database says."""
    made = cloud.session(USER)
    if not made.ask("GET", "/network/v2.0/networks?name=store")["networks"]:
        made.network("store", "10.78.0.0/24")
    yield made
    until(lambda: all_volumes(made) == [], "no volume is left")
    audit.assert_sound(cloud)


def path(session: Session, rest: str = "") -> str:
    return f"/volume/v3/{session.project_id}/volumes{rest}"


def all_volumes(session: Session) -> list[dict[str, Any]]:
    return list(session.ask("GET", path(session, "/detail"))["volumes"])


def new_volume(session: Session, **wish: Any) -> str:
    """A volume of one GiB that is there; its id."""
    made = session.ask("POST", path(session), {"volume": {"size": 1, "name": f"v-{secrets.token_hex(3)}", **wish}})
    is_now(session, made["volume"]["id"], "available")
    return str(made["volume"]["id"])


def is_now(session: Session, volume: str, status: str) -> None:
    def reached() -> bool:
        return bool(session.ask("GET", path(session, f"/{volume}"))["volume"]["status"] == status)

    until(reached, f"volume {volume} is {status}", 20)


def remove(session: Session, *volumes: str) -> None:
    """Delete them, once nobody has them."""
    for volume in volumes:
        is_now(session, volume, "available")
        session.ask("DELETE", path(session, f"/{volume}"))
        session.gone(path(session, f"/{volume}"))


def shared_type(cloud: Installation) -> str:
    """The name of a new volume type whose volumes several may have."""
    admin = cloud.session("admin")
    wish = {"name": f"shared-{secrets.token_hex(3)}", "extra_specs": {"multiattach": "<is> True"}}
    made = admin.ask("POST", f"/volume/v3/{admin.project_id}/types", {"volume_type": wish})["volume_type"]
    return str(made["name"])


def fill(session: Session, container: str, place: str) -> str:
    """Write something; its checksum."""
    write = f"head -c 3000000 /dev/urandom > {place}/file && sync && sha256sum < {place}/file"
    code, said = session.execute(container, write)
    assert code == 0 and len(said.split()[0]) == 64, said
    return said.strip()


def checksum(session: Session, container: str, place: str) -> str:
    code, said = session.execute(container, f"sha256sum < {place}/file")
    assert code == 0, said
    return said.strip()


def test_several_of_each_in_one_container(session: Session) -> None:
    """Those that were there stay with their data, those by size go; each place has a file system of its own."""
    first, second = new_volume(session), new_volume(session)
    files = {f"/etc/given-{number}": f"secret {number}".encode() for number in range(2)}
    made = session.run(
        "several",
        IDLE,
        mounts=[
            {"source": first, "destination": "/first"},
            {"source": second, "destination": "/second"},
            *({"size": "1", "destination": f"/scratch/{number}"} for number in range(2)),
            *(
                {"type": "bind", "source": base64.b64encode(content).decode(), "destination": at}
                for at, content in files.items()
            ),
        ],
    )
    id = made["uuid"]
    sums = {place: fill(session, id, place) for place in ("/first", "/second", "/scratch/0", "/scratch/1")}
    assert len(set(sums.values())) == 4
    assert {place: checksum(session, id, place) for place in sums} == sums
    for at, content in files.items():
        assert session.execute(id, f"cat {at}") == (0, content.decode())
    assert len(all_volumes(session)) == 4
    session.delete(id)
    until(lambda: {one["id"] for one in all_volumes(session)} == {first, second}, "those by size went")

    both = [{"source": second, "destination": "/a"}, {"source": first, "destination": "/b"}]
    reader = session.run("reader", IDLE, mounts=both)["uuid"]
    assert (checksum(session, reader, "/a"), checksum(session, reader, "/b")) == (sums["/second"], sums["/first"])
    session.delete(reader)
    remove(session, first, second)


def test_what_is_mounted_for_reading_is_not_written(session: Session) -> None:
    volume = new_volume(session)
    writer = session.run("writer", IDLE, mounts=[{"source": volume, "destination": "/data"}])["uuid"]
    written = fill(session, writer, "/data")
    session.delete(writer)
    is_now(session, volume, "available")
    mounts = [{"source": volume, "destination": "/data", "read_only": True}]
    reader = session.run("reader", IDLE, mounts=mounts)["uuid"]
    code, said = session.execute(reader, "echo x > /data/file")
    assert code != 0 and "Read-only" in said
    assert checksum(session, reader, "/data") == written
    session.delete(reader)
    remove(session, volume)


def test_one_volume_at_two_places_of_one_container(session: Session) -> None:
    volume = new_volume(session)
    mounts = [
        {"source": volume, "destination": "/data"},
        {"source": volume, "destination": "/again", "read_only": True},
    ]
    made = session.run("twice", IDLE, mounts=mounts)["uuid"]
    assert fill(session, made, "/data") == checksum(session, made, "/again")
    assert session.execute(made, "echo x > /again/file")[0] != 0
    session.delete(made)
    remove(session, volume)


def test_two_containers_share_a_volume_that_may_be(cloud: Installation, session: Session) -> None:
    volume = new_volume(session, volume_type=shared_type(cloud))
    mounts = [{"source": volume, "destination": "/data"}]
    one, two = (session.run(name, IDLE, mounts=mounts)["uuid"] for name in ("one", "two"))
    written = fill(session, one, "/data")
    assert checksum(session, two, "/data") == written
    session.delete(one)
    assert checksum(session, two, "/data") == written, "it stays for the other"
    is_now(session, volume, "in-use")
    session.delete(two)
    remove(session, volume)


def test_a_container_and_docker_share_a_volume(
    cloud: Installation, session: Session, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The volume is one file system in both: what one writes the other reads, whoever comes and goes."""
    volume = new_volume(session, volume_type=shared_type(cloud))
    directory = tmp_path_factory.mktemp("fuxi")
    plugin = fuxi.plugin(fuxi.clouds(cloud, USER, directory), directory, "--docker", str(engine.socket))
    plugin.start()
    docker = Docker(engine, plugin.name)
    try:
        made = session.run("beside", IDLE, mounts=[{"source": volume, "destination": "/data"}])["uuid"]
        written = fill(session, made, "/data")
        docker.create("common", volume_id=volume, fstype="ext4")
        docker.start("common-user", "common:/data")
        assert docker.execute("common-user", "sha256sum < /data/file") == written
        docker.execute("common-user", "echo word > /data/word; sync")
        assert session.execute(made, "cat /data/word") == (0, "word\n")
        session.delete(made)
        assert docker.execute("common-user", "sha256sum < /data/file") == written
        docker.stop("common-user")
        docker.remove("common")
        is_now(session, volume, "available")
        assert plugin.nothing_left()
    finally:
        plugin.stop()
    remove(session, volume)


def test_a_capsule_with_a_volume_that_stays_and_one_that_goes(
    cloud: Installation, session: Session, engine: Engine
) -> None:
    kept = new_volume(session)
    wish = [
        {"name": "kept", "cinder": {"volumeID": kept}},
        {"name": "own", "cinder": {"size": 1, "autoRemove": True}},
    ]
    mounts = [{"name": "kept", "mountPath": "/kept"}, {"name": "own", "mountPath": "/own"}]
    reading = [{"name": "kept", "mountPath": "/kept", "readOnly": True}]
    both = (part(IDLE, volumeMounts=mounts), part(IDLE, volumeMounts=reading))
    made = create(session, "storage", *both, volumes=wish)
    first, second = becomes(session, made["uuid"], "Running")["containers"]
    write = "head -c 3000000 /dev/urandom > /kept/file && cp /kept/file /own/file && sha256sum < /own/file"
    written = inside(cloud, engine, first, write)
    assert inside(cloud, engine, second, "sha256sum < /kept/file") == written
    assert "no" in inside(cloud, engine, second, "touch /kept/new 2>/dev/null || echo no")
    delete(session, made["uuid"])
    until(lambda: [one["id"] for one in all_volumes(session)] == [kept], "its own volume went with it")
    reader = session.run("reader", IDLE, mounts=[{"source": kept, "destination": "/data"}])["uuid"]
    assert checksum(session, reader, "/data") == written
    session.delete(reader)
    remove(session, kept)


def test_what_is_refused_says_the_field_and_the_reason(cloud: Installation, session: Session) -> None:
    volume, foreign = new_volume(session), new_volume(cloud.session("keeper"))
    holder = session.run("holder", IDLE, mounts=[{"source": volume, "destination": "/data"}])["uuid"]
    for mount, status, sentence in (
        ({"source": volume, "size": "1"}, 400, "mounts.size: a volume that source names has its size"),
        ({}, 400, "mounts: either source or size is required"),
        ({"type": "bind", "source": "eA==", "size": "1"}, 400, "mounts.size: an injected file is as big"),
        ({"size": "0"}, 400, "mounts.size"),
        ({"source": foreign}, 400, f"No volume '{foreign}' is visible to you."),
        ({"source": volume}, 409, "its type does not allow several attachments"),
    ):
        with pytest.raises(Failed) as refused:
            session.create("refused", IDLE, mounts=[{"destination": "/data", **mount}])
        assert refused.value.status == status, refused.value
        assert sentence in str(refused.value)
    assert len(all_volumes(session)) == 1, "what is refused leaves nothing"
    session.delete(holder)
    remove(session, volume)
    remove(cloud.session("keeper"), foreign)


def test_a_snapshot_of_a_mounted_volume_holds_what_was_there(session: Session) -> None:
    """Also the volume made from it; and the volume itself grows in use, where the kernel lets mounted file systems grow."""
    volume = new_volume(session)
    made = session.run("grower", IDLE, mounts=[{"source": volume, "destination": "/data"}])["uuid"]
    before = fill(session, made, "/data")
    snapshots = f"/volume/v3/{session.project_id}/snapshots"
    wish = {"snapshot": {"volume_id": volume, "force": True}}
    snapshot = session.ask("POST", snapshots, wish)["snapshot"]["id"]
    shown = f"{snapshots}/{snapshot}"
    until(lambda: session.ask("GET", shown)["snapshot"]["status"] == "available", "the snapshot is taken", 20)
    after = fill(session, made, "/data")
    newer = {"OpenStack-API-Version": "volume 3.42"}
    body = {"os-extend": {"new_size": 2}}
    session.ask("POST", path(session, f"/{volume}/action"), body, headers=newer)
    if ext4.can_grow_mounted():
        until(lambda: kilobytes(session, made) > _MORE, "the container has the room", 20)
    assert checksum(session, made, "/data") == after != before

    clone = new_volume(session, snapshot_id=snapshot)
    reader = session.run("reader", IDLE, mounts=[{"source": clone, "destination": "/data"}])["uuid"]
    assert checksum(session, reader, "/data") == before
    session.delete(made, reader)
    is_now(session, volume, "available")
    again = session.run("again", IDLE, mounts=[{"source": volume, "destination": "/data"}])["uuid"]
    assert kilobytes(session, again) > _MORE, "with the next mount at the latest"
    assert checksum(session, again, "/data") == after
    session.delete(again)
    session.ask("DELETE", shown)
    session.gone(shown)
    remove(session, clone, volume)


_MORE = 1.5 * 2**20
"""KiB that a file system of one GiB does not have, and one of two has."""


def kilobytes(session: Session, container: str) -> int:
    """The size of the file system at /data in the container."""
    code, said = session.execute(container, "df -k /data | tail -n 1")
    assert code == 0, said
    return int(said.split()[1])
