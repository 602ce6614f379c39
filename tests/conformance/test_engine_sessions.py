"""What every ``Engine`` does to join a process: its output comes, its input goes, and the session ends when it does."""

from __future__ import annotations

import asyncio
import os

import pytest

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.engine.interface import Stream
from tests.conformance.host import Host, eventually


async def rest(stream: Stream) -> bytes:
    """All that still comes."""
    parts = []
    while part := await stream.read():
        parts.append(part)
    return b"".join(parts)


async def until(stream: Stream, expected: bytes) -> bytes:
    """What comes up to these bytes."""
    found = b""
    while expected not in found:
        part = await stream.read()
        assert part, f"the session ended after {found[-200:]!r}"
        found += part
    return found


async def test_what_is_written_is_read_by_the_command(host: Host) -> None:
    await host.run("c1")
    exec_id = await host.engine.create_exec("c1", ("cat",), terminal=False)
    stream = await host.engine.start_exec("c1", exec_id)
    await stream.write(b"hello\n")
    await until(stream, b"hello\n")
    await stream.end_input()
    assert await rest(stream) == b""
    await stream.close()
    await stream.close()

    async def ended() -> bool:
        return await host.engine.exec_code("c1", exec_id) == 0

    await eventually(ended, "the command ends with its input")


async def test_a_command_of_another_container_is_out_of_reach(host: Host) -> None:
    await host.run("c1")
    await host.run("c2")
    exec_id = await host.engine.create_exec("c1", ("cat",), terminal=True)
    for container, of in (("c2", exec_id), ("c1", exec_id[:63] + "g"), ("c1", "nonsense"), ("c1", "../../containers")):
        with pytest.raises(Absent):
            await host.engine.start_exec(container, of)
        with pytest.raises(Absent):
            await host.engine.resize_exec(container, of, width=80, height=24)
        with pytest.raises(Absent):
            await host.engine.exec_code(container, of)


async def test_a_command_starts_once(host: Host) -> None:
    await host.run("c1")
    exec_id = await host.engine.create_exec("c1", ("cat",), terminal=False)
    stream = await host.engine.start_exec("c1", exec_id)
    with pytest.raises(Busy):
        await host.engine.start_exec("c1", exec_id)
    await stream.close()


async def test_nothing_is_joined_where_nothing_runs(host: Host) -> None:
    await host.engine.create(host.spec("c1", interactive=True))
    with pytest.raises(Refused):
        await host.engine.attach("c1")
    with pytest.raises(Refused):
        await host.engine.create_exec("c1", ("cat",), terminal=False)
    with pytest.raises(Absent):
        await host.engine.attach("nobody")


async def test_process_one_is_joined(host: Host) -> None:
    await host.run("c1", "cat", interactive=True)
    stream = await host.engine.attach("c1")
    await stream.write(b"round\n")
    await until(stream, b"round\n")
    await stream.close()
    again = await host.engine.attach("c1")
    await again.write(b"again\n")
    await until(again, b"again\n")
    await host.engine.remove("c1")
    await asyncio.wait_for(rest(again), 30)
    await again.close()


async def test_a_terminal_has_the_size_that_it_is_given(docker: Host) -> None:
    await docker.run("c1", "sh", interactive=True, tty=True)
    await docker.engine.resize("c1", width=101, height=42)
    stream = await docker.engine.attach("c1")
    await stream.write(b"stty size\n")
    await until(stream, b"42 101")
    await stream.close()
    exec_id = await docker.engine.create_exec("c1", ("sh",), terminal=True)
    command = await docker.engine.start_exec("c1", exec_id)
    await docker.engine.resize_exec("c1", exec_id, width=77, height=33)
    await command.write(b"stty size; exit 7\n")
    await until(command, b"33 77")
    await rest(command)
    assert await docker.engine.exec_code("c1", exec_id) == 7


async def test_ten_megabytes_go_through_byte_for_byte(docker: Host) -> None:
    await docker.run("c1")
    sent = os.urandom(10 << 20)
    exec_id = await docker.engine.create_exec("c1", ("cat",), terminal=False)
    stream = await docker.engine.start_exec("c1", exec_id)

    async def write() -> None:
        for at in range(0, len(sent), 1 << 16):
            await stream.write(sent[at : at + (1 << 16)])
        await stream.end_input()

    writing = asyncio.create_task(write())
    assert await rest(stream) == sent
    await writing
    await stream.close()


async def test_much_output_does_not_cost_the_exit_code(docker: Host) -> None:
    await docker.run("c1")
    result = await docker.engine.execute("c1", ("sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; exit 3"))
    assert (len(result.output), result.exit_code) == (1 << 20, 3)


async def test_input_that_nobody_reads_does_not_hold_up_the_end(docker: Host) -> None:
    await docker.run("c1")
    exec_id = await docker.engine.create_exec("c1", ("sleep", "1000"), terminal=False)
    stream = await docker.engine.start_exec("c1", exec_id)

    async def flood() -> None:
        while True:
            await stream.write(b"x" * 65536)

    flooding = asyncio.create_task(flood())
    done, _ = await asyncio.wait({flooding}, timeout=1)
    assert not done, "what is not read is held back"
    flooding.cancel()
    await asyncio.wait_for(stream.close(), 10)
    assert await docker.engine.exec_code("c1", exec_id) is None, "the command runs on"
