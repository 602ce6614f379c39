"""What every ``Engine`` must do, asked of the fake and of the real one alike; ``test_docker`` asks the real one for more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any

import pytest

from boxship.core.errors import Absent, Busy, Refused
from boxship.drivers.engine.interface import Engine, EngineEvent, EngineState, LogQuery
from tests.conformance.host import IMAGE, Host, eventually, pieces

PRINTS = ("sh", "-c", "printf 'one\\ntwo\\n'; sleep 1000")


async def test_it_says_who_it_is(host: Host) -> None:
    info = await host.engine.info()
    assert info.kind == ("docker" if host.socket else "fake")
    assert info.version
    assert info.cpus > 0
    assert info.memory > 0


async def test_an_image_is_known_by_its_name(host: Host) -> None:
    image = await host.engine.image(IMAGE)
    assert image is not None
    assert image.id.startswith("sha256:")
    assert IMAGE in image.references
    assert image.size > 0
    assert await host.engine.image("boxship/never-heard-of:1") is None


@pytest.mark.parametrize("content", [b"", b"not an archive at all", bytes(10240)])
async def test_what_is_no_archive_is_refused(host: Host, content: bytes) -> None:
    if host.socket is None and content:
        pytest.skip("the fake engine does not look into archives")
    with pytest.raises(Refused):
        await host.engine.load(pieces(content), "never/loaded:1")
    assert await host.engine.image("never/loaded:1") is None


async def test_removing_an_image_may_be_repeated(host: Host) -> None:
    await host.engine.remove_image("boxship/never-heard-of:1")
    await host.engine.remove_image("boxship/never-heard-of:1")


async def test_a_container_from_birth_to_death(host: Host) -> None:
    made = await host.engine.create(host.spec("c1"))
    assert (made.id, made.state, made.exit_code, made.started_at) == ("c1", EngineState.CREATED, None, None)
    running = await host.engine.start("c1")
    assert (running.engine_id, running.state, running.exit_code) == (made.engine_id, EngineState.RUNNING, None)
    assert running.started_at is not None
    await host.engine.stop("c1", 0)
    stopped = await host.seen("c1")
    assert (stopped.state, stopped.exit_code) == (EngineState.EXITED, 137)
    assert stopped.finished_at is not None
    assert stopped.finished_at >= running.started_at
    again = await host.engine.start("c1")
    assert again.state == EngineState.RUNNING
    assert again.started_at is not None
    assert again.started_at > running.started_at
    await host.engine.remove("c1")
    assert await host.engine.sight("c1") is None
    assert await host.engine.sights() == []


async def test_verbs_may_be_repeated(host: Host) -> None:
    spec = host.spec("c1")
    assert await host.engine.create(spec) == await host.engine.create(spec)
    assert (await host.engine.start("c1")).started_at == (await host.engine.start("c1")).started_at
    await host.engine.stop("c1", 0)
    await host.engine.stop("c1", 0)
    await host.engine.remove("c1")
    await host.engine.remove("c1")


async def test_stopping_one_that_never_started_changes_nothing(host: Host) -> None:
    await host.engine.create(host.spec("c1"))
    await host.engine.stop("c1", 0)
    assert (await host.seen("c1")).state == EngineState.CREATED


async def test_many_callers_at_once_agree(host: Host) -> None:
    spec = host.spec("c1")
    await asyncio.gather(*(tolerated(host.engine.create(spec)) for _ in range(6)))
    made = await host.engine.create(spec)
    started = await asyncio.gather(*(host.engine.start("c1") for _ in range(6)))
    assert {sight.engine_id for sight in started} == {made.engine_id}
    await asyncio.gather(*(tolerated(host.engine.remove("c1")) for _ in range(6)))
    await host.engine.remove("c1")
    assert await host.engine.sight("c1") is None


async def tolerated(verb: Awaitable[object]) -> None:
    """Busy is an answer to callers that get into each other's way."""
    with contextlib.suppress(Busy):
        await verb


async def test_containers_are_apart(host: Host) -> None:
    await asyncio.gather(host.run("c1"), host.run("c2"))
    await host.engine.stop("c1", 0)
    assert {sight.id: sight.state for sight in await host.engine.sights()} == {
        "c1": EngineState.EXITED,
        "c2": EngineState.RUNNING,
    }


async def test_a_restarted_program_finds_its_containers(host: Host) -> None:
    sight = await host.run("c1")
    later = host.another()
    assert await later.sight("c1") == sight
    assert (await later.create(host.spec("c1"))).engine_id == sight.engine_id
    await later.stop("c1", 0)
    assert (await later.start("c1")).state == EngineState.RUNNING
    await later.remove("c1")
    assert await later.sights() == []
    await later.close()
    host.engine = host.another()


