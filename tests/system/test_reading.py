"""What is read out of real containers is true, and what is copied passes through: figures against a load that the test makes,
logs while they grow, archives that are larger than the program, images of containers."""

from __future__ import annotations

import base64
import io
import json
import re
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.system import audit
from tests.system.api import Failed, Session, address
from tests.system.installation import Installation
from tests.system.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

MIB = 1 << 20
IDLE = "trap exit TERM; while true; do sleep 1; done"
CONTAINERS = "/container/v1/containers"
IMAGES = "/image/v2/images"
TAR = "application/x-tar"


@pytest.fixture
def session(cloud: Installation) -> Iterator[Session]:
    """A project whose containers and networks are removed after each test."""
    made = cloud.session("analyst")
    yield made
    made.delete(*(row["uuid"] for row in made.pages(CONTAINERS, "containers", "uuid")))
    for network in made.ask("GET", f"/network/v2.0/networks?project_id={made.project_id}")["networks"]:
        made.ask("DELETE", f"/network/v2.0/networks/{network['id']}")


def run(session: Session, name: str, command: str, **wish: Any) -> dict[str, Any]:
    """A container on the one network of the project, which is made with the first."""
    found = session.ask("GET", "/network/v2.0/networks?name=analysts")["networks"]
    network = found[0] if found else session.network("analysts", "10.0.0.0/24")
    return session.run(name, command, nets=[{"network": network["id"]}], **wish)


def stats(session: Session, container: dict[str, Any]) -> dict[str, Any]:
    return dict(session.ask("GET", f"{CONTAINERS}/{container['uuid']}/stats"))


def moved(figures: dict[str, Any], name: str) -> tuple[int, int]:
    """Bytes in and out."""
    first, second = figures[name].split("/")
    return int(first), int(second)


def test_half_a_core_and_memory_that_is_held(session: Session) -> None:
    load = "head -c 67108864 /dev/zero > /dev/shm/held; while :; do :; done"
    loaded = run(session, "loaded", load, cpu=0.5, memory="256")

    def settled() -> dict[str, Any] | None:
        figures = stats(session, loaded)
        return figures if 35 <= figures["CPU %"] <= 65 and figures["MEM USAGE(MiB)"] >= 63 else None

    figures = until(settled, "half a core and 64 MiB are told", 20) or {}
    assert figures["CONTAINER"] == "loaded"
    assert 63 <= figures["MEM USAGE(MiB)"] <= 80
    assert figures["MEM LIMIT(MiB)"] == 256
    assert figures["MEM %"] == pytest.approx(figures["MEM USAGE(MiB)"] / 256 * 100, abs=0.01)


def test_what_is_written_and_read_on_disk(session: Session) -> None:
    """On the writable layer and on a volume; the page cache that comes of it is not memory that is used (LP#2013046)."""
    load = (
        "dd if=/dev/zero of=/layer bs=1M count=24 conv=fsync; dd if=/dev/zero of=/data/volume bs=1M count=8 conv=fsync;"
        f" dd if=/layer of=/dev/null bs=1M iflag=direct; echo written; {IDLE}"
    )
    writer = run(session, "writer", load, mounts=[{"size": "1", "destination": "/data"}], memory="128")
    until(lambda: "written" in session.logs(writer["uuid"]), "it has written", 30)
    figures = stats(session, writer)
    read, written = moved(figures, "BLOCK I/O(B)")
    assert 32 * MIB <= written <= 36 * MIB
    assert 24 * MIB <= read <= 30 * MIB
    assert figures["MEM USAGE(MiB)"] < 16
    session.execute(writer["uuid"], "dd if=/dev/zero of=/more bs=1M count=8 conv=fsync")
    more = moved(stats(session, writer), "BLOCK I/O(B)")[1]
    assert 8 * MIB <= more - written <= 9 * MIB, "what a command wrote that has ended counts"


