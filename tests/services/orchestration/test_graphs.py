"""Random graphs of resources, some of which fail, in a program that is stopped and started again at random moments: what is
needed comes first, everything is made once and removed once, and every stack comes to an end."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests import cloud

STACKS = f"/orchestration/v1/{cloud.PROJECTS['alice']}/stacks"
Graph = Mapping[str, tuple[frozenset[str], bool, bool]]
"""Names to what each needs, whether it takes time, and whether it fails."""


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to nine resources, each needing some of those before it."""
    made: dict[str, tuple[frozenset[str], bool, bool]] = {}
    for at in range(draw(st.integers(1, 9))):
        before = draw(st.sets(st.sampled_from(sorted(made)), max_size=3)) if made else set()
        slow, fails = draw(st.booleans()), draw(st.integers(0, 9)) == 0
        made[f"r{at}"] = (frozenset(before), slow, fails)
    return made


def template(graph: Graph) -> dict[str, Any]:
    def resource(needs: frozenset[str], slow: bool, fails: bool) -> dict[str, Any]:
        if not slow and not fails:
            return {"type": "OS::Heat::Value", "depends_on": sorted(needs), "properties": {"value": "v"}}
        properties = {"wait_secs": 0.02 if slow else 0, "fail": fails}
        return {"type": "OS::Heat::TestResource", "depends_on": sorted(needs), "properties": properties}

    return {
        "heat_template_version": "2021-04-16",
        "resources": {name: resource(*entry) for name, entry in graph.items()},
    }


async def ended(directory: Path, path: str, stops: list[float]) -> dict[str, Any]:
    """The stack once nothing is under way, in programs of which all but the last live for so many seconds."""
    for life in [*stops, 15.0]:
        async with cloud.running(directory) as running:
            deadline = asyncio.get_running_loop().time() + life
            while asyncio.get_running_loop().time() < deadline:
                answer = await running.request("alice", "GET", path)
                stack = answer.json()["stack"]
                if not stack["stack_status"].endswith("IN_PROGRESS"):
                    return dict(stack)
                await asyncio.sleep(0.005)
    raise AssertionError("the stack comes to no end")


async def told(directory: Path, path: str) -> list[tuple[str, str]]:
    async with cloud.running(directory, start=False) as running:
        answer = await running.request("alice", "GET", f"{path}/events?limit=1000")
        return [(event["resource_name"], event["resource_status"]) for event in answer.json()["events"]]


def check_order(graph: Graph, events: list[tuple[str, str]]) -> None:
    """Each is made once, after all that it needs, and removed once, before all that it needs; of one that failed at once nothing
    was made."""
    for name, (needs, _, _) in graph.items():
        for status in ("CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"):
            assert events.count((name, status)) <= 1, f"{name} twice: {status}"
        if (name, "CREATE_IN_PROGRESS") not in events:
            continue
        for other in needs:
            assert events.index((other, "CREATE_COMPLETE")) < events.index((name, "CREATE_IN_PROGRESS"))
            if (name, "DELETE_COMPLETE") in events and (other, "DELETE_IN_PROGRESS") in events:
                assert events.index((name, "DELETE_COMPLETE")) < events.index((other, "DELETE_IN_PROGRESS"))


async def lived(graph: Graph, stops: list[float], *, rolls_back: bool) -> None:
    directory = Path(tempfile.mkdtemp(prefix="boxship-graph-"))
    try:
        async with cloud.running(directory, start=False) as running:
            body = {"stack_name": "s", "template": template(graph), "disable_rollback": not rolls_back}
            answer = await running.request("alice", "POST", STACKS, json=body)
            assert answer.status_code == 201, answer.text
        path = f"{STACKS}/s/{answer.json()['stack']['id']}"
        stack = await ended(directory, path, stops)
        fails = any(entry[2] for entry in graph.values())
        expected = ("ROLLBACK_COMPLETE" if rolls_back else "CREATE_FAILED") if fails else "CREATE_COMPLETE"
        assert stack["stack_status"] == expected
        if not (fails and rolls_back):
            async with cloud.running(directory, start=False) as running:
                assert (await running.request("alice", "DELETE", path)).status_code == 204
            assert (await ended(directory, path, stops))["stack_status"] == "DELETE_COMPLETE"
        events = await told(directory, path)
        check_order(graph, events)
        made = {name for name, status in events if status.startswith("CREATE_") and name != "s"}
        gone = {name for name, status in events if status == "DELETE_COMPLETE" and name != "s"}
        assert made == gone, "everything that was made is gone"
    finally:
        await asyncio.to_thread(shutil.rmtree, directory)


@settings(max_examples=6, deadline=None, phases=(Phase.generate,))
@given(graphs(), st.lists(st.floats(0.0, 0.1), max_size=3), st.booleans())
def test_every_graph_comes_to_its_end(graph: Graph, stops: list[float], rolls_back: bool) -> None:
    asyncio.run(lived(graph, stops, rolls_back=rolls_back))