@pytest.mark.parametrize(("command", "code"), [(("true",), 0), (("false",), 1), (("sh", "-c", "exit 3"), 3)])
async def test_a_command_that_ends(host: Host, command: tuple[str, ...], code: int) -> None:
    await host.run("c1", *command)
    sight = await host.ends("c1")
    assert (sight.exit_code, sight.error) == (code, "")
    listed = [(one.state, one.exit_code) for one in await host.engine.sights()]
    assert listed == [(EngineState.EXITED, code)]


async def test_an_image_that_is_not_there(host: Host) -> None:
    with pytest.raises(Absent, match="never-heard-of"):
        await host.engine.create(host.spec("c1", image="boxship/never-heard-of:1"))
    assert await host.engine.sight("c1") is None


VERBS: list[tuple[str, Callable[[Engine], Awaitable[Any]]]] = [
    ("start", lambda engine: engine.start("nobody")),
    ("stop", lambda engine: engine.stop("nobody", 0)),
    ("kill", lambda engine: engine.kill("nobody", "SIGKILL")),
    ("logs", lambda engine: engine.logs("nobody", LogQuery())),
    ("execute", lambda engine: engine.execute("nobody", ("true",))),
]


@pytest.mark.parametrize("verb", [verb for _, verb in VERBS], ids=[name for name, _ in VERBS])
async def test_a_container_that_is_not_there(host: Host, verb: Callable[[Engine], Awaitable[Any]]) -> None:
    with pytest.raises(Absent, match="The container nobody is not in the engine"):
        await verb(host.engine)
    assert await host.engine.sight("nobody") is None
    await host.engine.remove("nobody")


async def test_a_signal(host: Host) -> None:
    await host.run("c1")
    await host.engine.kill("c1", "SIGKILL")
    assert (await host.ends("c1")).exit_code == 137


async def test_what_only_a_running_container_can_do(host: Host) -> None:
    await host.engine.create(host.spec("c1"))
    for _ in ("created", "stopped"):
        with pytest.raises(Refused, match=r"The container is not running\."):
            await host.engine.kill("c1", "SIGTERM")
        with pytest.raises(Refused, match=r"The container is not running\."):
            await host.engine.execute("c1", ("true",))
        await host.engine.start("c1")
        await host.engine.stop("c1", 0)


async def test_a_container_that_never_ran_has_no_log(host: Host) -> None:
    await host.engine.create(host.spec("c1", *PRINTS))
    assert await host.engine.logs("c1", LogQuery()) == b""


async def test_parts_of_the_log(host: Host) -> None:
    await host.run("c1", *PRINTS)

    async def printed() -> bytes:
        return await host.engine.logs("c1", LogQuery())

    whole = await eventually(printed, "the container prints")
    assert whole.endswith(b"\n")
    assert await host.engine.logs("c1", LogQuery(tail=0)) == b""
    assert await host.engine.logs("c1", LogQuery(tail=1)) == whole.splitlines(keepends=True)[-1]
    assert await host.engine.logs("c1", LogQuery(stdout=False)) == b""
    stamped = (await host.engine.logs("c1", LogQuery(timestamps=True))).splitlines(keepends=True)
    assert b"".join(line.partition(b" ")[2] for line in stamped) == whole
    assert all(datetime.fromisoformat(line[:19].decode()).year > 2000 for line in stamped)


@pytest.mark.parametrize(("command", "code"), [(("true",), 0), (("false",), 1), (("sh", "-c", "exit 5"), 5)])
async def test_the_exit_code_of_a_command_in_a_container(host: Host, command: tuple[str, ...], code: int) -> None:
    await host.run("c1")
    assert (await host.engine.execute("c1", command)).exit_code == code


async def test_events_tell_what_happens(host: Host) -> None:
    seen: list[EngineEvent] = []

    async def listen() -> None:
        async with aclosing(host.engine.events()) as events:  # type: ignore[type-var]  # every driver's is a generator
            async for event in events:
                seen.append(event)
                if event.action == "destroy":
                    return

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.3)  # an engine says nothing when it begins to listen
    await host.run("c1", "true")
    await host.ends("c1")
    await host.engine.remove("c1")
    await asyncio.wait_for(listening, 20)
    actions = [event.action for event in seen if event.action in {"create", "start", "die", "destroy"}]
    assert actions == ["create", "start", "die", "destroy"]
    assert {event.id for event in seen} == {"c1"}
