"""The functions of templates, a table each: what they give, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxship.services.orchestration.template import parameters, reading, scopes, versions
from boxship.services.orchestration.template.conditions import Conditions
from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.evaluation import UNRESOLVED, Reference

LATEST = {"heat_template_version": "2021-04-16"}
DECLARED = {
    "word": {"type": "string", "default": "w"},
    "list": {"type": "comma_delimited_list", "default": "a,b,c"},
    "map": {"type": "json", "default": {"k": {"deep": [1, 2]}}},
    "yes": {"type": "boolean", "default": True},
}


def evaluated(node: Any, *, version: str = "2021-04-16", known: dict[str, Any] | None = None) -> Any:
    template = reading.read(
        {
            "heat_template_version": version,
            "parameters": DECLARED,
            **({"conditions": {"on": {"get_param": "yes"}}} if version > "2016-10" else {}),
            "resources": {"r": {"type": "OS::Heat::None"}},
        }
    )
    values = parameters.resolve(template.parameters, {}, {}, {"OS::stack_name": "s"})
    scope = scopes.StackScope(
        values,
        {"f.txt": "content"},
        Conditions(template, values),
        frozenset({"r"}),
        known or {},
        {("r", "a"): {"x": [7]}} if known is not None else {},
    )
    return scopes.evaluate(template, scope, node, "here")


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"get_param": "word"}, "w"),
        ({"get_param": ["map", "k", "deep", 1]}, 2),
        ({"get_param": ["map", "none", 0]}, None),
        ({"get_param": "OS::stack_name"}, "s"),
        ({"get_file": "f.txt"}, "content"),
        ({"list_join": ["-", {"get_param": "list"}, ["z", 1]]}, "a-b-c-z-1"),
        ({"str_split": [",", "a,b"]}, ["a", "b"]),
        ({"str_split": [",", "a,b", 1]}, "b"),
        ({"str_replace": {"template": "$a $ab", "params": {"$a": "1", "$ab": {"k": 2}}}}, '1 {"k": 2}'),
        ({"str_replace": {"template": "ab", "params": {"a": "b", "b": "a"}}}, "ba"),
        ({"digest": ["sha256", ""]}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (
            {"repeat": {"template": "%x%-%y%", "for_each": {"%x%": ["a", "b"], "%y%": [1, 2]}}},
            ["a-1", "a-2", "b-1", "b-2"],
        ),
        (
            {"repeat": {"template": "xy", "for_each": {"x": ["a", "b"], "y": ["1", "2"]}, "permutations": False}},
            ["a1", "b2"],
        ),
        ({"repeat": {"template": {"v": "%x%"}, "for_each": {"%x%": [{"k": 1}]}}}, [{"v": {"k": 1}}]),
        ({"map_merge": [{"a": 1}, None, {"a": 2, "b": 3}]}, {"a": 2, "b": 3}),
        ({"map_replace": [{"a": 1, "b": 2}, {"keys": {"a": "c"}, "values": {2: 4}}]}, {"c": 1, "b": 4}),
        ({"list_concat": [["a"], ["a", "b"]]}, ["a", "a", "b"]),
        ({"list_concat_unique": [["a"], ["a", "b"]]}, ["a", "b"]),
        ({"filter": [["a"], ["a", "b"]]}, ["b"]),
        ({"contains": ["a", ["a", "b"]]}, True),
        ({"if": ["on", 1, 2]}, 1),
        ({"if": [{"not": "on"}, 1, {"get_param": "word"}]}, "w"),
        ([1, {"if": [{"not": "on"}, 2]}, 3], [1, 3]),
        ({"k": {"if": [{"equals": [1, 2]}, 2]}}, {}),
        ({"if": [{"and": ["on", {"or": [{"equals": [1, 2]}, "on"]}]}, "y", "n"]}, "y"),
        (
            {"make_url": {"scheme": "http", "host": "::1", "port": 80, "path": "/p", "query": {"a": "b c"}}},
            "http://[::1]:80/p?a=b+c",
        ),
        ({"yaql": {"expression": "$.data.where($ > 1).select($ * 2)", "data": [1, 2, 3]}}, [4, 6]),
        ({"get_attr": ["r", "a", "x", 0]}, UNRESOLVED),
        ({"list_join": ["", [{"get_resource": "r"}]]}, UNRESOLVED),
        ({"two": 1, "get_param": "word"}, {"two": 1, "get_param": "word"}),
    ],
)
def test_what_functions_give(node: Any, value: Any) -> None:
    assert evaluated(node) == value


def test_attributes_and_references_that_are_known() -> None:
    assert evaluated({"get_attr": ["r", "a", "x", 0]}, known={"r": "id"}) == 7
    assert (
        evaluated({"str_replace": {"template": "<r>", "params": {"r": {"get_resource": "r"}}}}, known={"r": "id"})
        == "<id>"
    )


@pytest.mark.parametrize(
    ("node", "sentence"),
    [
        ({"get_param": "none"}, "The Parameter (none) was not provided."),
        ({"get_file": "/etc/passwd"}, 'No content found in the "files" section'),
        ({"get_resource": "none"}, 'The specified reference "none" is incorrect.'),
        ({"list_join": ["-", "text"]}, '"list_join" operates on lists'),
        ({"str_replace": {"template": "a"}}, 'must be a map with the keys "template" and "params"'),
        ({"str_replace_strict": {"template": "a", "params": {"b": "c"}}}, "were not found in the template: b"),
        ({"str_replace_vstrict": {"template": "b", "params": {"b": ""}}}, "have empty values: b"),
        ({"digest": ["none", "x"]}, "Algorithm must be one of"),
        (
            {"repeat": {"template": "x", "for_each": {"x": list(range(200)), "y": list(range(200))}}},
            "more than 10000 elements",
        ),
        ({"if": ["none", 1, 2]}, 'Invalid condition "none"'),
        ({"yaql": {"expression": "$.data.(", "data": 1}}, "Error parsing or evaluating the yaql expression"),
        ({"resource_facade": "metadata"}, "resource_facade has a meaning only in the template of a resource"),
    ],
)
def test_what_functions_refuse(node: Any, sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        evaluated({"deep": [node]})
    assert sentence in caught.value.sentence
    assert caught.value.sentence.startswith("here.deep.0."), "the place is named"


def test_a_text_that_doubles_is_bounded() -> None:
    node: Any = "x" * 1000
    for _ in range(30):
        node = {"str_replace": {"template": "ab", "params": {"a": node, "b": "x" * 1000}}}
        node = {"list_join": ["", [node] * 10]}
    with pytest.raises(Invalid):
        evaluated(node)


@pytest.mark.parametrize(
    "expression",
    [
        "range(200).select(range(200).select(range(200).select(range(200).select($ * 2))))",
        "range(150).aggregate($1 * ($2 + 1000000007) * $1, 3)",
        "'a'.matches('(a+)+b')",
        "range(100000000).len()",
    ],
)
def test_yaql_is_bounded(expression: str) -> None:
    with pytest.raises(Invalid, match="yaql expression"):
        evaluated({"yaql": {"expression": expression, "data": 1}})


def test_yaql_does_not_tell_the_data() -> None:
    with pytest.raises(Invalid) as caught:
        evaluated({"yaql": {"expression": "$.data.none + 1", "data": {"password": "hunter2"}}})
    assert "hunter2" not in caught.value.sentence


def test_functions_come_with_their_versions() -> None:
    assert evaluated({"map_merge": [{"a": 1}]}, version="2015-10-15") == {"map_merge": [{"a": 1}]}
    assert evaluated({"map_merge": [{"a": 1}]}, version="2016-04-08") == {"a": 1}
    assert evaluated({"Fn::Join": ["-", ["a", "b"]]}, version="2013-05-23") == "a-b"
    assert versions.of(versions.Flavour.HOT, "wallaby").name == "2021-04-16"


def test_what_is_asked_of_resources_is_found_in_arguments_too() -> None:
    template = reading.read({**LATEST, "resources": {"a": {"type": "T"}, "b": {"type": "T"}}})
    scope = scopes.StackScope({}, {}, Conditions(template, {}), frozenset({"a", "b"}))
    node = {"get_attr": ["a", "addresses", {"get_resource": "b"}, 0]}
    assert set(scopes.references(template, scope, node, "here")) == {Reference("a", "addresses", (0,)), Reference("b")}


CFN = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"Word": {"Type": "String", "Default": "w", "AllowedValues": ["w", "v"]}},
    "Mappings": {"M": {"a": {"b": "c"}}},
    "Conditions": {"On": {"Fn::Equals": [{"Ref": "Word"}, "w"]}},
    "Resources": {"R": {"Type": "OS::Heat::None", "Condition": "On"}},
}


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"Ref": "Word"}, "w"),
        ({"Ref": "R"}, UNRESOLVED),
        ({"Fn::FindInMap": ["M", "a", "b"]}, "c"),
        ({"Fn::If": ["On", 1, 2]}, 1),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::Replace": [{"a": "b"}, "xa"]}, "xb"),
        ({"Fn::MemberListToMap": ["Name", "Value", [".member.0.Name=k", ".member.0.Value=v"]]}, {"k": "v"}),
    ],
)
def test_cfn(node: Any, value: Any) -> None:
    template = reading.read(CFN)
    values = parameters.resolve(template.parameters, {}, {}, {})
    conditions = Conditions(template, values)
    assert list(conditions.wanted()) == ["R"]
    scope = scopes.StackScope(values, {}, conditions, frozenset({"R"}))
    assert scopes.evaluate(template, scope, node, "here") == value


_leaf = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.sampled_from(["word", "list", "r", "on"])
)
_names = st.sampled_from(sorted({*versions.ALL[10].functions, *versions.ALL[10].condition_functions}))


def _more(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    call = st.builds(lambda name, arguments: {name: arguments}, _names, inner)
    return st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3) | call


@settings(max_examples=300, deadline=None)
@given(st.recursive(_leaf, _more, max_leaves=20))
def test_whatever_is_written_is_a_value_or_invalid(node: Any) -> None:
    try:
        evaluated({"k": node})
    except Invalid as error:
        assert error.sentence
