"""Sessions with containers over WebSocket: who gets in, what goes through, how they end. On the fake engine, which echoes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from websockets.exceptions import ConnectionClosed, InvalidStatus

from boxship.core import metrics
from boxship.core.http import listening
from boxship.services.container.store import sessions as store
from tests.services.container.served import (
    SAYING,
    Served,
    asked,
    closing,
    made,
    refusal,
    served,
    session,
    shown,
    token,
    versioned,
)


@pytest_asyncio.fixture
async def running(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as made_:
        yield made_


async def shell(running: Served, **wish: object) -> str:
    """A container that can be attached to."""
    return await made(running.cloud, interactive=True, tty=True, **wish)


async def other(running: Served, **wish: object) -> str:
    """Another one on the same network."""
    answer = await versioned(running.cloud, "POST", "?run=true", json={"image": "busybox", **wish})
    id = str(answer.json()["uuid"])
    await status(running, id, "Running")
    return id


async def status(running: Served, id: str, wanted: str) -> None:
    async def there() -> bool:
        return bool((await versioned(running.cloud, "GET", f"/{id}")).json().get("status") == wanted)

    await running.cloud.until(there, f"{id} is {wanted}")


async def entered(url: str) -> bool:
    """Whether the session can be opened; otherwise it must be refused with 403."""
    try:
        async with session(url) as client:
            return await client.recv() == SAYING
    except InvalidStatus as error:
        assert error.response.status_code == 403
        return False


async def no_sessions(running: Served) -> None:
    async def none() -> bool:
        return metrics.websockets._value.get() == 0 and not running.http.server_state.connections

    await running.cloud.until(none, "all sessions have ended")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("command", [None, "sh"])
async def test_what_is_typed_arrives(running: Served, command: str | None) -> None:
    async with session(await asked(running, await shell(running), command), "binary", "base64") as client:
        assert client.subprotocol == "binary"
        assert await shown(client, len(SAYING)) == SAYING
        everything = bytes(range(256)) * 64
        await client.send(everything)
        assert await shown(client, len(everything)) == everything
        await client.send("größer")
        assert await shown(client, 8) == "größer".encode(), "text counts as UTF-8"


async def test_base64(running: Served) -> None:
    async with session(await asked(running, await shell(running)), "base64") as client:
        assert client.subprotocol == "base64"
        assert await client.recv() == base64.b64encode(SAYING).decode()
        await client.send(base64.b64encode(b"\x00\xff").decode())
        assert base64.b64decode(await client.recv()) == b"\x00\xff"
        await client.send("no base64!")
        assert await closing(client) == (1007, "A message was no base64.")


async def test_no_subprotocol_and_an_unknown_one(running: Served) -> None:
    id = await shell(running)
    async with session(await asked(running, id)) as client:
        assert client.subprotocol is None
        assert await client.recv() == SAYING
    async with session(await asked(running, id), "chat", "base64") as client:
        assert client.subprotocol == "base64"


async def test_a_token_is_good_once(running: Served) -> None:
    url = await asked(running, await shell(running))
    async with session(url):
        code, text = await refusal(url)
        assert code == 403
        assert "no session" in text


async def test_of_many_who_come_at_once_with_a_token_one_gets_in(running: Served) -> None:
    url = await asked(running, await shell(running))

    assert sum(await asyncio.gather(*(entered(url) for _ in range(10)))) == 1


async def test_a_token_that_is_too_old(tmp_path: Path) -> None:
    async with served(tmp_path, session_lifetime=0.000001) as running:
        assert (await refusal(await asked(running, await shell(running))))[0] == 403


async def test_a_token_is_for_its_container_and_its_command(running: Served) -> None:
    id = await shell(running)
    another = await other(running, interactive=True)
    url, command = await asked(running, id), await asked(running, id, "sh")
    assert (await refusal(url.replace(id, another)))[0] == 403
    assert (await refusal(url))[0] == 403, "it was used up by that"
    assert (await refusal(command.partition("&exec_id")[0]))[0] == 403, "it is not for process 1"
    foreign = (await asked(running, another, "sh")).partition("exec_id=")[2]
    mine = await asked(running, id, "sh")
    assert (await refusal(f"{mine.partition('exec_id=')[0]}exec_id={foreign}"))[0] == 403


@pytest.mark.parametrize("query", ["", "token=", "token=x&uuid=y", "token=%ff", "token=a%00", "uuid=x&exec_id=y"])
async def test_without_a_token(running: Served, query: str) -> None:
    base = running.cloud.program.settings.sessions_url
    assert (await refusal(f"{base}?{query}"))[0] in {400, 403}


@pytest.mark.parametrize("path", ["/", "/container", "/container/v1/containers", "/container/websocket/x", "/nothing"])
async def test_other_paths_open_nothing(running: Served, path: str) -> None:
    base = running.cloud.program.settings.sessions_url.removesuffix("/container/websocket")
    assert (await refusal(f"{base}{path}"))[0] == 404


async def test_only_what_runs_is_joined(running: Served) -> None:
    id = await shell(running)
    url, gone = await asked(running, id), await asked(running, id, "sh")
    await versioned(running.cloud, "POST", f"/{id}/stop")
    await status(running, id, "Stopped")
    assert (await refusal(url))[0] == 403
    for method, path in [
        ("GET", "attach"),
        ("POST", "execute?command=sh&interactive=true"),
        ("POST", "resize?w=1&h=1"),
    ]:
        assert (await versioned(running.cloud, method, f"/{id}/{path}")).status_code == 409
    await versioned(running.cloud, "DELETE", f"/{id}")

    async def deleted() -> bool:
        return (await versioned(running.cloud, "GET", f"/{id}")).status_code == 404

    await running.cloud.until(deleted, "it is gone")
    assert (await refusal(gone))[0] == 403


async def test_others_get_no_token(running: Served) -> None:
    id = await shell(running)
    for path in (f"/{id}/attach", f"/{id}/execute?command=sh&interactive=true"):
        method = "POST" if "execute" in path else "GET"
        assert (await running.cloud.request("bob", method, f"/container/v1/containers{path}")).status_code == 404
        assert (await running.cloud.request("reader", method, f"/container/v1/containers{path}")).status_code == 403


async def test_what_takes_no_input_cannot_be_attached(running: Served) -> None:
    answer = await versioned(running.cloud, "GET", f"/{await made(running.cloud)}/attach")
    assert answer.status_code == 400
    assert "interactive" in answer.text


async def test_the_end_of_the_process_is_told(running: Served) -> None:
    id = await shell(running)
    async with session(await asked(running, id, "exit 7")) as client:
        assert await client.recv() == SAYING
        assert await closing(client) == (1000, "exit 7")
    async with session(await asked(running, id)) as client:
        assert await client.recv() == SAYING
        await versioned(running.cloud, "POST", f"/{id}/stop")
        code, reason = await closing(client)
        assert code == 1000
        assert reason.startswith("exit ")


async def test_an_empty_message_is_the_end_of_the_input(running: Served) -> None:
    async with session(await asked(running, await shell(running), "cat")) as client:
        await client.send(b"last")
        await client.send(b"")
        assert await shown(client, len(SAYING) + 4) == SAYING + b"last"
        await client.send(b"too late")
        assert await closing(client) == (1000, "exit 0")


async def test_messages_have_a_size(running: Served) -> None:
    async with session(await asked(running, await shell(running))) as client:
        await client.send(b"x" * (1 << 20))
        assert len(await shown(client, len(SAYING) + (1 << 20))) == len(SAYING) + (1 << 20)
        await client.send(b"x" * ((1 << 20) + 1))
        assert (await closing(client))[0] == 1009


async def test_a_forgotten_session_is_closed(tmp_path: Path) -> None:
    async with (
        served(tmp_path, session_idle=0.2) as running,
        session(await asked(running, await shell(running))) as client,
    ):
        code, reason = await closing(client)
        assert code == 1008
        assert "0.2 s" in reason


async def test_a_user_has_so_many_sessions(tmp_path: Path) -> None:
    async with served(tmp_path, max_sessions=2) as running:
        id = await shell(running)
        urls = [await asked(running, id) for _ in range(4)]
        async with session(urls[0]), session(urls[1]):
            code, text = await refusal(urls[2])
            assert (code, "2 sessions open" in text) == (403, True)

        async def room() -> bool:
            return await entered(await asked(running, id))

        await running.cloud.until(room, "there is room again")


async def test_so_many_sessions_wait_to_be_opened(running: Served) -> None:
    id = await shell(running)
    for _ in range(100):
        await asked(running, id)
    answer = await versioned(running.cloud, "GET", f"/{id}/attach")
    assert answer.status_code == 409
    assert "wait to be opened" in answer.text


async def test_the_token_is_kept_nowhere(running: Served, tmp_path: Path) -> None:
    id = await shell(running)
    with structlog.testing.capture_logs() as logs:
        url = await asked(running, id)
        async with running.cloud.program.database.read() as transaction:
            assert await store.waiting(transaction, id) == 1
        fingerprint = hashlib.sha256(token(url).encode()).hexdigest()
        stored = b"".join(path.read_bytes() for path in (tmp_path / "state").glob("boxship.db*"))
        assert fingerprint.encode() in stored
        assert token(url).encode() not in stored
        async with session(url) as client:
            await client.recv()
        assert (await refusal(url))[0] == 403
    assert token(url) not in repr(logs)


async def frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Opcode and payload of the next frame, which is short."""
    first, length = await reader.readexactly(2)
    return first & 0x0F, await reader.readexactly(length)


