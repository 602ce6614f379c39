"""The server: request ids, bodies and their limits, methods, errors in the service's dialect, transactions, streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
import sqlalchemy as sa
import structlog

from boxship.config import Settings
from boxship.core import errors
from boxship.core.auth.caller import Caller
from boxship.core.auth.rules import Rule, Rules
from boxship.core.db import holds
from boxship.core.db.database import SqliteDatabase
from boxship.core.http import dialects
from boxship.core.http.call import Call, Reply
from boxship.core.http.routes import PUBLIC, Route
from boxship.core.http.server import Server
from boxship.core.service import Service

RULES = [Rule("t:member", "role:member", "Members."), Rule("t:owner", "project_id:%(project)s", "The project's own.")]
FAILURES: dict[str, Exception] = {
    "quota": errors.OverQuota("full"),
    "absent": errors.Absent("not in the engine"),
    "busy": errors.Busy("later"),
    "refused": errors.Refused("never"),
    "integrity": sa.exc.IntegrityError("INSERT secret", None, ValueError("secret")),
    "unforeseen": ValueError("secret"),
}


class Word(msgspec.Struct, forbid_unknown_fields=True):
    word: str


class Names:
    """Tokens are names of members of a project of the same name."""

    async def caller(self, token: str) -> Caller:
        if token == "bad":
            raise errors.Unauthorized("Not a token.")
        return Caller(f"{token}-id", token, "default", frozenset({"member"}), Rules(RULES), project_id=token)


async def _echo(call: Call[Any]) -> Reply:
    return Reply({"path": dict(call.parameters), "query": list(call.query.pairs), "url": call.base_url})


async def _word(call: Call[Any]) -> Reply:
    return Reply({"word": call.read(Word).word}, 202)


async def _hold(call: Call[Any]) -> Reply:
    await holds.hold(call.transaction, ("a", "b"), ("c", "d"))
    call.transaction.wake("a", "b")
    failure = FAILURES.get(call.parameters["how"])
    if failure:
        raise failure
    return Reply(object() if call.parameters["how"] == "unshaped" else {})


async def _held(call: Call[Any]) -> Reply:
    return Reply(await holds.holders(call.transaction, ("a", "b")))


async def _live(call: Call[Any]) -> Reply:
    return Reply(object() if call.parameters["how"] == "unshaped" else {})


async def _stream(call: Call[Any]) -> Reply:
    assert call.stream is not None
    parts = [part async for part in call.stream]

    async def back() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return Reply(back(), media="application/octet-stream")


async def _cut(_call: Call[Any]) -> Reply:
    async def parts() -> AsyncIterator[bytes]:
        yield b"part"
        raise errors.Busy("The engine went away.")

    return Reply(parts(), media="text/plain")


async def _empty(_call: Call[Any]) -> Reply:
    return Reply(status=204)


SERVICE = Service(
    types=("test",),
    name="test",
    prefix="test",
    endpoint="/test",
    dialect=dialects.NEUTRON,
    rules=RULES,
    routes=[
        Route("GET", "/echo/{one}/{two}", _echo, PUBLIC),
        Route("POST", "/word", _word, PUBLIC),
        Route("POST", "/hold/{how}", _hold, PUBLIC),
        Route("GET", "/held", _held, PUBLIC),
        Route("GET", "/live/{how}", _live, PUBLIC, live=True),
        Route("PUT", "/stream", _stream, PUBLIC, stream=True),
        Route("GET", "/cut", _cut, PUBLIC, live=True),
        Route("DELETE", "/empty", _empty, PUBLIC),
        Route("GET", "/member", _empty, "t:member"),
        Route("GET", "/own/{project}", _empty, "t:owner"),
    ],
)


@pytest_asyncio.fixture
async def client(sqlite: SqliteDatabase) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server with one service, without a socket."""

    async def page() -> Reply:
        return Reply({"page": 1})

    server = Server(
        [SERVICE],
        settings=Settings(max_body=1024),
        database=sqlite,
        authenticator=Names(),
        pages={"": page, "healthcheck": page},
    )
    transport = httpx.ASGITransport(server)  # type: ignore[arg-type]  # ASGI without TypedDicts
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9500") as made:
        yield made


async def test_every_answer_has_a_request_id_of_its_own(client: httpx.AsyncClient) -> None:
    paths = ("/test/held", "/test/nothing", "/nothing", "/", "/test/live/unshaped")
    ids = [(await client.get(path)).headers["x-openstack-request-id"] for path in paths]
    assert len(set(ids)) == 5
    assert all(id.startswith("req-") and len(id) == 40 for id in ids)