def test_what_comes_over_the_network(session: Session) -> None:
    sender = run(session, "sender", "nc -ll -p 5000 -e head -c 8388608 /dev/zero")
    receiver = run(
        session,
        "receiver",
        f"until nc {address(sender)} 5000 > /tmp/received && [ -s /tmp/received ]; do sleep 0.1; done; {IDLE}",
    )
    until(lambda: moved(stats(session, receiver), "NET I/O(B)")[0] >= 8 * MIB, "8 MiB have come", 20)
    received, sent = moved(stats(session, receiver), "NET I/O(B)")
    assert 8 * MIB <= received <= 9 * MIB
    assert 0 < sent <= MIB
    assert 8 * MIB <= moved(stats(session, sender), "NET I/O(B)")[1] <= 9 * MIB


def test_processes_of_this_container_only(session: Session) -> None:
    one = run(session, "one", "sleep 4321 & " + IDLE)
    run(session, "other", "sleep 9876 & " + IDLE)
    for options in ("", "?ps_args=aux", "?ps_args=-eo+user,pid,args", "?ps_args=-ef"):
        shown = session.ask("GET", f"{CONTAINERS}/{one['uuid']}/top{options}")
        commands = [row[-1] for row in shown["Processes"]]
        assert "sleep 4321" in commands
        assert not any("9876" in command or "dockerd" in command for command in commands)
        assert {len(row) for row in shown["Processes"]} == {len(shown["Titles"])}


