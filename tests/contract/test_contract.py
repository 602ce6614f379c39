"""Runs the contracts: ``<service>/*.yaml``, each a story of requests and answers that can be read without Python.

A file is a list of steps. A step:

    - name: what it shows
      as: alice                     # whose token: alice, bob, reader, kuryr, admin (tests/cloud.py); left out: no token
      request: {method: POST, path: /network/v2.0/networks, headers: {...}, body: {...}}
      response: {status: 201, headers: {...}, body: {...}}
      save: {net: network.id}       # for later steps: $net; header:NAME saves a header
      until: true                   # ask again until the answer is this, at most ten seconds

``$name`` is replaced everywhere in later steps. A body that is text is sent as it is. The expected body is a part of
the answer: of objects the named fields; of lists elements that must be there, in any order; ``[]`` is an empty list. Text
between slashes (``/^[0-9a-f]+$/``) is a regular expression.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests import cloud

FOLDER = Path(__file__).parent
STORIES = sorted(FOLDER.glob("*/*.yaml"))

Document = Any
"""YAML or JSON."""

WORDS = {
    "step": {"name", "as", "request", "response", "save", "until"},
    "request": {"method", "path", "headers", "body"},
    "response": {"status", "headers", "body"},
}


@pytest.mark.parametrize("story", STORIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_the_contract_holds(story: Path, tmp_path: Path) -> None:
    saved: dict[str, str] = {}
    async with cloud.running(tmp_path / "state") as running:
        for step in yaml.safe_load(story.read_text()):
            await _take(running, filled(step, saved), saved)


async def _take(running: cloud.Cloud, step: Document, saved: dict[str, str]) -> None:
    assert not list(unread(step)), f"{step.get('name', step)}: {', '.join(unread(step))}"
    answer = await _asked(running, step)
    if step.get("until"):

        async def as_expected() -> bool:
            nonlocal answer
            answer = await _asked(running, step)
            return not list(differences(step["response"], answer))

        with contextlib.suppress(AssertionError):  # what differs is told below
            await running.until(as_expected, step["name"])
    found = list(differences(step["response"], answer))
    assert not found, f"{step['name']}: {'; '.join(found)}\nanswer: {answer.status_code} {answer.text[:2000]}"
    for name, place in (step.get("save") or {}).items():
        saved[name] = str(_at(answer, place))


def unread(step: Document) -> Iterator[str]:
    """What a step says that would not be read: a word that is misspelt must not let it pass."""
    for part, words in WORDS.items():
        given = step if part == "step" else step.get(part, {})
        yield from (f"{word!r} is not a word of a {part}" for word in given if word not in words)
    yield from (f"{word!r} is missing" for word in ("name", "request", "response") if word not in step)
    if "status" not in step.get("response", {}):
        yield "the response has no status"


async def _asked(running: cloud.Cloud, step: Document) -> httpx.Response:
    request = step["request"]
    headers = {str(name): str(value) for name, value in request.get("headers", {}).items()}
    options: dict[str, Any] = {}
    if isinstance(request.get("body"), str):
        options["content"] = request["body"].encode()
    elif "body" in request:
        options["content"] = json.dumps(request["body"]).encode()
        headers.setdefault("Content-Type", "application/json")
    return await running.request(step.get("as"), request["method"], request["path"], headers=headers, **options)


def _at(answer: httpx.Response, place: str) -> Document:
    if place.startswith("header:"):
        return answer.headers[place.removeprefix("header:")]
    found: Document = answer.json()
    for part in place.split("."):
        found = found[int(part)] if part.isdigit() else found[part]
    return found


def filled(document: Document, saved: dict[str, str]) -> Document:
    """The document with every ``$name`` replaced."""
    if isinstance(document, str):
        return re.sub(r"\$(\w+)", lambda match: saved.get(match.group(1), match.group(0)), document)
    if isinstance(document, dict):
        return {filled(key, saved): filled(value, saved) for key, value in document.items()}
    return [filled(value, saved) for value in document] if isinstance(document, list) else document


def differences(expected: Document, answer: httpx.Response) -> list[str]:
    """In what the answer is not as expected."""
    found = []
    if answer.status_code != expected["status"]:
        found.append(f"the status is {answer.status_code}, not {expected['status']}")
    for name, value in expected.get("headers", {}).items():
        found += _mismatch(str(value), answer.headers.get(name), f"header {name}")
    if isinstance(expected.get("body"), str):
        found += _mismatch(expected["body"], answer.text, "body")
    elif "body" in expected:
        found += _mismatch(expected["body"], answer.json() if answer.content else None, "body")
    return found


def _mismatch(expected: Document, have: Document, place: str) -> list[str]:
    if isinstance(expected, dict):
        if not isinstance(have, dict):
            return [f"{place} is {have!r}, not an object"]
        return [
            line
            for key, value in expected.items()
            for line in (
                _mismatch(value, have[key], f"{place}.{key}") if key in have else [f"{place}.{key} is missing"]
            )
        ]
    if isinstance(expected, list):
        if not isinstance(have, list) or (not expected and have):
            return [f"{place} is {have!r}, not {expected!r}"]
        return [
            f"{place} has no element like {value!r}"
            for value in expected
            if all(_mismatch(value, element, place) for element in have)
        ]
    if isinstance(expected, str) and len(expected) > 1 and expected[0] == expected[-1] == "/" and isinstance(have, str):
        return [] if re.search(expected[1:-1], have) else [f"{place} is {have!r}, which is not like {expected}"]
    return [] if expected == have else [f"{place} is {have!r}, not {expected!r}"]


def test_a_step_with_a_word_that_nobody_reads_fails() -> None:
    request = {"method": "GET", "path": "/"}
    assert not list(unread({"name": "a", "request": request, "response": {"status": 200}}))
    assert list(unread({"name": "a", "request": request, "response": {"status": 200, "boby": {}}}))
    assert list(unread({"name": "a", "request": request | {"header": {}}, "response": {"status": 200}}))
    assert list(unread({"name": "a", "request": request, "response": {}}))
    assert list(unread({"name": "a", "request": request}))


def test_a_story_that_is_not_so_fails() -> None:
    answer = httpx.Response(200, json={"a": [{"b": 1}, {"b": 2}], "c": "text"}, headers={"X": "y"})
    assert not differences({"status": 200, "headers": {"X": "y"}, "body": {"a": [{"b": 2}], "c": "/^te/"}}, answer)
    assert differences({"status": 201}, answer)
    assert differences({"status": 200, "headers": {"X": "z"}}, answer)
    assert differences({"status": 200, "body": {"a": [{"b": 3}]}}, answer)
    assert differences({"status": 200, "body": {"a": []}}, answer)
    assert differences({"status": 200, "body": {"d": 1}}, answer)
    assert differences({"status": 200, "body": {"c": "/^x/"}}, answer)
