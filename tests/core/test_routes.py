"""The tree of routes: which one is found, in which version, and that its cost does not grow with their number."""

from __future__ import annotations

from typing import Any

import pytest

from boxship.core import errors
from boxship.core.http import routes
from boxship.core.http.call import Call, Reply
from boxship.core.http.microversions import Version
from boxship.core.http.routes import PUBLIC, Route, RouteTree

FIRST = Version(1, 1)


async def _handler(call: Call[Any]) -> Reply:
    return Reply(call.path)


def route(method: str, path: str, since: str | None = None, until: str | None = None) -> Route:
    """A route from version to version."""
    first, last = (Version.parse(text) if text else None for text in (since, until))
    return Route(method, path, _handler, PUBLIC, first, last)


TREE = RouteTree(
    [
        route("GET", "/"),
        route("GET", "/things"),
        route("POST", "/things"),
        route("GET", "/things/detail"),
        route("GET", "/things/{thing}"),
        route("DELETE", "/things/{thing}"),
        route("GET", "/things/{thing}/parts/{part}"),
        route("GET", "/things/detail/more"),
        route("POST", "/late", "1.5"),
        route("GET", "/old", None, "1.2"),
        route("GET", "/changed", "1.1", "1.3"),
        route("GET", "/changed", "1.4"),
    ]
)


def found(method: str, path: str, version: str = "1.1") -> tuple[str, dict[str, str]]:
    """The path and parameters of the route that is found."""
    segments = [part for part in path.split("/") if part]
    chosen, parameters = TREE.find(method, segments, Version.parse(version))
    return chosen.path, parameters


@pytest.mark.parametrize(
    ("method", "path", "expected", "parameters"),
    [
        ("GET", "", "/", {}),
        ("GET", "/things", "/things", {}),
        ("GET", "/things/", "/things", {}),
        ("GET", "//things//7", "/things/{thing}", {"thing": "7"}),
        ("GET", "/things/detail", "/things/detail", {}),
        ("GET", "/things/detail/parts/2", "/things/{thing}/parts/{part}", {"thing": "detail", "part": "2"}),
        ("GET", "/things/detail/more", "/things/detail/more", {}),
        ("DELETE", "/things/7", "/things/{thing}", {"thing": "7"}),
        ("HEAD", "/things", "/things", {}),
    ],
)
def test_found(method: str, path: str, expected: str, parameters: dict[str, str]) -> None:
    assert found(method, path) == (expected, parameters)


@pytest.mark.parametrize("path", ["/nothing", "/things/7/parts", "/things/7/parts/2/3", "/{thing}", "/" + "a/" * 5000])
def test_not_there(path: str) -> None:
    with pytest.raises(errors.NotFound):
        found("GET", path)


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/things"), ("HEAD", "/late"), ("get", "/things"), ("POST", "/things/7")]
)
def test_another_method(method: str, path: str) -> None:
    with pytest.raises(errors.MethodNotAllowed):
        found(method, path, "1.9")


def test_versions() -> None:
    assert found("POST", "/late", "1.10")[0] == "/late", "1.10 comes after 1.5"
    for method, path, version in (("POST", "/late", "1.4"), ("GET", "/old", "1.3")):
        with pytest.raises(errors.NotFound, match=version):
            found(method, path, version)
    chosen, _ = TREE.find("GET", ["changed"], Version(1, 3))
    other, _ = TREE.find("GET", ["changed"], Version(1, 4))
    assert (chosen.until, other.since) == (Version(1, 3), Version(1, 4))


def test_the_cost_does_not_grow_with_the_number_of_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _visits(10, monkeypatch) == _visits(2000, monkeypatch)


def _visits(count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many nodes a search among so many routes visits."""
    tree = RouteTree(route("GET", f"/v1/kind{at}/{{id}}/action") for at in range(count))
    visited = 0
    descend = routes._descend

    def counted(*given: Any) -> Any:
        nonlocal visited
        visited += 1
        return descend(*given)

    with monkeypatch.context() as patch:
        patch.setattr(routes, "_descend", counted)
        tree.find("GET", ["v1", "kind7", "x", "action"], FIRST)
    return visited
