"""The bytes of images: streamed both ways, whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from boxship.config import Settings
from boxship.core.db.database import Transaction
from boxship.core.errors import Refused
from boxship.core.hosts import Hosts
from boxship.services.image import live
from boxship.services.image.model import Image
from boxship.services.image.operations import uploads
from boxship.services.image.reconciler import ImageReconciler
from boxship.services.image.store import images as store
from tests.cloud import Cloud

OCTETS = {"Content-Type": "application/octet-stream"}


async def new_image(cloud: Cloud, user: str = "alice", **fields: Any) -> str:
    wish = {"name": "web", "container_format": "docker", "disk_format": "raw", **fields}
    answer = await cloud.request(user, "POST", "/image/v2/images", json=wish)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def show(cloud: Cloud, id: str, user: str = "alice") -> dict[str, Any]:
    answer = await cloud.request(user, "GET", f"/image/v2/images/{id}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def upload(cloud: Cloud, id: str, content: Any, user: str = "alice", **headers: str) -> Any:
    return await cloud.request(
        user, "PUT", f"/image/v2/images/{id}/file", content=content, headers={**OCTETS, **headers}
    )


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def blobs(cloud: Cloud) -> frozenset[str]:
    return await cloud.program.drivers.blobs.ids()


async def test_up_and_down(cloud: Cloud) -> None:
    id = await new_image(cloud)
    content = b"some bytes" * 50_000
    assert (await upload(cloud, id, chunks(content[:7], content[7:]))).status_code == 204
    shown = await show(cloud, id)
    assert (shown["status"], shown["size"], shown["checksum"], shown["os_hash_algo"], shown["os_hash_value"]) == (
        "active",
        len(content),
        hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "sha512",
        hashlib.sha512(content).hexdigest(),
    )
    answer = await cloud.request("reader", "GET", f"/image/v2/images/{id}/file")
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["Content-MD5"] == shown["checksum"]
    head = await cloud.request("alice", "HEAD", f"/image/v2/images/{id}/file")
    assert (head.status_code, head.content) == (200, b"")


async def test_any_bytes_are_an_image(cloud: Cloud) -> None:
    for content in (b"", b"\x00", b"not a tar"):
        id = await new_image(cloud)
        assert (await upload(cloud, id, content)).status_code == 204
        assert (await show(cloud, id))["size"] == len(content)
        assert (await cloud.request("alice", "GET", f"/image/v2/images/{id}/file")).content == content


async def test_a_stream_that_breaks_leaves_it_queued_and_no_bytes(cloud: Cloud) -> None:
    id = await new_image(cloud)
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"half", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"x-auth-token", b"alice"), (b"content-type", b"application/octet-stream")]
    scope = {"type": "http", "method": "PUT", "path": f"/image/v2/images/{id}/file", "headers": headers}
    await cloud.program.server(scope, receive, send)
    assert sent[0]["status"] == 400
    assert ((await show(cloud, id))["status"], await blobs(cloud)) == ("queued", frozenset())
    assert (await upload(cloud, id, b"whole")).status_code == 204


@pytest.mark.parametrize("announced", [None, "1000001", "5"])
async def test_too_many_bytes_are_refused_as_they_come(cloud: Cloud, announced: str | None) -> None:
    id = await new_image(cloud)
    headers = {"X-OpenStack-Image-Size": announced} if announced else {}
    answer = await upload(cloud, id, chunks(b"x" * 600_000, b"x" * 400_001), **headers)
    assert (answer.status_code, answer.json()["title"]) == (413, "Request Entity Too Large")
    assert ((await show(cloud, id))["status"], await blobs(cloud)) == ("queued", frozenset())


async def test_the_limit_itself_is_allowed(cloud: Cloud) -> None:
    id = await new_image(cloud)
    assert (await upload(cloud, id, chunks(b"x" * 1_000_000))).status_code == 204


@pytest.mark.parametrize(("announced", "status"), [("4", 400), ("6", 400), ("-1", 400), ("five", 400), ("9" * 30, 400)])
async def test_a_wrong_announcement_is_refused(cloud: Cloud, announced: str, status: int) -> None:
    id = await new_image(cloud)
    answer = await upload(cloud, id, b"bytes", **{"X-OpenStack-Image-Size": announced})
    assert answer.status_code == status
    assert "X-OpenStack-Image-Size" in answer.json()["message"]
    assert ((await show(cloud, id))["status"], await blobs(cloud)) == ("queued", frozenset())


async def test_a_full_disk_is_told_and_leaves_it_queued(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await new_image(cloud)

    async def full(*_given: Any) -> Any:
        raise Refused("The disk is full.")

    monkeypatch.setattr(cloud.program.drivers.blobs, "write", full)
    answer = await upload(cloud, id, b"bytes")
    assert (answer.status_code, answer.json()["message"]) == (413, "The disk is full.")
    assert (await show(cloud, id))["status"] == "queued"


class Slow:
    """A stream that waits in its middle."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def bytes(self) -> AsyncIterator[bytes]:
        yield b"first "
        self.begun.set()
        await self.go_on.wait()
        yield b"second"


