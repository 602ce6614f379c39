"""Every route of every service is guarded by a rule that exists and is shown in a contract file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from boxship.core.auth.rules import Rule
from boxship.core.http.call import Call, Reply
from boxship.core.http.microversions import Version
from boxship.core.http.routes import PUBLIC, Route
from boxship.core.service import Service
from docs import generate
from tests.architecture.source import ROOT, SERVICES, assert_none

CONTRACTS = ROOT / "tests" / "contract"

Request = tuple[str, tuple[str, ...]]
"""Method and segments of a path, the service's prefix first."""


def unguarded(routes: Sequence[Route], rules: Sequence[Rule]) -> Iterator[str]:
    """Routes without a rule that exists. Open to all are versions, the making of tokens, and URLs that are secret."""
    names = {rule.name for rule in rules}
    for route in routes:
        opens = route.method in {"GET", "HEAD"} and route.path.count("/") <= 2 and "{" not in route.path
        if route.rule == PUBLIC and not opens and not route.path.endswith(("/auth/tokens", "/v1/signal/{resource}")):
            yield f"{route.method} {route.path} is open to all"
        if route.rule != PUBLIC and route.rule not in names:
            yield f"{route.method} {route.path}: no rule is called {route.rule!r}"


def unclear(rules: Sequence[Rule]) -> Iterator[str]:
    """Rules that are there twice, or do not say in a sentence what they guard."""
    names = [rule.name for rule in rules]
    yield from (f"the rule {name} is there twice" for name in sorted(set(names)) if names.count(name) > 1)
    for rule in rules:
        if len(rule.sentence) < 10 or not rule.sentence.endswith("."):
            yield f"the rule {rule.name} does not say what it guards"


def unused(routes: Sequence[Route], rules: Sequence[Rule], asked: Sequence[str]) -> Iterator[str]:
    """Rules that guard nothing: no route names them, nor another rule, nor any text of the service (``asked``, patterns)."""
    named = {route.rule for route in routes}
    for rule in rules:
        others = any(f"rule:{rule.name}" in other.check for other in rules)
        if rule.name not in named and not others and not any(re.fullmatch(text, rule.name) for text in asked):
            yield f"nothing asks the rule {rule.name}"


