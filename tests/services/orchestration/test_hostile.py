"""Templates that mean harm or are wrong: each a 400 that says where, soon, while the stacks of others go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests import cloud
from tests.services.orchestration.stacks import Stacks, template

SOON = 10.0
"""Seconds for an answer, on a machine that does much else."""
HEAD = "heat_template_version: 2021-04-16\n"


def value(expression: Any) -> dict[str, Any]:
    return template({"it": {"type": "OS::Heat::Value", "properties": {"value": expression}}})


def bomb() -> str:
    lines = [HEAD, "x0: &x0 [a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{at}: &x{at} [{', '.join([f'*x{at - 1}'] * 9)}]" for at in range(1, 9)]
    return "\n".join(lines)


def in_a_circle() -> dict[str, Any]:
    other = {"type": "OS::Heat::Value", "properties": {"value": {"get_attr": ["a", "value"]}}}
    return template(
        {"a": {"type": "OS::Heat::Value", "properties": {"value": {"get_attr": ["b", "value"]}}}, "b": other}
    )


def doubling(times: int) -> Any:
    """A list of so many factors of two."""
    names = [f"%{at}%" for at in range(times)]
    return {"repeat": {"template": "-".join(names), "for_each": {name: ["a", "b"] for name in names}}}


def growing(times: int) -> Any:
    """A text that is ten times as long with each function around it."""
    made: Any = "x"
    for _ in range(times):
        made = {"str_replace": {"template": "A" * 10, "params": {"A": made}}}
    return made


def deep(levels: int) -> Any:
    made: Any = "x"
    for _ in range(levels):
        made = [made]
    return made


WRONG: dict[str, tuple[Any, str]] = {
    "aliases": (bomb(), "line"),
    "brackets": (HEAD + "resources: " + "[" * 100_000, ""),
    "braces in JSON": (HEAD + "resources: " + '{"a":' * 50_000, ""),
    "no YAML": (HEAD + "resources: {a: [}", "line 2"),
    "a tag": (HEAD + "resources: !!python/object/apply:os.system [id]", "resources"),
    "a name twice": (HEAD + "resources:\n  a: {type: OS::Heat::None}\n  a: {type: OS::Heat::None}\n", "a"),
    "no map": ("- a\n- b\n", ""),
    "nothing": ("", ""),
    "an unknown version": ({"heat_template_version": "2099-01-01", "resources": {}}, "2099-01-01"),
    "no version": ({"resources": {}}, "version"),
    "an unknown section": ({**template({}), "surprise": {}}, "surprise"),
    "an unknown type": (template({"it": {"type": "OS::No::Such"}}), "OS::No::Such"),
    "an unknown function": (  # as anywhere, a map of one name that is no function is a map
        template({"it": {"type": "OS::Heat::RandomString", "properties": {"salt": {"get_everything": "x"}}}}),
        "resources.it.properties.salt",
    ),
    "an unknown resource": (value({"get_resource": "nobody"}), "nobody"),
    "an unknown parameter": (value({"get_param": "nothing"}), "nothing"),
    "an unknown property": (
        template({"it": {"type": "OS::Heat::RandomString", "properties": {"lenght": 3}}}),
        "resources.it.properties",
    ),
    "a constraint": (
        template({"it": {"type": "OS::Heat::RandomString", "properties": {"length": 100_000}}}),
        "resources.it.properties.length",
    ),
    "a file that was not sent": (value({"get_file": "file:///etc/passwd"}), "/etc/passwd"),
    "a circle": (in_a_circle(), "ircular"),
    "itself": (template({"a": {"type": "OS::Heat::None", "depends_on": "a"}}), "ircular"),
    "a product of lists": (value(doubling(24)), ""),
    "texts that grow": (value(growing(25)), ""),
    "nesting": (value(deep(900)), ""),
    "a pattern that backtracks": (
        {**template({}), "parameters": {"a": {"type": "string", "constraints": [{"allowed_pattern": "("}]}}},
        "a",
    ),
    "yaql without end": (value({"yaql": {"expression": "range(1000000000).sum()", "data": {}}}), ""),
    "too many resources": (template({f"r{at}": {"type": "OS::Heat::None"} for at in range(1001)}), "1000"),
    "a group of too many": (
        template(
            {
                "it": {
                    "type": "OS::Heat::ResourceGroup",
                    "properties": {"count": 1_000_000, "resource_def": {"type": "OS::Heat::None"}},
                }
            }
        ),
        "resources.it.properties.count",
    ),
    "a stack in itself": (template({"it": {"type": "self.yaml"}}), ""),
}
FILES = {"self.yaml": json.dumps(template({"it": {"type": "self.yaml"}}))}
LATER = {"a stack in itself", "a product of lists", "texts that grow", "yaql without end"}
"""Heat takes these, as only what they come to is too much; the stack fails then, and says where."""


@pytest_asyncio.fixture
async def stacks(tmp_path: Path) -> AsyncIterator[Stacks]:
    async with cloud.running(tmp_path, max_body=8 << 20) as running:
        yield Stacks(running)


async def ordered(stacks: Stacks, document: Any) -> tuple[int, str]:
    """Status and words of what the order for a stack comes to: the answer, or the failure of the stack."""
    body = {"stack_name": "wrong", "template": document, "files": FILES}
    answer = await asyncio.wait_for(stacks.running.request("alice", "POST", stacks.path, json=body), SOON)
    if not answer.is_success:
        return answer.status_code, answer.text
    ended = await stacks.ended("wrong", SOON * 2)
    return (400 if ended["stack_status"] == "CREATE_FAILED" else 0), str(ended["stack_status_reason"])


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_is_said(stacks: Stacks, what: str) -> None:
    document, place = WRONG[what]
    begun = asyncio.create_task(Stacks(stacks.running, "bob").create("right", value("fine")))
    status, text = await ordered(stacks, document)
    assert status == 400, text
    assert place in text
    assert len(text) < 5000, "an answer is no copy of what was sent"
    assert (await begun)["stack_status"] == "CREATE_COMPLETE", "the stacks of others go on"
    if what not in LATER:
        assert (await stacks.ask("GET", stacks.path))["stacks"] == [], "nothing half-made stays"


@pytest.mark.parametrize("what", sorted(WRONG.keys() - LATER))
async def test_it_is_said_by_validation_too(stacks: Stacks, what: str) -> None:
    document, place = WRONG[what]
    path = stacks.path.replace("/stacks", "/validate")
    options = {"json": {"template": document, "files": FILES}}
    answer = await asyncio.wait_for(stacks.running.request("alice", "POST", path, **options), SOON)
    assert answer.status_code == 400, answer.text
    assert place in answer.text


@pytest.mark.parametrize("extra", [0, 1])
async def test_the_largest_template(stacks: Stacks, extra: int) -> None:
    text = HEAD + "resources: {it: {type: OS::Heat::None}}\ndescription: "
    text += "x" * ((512 << 10) - len(text) + extra)
    body = {"stack_name": "large", "template": text}
    answer = await stacks.running.request("alice", "POST", stacks.path, json=body)
    assert answer.status_code == (400 if extra else 201), answer.text[:500]
    assert not extra or "524288" in answer.text
    if not extra:
        assert (await stacks.ended("large"))["stack_status"] == "CREATE_COMPLETE"
