"""What comes in: query strings and JSON bodies, also from people who mean no good."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.core import errors
from boxship.core.http.call import Query, decode


class Part(msgspec.Struct, forbid_unknown_fields=True):
    size: Annotated[int, msgspec.Meta(ge=1, le=100)]
    tags: list[Annotated[str, msgspec.Meta(max_length=5)]] = []


class Body(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    parts: list[Part] = []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"nonsense", "body"),
        (b"[]", "body"),
        (b"null", "body"),
        (b'{"name": NaN}', "body"),
        (b'"\xff"', "body"),
        (b'{"name": "\xff"}', "body"),
        (b'{"name": "\\ud800"}', "body"),
        (b'{"name": "a\\u0000"}', "body"),
        (b"\xef\xbb\xbf{}", "body"),
        (b"[" * 100_000, "body"),
        (b'{"name": ' + b"[" * 100_000, "name"),
        (b'{"name": "x", "more": ' + b'{"a":' * 100_000, "more"),
        (b'{"name": "x", "' + b"a" * 100_000 + b'": 1}', "a" * 60),
        (b"{}", "name"),
        (b'{"name": 1}', "name"),
        (b'{"name": null}', "name"),
        (b'{"name": "x", "colour": 1}', "colour"),
        (b'{"name": "x", "parts": {}}', "parts"),
        (b'{"name": "x", "parts": [{"size": 0}]}', "parts[0].size"),
        (b'{"name": "x", "parts": [{"size": 1e400}]}', "parts[0].size"),
        (b'{"name": "x", "parts": [{"size": 99999999999999999999999}]}', "parts[0].size"),
        (b'{"name": "x", "parts": [{"size": true}]}', "parts[0].size"),
        (b'{"name": "x", "parts": [{"size": 1, "tags": ["longer"]}]}', "parts[0].tags[0]"),
        (b'{"name": "x", "parts": [{"size": 1, "colour": 2}]}', "parts[0].colour"),
        (b'{"name": "x", "parts": [{}]}', "parts[0].size"),
    ],
)
def test_a_bad_body_is_refused_and_the_field_is_named(body: bytes, field: str) -> None:
    with pytest.raises(errors.BadRequest) as caught:
        decode(body, Body)
    assert caught.value.field == field
    assert len(caught.value.sentence) < 300


def test_a_good_body_is_read() -> None:
    read = decode(b'{"name": "x", "parts": [{"size": 100}]}', Body)
    assert read == Body("x", [Part(100)])


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["name", "parts", "size", "tags", "x"]), inner),
    max_leaves=10,
)


@given(_json | st.fixed_dictionaries({"name": st.text(), "parts": st.lists(_json)}))
def test_any_json_is_read_or_refused(document: Any) -> None:
    _read_or_refused(json.dumps(document).encode())


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    _read_or_refused(body)


def _read_or_refused(body: bytes) -> None:
    try:
        assert isinstance(decode(body, Body), Body)
    except errors.BadRequest as error:
        assert error.field


def test_values_of_a_query() -> None:
    query = Query.parse(b"a=1&b=&a=2&c=%C3%A9+x")
    assert query.all("a") == ["1", "2"]
    assert query.one("a") == "2"
    assert query.one("b") == ""
    assert query.one("c") == "é x"
    assert query.one("d") is None


@pytest.mark.parametrize("raw", [b"a=%ff", b"\xff=1", b"a=%00", b"%00=a", b"&".join([b"a=1"] * 201)])
def test_a_bad_query_is_refused(raw: bytes) -> None:
    with pytest.raises(errors.BadRequest) as caught:
        Query.parse(raw)
    assert caught.value.field == "query"


@given(st.binary(max_size=200))
def test_any_query_is_read_or_refused(raw: bytes) -> None:
    try:
        assert isinstance(Query.parse(raw), Query)
    except errors.BadRequest as error:
        assert error.field == "query"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", True),
        ("True", True),
        ("yes", True),
        ("", True),
        ("0", False),
        ("FALSE", False),
        ("no", False),
        ("off", False),
    ],
)
def test_flags(value: str, *, expected: bool) -> None:
    assert Query((("f", value),)).flag("f") is expected


def test_a_flag_that_is_not_there_has_its_default() -> None:
    assert Query(()).flag("f", default=True) is True
    assert Query(()).flag("f") is False


@pytest.mark.parametrize("value", ["2", "maybe", "truee", "null", " true"])
def test_bad_flags(value: str) -> None:
    with pytest.raises(errors.BadRequest, match="f: "):
        Query((("f", value),)).flag("f")


@pytest.mark.parametrize(
    ("value", "expected"), [("0", 0), ("12", 12), ("-0", 0), ("0007", 7), ("2147483647", 2**31 - 1)]
)
def test_numbers(value: str, expected: int) -> None:
    assert Query((("n", value),)).number("n") == expected


@pytest.mark.parametrize(
    "value", ["", "-1", "1.0", "1e3", "0x1", " 1", "1 ", "+1", "2147483648", "9" * 5000, "1_0", "nan"]
)
def test_bad_numbers(value: str) -> None:
    with pytest.raises(errors.BadRequest, match="n: ") as caught:
        Query((("n", value),)).number("n")
    assert caught.value.field == "n"