def test_a_log_is_followed_while_it_grows(session: Session) -> None:
    talker = run(session, "talker", "echo first; until [ -e /tmp/go ]; do sleep 0.05; done; echo second; exit 3")
    path = f"{CONTAINERS}/{talker['uuid']}/logs?follow=true&timestamps=true"
    printed = ""
    with session.http.stream("GET", path, timeout=60) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        for text in answer.iter_text():
            printed += text
            if "first" in printed and "second" not in printed:
                session.execute(talker["uuid"], "touch /tmp/go")
    lines = printed.splitlines()
    assert [line.split()[1] for line in lines] == ["first", "second"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT[0-9:.]+Z ", line) for line in lines)
    session.becomes(talker["uuid"], "Stopped")
    tail = session.ask("GET", f"{CONTAINERS}/{talker['uuid']}/logs?tail=1")
    assert tail == "second\n"


def test_whoever_leaves_a_silent_log_is_forgotten(cloud: Installation, session: Session) -> None:
    """Nothing is printed that could fail to be sent, and still the program lets go of the engine."""
    silent = run(session, "silent", "echo once; " + IDLE)
    before = open_files(cloud)
    for _ in range(20):
        with session.http.stream("GET", f"{CONTAINERS}/{silent['uuid']}/logs?follow=true") as answer:
            assert next(answer.iter_raw()) == b"once\n"
    until(lambda: open_files(cloud) <= before + 3, "the logs are closed", 10)


def metric(cloud: Installation, name: str) -> float:
    page = httpx.get(f"{cloud.url}/metrics").text
    return float(next(line.split()[1] for line in page.splitlines() if line.startswith(f"{name} ")))


def open_files(cloud: Installation) -> float:
    return metric(cloud, "process_open_fds")


class Memory:
    """How much the program grew by at most since this was made."""

    def __init__(self, cloud: Installation) -> None:
        self._cloud = cloud
        self._before = metric(cloud, "process_resident_memory_bytes")
        self._looked = 0.0
        self.growth = 0.0
        self.looks = 0

    def look(self) -> None:
        """At most ten times a second."""
        if time.monotonic() - self._looked > 0.1:
            self._looked = time.monotonic()
            self.looks += 1
            self.growth = max(self.growth, metric(self._cloud, "process_resident_memory_bytes") - self._before)


def large_tar(size: int) -> Iterator[bytes]:
    """A tar of one file of zeros, as it is made."""
    info = tarfile.TarInfo("large")
    info.size = size
    yield info.tobuf()
    for _ in range(size // MIB):
        yield bytes(MIB)
    yield bytes(1024)


def test_large_archives_pass_through(cloud: Installation, session: Session) -> None:
    """200 MiB in and out, as a tar and in JSON: the program grows by less than 40 MiB."""
    store = run(session, "store", IDLE, memory="512")
    path, size = f"{CONTAINERS}/{store['uuid']}", 200 * MIB
    run(session, "warm", IDLE)
    session.ask("GET", f"{path}/get_archive?path=/etc/passwd")
    memory = Memory(cloud)

    def watched(parts: Iterator[bytes]) -> Iterator[bytes]:
        for part in parts:
            memory.look()
            yield part

    headers = {"Content-Type": TAR}
    answer = session.http.post(
        f"{path}/put_archive?path=/tmp", content=watched(large_tar(size)), headers=headers, timeout=120
    )
    assert answer.status_code == 200, answer.text
    assert session.execute(store["uuid"], "stat -c %s /tmp/large") == (0, f"{size}\n")

    with session.http.stream("GET", f"{path}/get_archive?path=/tmp/large", headers={"Accept": TAR}) as stream:
        assert stream.headers["content-type"] == TAR
        assert size < sum(len(part) for part in watched(stream.iter_raw())) < size + MIB
    with session.http.stream("GET", f"{path}/get_archive?path=/tmp/large") as stream:
        received = sum(len(part) for part in watched(stream.iter_raw()))
    assert size / 3 * 4 < received < size / 3 * 4 + 2 * MIB

    def as_json() -> Iterator[bytes]:
        yield b'{"data": "'
        rest = b""
        for part in large_tar(size):
            rest += part
            whole = len(rest) - len(rest) % 3
            yield base64.b64encode(rest[:whole])
            rest = rest[whole:]
        yield base64.b64encode(rest) + b'"}'

    session.execute(store["uuid"], "rm /tmp/large")
    answer = session.http.post(
        f"{path}/put_archive?path=/tmp",
        content=watched(as_json()),
        headers={"Content-Type": "application/json"},
        timeout=120,
    )
    assert answer.status_code == 200, answer.text
    assert session.execute(store["uuid"], "stat -c %s /tmp/large") == (0, f"{size}\n")
    assert memory.looks > 10
    assert memory.growth < 40 * MIB


def test_files_in_every_state(session: Session) -> None:
    """Before it first runs, while it is paused, and after it has ended."""
    network = session.network("quiet", "10.0.1.0/24")
    wish: dict[str, Any] = {"nets": [{"network": network["id"]}]}
    made = session.create("made", IDLE, run=False, **wish)["uuid"]
    session.becomes(made, "Created")
    frozen = session.run("frozen", IDLE, **wish)["uuid"]
    session.ask("POST", f"{CONTAINERS}/{frozen}/pause")
    session.becomes(frozen, "Paused")
    ended = session.create("ended", "exit 0", **wish)["uuid"]
    session.becomes(ended, "Stopped")
    for container in (made, frozen, ended):
        path = f"{CONTAINERS}/{container}"
        archive = b"".join(large_tar(MIB))
        session.ask("POST", f"{path}/put_archive?path=/tmp", {"data": base64.b64encode(archive).decode()})
        shown = session.ask("GET", f"{path}/get_archive?path=/tmp/large")
        assert shown["stat"]["size"] == MIB
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(shown["data"]))) as opened:
            assert [info.size for info in opened] == [MIB]
        for action in ("stats", "top"):
            with pytest.raises(Failed) as refused:
                session.ask("GET", f"{path}/{action}")
            assert refused.value.status == 409
    session.ask("POST", f"{CONTAINERS}/{frozen}/unpause")
    session.running(frozen)  # Zun deletes none that is paused


def test_files_of_every_version_of_the_api(session: Session) -> None:
    box = run(session, "box", IDLE)
    path = f"{CONTAINERS}/{box['uuid']}"
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        info = tarfile.TarInfo("test.txt")
        info.size = 11
        archive.addfile(info, io.BytesIO(b"Random text"))
    old = {"OpenStack-API-Version": "container 1.24"}
    session.ask("POST", f"{path}/put_archive?path=/tmp", {"data": written.getvalue().decode()}, headers=old)
    assert session.execute(box["uuid"], "cat /tmp/test.txt") == (0, "Random text")
    shown = session.ask("GET", f"{path}/get_archive?path=/tmp/test.txt", headers=old)
    with tarfile.open(fileobj=io.BytesIO(shown["data"].encode())) as archive:
        assert archive.getnames() == ["test.txt"]
    assert (shown["stat"]["name"], shown["stat"]["size"]) == ("test.txt", 11)
    for query in ("/no/such", "/tmp/test.txt/below"):
        with pytest.raises(Failed) as refused:
            session.ask("GET", f"{path}/get_archive?path={query}")
        assert refused.value.status == 400


