"""``boxship stack``: graphs as a matter of names alone, and plans against the real program with the fake engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.cli import api, graphs
from boxship.cli.graphs import Node
from tests.cli.conftest import CommandLine
from tests.system.waiting import until

SHOP: dict[str, Any] = {
    "heat_template_version": "2021-04-16",
    "parameters": {"length": {"type": "number", "default": 8}},
    "resources": {
        "key": {"type": "OS::Heat::RandomString", "properties": {"length": {"get_param": "length"}}},
        "kept": {"type": "OS::Heat::Value", "properties": {"value": {"get_attr": ["key", "value"]}}},
        "old": {"type": "OS::Heat::None"},
        "group": {
            "type": "OS::Heat::ResourceGroup",
            "depends_on": "kept",
            "properties": {"count": 2, "resource_def": {"type": "OS::Heat::None"}},
        },
        "last": {"type": "OS::Heat::None", "depends_on": ["group", "key"]},
    },
}


@st.composite
def drawings(draw: st.DrawFn) -> list[Node]:
    nodes: list[Node] = []
    for at in range(draw(st.integers(0, 12))):
        names = [node.name for node in nodes]
        needs = draw(st.frozensets(st.sampled_from(names), max_size=4)) if names else frozenset()
        nodes.append(Node(f"n{at}", "T", needs))
    return draw(st.permutations(nodes))


@given(drawings())
def test_everything_stands_below_what_it_needs(nodes: list[Node]) -> None:
    rows = graphs.layers(nodes)
    at = {node.name: number for number, row in enumerate(rows) for node in row}
    assert sorted(at) == sorted(node.name for node in nodes)
    assert all(at[other] < at[node.name] for node in nodes for other in node.needs)
    drawn = graphs.direct(nodes)
    assert _reach(drawn) == _reach({node.name: sorted(node.needs) for node in nodes}), "no way gets lost"
    picture = ElementTree.fromstring(graphs.svg(nodes, "all"))  # noqa: S314 (our own)
    assert len(picture.findall("{*}path")) == sum(len(needs) for needs in drawn.values())


def _reach(needs: dict[str, list[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}

    def of(name: str) -> set[str]:
        if name not in found:
            found[name] = set(needs[name]).union(*(of(other) for other in needs[name]))
        return found[name]

    return {name: of(name) for name in needs}


def test_text_leaves_out_what_follows() -> None:
    nodes = [Node("a", "A"), Node("b", "B", frozenset({"a"})), Node("c", "C", frozenset({"a", "b"}), "CREATE_COMPLETE")]
    assert graphs.text(nodes).splitlines() == [
        "  1  a  A",
        "  2  b  B  after a",
        "  3  c  C  CREATE_COMPLETE  after b",
    ]


def test_names_are_text_in_the_picture() -> None:
    drawn = graphs.svg([Node("<script>&", "T", frozenset(), 'x"y')], "<t>")
    assert "<script>" not in drawn
    assert ElementTree.fromstring(drawn).find("{*}title").text == "<t>"  # type: ignore[union-attr]  # noqa: S314


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="circle: a, b"):
        graphs.layers([Node("a", "T", frozenset({"b"})), Node("b", "T", frozenset({"a"}))])


def test_a_plan_says_what_and_why(cloud: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(json.dumps(SHOP))
    said = cloud.ok("stack", "plan", str(file))
    assert said.startswith("A new stack:\n")
    assert "+ create   group.1" in said
    assert said.endswith("6 to create, 0 to change in place, 0 to replace, 0 to delete; 0 stay as they are.\n")
    connected = api.connect(cloud.state_dir)
    made = connected.post("orchestration", "/stacks", {"stack_name": "shop", "template": SHOP})["stack"]["id"]

    def status() -> str:
        return str(connected.get("orchestration", f"/stacks/shop/{made}")["stack"]["stack_status"])

    until(lambda: status() == "CREATE_COMPLETE", "the stack is made")
    changed = {**SHOP, "resources": {name: each for name, each in SHOP["resources"].items() if name != "old"}}
    changed["resources"]["new"] = {"type": "OS::Heat::None"}
    file.write_text(json.dumps(changed))
    rows = json.loads(cloud.ok("stack", "plan", str(file), "shop", "--parameter", "length=9", "--format", "json"))
    assert {row["resource"]: (row["change"], row["reason"]) for row in rows} == {
        "new": ("added", "new in the template"),
        "key": ("replaced", "length cannot be changed in place"),
        "kept": ("updated", "value comes from key, made anew"),
        "old": ("deleted", "not in the template any more"),
    }
    shown = cloud.ok("stack", "plan", str(file), made)
    assert shown.startswith("Stack shop (CREATE_COMPLETE):\n")
    assert shown.endswith("1 to create, 0 to change in place, 0 to replace, 1 to delete; 4 stay as they are.\n")
    assert status() == "CREATE_COMPLETE"
    assert "CREATE_COMPLETE  after kept" in cloud.ok("stack", "graph", "shop")
    connected.delete("orchestration", f"/stacks/shop/{made}")
    until(lambda: status() == "DELETE_COMPLETE", "the stack is gone")


def test_the_graph_of_a_file(cloud: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(json.dumps(SHOP))
    assert [line.split()[-1] for line in cloud.ok("stack", "graph", str(file)).splitlines()[-2:]] == ["kept", "group"]
    target = tmp_path / "shop.svg"
    assert cloud.ok("stack", "graph", str(file), "--format", "svg", "--output", str(target)) == ""
    assert len(ElementTree.parse(target).findall("{*}g")) == len(SHOP["resources"])  # noqa: S314 (our own)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("graph", "nowhere"), 4, "neither a file nor a stack"),
        (("plan", "{file}", "--parameter", "length"), 1, "KEY=VALUE"),
        (("plan", "{file}", "--parameter", "width=1"), 1, "width"),
        (("plan", "{broken}"), 1, "broken.yaml"),
        (("plan", "/nowhere.yaml"), 2, "nowhere.yaml"),
    ],
)
def test_what_cannot_be_is_told(
    cloud: CommandLine, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "shop.yaml").write_text(json.dumps(SHOP))
    (tmp_path / "broken.yaml").write_text("resources: [")
    places = {"file": str(tmp_path / "shop.yaml"), "broken": str(tmp_path / "broken.yaml")}
    done = cloud.run("stack", *(word.format(**places) for word in words))
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (code, True, False)
