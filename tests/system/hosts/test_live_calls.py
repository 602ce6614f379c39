"""What only the host of a container can answer, asked at any host's API, and at an API on a host that runs nothing."""

from __future__ import annotations

import functools
import io
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.system.api import Failed, Session
from tests.system.hosts.site import Host, Site
from tests.system.hosts.tenant import CONTAINERS, IDLE, Tenant, tenant
from tests.system.marks import HOSTS
from tests.system.waiting import until

pytestmark = [*HOSTS, pytest.mark.timeout(300)]

MIB = 1 << 20
IMAGES = "/image/v2/images"
TAR = "application/x-tar"


@pytest.fixture(scope="module")
def gamma(pair: Site) -> Iterator[Host]:
    """A third host, which has no engine: an API."""
    made = pair.add("gamma", BOXSHIP_ENGINE="none", BOXSHIP_TUNNEL_ADDRESS="")
    pair.invite(made)
    yield made
    pair.drop(made)


@pytest.fixture
def caller(pair: Site, gamma: Host, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A project that is known at all three."""
    with tenant(pair, request.node.name) as made:
        yield made


@pytest.fixture
def far(caller: Tenant, beta: Host) -> dict[str, Any]:
    """A container on beta."""
    network = caller.session.network("far", "10.0.0.0/24")
    return caller.run(beta, "far", f"echo begun; {IDLE}", nets=[{"network": network["id"]}], interactive=True)


def test_reading(caller: Tenant, far: dict[str, Any]) -> None:
    path = f"{CONTAINERS}/{far['uuid']}"
    for session in caller.at.values():
        until(lambda session=session: session.logs(far["uuid"]) == "begun\n", "logs")  # type: ignore[misc]
        assert session.execute(far["uuid"], "echo $((6 * 7)); exit 3") == (3, "42\n")
        assert session.ask("GET", f"{path}/stats")["CONTAINER"] == "far"
        assert any("sleep 1" in " ".join(line) for line in session.ask("GET", f"{path}/top")["Processes"])
        assert session.show(far["uuid"])["status"] == "Running"


def test_refusals_are_those_of_the_host(caller: Tenant, far: dict[str, Any]) -> None:
    """What the other host refuses reads as if it were asked itself."""
    said = set()
    path = f"{CONTAINERS}/{far['uuid']}/get_archive?path=/no/such"
    for session in caller.at.values():
        refused = until(functools.partial(_refusal, session, path), "an answer")
        assert refused is not None
        said.add((refused.status, str(refused).partition(": ")[2].partition("req-")[0]))
    assert {status for status, _ in said} == {400}, said
    assert len({text.rpartition("request_id")[0] or text for _, text in said}) == 1, said


def _refusal(session: Session, path: str) -> Failed | None:
    """The refusal of a call; None: a busy host was taken for a dead one, and the answer is to try again."""
    with pytest.raises(Failed) as refused:
        session.ask("GET", path)
    return None if refused.value.status == 503 else refused.value


def test_nobody_elses_container_answers(pair: Site, far: dict[str, Any], caller: Tenant) -> None:
    """The connection between hosts opens no door: who may not at one host may not at another."""
    with tenant(pair, "prying") as other:
        for name, session in other.at.items():
            for method, action in (
                ("GET", "logs"),
                ("POST", "execute?command=id"),
                ("GET", "attach"),
                ("GET", "stats"),
            ):
                with pytest.raises(Failed) as refused:
                    session.ask(method, f"{CONTAINERS}/{far['uuid']}/{action}")
                assert refused.value.status == 404, (name, action)
    assert caller.session.show(far["uuid"])["status"] == "Running"


def test_archives(caller: Tenant, far: dict[str, Any]) -> None:
    """Sixteen MiB in and out through every API."""
    path, size = f"{CONTAINERS}/{far['uuid']}", 16 * MIB
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        info = tarfile.TarInfo("large")
        info.size = size
        archive.addfile(info, io.BytesIO(bytes(size)))
    for name, session in caller.at.items():
        put = f"{path}/put_archive?path=/tmp"
        answer = session.http.post(put, content=written.getvalue(), headers={"Content-Type": TAR})
        assert answer.status_code == 200, f"{name}: {answer.text}"
        assert session.execute(far["uuid"], "stat -c %s /tmp/large; rm /tmp/large; echo x > /tmp/x") == (0, f"{size}\n")
        with session.http.stream("GET", f"{path}/get_archive?path=/bin", headers={"Accept": TAR}) as stream:
            assert stream.status_code == 200, name
            with tarfile.open(fileobj=io.BytesIO(stream.read())) as opened:
                assert any(member.name.endswith("busybox") for member in opened)


def test_sessions(caller: Tenant, far: dict[str, Any], beta: Host) -> None:
    """A command, and process 1, on the terminal of who asks at any host."""
    path = f"{CONTAINERS}/{far['uuid']}"
    for name, session in caller.at.items():
        words = {"command": "sh", "interactive": "true", "run": "false"}
        asked = session.ask("POST", f"{path}/execute", params=words)
        with connect(asked["proxy_url"], proxy=None) as connection:
            size = f"{path}/execute_resize?exec_id={asked['exec_id']}&w=101&h=37"
            session.ask("POST", size)
            connection.send(b"echo on $(hostname) $((6 * 7)); exit\n")
            assert "on far 42" in all_of(connection), name
        with connect(session.ask("GET", f"{path}/attach"), proxy=None) as connection:
            connection.ping().wait(10)


def all_of(connection: ClientConnection) -> str:
    """All that comes until the other end closes."""
    return "".join(part if isinstance(part, str) else part.decode(errors="replace") for part in connection)


def test_orders(caller: Tenant, far: dict[str, Any]) -> None:
    """What is written as a wish at one API is done by the host of the container, soon."""
    path = f"{CONTAINERS}/{far['uuid']}"
    for session in caller.at.values():
        for action, status in (("pause", "Paused"), ("unpause", "Running"), ("kill", "Stopped"), ("start", "Running")):
            session.ask("POST", f"{path}/{action}")
            session.becomes(far["uuid"], status)


def test_an_uploaded_image_runs_everywhere(caller: Tenant, alpha: Host, beta: Host, gamma: Host) -> None:
    """Bytes of images are where they were uploaded, and are fetched by whoever needs them."""
    from tests.system.archives import busybox

    content = busybox(caller.site.directory / "own.tar", "own:latest").read_bytes()
    network = caller.session.network("images", "10.0.0.0/24")
    for uploader, runner in ((alpha, beta), (beta, alpha)):
        name = f"from-{uploader.name}"
        session = caller.at[uploader.name]
        wish = {"name": name, "container_format": "docker", "disk_format": "raw"}
        image = session.ask("POST", IMAGES, wish)["id"]
        headers = {"Content-Type": "application/octet-stream"}
        answer = session.http.put(f"{IMAGES}/{image}/file", content=content, headers=headers)
        assert answer.status_code == 204, answer.text
        for name_of_host, other in caller.at.items():
            assert other.http.get(f"{IMAGES}/{image}/file").content == content, name_of_host
        wished: dict[str, Any] = {"nets": [{"network": network["id"]}], "image": name, "image_driver": "glance"}
        ran = caller.run(runner, name, **wished)
        caller.session.delete(ran["uuid"])
        caller.at[runner.name].ask("DELETE", f"{IMAGES}/{image}")
        caller.session.gone(f"{IMAGES}/{image}")


def test_an_image_of_a_container_is_made_where_it_runs(caller: Tenant, far: dict[str, Any], alpha: Host) -> None:
    caller.session.execute(far["uuid"], "echo hello > /kept")
    image = caller.session.ask("POST", f"{CONTAINERS}/{far['uuid']}/commit?repository=snapshot")["uuid"]
    until(lambda: caller.session.ask("GET", f"{IMAGES}/{image}")["status"] == "active", "the image has its bytes", 20)
    network = caller.session.ask("GET", "/network/v2.0/networks?name=far")["networks"][0]["id"]
    nets = [{"network": network}]
    copy = caller.run(alpha, "copy", f"cat /kept; {IDLE}", nets=nets, image="snapshot", image_driver="glance")
    until(lambda: caller.session.logs(copy["uuid"]) == "hello\n", "the file is in the copy")
    caller.session.delete(copy["uuid"])
    caller.session.ask("DELETE", f"{IMAGES}/{image}")