def test_an_image_of_a_container_runs(cloud: Installation, session: Session) -> None:
    """With the files that it had, and its status never changed by it."""
    source = run(session, "source", f"echo hello > /testfile; echo ready; {IDLE}")
    until(lambda: "ready" in session.logs(source["uuid"]), "the file is there")
    image = session.ask("POST", f"{CONTAINERS}/{source['uuid']}/commit?repository=snapshot")["uuid"]

    def active() -> bool:
        assert session.show(source["uuid"])["status"] == "Running"
        return bool(session.ask("GET", f"{IMAGES}/{image}")["status"] == "active")

    until(active, "the image has its bytes", 20)
    copy = run(session, "copy", f"cat /testfile; {IDLE}", image="snapshot", image_driver="glance")
    until(lambda: session.logs(copy["uuid"]) == "hello\n", "the file is in the copy", 20)
    session.delete(copy["uuid"])
    session.ask("DELETE", f"{IMAGES}/{image}")
    until(lambda: not committed(cloud), "the engine has no image of a commit")


def committed(cloud: Installation) -> list[str]:
    """The engine's images of commits that are under way, or were left behind."""
    transport = httpx.HTTPTransport(uds=str(cloud.engine_socket))
    with httpx.Client(transport=transport, base_url="http://docker") as engine:
        shown = engine.get("/images/json?all=true").json()
    return [name for image in shown for name in image.get("RepoTags") or () if "-commit" in name]


def test_a_commit_survives_kill_9(own_cloud: Installation) -> None:
    """The program is killed while it sends the bytes; the next one ends it, and leaves nothing in the engine."""
    own_cloud.start()
    own_cloud.answers()
    session = own_cloud.session()
    network = session.network("net", "10.0.0.0/24")
    load = f"head -c 67108864 /dev/urandom > /large; md5sum /large; {IDLE}"
    source = session.run("source", load, nets=[{"network": network["id"]}])
    until(lambda: "/large" in session.logs(source["uuid"]), "the file is there", 30)
    image = session.ask("POST", f"{CONTAINERS}/{source['uuid']}/commit?repository=snapshot")["uuid"]

    def status() -> str:
        return str(session.ask("GET", f"{IMAGES}/{image}")["status"])

    until(lambda: status() if status() != "queued" else "", "bytes come", 30, pause=0.005)
    own_cloud.kill()
    own_cloud.start()
    own_cloud.answers()
    until(lambda: status() == "active", "the image is active", 30)
    until(lambda: not committed(own_cloud), "the engine has no image of a commit")
    action = session.ask("GET", f"{CONTAINERS}/{source['uuid']}/container_actions")["containerActions"][0]
    assert (action["action"], action["message"]) == ("commit", None)
    copy = session.run(
        "copy", f"md5sum /large; {IDLE}", image=image, image_driver="glance", nets=[{"network": network["id"]}]
    )
    until(lambda: session.logs(copy["uuid"]) == session.logs(source["uuid"]), "its file is the same", 20)
    session.delete(source["uuid"], copy["uuid"])
    audit.assert_sound(own_cloud)


def test_the_program_says_what_it_gives(session: Session) -> None:
    """The figures under the names that python-zunclient and Tempest look for, and no others."""
    idle = run(session, "idle", IDLE)
    body = session.http.get(f"{CONTAINERS}/{idle['uuid']}/stats").content
    assert set(json.loads(body)) == {
        "CONTAINER",
        "CPU %",
        "MEM USAGE(MiB)",
        "MEM LIMIT(MiB)",
        "MEM %",
        "BLOCK I/O(B)",
        "NET I/O(B)",
    }
