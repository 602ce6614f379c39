"""What goes between a client and a process: in whole characters, no faster than the slower side, to the very end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.core import errors
from boxship.core.http.websocket import Gone, WebSocket
from boxship.services.container.live import carrying


class Process:
    """A stream: what is put into ``output`` comes out (empty: its end); ``deaf``: it takes no input."""

    def __init__(self, *output: bytes, deaf: bool = False, over: bool = False) -> None:
        self.output: asyncio.Queue[bytes] = asyncio.Queue()
        for part in output:
            self.output.put_nowait(part)
        self.input: list[bytes] = []
        self.deaf = deaf
        self.over = over
        self.reads = 0

    async def read(self) -> bytes:
        part = await self.output.get()
        self.reads += 1
        if not part:
            self.output.put_nowait(part)
        return part

    async def write(self, data: bytes) -> None:
        if self.over:
            raise errors.Busy("The session is over.")
        self.input.append(data)
        if self.deaf:
            await asyncio.Event().wait()

    async def end_input(self) -> None:
        self.input.append(b"")

    async def close(self) -> None:
        self.over = True


class Client:
    """The other end of a WebSocket, as an ASGI server speaks for it."""

    def __init__(self, *messages: bytes) -> None:
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for message in messages:
            self.messages.put_nowait({"type": "websocket.receive", "bytes": message})
        self.seen: list[bytes] = []
        self.arrived = asyncio.Event()
        self.ready = asyncio.Event()
        self.ready.set()
        self.socket = WebSocket({"path": "/", "headers": [(b"user-agent", b"test")]}, self.messages.get, self._sent)

    async def _sent(self, message: dict[str, Any]) -> None:
        await self.ready.wait()
        self.seen.append(message["bytes"])
        self.arrived.set()

    def leave(self) -> None:
        self.messages.put_nowait({"type": "websocket.disconnect", "code": 1006})


async def test_the_last_output_is_sent_before_the_end() -> None:
    client, process = Client(), Process(b"one", b"two", b"")
    await carrying.carry(client.socket, process, 60)
    assert client.seen == [b"one", b"two"]


async def test_a_client_that_leaves_ends_it() -> None:
    client, process = Client(b"typed"), Process()
    client.leave()
    with pytest.raises(Gone):
        await carrying.carry(client.socket, process, 60)
    assert process.input == [b"typed"]


async def test_input_after_the_end_of_the_process_does_not_cost_its_output() -> None:
    client, process = Client(b"too late", b"", b"more"), Process(over=True)
    carried = asyncio.create_task(carrying.carry(client.socket, process, 60))
    while not client.messages.empty():
        await asyncio.sleep(0)
    for part in (b"last words", b""):
        process.output.put_nowait(part)
    await carried
    assert client.seen == [b"last words"]


async def test_a_process_that_takes_no_input_can_still_end() -> None:
    client, process = Client(b"a", b"b"), Process(deaf=True)
    carried = asyncio.create_task(carrying.carry(client.socket, process, 60))
    while not process.input:
        await asyncio.sleep(0)
    process.output.put_nowait(b"")
    await carried
    assert process.input == [b"a"], "what it does not take waits with the client"
    assert client.messages.qsize() == 1


async def test_output_waits_for_the_client() -> None:
    client, process = Client(), Process(*[b"x" * 65536] * 50, b"")
    client.ready.clear()
    carried = asyncio.create_task(carrying.carry(client.socket, process, 60))
    for _ in range(100):
        await asyncio.sleep(0)
    assert process.reads == 1, "nothing is read that cannot be sent"
    client.ready.set()
    await carried
    assert b"".join(client.seen) == b"x" * 65536 * 50


async def test_nothing_moves() -> None:
    with pytest.raises(carrying.Idle):
        await carrying.carry(Client().socket, Process(), 0.05)


async def test_the_beginning_of_a_character_does_not_wait_for_ever() -> None:
    client, process = Client(), Process(b"a\xe2")
    carried = asyncio.create_task(carrying.carry(client.socket, process, 60))
    while len(client.seen) < 2:
        client.arrived.clear()
        await client.arrived.wait()
    process.output.put_nowait(b"")
    await carried
    assert client.seen == [b"a", b"\xe2"]


async def test_a_cut_character_is_sent_whole() -> None:
    text = "größer: 🐳".encode()
    client, process = Client(), Process(*[text[at : at + 1] for at in range(len(text))], b"")
    await carrying.carry(client.socket, process, 60)
    assert b"".join(client.seen) == text
    assert "".join(part.decode() for part in client.seen) == "größer: 🐳"


@given(st.text(), st.integers(0, 3))
def test_text_is_cut_at_characters(text: str, more: int) -> None:
    data = text.encode()
    cut = data[: len(data) - more] if more else data
    ready, held = carrying.split(cut)
    assert ready + held == cut
    assert len(held) <= 3
    ready.decode()


@given(st.binary())
def test_nothing_is_lost(data: bytes) -> None:
    ready, held = carrying.split(data)
    assert ready + held == data
    assert len(held) <= 3