async def test_of_two_uploads_at_once_the_second_is_refused(cloud: Cloud) -> None:
    id, slow = await new_image(cloud), Slow()
    first = asyncio.create_task(upload(cloud, id, slow.bytes()))
    await slow.begun.wait()
    assert (await show(cloud, id))["status"] == "saving"
    assert (await upload(cloud, id, b"other")).status_code == 409
    assert (await cloud.request("alice", "GET", f"/image/v2/images/{id}/file")).status_code == 204
    slow.go_on.set()
    assert (await first).status_code == 204
    assert (await cloud.request("alice", "GET", f"/image/v2/images/{id}/file")).content == b"first second"


async def test_the_reconciler_leaves_a_running_upload_alone(cloud: Cloud) -> None:
    id, slow = await new_image(cloud), Slow()
    first = asyncio.create_task(upload(cloud, id, slow.bytes()))
    await slow.begun.wait()
    reconciler = ImageReconciler(cloud.program.database, cloud.program.drivers.blobs, cloud.program.hosts, deadline=5)
    assert list(await reconciler.due()) == [id]
    await reconciler.reconcile(id)
    await reconciler.sweep()
    slow.go_on.set()
    assert (await first).status_code == 204
    assert await reconciler.due() == []


async def test_an_upload_that_ends_while_the_reconciler_looks_keeps_its_bytes(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, slow = await new_image(cloud), Slow()
    first = asyncio.create_task(upload(cloud, id, slow.bytes()))
    await slow.begun.wait()
    read = store.unfinished

    async def read_late(transaction: Transaction, wanted: str) -> Image | None:
        row = await read(transaction, wanted)
        slow.go_on.set()
        assert (await first).status_code == 204
        return row

    monkeypatch.setattr(store, "unfinished", read_late)
    reconciler = ImageReconciler(cloud.program.database, cloud.program.drivers.blobs, cloud.program.hosts, deadline=5)
    await reconciler.reconcile(id)
    assert (await cloud.request("alice", "GET", f"/image/v2/images/{id}/file")).content == b"first second"


async def test_an_image_deleted_during_its_upload_leaves_nothing(cloud: Cloud) -> None:
    id, slow = await new_image(cloud), Slow()
    first = asyncio.create_task(upload(cloud, id, slow.bytes()))
    await slow.begun.wait()
    assert (await cloud.request("alice", "DELETE", f"/image/v2/images/{id}")).status_code == 204
    assert (await cloud.request("alice", "GET", f"/image/v2/images/{id}")).status_code == 404
    slow.go_on.set()
    assert (await first).status_code == 404
    await _nothing_left(cloud)


async def _nothing_left(cloud: Cloud) -> None:
    reconciler = ImageReconciler(cloud.program.database, cloud.program.drivers.blobs, cloud.program.hosts, deadline=5)

    async def clean() -> bool:
        return not list(await reconciler.due()) and not await blobs(cloud)

    await cloud.until(clean, "no image and no bytes are left")


async def test_a_cancelled_upload_leaves_it_queued(cloud: Cloud) -> None:
    id, slow = await new_image(cloud), Slow()
    first = asyncio.create_task(upload(cloud, id, slow.bytes()))
    await slow.begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert ((await show(cloud, id))["status"], await blobs(cloud), live.running) == ("queued", frozenset(), set())


@pytest.mark.parametrize("stored", [False, True])
async def test_after_a_crash_during_an_upload_it_is_queued_again(still: Cloud, stored: bool) -> None:
    id, program = await new_image(still), still.program
    caller = await program.server._authenticator.caller("alice")
    async with program.database.write() as transaction:
        await uploads.begin(transaction, caller, id, ("of-the-program-that-died", ""))
    if stored:
        await program.drivers.blobs.write(id, chunks(b"complete"), 100)
    reconciler = ImageReconciler(program.database, program.drivers.blobs, program.hosts, deadline=5)
    assert list(await reconciler.all()) == [id]
    await reconciler.reconcile(id)
    assert ((await show(still, id))["status"], await blobs(still)) == ("queued", frozenset())
    assert (await upload(still, id, b"again")).status_code == 204


async def test_another_hosts_upload_is_not_ended_here(still: Cloud) -> None:
    id, program = await new_image(still), still.program
    caller = await program.server._authenticator.caller("alice")
    async with program.database.write() as transaction:
        await uploads.begin(transaction, caller, id, ("of-another-host", "there"))
    here = Hosts(program.database, Settings(host="here", database="postgresql://shared/with-others"))
    await ImageReconciler(program.database, program.drivers.blobs, here, deadline=5).reconcile(id)
    assert (await show(still, id))["status"] == "saving"


async def test_deletion_removes_the_bytes_also_after_a_crash(still: Cloud) -> None:
    id, program = await new_image(still), still.program
    await upload(still, id, b"bytes")
    assert (await still.request("alice", "DELETE", f"/image/v2/images/{id}")).status_code == 204
    assert await blobs(still) == {id}
    assert (await still.request("alice", "POST", "/image/v2/images", json={"id": id})).status_code == 409
    for _ in range(2):
        reconciler = ImageReconciler(program.database, program.drivers.blobs, program.hosts, deadline=5)
        await reconciler.reconcile(id)
        assert (list(await reconciler.due()), await blobs(still)) == ([], frozenset())
    assert (await still.request("alice", "POST", "/image/v2/images", json={"id": id})).status_code == 201


async def test_a_sweep_removes_bytes_of_no_image_only(still: Cloud) -> None:
    id, stranger = await new_image(still), "5b7b2d0e-4f4e-4f3c-9c55-0b6b1f6e0001"
    await upload(still, id, b"bytes")
    await still.program.drivers.blobs.write(stranger, chunks(b"left"), 100)
    await ImageReconciler(still.program.database, still.program.drivers.blobs, still.program.hosts, deadline=5).sweep()
    assert await blobs(still) == {id}


async def test_lost_bytes_are_an_error_not_an_empty_image(still: Cloud) -> None:
    id = await new_image(still)
    await upload(still, id, b"bytes")
    await still.program.drivers.blobs.remove(id)
    answer = await still.request("alice", "GET", f"/image/v2/images/{id}/file")
    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


async def test_formats_come_before_bytes(cloud: Cloud) -> None:
    id = await new_image(cloud, disk_format=None)
    answer = await upload(cloud, id, b"bytes")
    assert (answer.status_code, "disk_format" in answer.json()["message"]) == (400, True)


async def test_bytes_are_the_owners(cloud: Cloud) -> None:
    id = await new_image(cloud, visibility="community")
    assert (await upload(cloud, id, b"evil", "bob")).status_code == 403
    assert (await upload(cloud, id, b"evil", "reader")).status_code == 403
    assert (await upload(cloud, id, b"good", "admin")).status_code == 204
    assert (await cloud.request("bob", "GET", f"/image/v2/images/{id}/file")).content == b"good"


async def test_a_deactivated_image_is_fetched_by_admins_only(cloud: Cloud) -> None:
    id = await new_image(cloud)
    await upload(cloud, id, b"bytes")
    for _ in range(2):
        answer = await cloud.request("alice", "POST", f"/image/v2/images/{id}/actions/deactivate")
        assert answer.status_code == 204
    assert (await show(cloud, id))["status"] == "deactivated"
    assert (await cloud.request("alice", "GET", f"/image/v2/images/{id}/file")).status_code == 403
    assert (await cloud.request("admin", "GET", f"/image/v2/images/{id}/file")).content == b"bytes"
    assert (await cloud.request("alice", "POST", f"/image/v2/images/{id}/actions/reactivate")).status_code == 204
    assert (await cloud.request("alice", "GET", f"/image/v2/images/{id}/file")).content == b"bytes"
