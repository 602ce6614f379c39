"""Conditions that wait for signals: with a token, and at URLs that are the secret themselves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from boxship.services.orchestration.store import resources as store
from tests import cloud
from tests.services.orchestration.stacks import Stacks, template


@pytest_asyncio.fixture
async def stacks(tmp_path: Path) -> AsyncIterator[Stacks]:
    async with cloud.running(tmp_path) as running:
        yield Stacks(running)


def waiting(handle: str, condition: str, count: int = 1, **properties: Any) -> dict[str, Any]:
    wait = {"handle": {"get_resource": "handle"}, "timeout": 60, "count": count}
    resources = {
        "handle": {"type": f"OS::Heat::{handle}", "properties": properties},
        "it": {"type": f"OS::Heat::{condition}", "properties": wait},
    }
    said: dict[str, Any] = {"data": {"value": {"get_attr": ["it", "data"]}}}
    for name in ("endpoint", "curl_cli"):
        said[name] = {"value": {"get_attr": ["handle", name]}}
    said["reference"] = {"value": {"get_resource": "handle"}}
    return template(resources, outputs=said)


async def begun(stacks: Stacks, document: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a stack that waits."""
    await stacks.ask("POST", stacks.path, json={"stack_name": "life", "template": document})

    async def waits() -> dict[str, Any] | None:
        shown = await stacks.show("life")
        path = f"{stacks.path}/life/{shown['id']}/resources/it"
        answer = await stacks.running.request("alice", "GET", path)
        under_way = answer.is_success and answer.json()["resource"]["resource_status"] == "CREATE_IN_PROGRESS"
        return {each["output_key"]: each.get("output_value") for each in shown["outputs"]} if under_way else None

    return dict(await stacks.running.until(waits, "it waits"))


async def told(stacks: Stacks) -> Any:
    stack = await stacks.ended("life")
    assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
    (data,) = (each["output_value"] for each in stack["outputs"] if each["output_key"] == "data")
    return json.loads(data)


async def test_signals_with_a_token(stacks: Stacks) -> None:
    outputs = await begun(stacks, waiting("WaitConditionHandle", "WaitCondition", count=2))
    for number in ("1", "2"):
        signal = {"status": "SUCCESS", "id": number, "data": f"value {number}"}
        assert (await stacks.running.request(None, "POST", outputs["endpoint"], json=signal)).status_code == 401
        await stacks.ask("POST", outputs["endpoint"], json=signal)
    assert await told(stacks) == {"1": "value 1", "2": "value 2"}


@pytest.mark.parametrize(
    ("handle", "condition", "properties", "method"),
    [
        ("WaitConditionHandle", "WaitCondition", {"signal_transport": "CFN_SIGNAL"}, "POST"),
        ("WaitConditionHandle", "WaitCondition", {"signal_transport": "TEMP_URL_SIGNAL"}, "PUT"),
        ("SwiftSignalHandle", "SwiftSignal", {}, "PUT"),
    ],
)
async def test_signals_at_a_signed_url(
    stacks: Stacks, handle: str, condition: str, properties: dict[str, Any], method: str
) -> None:
    outputs = await begun(stacks, waiting(handle, condition, count=2, **properties))
    url = outputs["endpoint"]
    assert f"-X {method} " in outputs["curl_cli"]
    assert f"'{url}'" in outputs["curl_cli"]
    assert (outputs["reference"] == url) is (handle == "SwiftSignalHandle")
    plain, _, signature = url.partition("?signature=")
    for wrong in (plain, f"{plain}?signature=", f"{url}x", url.replace(signature, signature.swapcase()), f"{plain}x"):
        assert (await stacks.running.request(None, method, wrong, json={})).status_code == 404, wrong
    assert (await stacks.running.request(None, method, url, content=b"{")).status_code == 400
    assert (await stacks.running.request(None, method, url, json={"surprise": 1})).status_code == 400
    assert (await stacks.running.request(None, method, url)).status_code == 200
    assert (await stacks.running.request(None, method, url, json={"id": "x", "data": [1]})).status_code == 200
    assert await told(stacks) == {"1": None, "x": [1]}
    assert (await stacks.delete("life"))["stack_status"] == "DELETE_COMPLETE"
    assert (await stacks.running.request(None, method, url)).status_code == 404


async def test_a_resource_without_a_signed_url(stacks: Stacks) -> None:
    await begun(stacks, waiting("WaitConditionHandle", "WaitCondition"))
    shown = await stacks.show("life")
    async with stacks.running.program.database.read() as transaction:
        row = await store.named(transaction, shown["id"], "handle")
    assert row is not None
    for signature in ("", "None", "x"):
        path = f"/orchestration/v1/signal/{row.id}?signature={signature}"
        assert (await stacks.running.request(None, "POST", path, json={})).status_code == 404


async def test_a_bad_end(stacks: Stacks) -> None:
    outputs = await begun(stacks, waiting("SwiftSignalHandle", "SwiftSignal"))
    signal = {"status": "FAILURE", "reason": "no disk"}
    assert (await stacks.running.request(None, "PUT", outputs["endpoint"], json=signal)).status_code == 200
    stack = await stacks.ended("life")
    assert stack["stack_status"] == "CREATE_FAILED"
    assert "WaitConditionFailure: resources.it: no disk" in stack["stack_status_reason"]


async def test_a_policy_names_resources_that_are_there(stacks: Stacks) -> None:
    policy = template({"it": {"type": "OS::Heat::AccessPolicy", "properties": {"AllowedResources": ["nobody"]}}})
    body = {"stack_name": "life", "template": policy}
    answer = await stacks.running.request("alice", "POST", stacks.path, json=body)
    assert answer.status_code == 400
    assert "AccessPolicy resource nobody not in stack" in answer.text