def texts(source: str) -> Iterator[str]:
    """The string literals with a colon of a module, as patterns: what an f-string fills in may be any word."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.escape(node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "" for part in node.values]
            if any(":" in part for part in parts):
                yield "".join(re.escape(part) or r"[\w:]+" for part in parts)


def doubled(routes: Sequence[Route]) -> Iterator[str]:
    """Rows that serve the same method and path in the same version: the second one would never be reached."""
    for at, route in enumerate(routes):
        for other in routes[:at]:
            if (route.method, shape(route.path)) == (other.method, shape(other.path)) and overlap(route, other):
                yield f"{route.method} {route.path} is served by two rows"


def overlap(one: Route, other: Route) -> bool:
    lowest, highest = Version(0, 0), Version(1 << 30, 0)
    return max(one.since or lowest, other.since or lowest) <= min(one.until or highest, other.until or highest)


def shape(path: str) -> tuple[str, ...]:
    return tuple("{}" if segment.startswith("{") else segment for segment in path.split("/") if segment)


def requests(value: Any) -> Iterator[Request]:
    """Every request of a contract file, wherever in it."""
    if isinstance(value, dict):
        if isinstance(value.get("method"), str) and isinstance(value.get("path"), str):
            path = value["path"].partition("?")[0]
            yield value["method"].upper(), tuple(segment for segment in path.split("/") if segment)
        for inner in value.values():
            yield from requests(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from requests(inner)


def unshown(prefix: str, routes: Sequence[Route], shown: Iterable[Request]) -> Iterator[str]:
    """Routes that no contract file asks for. A request is of the route with the most fixed segments that fits."""
    reached = set()
    for method, segments in shown:
        fitting = [route for route in routes if route.method == method and fits(prefix, route, segments)]
        most = max((fixed(route) for route in fitting), default=0)
        reached |= {(route.method, route.path) for route in fitting if fixed(route) == most}
    for route in routes:
        if (route.method, route.path) not in reached:
            yield f"{route.method} /{prefix}{route.path} is in no file of tests/contract"


def fits(prefix: str, route: Route, segments: Sequence[str]) -> bool:
    wanted = (prefix, *shape(route.path))
    return len(wanted) == len(segments) and all(
        segment in ("{}", given) for segment, given in zip(wanted, segments, strict=True)
    )


def fixed(route: Route) -> int:
    return sum(segment != "{}" for segment in shape(route.path))


@pytest.fixture(scope="module")
def services() -> Sequence[Service]:
    return generate.all_services()


@pytest.fixture(scope="module")
def shown() -> list[Request]:
    files = [file for kind in ("yaml", "yml", "json") for file in sorted(CONTRACTS.rglob(f"*.{kind}"))]
    return [request for file in files for request in requests(yaml.safe_load(file.read_text()))]


def test_every_folder_of_a_service_is_registered(services: Sequence[Service]) -> None:
    folders = {entry.name for entry in SERVICES.iterdir() if (entry / "__init__.py").exists()}
    assert len(services) == len(folders)
    assert all(service.routes and service.rules for service in services)


def test_every_route_has_its_rule(services: Sequence[Service]) -> None:
    assert_none(complaint for service in services for complaint in unguarded(service.routes, service.rules))


def test_every_rule_says_what_it_guards(services: Sequence[Service]) -> None:
    assert_none(complaint for service in services for complaint in unclear(service.rules))


def test_every_rule_guards_something(services: Sequence[Service]) -> None:
    for service in services:
        files = (file for file in (SERVICES / service.prefix).rglob("*.py") if "policy" not in str(file))
        asked = sorted({text for file in files for text in texts(file.read_text())})
        assert_none(unused(service.routes, service.rules, asked))


def test_no_route_hides_another(services: Sequence[Service]) -> None:
    assert_none(complaint for service in services for complaint in doubled(service.routes))


def test_every_route_is_in_a_contract(services: Sequence[Service], shown: list[Request]) -> None:
    assert_none(complaint for service in services for complaint in unshown(service.prefix, service.routes, shown))


async def handler(call: Call[Any]) -> Reply:
    return Reply()


def route(method: str, path: str, rule: str = "show", **more: Any) -> Route:
    return Route(method, path, handler, rule, **more)


def test_an_unguarded_route_is_found() -> None:
    rules = [Rule("show", "role:reader", "Show a thing.")]
    routes = [route("GET", "/v1/things"), route("GET", "/v1/things/{thing}", PUBLIC), route("PUT", "/v1/x", "other")]
    assert [line.partition(":")[0] for line in unguarded(routes, rules)] == [
        "GET /v1/things/{thing} is open to all",
        "PUT /v1/x",
    ]
    assert list(unguarded([route("GET", "/", PUBLIC), route("POST", "/v3/auth/tokens", PUBLIC)], rules)) == []


def test_an_unclear_rule_is_found() -> None:
    rules = [Rule("show", "@", "Show a thing."), Rule("show", "@", "Show a thing."), Rule("list", "@", "List")]
    assert len(list(unclear(rules))) == 2


def test_an_unused_rule_is_found() -> None:
    names = ["show", "admin", "create:host", "create:name", "update:host"]
    rules = [Rule(name, "rule:admin" if name == "show" else "@", "A sentence.") for name in names]
    asked = list(texts('caller.require(f"create:{field}")'))
    assert list(unused([route("GET", "/v1/things")], rules, asked)) == ["nothing asks the rule update:host"]


def test_a_hidden_route_is_found() -> None:
    routes = [
        route("GET", "/a/{b}", until=Version(1, 4)),
        route("GET", "/a/{c}", since=Version(1, 5)),
        route("GET", "/a/{d}"),
    ]
    assert list(doubled(routes[:2])) == []
    assert len(list(doubled(routes))) == 2


def test_a_route_without_a_contract_is_found(tmp_path: Path) -> None:
    routes = [route("GET", "/v1/things"), route("GET", "/v1/things/{thing}"), route("GET", "/v1/things/detail")]
    file = yaml.safe_load(
        """
        - name: a list
          request: {method: GET, path: "/thing/v1/things?limit=1"}
        - request: {method: get, path: /thing/v1/things/detail}
        """
    )
    assert list(unshown("thing", routes, requests(file))) == [
        "GET /thing/v1/things/{thing} is in no file of tests/contract"
    ]