@pytest.mark.parametrize(
    ("path", "one", "two"),
    [
        ("/test/echo/a/b", "a", "b"),
        ("//test//echo//a//b//", "a", "b"),
        ("/test/echo/a%2Fb/..%2F..%2Fetc", "a/b", "../../etc"),
        ("/test/echo/%C3%A9/%20", "\u00e9", " "),
        ("/test/echo/%25/%2525", "%", "%25"),
    ],
)
async def test_paths(client: httpx.AsyncClient, path: str, one: str, two: str) -> None:
    answer = await client.get(f"http://127.0.0.1:9500{path}")
    assert answer.json()["path"] == {"one": one, "two": two}
    assert answer.json()["url"] == "http://127.0.0.1:9500/test"


@pytest.mark.parametrize("path", ["/test/echo/a/%00", "/test/echo/a/%ff", "/test/held?a=%ff"])
async def test_bad_paths_are_refused_in_the_dialect(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 400
    assert answer.json()["NeutronError"]["type"] == "BadRequest"


@pytest.mark.parametrize("path", ["/test/echo/../../held/x", "/nothing", "/test", "/TEST/held", "/test%2Fheld"])
async def test_paths_that_are_not_there(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_head_is_get_without_a_body(client: httpx.AsyncClient) -> None:
    for path in ("/test/held", "/test/live/well", "/healthcheck"):
        full, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(full.content))


async def test_an_empty_answer_says_nothing_of_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/test/empty")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not {"content-length", "content-type"} & set(answer.headers)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/test/word"), ("POST", "/healthcheck"), ("TRACE", "/test/held")])
async def test_other_methods(client: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await client.request(method, path)).status_code == 405


@pytest.mark.parametrize(
    "media",
    [
        "",
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "text/plain",
        "application/vnd.x+json",
    ],
)
async def test_types_of_bodies(client: httpx.AsyncClient, media: str) -> None:
    answer = await client.post("/test/word", content=b'{"word": "x"}', headers={"Content-Type": media})
    assert (answer.status_code, answer.json()) == (202, {"word": "x"})


@pytest.mark.parametrize("media", ["application/xml", "text/html", "multipart/form-data; boundary=x"])
async def test_other_types_of_bodies(client: httpx.AsyncClient, media: str) -> None:
    answer = await client.post("/test/word", content=b'{"word": "x"}', headers={"Content-Type": media})
    assert answer.status_code == 415


async def test_a_body_beyond_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    assert (await client.post("/test/word", content=b'{"word": "x"}'.ljust(1024))).status_code == 202
    assert (await client.post("/test/word", content=b'{"word": "x"}'.ljust(1025))).status_code == 413
    assert (await client.post("/test/word", content=parts())).status_code == 413


async def test_an_answer_that_fails_on_the_way_never_looks_whole(client: httpx.AsyncClient) -> None:
    """The server of HTTP cuts the connection off where an answer has no end."""
    with pytest.raises(AssertionError):  # httpx: the application returned, and the answer is not complete
        await client.get("/test/cut")


async def test_a_stream_goes_through_whatever_its_size(client: httpx.AsyncClient) -> None:
    answer = await client.put("/test/stream", content=b"x" * 5000)
    assert answer.content == b"x" * 5000
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "content-length" not in answer.headers


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("quota", 409),
        ("absent", 404),
        ("busy", 503),
        ("refused", 409),
        ("integrity", 409),
        ("unforeseen", 500),
        ("unshaped", 500),
    ],
)
async def test_a_failure_has_a_status_undoes_everything_and_tells_no_secret(
    client: httpx.AsyncClient, woken: list[tuple[str, str]], how: str, status: int
) -> None:
    with structlog.testing.capture_logs():
        answer = await client.post(f"/test/hold/{how}")
    assert answer.status_code == status
    assert set(answer.json()["NeutronError"]) == {"type", "message", "detail"}
    assert "secret" not in answer.text
    assert (await client.get("/test/held")).json() == []
    assert woken == []


async def test_success_is_committed(client: httpx.AsyncClient, woken: list[tuple[str, str]]) -> None:
    assert (await client.post("/test/hold/well")).status_code == 200
    assert (await client.get("/test/held")).json() == [["c", "d"]]
    assert woken == [("a", "b")]


async def test_an_answer_of_a_live_route_that_has_no_shape_is_an_error_like_others(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs():
        answer = await client.get("/test/live/unshaped")
    assert answer.status_code == 500
    assert answer.json()["NeutronError"]["message"].startswith("An unexpected error")


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/test/member", None, 401),
        ("/test/member", "bad", 401),
        ("/test/member", "p", 204),
        ("/test/own/p", "p", 204),
        ("/test/own/q", "p", 403),
        ("/test/held", "bad", 200),
    ],
)
async def test_tokens_and_rules(client: httpx.AsyncClient, path: str, token: str | None, status: int) -> None:
    answer = await client.get(path, headers={"X-Auth-Token": token} if token else {})
    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_a_caller_is_refused_before_its_body_is_read(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        raise AssertionError("somebody reads the body of a stranger")
        yield b""

    answer = await client.request("GET", "/test/member", content=endless())
    assert answer.status_code == 401
