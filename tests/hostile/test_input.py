"""Every route, fed with what no honest client sends: always a 4xx in the service's own format that names the field
where there is one, never a 500, and nothing half-made remains."""

from __future__ import annotations

import os
import random
from itertools import islice
from typing import Any

import httpx
import pytest
from msgspec import inspect

from tests.hostile import bodies, dialect, shapes, world
from tests.hostile.world import Target, World

EXAMPLES = int(os.environ.get("BOXSHIP_HOSTILE_EXAMPLES", "200"))
"""Attacks on the fields of each body; all of them are some thousands per route."""

pytestmark = pytest.mark.timeout(300)


async def test_bodies_that_are_no_documents(attacked: World, service: str) -> None:
    wrong = []
    for target in attacked.targets(service):
        reads = await bodies.shape(attacked, target) is not None
        raw = [*shapes.RAW]
        good = await bodies.good(attacked, target)
        if reads and isinstance(good, dict):
            raw.append((shapes.doubled(good), "a name twice"))
        for content, what in raw if target.route.is_write else raw[:4]:
            must_fail = reads and what not in {"a name twice"} and not (what == "a list" and isinstance(good, list))
            wrong += await _judged(attacked, target, what, {"content": content}, must_fail=must_fail)
    assert not wrong, "\n".join(wrong)


async def test_fields_that_hold_what_they_must_not(attacked: World, service: str, chance: random.Random) -> None:
    wrong = []
    for target in attacked.targets(service):
        read = await bodies.shape(attacked, target)
        if read is None:
            continue
        good = await bodies.good(attacked, target)
        attacks = shapes.attacks(read, good, chance)
        for attack in _chosen(attacks, chance):
            what = f"{'.'.join(map(str, attack.path))} = {str(attack.value)[:60]!r}"
            options = {"body": attack.document, "field": attack.field if attack.certain else ""}
            wrong += await _judged(attacked, target, what, options, must_fail=attack.certain)
    assert not wrong, f"{len(wrong)} found:\n" + "\n".join(wrong[:60])


def _chosen(attacks: Any, chance: random.Random) -> list[shapes.Attack]:
    """So many of the attacks, and every one with an unknown field."""
    every = list(attacks)
    unknown = [attack for attack in every if attack.path[-1:] == ("no_such_field",)]
    return [*islice(every, EXAMPLES), *unknown]


async def test_every_field_of_a_request_has_its_bounds(attacked: World, service: str) -> None:
    wrong = []
    for target in attacked.targets(service):
        read = await bodies.shape(attacked, target)
        if read is not None:
            wrong += [f"{target}: {place}" for place in shapes.unbounded(inspect.type_info(read))]
    assert not wrong, "\n".join(wrong)


async def test_paths_that_lead_elsewhere(attacked: World, service: str) -> None:
    wrong = []
    tricks = [
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "%00",
        "%ff",
        "x" * 5000,
        "%27%20or%201%3D1",
        "%F0%9F%90%B3",
        "%0d%0aX:%20y",
    ]
    for target in attacked.targets(service):
        if "{" not in target.route.path:
            continue
        for trick in tricks:
            filled = _filled(target, trick)
            options = {"body": await bodies.good(attacked, target), "path": filled}
            wrong += await _judged(attacked, target, f"path {trick[:40]}", options, must_fail=False)
    assert not wrong, "\n".join(wrong)


def _filled(target: Target, trick: str) -> str:
    """The path with the last of its parameters replaced."""
    names = f"{target.service.prefix}{target.route.path}".strip("/").split("/")
    values = target.path.strip("/").split("/")
    last = max(at for at, name in enumerate(names) if name.startswith("{"))
    return "/" + "/".join(trick if at == last else value for at, value in enumerate(values))


QUERIES = (
    *("limit=-1", "limit=x", "limit=99999999999999999999", "limit=0", "marker=nothing", "marker=%00", "marker=../../x"),
    *(
        "sort_key=nothing",
        "sort_key=id;drop",
        "sort_key=__class__",
        "sort_dir=sideways",
        "sort=:::",
        "sort=id:up",
        "sort=,",
    ),
    *(
        "fields=nothing",
        "fields=",
        "name=%ff",
        "name=%00",
        "id=1&id=2",
        "&&&",
        "=",
        "%",
        "a" * 9000,
        "page_reverse=perhaps",
    ),
    *("all_projects=perhaps", "all_tenants=9", "timeout=-1", "timeout=x", "tail=x", "since=yesterday", "force=perhaps"),
    *(
        "status=%F0%9F%90%B3",
        "shared=perhaps",
        "fixed_ips=x",
        "fixed_ips=ip_address%3D999",
        "command=%22",
        "run=perhaps",
    ),
    *(
        "project_id=%27",
        "changes-since=x",
        "created_at=in:x",
        "size_min=x",
        "visibility=nobody",
        "tag=&tag=",
        "x=1&" * 300,
    ),
)


async def test_queries_that_make_no_sense(attacked: World, service: str) -> None:
    wrong = []
    for target in attacked.targets(service):
        for query in QUERIES:
            options = {"path": f"{target.path}?{query}", "body": {}}
            wrong += await _judged(attacked, target, f"?{query[:40]}", options, must_fail=False)
    assert not wrong, "\n".join(wrong)


async def test_headers_that_make_no_sense(attacked: World, service: str) -> None:
    wrong = []
    for target in attacked.targets(service):
        for headers in (
            {"OpenStack-API-Version": "\xff 9.9"},
            {"OpenStack-API-Version": f"{service} 99999999999.1, volume 0.0, container x"},
            {"Content-Length": "99999999999999999999"},
            {"Content-Type": "text/xml"},
            {"X-OpenStack-Image-Size": "-1", "Range": "bytes=9-1"},
        ):
            raw = {name: value.encode("latin-1") for name, value in headers.items()}
            options = {"headers": raw, "content": b"{}"}
            wrong += await _judged(attacked, target, str(headers), options, must_fail=False)
    assert not wrong, "\n".join(wrong)


async def _judged(attacked: World, target: Target, what: str, options: dict[str, Any], *, must_fail: bool) -> list[str]:
    """What is wrong with the answer, if anything is: as a line, for all of them to be read together."""
    field = options.pop("field", "")
    before = attacked.changes()
    answer = await attacked.ask(_user(target), target, **options)
    changed = attacked.changes() != before
    if changed:
        attacked.restore()
    verdict = _verdict(target, answer, field, must_fail=must_fail)
    if answer.is_error and changed:
        verdict = "refused, and yet it changed something"
    return [f"{target}: {what}: {verdict}: {world.told(answer)}"] if verdict else []


def _user(target: Target) -> str:
    """Who gets far enough to reach the checks."""
    return "admin" if target.service.prefix == "identity" else "alice"


def _verdict(target: Target, answer: httpx.Response, field: str, *, must_fail: bool) -> str:
    if answer.status_code >= 500:
        return "not the caller's error"
    if not answer.is_error:
        return "accepted" if must_fail else ""
    if target.route.method == "HEAD":
        return ""
    try:
        text = dialect.message(target.service.prefix, answer)
    except (AssertionError, KeyError, ValueError, TypeError) as error:
        return f"not in the service's format ({error!r})"
    if must_fail and answer.status_code == 400 and field and field not in text:
        return f"does not name {field!r}"
    return ""