async def raw(url: str, *headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that was accepted, without a library in between."""
    place, _, path = url.removeprefix("ws://").partition("/")
    host, _, port = place.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
    more = "".join(f"{header}\r\n" for header in headers)
    writer.write(f"GET /{path} HTTP/1.1\r\nHost: {place}\r\n{upgrade}{key}{more}\r\n".encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    assert await frame(reader) == (2, SAYING)
    return reader, writer


async def test_clients_are_pinged_but_for_those_that_say_nothing_of_who_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_PING", 0.02)
    async with served(tmp_path) as running:
        id = await shell(running)
        silent, mouth = await raw(await asked(running, id))
        named, other_mouth = await raw(await asked(running, id), "User-Agent: test")
        for _ in range(5):
            assert (await frame(named))[0] == 9
        mouth.write(b"\x82\x81\0\0\0\0x")
        assert await frame(silent) == (2, b"x"), "no ping came before"
        for writer in (mouth, other_mouth):
            writer.close()


async def test_open_sessions_do_not_hold_up_the_end_of_the_program(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        id = await shell(running)
        async with session(await asked(running, id)) as one, session(await asked(running, id, "sh")) as two:
            assert await one.recv() == SAYING
            await running.stop()
            for client in (one, two):
                assert (await closing(client))[0] == 1012
    assert metrics.websockets._value.get() == 0


async def test_twenty_at_once_do_not_mix(running: Served) -> None:
    id = await shell(running)

    async def talk(number: int) -> None:
        own = f"{number:02}".encode() * 5000
        async with session(await asked(running, id, "sh"), "binary") as client:
            assert await shown(client, len(SAYING)) == SAYING
            for _ in range(5):
                await client.send(own)
                assert await shown(client, len(own)) == own

    await asyncio.gather(*(talk(number) for number in range(20)))


async def test_two_hundred_sessions_leave_nothing(running: Served) -> None:
    id = await shell(running)

    async def once(number: int) -> None:
        command = (None, "sh", "exit 3")[number % 3]
        async with session(await asked(running, id, command)) as client:
            assert await client.recv() == SAYING
            if number % 2:
                client.transport.abort()  # it goes without a word

    for number in range(6):
        await once(number)
    await no_sessions(running)
    before = open_files(), len(asyncio.all_tasks())
    for _ in range(10):
        await asyncio.gather(*(once(number) for number in range(20)))
    await no_sessions(running)
    assert not running.cloud.service("container").live.sessions._open

    async def as_before() -> bool:
        return open_files() <= before[0] and len(asyncio.all_tasks()) <= before[1]

    await running.cloud.until(as_before, f"files and tasks are as before, {before}")


async def test_a_client_that_breaks_off_is_noticed(running: Served) -> None:
    id = await shell(running)
    async with session(await asked(running, id)) as client:
        await client.recv()
        client.transport.abort()
        with pytest.raises(ConnectionClosed):
            await client.recv()

    await no_sessions(running)


async def test_a_loop_of_commands_does_not_fill_the_database(running: Served) -> None:
    id = await shell(running)
    for _ in range(105):
        assert (await versioned(running.cloud, "POST", f"/{id}/execute?command=true")).status_code == 200
    actions = (await versioned(running.cloud, "GET", f"/{id}/container_actions")).json()["containerActions"]
    assert len(actions) == 100
