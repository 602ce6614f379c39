"""Templates and environments as documents: what is read, and what is refused with the line or the place."""

from __future__ import annotations

from typing import Any

import pytest

from boxship.core import errors
from boxship.services.orchestration.template import environments, parameters, parsing, reading
from boxship.services.orchestration.template.conditions import Conditions
from boxship.services.orchestration.template.errors import Invalid, UserParameterMissing

LIMIT = 512 << 10


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("heat_template_version: 2013-05-23\nat: 12:30", {"heat_template_version": "2013-05-23", "at": "12:30"}),
        ('{"a": [1, true, null, 1.5]}', {"a": [1, True, None, 1.5]}),
        ("a: yes\nb: 0x10\nc: ~\nd: !custom x", {"a": True, "b": 16, "c": None, "d": "x"}),
    ],
)
def test_what_is_read(text: str, document: Any) -> None:
    assert parsing.parse(text, limit=LIMIT) == document


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [1\nb: 2", "(line 2, column 2)"),
        ("a: 1\na: 2", "the key 'a' is there twice (line 2, column 1)"),
        ("a: &x [1, 2]\nb: *x", "aliases are not allowed (line 2, column 4)"),
        ("a: " + "[" * 150 + "]" * 150, "nested deeper than 100 levels"),
        ("a: " + "{b: " * 3000 + "1" + "}" * 3000, "Error parsing template"),
        ("- 1", "not a JSON object or YAML mapping"),
        ("? [1]\n: 2", "a key has to be a text (line 1, column 3)"),
        ("a: " + "x" * LIMIT, "exceeds maximum allowed size (524288 bytes)"),
        ("", "not a JSON object or YAML mapping"),
    ],
)
def test_what_cannot_be_read(text: str, sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        parsing.parse(text, limit=LIMIT)
    assert sentence in caught.value.sentence


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({}, "Template version was not provided"),
        ({"heat_template_version": "2000-01-01"}, '"heat_template_version" should be one of: 2013-05-23'),
        ({"heat_template_version": "2021-04-16", "extra": {}}, "The template section is invalid: extra"),
        ({"heat_template_version": "2013-05-23", "conditions": {}}, "The template section is invalid: conditions"),
        ({"heat_template_version": "2021-04-16", "resources": []}, '"resources" must be a map'),
        (
            {"heat_template_version": "2021-04-16", "resources": {"r": {}}},
            "resources.r: Each resource must contain a type key.",
        ),
        (
            {"heat_template_version": "2021-04-16", "resources": {"r": {"type": "T", "nam": 1}}},
            '"nam" is not a valid keyword',
        ),
        ({"heat_template_version": "2021-04-16", "resources": {"a/b": {"type": "T"}}}, 'may not contain "/"'),
        ({"heat_template_version": "2021-04-16", "outputs": {"o": {}}}, 'must contain a "value" key'),
        ({"heat_template_version": "2021-04-16", "parameters": {"p": {"type": "text"}}}, "Invalid type (text)"),
        (
            {"heat_template_version": "2021-04-16", "parameters": {"p": {"type": "number", "default": "x"}}},
            "Invalid default x",
        ),
        (
            {
                "heat_template_version": "2021-04-16",
                "parameters": {"p": {"type": "string", "constraints": [{"allowed_pattern": "("}]}},
            },
            "cannot be used",
        ),
        (
            {"heat_template_version": "2021-04-16", "resources": {"r": {"type": "T", "deletion_policy": "burn"}}},
            'Invalid deletion policy "burn"',
        ),
    ],
)
def test_what_is_no_template(document: Any, sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        reading.read(document)
    assert sentence in caught.value.sentence


def test_conditions_that_go_round_in_a_circle() -> None:
    document = {"heat_template_version": "2021-04-16", "conditions": {"a": "b", "b": "a"}}
    with pytest.raises(Invalid, match="Circular definition for condition a"):
        Conditions(reading.read(document), {}).all()


SCHEMAS = reading.read(
    {
        "heat_template_version": "2021-04-16",
        "parameters": {
            "size": {"type": "number", "constraints": [{"range": {"min": 1, "max": 3}}]},
            "word": {
                "type": "string",
                "default": "w",
                "constraints": [{"allowed_pattern": "[a-z]+", "description": "small"}],
            },
            "list": {"type": "comma_delimited_list", "default": ""},
            "secret": {"type": "string", "hidden": True, "default": "s"},
        },
    }
).parameters


def test_parameters_are_given_or_have_a_default() -> None:
    values = parameters.resolve(SCHEMAS, {"size": "2"}, {"list": "a, b"}, {"OS::stack_name": "s"})
    assert values == {"OS::stack_name": "s", "size": 2, "word": "w", "list": ["a", "b"], "secret": "s"}
    assert parameters.as_shown(SCHEMAS, values)["secret"] == "******"
    with pytest.raises(UserParameterMissing, match=r"The Parameter \(size\) was not provided."):
        parameters.resolve(SCHEMAS, {}, {}, {})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"size": 9}, "Parameter 'size' is invalid: 9 is out of range (min: 1, max: 3)"),
        ({"size": "x"}, "Parameter 'size' is invalid: could not convert string to float: 'x'"),
        ({"size": 1, "word": "W"}, "Parameter 'word' is invalid: small"),
        ({"size": 1, "other": 1}, "The Parameter (other) was not defined in template."),
        ({"size": 1, "word": {"a": 1}}, "Value must be a string"),
    ],
)
def test_parameters_that_do_not_hold(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(errors.BadRequest) as caught:
        parameters.resolve(SCHEMAS, given, {}, {})
    assert sentence in caught.value.sentence


def test_a_pattern_of_a_tenant_takes_no_time() -> None:
    schema = reading.read(
        {
            "heat_template_version": "2021-04-16",
            "parameters": {"p": {"type": "string", "constraints": [{"allowed_pattern": "(a+)+b"}]}},
        }
    ).parameters["p"]
    with pytest.raises(errors.BadRequest):
        parameters.converted(schema, "a" * 5000)


REGISTRY = environments.Registry(
    {
        "OS::Net": "OS::Neutron::Net",
        "OS::Networking::*": "OS::Neutron::*",
        "Mine": "mine.yaml",
        "A": "B",
        "B": "A",
        "resources": {
            "web*": {"OS::Net": "OS::Heat::None", "hooks": "pre-create"},
            "db": {"restricted_actions": ["replace", "update"]},
            "inner": {"deep": {"hooks": ["pre-delete"]}},
        },
    }
)


def test_types_stand_for_others() -> None:
    assert REGISTRY.find("OS::Net") == "OS::Neutron::Net"
    assert REGISTRY.find("OS::Net", "web1") == "OS::Heat::None"
    assert REGISTRY.find("OS::Networking::Port") == "OS::Neutron::Port"
    assert REGISTRY.find("Mine") == "mine.yaml"
    assert REGISTRY.find("Other") == "Other"
    assert REGISTRY.hooks("web1") == {"pre-create"}
    assert REGISTRY.restricted("db") == {"replace", "update"}
    assert REGISTRY.below("inner").hooks("deep") == {"pre-delete"}
    with pytest.raises(Invalid, match="leads back to itself"):
        REGISTRY.find("A")


def test_environments_are_merged() -> None:
    first = {"parameters": {"l": "a", "m": {"k": {"x": 1}}, "w": 1}, "resource_registry": {"A": "B"}}
    second = {
        "parameters": {"l": "b", "m": {"k": {"y": 2}}, "w": 2},
        "parameter_merge_strategies": {"l": "merge", "m": "deep_merge"},
        "resource_registry": {"resources": {"r": {"A": "C"}}},
    }
    merged = environments.merge([first, second])
    assert merged["parameters"] == {"l": "ab", "m": {"k": {"x": 1, "y": 2}}, "w": 2}
    assert merged["resource_registry"] == {"A": "B", "resources": {"r": {"A": "C"}}}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"other": {}}, 'environment has wrong section "other"'),
        ({"parameters": []}, "environment.parameters: it must be a map"),
        ({"resource_registry": {"resources": {"r": {"hooks": "never"}}}}, 'Invalid hook type "never"'),
    ],
)
def test_what_is_no_environment(document: Any, sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        environments.read(document)
    assert sentence in caught.value.sentence
