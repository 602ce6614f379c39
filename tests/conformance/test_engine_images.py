"""What every ``Engine`` does with images: lists them, gives them out, finds them, makes them of containers."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import threading
from collections.abc import Iterator

import pytest

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.engine.connection import Authorized
from boxship.drivers.engine.interface import Credentials, EngineState
from tests.conformance.host import IMAGE, Host, pieces
from tests.conformance.test_docker import inside, operator
from tests.system import registry


async def saved(host: Host, reference: str) -> bytes:
    return b"".join([chunk async for chunk in host.engine.save(reference)])


async def test_images_have_names(host: Host) -> None:
    listed = await host.engine.images()
    assert await host.engine.image(IMAGE) in listed
    assert all(image.references and image.id.startswith("sha256:") for image in listed)


async def test_a_saved_image_can_be_loaded(host: Host) -> None:
    archive = await saved(host, IMAGE)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert "manifest.json" in tar.getnames()
    try:
        again = await host.engine.load(pieces(archive), "boxship/again:1")
        assert "boxship/again:1" in again.references
        assert {"boxship/again:1", IMAGE} <= {name for image in await host.engine.images() for name in image.references}
    finally:
        await host.engine.remove_image("boxship/again:1")
    assert await host.engine.image("boxship/again:1") is None
    assert await host.engine.image(IMAGE) is not None


@pytest.mark.parametrize("reference", ["boxship/never-heard-of:1", "../json", "a b", ""])
async def test_saving_an_image_that_is_not_there(host: Host, reference: str) -> None:
    with pytest.raises(Absent):
        await saved(host, reference)


async def test_an_image_of_a_container(host: Host) -> None:
    await host.run("c1")
    try:
        image = await host.engine.commit("c1", "boxship/of-c1:1")
        assert "boxship/of-c1:1" in image.references
        assert await host.engine.image("boxship/of-c1:1") == image
        assert (await host.seen("c1")).state == EngineState.RUNNING
        await host.engine.stop("c1", 0)
        again = await host.engine.commit("c1", "boxship/of-c1:1")
        assert "boxship/of-c1:1" in again.references
    finally:
        await host.engine.remove_image("boxship/of-c1:1")


async def test_an_image_of_nothing(host: Host) -> None:
    with pytest.raises(Absent, match="The container nobody is not in the engine"):
        await host.engine.commit("nobody", "boxship/of-nobody:1")


async def test_a_name_that_no_image_can_have(host: Host) -> None:
    await host.engine.create(host.spec("c1"))
    for reference in ("Not/A:name", "a b", "x@sha256:" + 64 * "0", "sha256:" + 64 * "0", "../x", ""):
        with pytest.raises(Refused, match="is not the name of an image"):
            await host.engine.commit("c1", reference)


async def test_a_committed_image_carries_files_and_no_mark(docker: Host) -> None:
    await docker.run("c1", labels={"who": "me"}, environment={"COLOUR": "blue"})
    await inside(docker, "c1", "echo kept > /kept")
    reference = f"127.0.0.1:5000/some/where-{docker.mark}"
    await docker.engine.commit("c1", reference)
    try:
        shown = json.loads(operator(docker, "inspect", "--format", "{{json .Config}}", f"{reference}:latest"))
        labels = {name: value for name, value in shown["Labels"].items() if value}
        assert labels == {"who": "me"}
        assert "COLOUR=blue" in shown["Env"]
        await docker.run("c2", image=reference)
        assert await inside(docker, "c2", "cat /kept") == "kept"
        other = docker.another(f"{docker.mark}0")
        assert await other.sights() == []
        await other.close()
        operator(docker, "create", "--name", f"foreign-{docker.mark}", f"{reference}:latest")
        assert {sight.id for sight in await docker.engine.sights()} == {"c1", "c2"}
    finally:
        operator(docker, "rm", "--force", f"foreign-{docker.mark}")
        await docker.engine.remove("c2")
        await docker.engine.remove_image(reference)
    assert await docker.engine.image(reference) is None


async def test_a_paused_container_stays_paused_while_it_is_committed(docker: Host) -> None:
    await docker.run("c1")
    await docker.engine.pause("c1")
    try:
        await docker.engine.commit("c1", f"boxship/paused-{docker.mark}")
        assert (await docker.seen("c1")).state == EngineState.PAUSED
    finally:
        await docker.engine.remove_image(f"boxship/paused-{docker.mark}")


class Guarded(registry.Registry):
    """A registry that gives its image to one who can say who they are, and remembers what was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: set[str | None] = set()
        self.RequestHandlerClass = _Guard


class _Guard(registry._Answers):
    server: Guarded

    def do_GET(self) -> None:  # noqa: N802 (as http.server calls it)
        given = self.headers.get("Authorization")
        self.server.shown.add(given)
        if given == "Basic " + base64.b64encode(b"me:pass?word>1").decode():
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="private"')
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    server = Guarded()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_private_image(docker: Host, guarded: Guarded) -> None:
    for credentials in (None, Credentials("me", "wrong")):
        with pytest.raises(Refused, match="may not be pulled") as caught:
            await docker.engine.pull(guarded.image, credentials=credentials)
        assert "wrong" not in caught.value.detail
        assert await docker.engine.image(guarded.image) is None
    try:
        image = await docker.engine.pull(guarded.image, credentials=Credentials("me", "pass?word>1"))
        assert guarded.image in image.references
    finally:
        await docker.engine.remove_image(guarded.image)
    assert len(guarded.shown) == 3  # the engine kept nothing of the last one for the next
    with pytest.raises(Refused, match="may not be pulled"):
        await docker.engine.pull(guarded.image)


async def test_credentials_are_not_printed() -> None:
    shown = Authorized({"username": "me", "password": "secret"})
    assert "secret" not in repr(shown)
    assert "secret" not in repr(Credentials("me", "secret"))


@pytest.mark.parametrize("term", ["127.0.0.1:1/x", "localhost/x", "http://host/x", "registry.example.org/x"])
async def test_only_the_default_registry_is_searched(host: Host, term: str) -> None:
    with pytest.raises(Refused, match="default registry only"):
        await host.engine.search(term, 5)


async def test_a_registry_out_of_reach_is_busy(docker: Host) -> None:
    """The hosts of the tests reach no registry of the internet; one that does gives results."""
    try:
        found = await docker.engine.search("busybox", 3)
    except Busy as error:
        assert error.sentence == "The registry of the engine cannot be reached."
        return
    assert all(set(entry) == {"name", "description", "star_count", "is_official", "is_automated"} for entry in found)
    assert len(found) <= 3
