"""What can be sent to a field: from the msgspec type that a handler reads, a good value and every kind of bad one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

Path = tuple[str | int, ...]
"""Where a value stands in a document."""

GOOD = {
    "cidr": "10.77.0.0/24",
    "ip_version": 4,
    "size": 1,
    "direction": "ingress",
    "ethertype": "IPv4",
    "op": "replace",
    "path": "/name",
    "value": "renamed",
    "status": "accepted",
    "destination": "192.0.2.0/24",
    "nexthop": "10.77.0.9",
    "start": "10.77.0.10",
    "end": "10.77.0.20",
    "url": "http://192.0.2.1/",
}
"""Good values by the name of the field, where the type alone does not tell."""

TRICKS: tuple[Any, ...] = (
    *(
        "",
        " ",
        "../../../../etc/passwd",
        "/etc/shadow",
        "a/../../b",
        "..",
        ".",
        "%2e%2e%2f",
        "~root",
        "C:\\",
        "\\\\host",
    ),
    *("10.0.0.0/33", "999.1.1.1/24", "10.0.0.0/-1", "0.0.0.0/0", "::/129", "fe80::1%eth0/64", "10.0.0.1/24 ", "1/8"),
    *(
        "::ffff:10.0.0.1/120",
        "010.000.000.001/24",
        "10.0.0.0/255.0.255.0",
        "0.0.0.0/32",
        "255.255.255.255",
        "::",
        "ff02::1",
    ),
    *(
        "'; DROP TABLE containers; --",
        '" or 1=1',
        "$(reboot)",
        "`id`",
        "; rm -rf /",
        "{{7*7}}",
        "%s%n",
        "%(id)s",
        "\r\nX: y",
    ),
    *("\u202e", "\ufeff", "\U0001f433", "é" * 300, "x" * 100_000, "-1", "1e999", "NaN", "null", "true", "0x10", "٣"),
    *("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "zz:zz:zz:zz:zz:zz", "a" * 255, "\x7f", "\x1b[2J"),
    *("00000000-0000-0000-0000-000000000000", "sha256:" + "0" * 64, "http://127.0.0.1/", "file:///etc/passwd"),
)
NUMBERS: tuple[Any, ...] = (0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 65536, 1.5, 1e300, -0.0)
STRANGERS: tuple[Any, ...] = (None, True, 7, "text", [], {}, [None], {"": None}, [[[[]]]], {"a": {"b": {}}}, -1.5)


@dataclass(frozen=True, slots=True)
class Attack:
    """A document with one bad value at ``path``; ``certain`` where no reading of the type allows it."""

    document: Any
    path: Path
    value: Any
    certain: bool

    @property
    def field(self) -> str:
        """The last name on the way to the value: what the error must name."""
        return next((str(part) for part in reversed(self.path) if isinstance(part, str)), "")


def example(kind: inspect.Type, name: str = "", find: Callable[[str], Any] = lambda _name: None) -> Any:
    """A good value of the type; ``find`` gives ids of resources by the name of the field."""
    if isinstance(kind, inspect.UnionType):
        return example(next(one for one in kind.types if not isinstance(one, inspect.NoneType)), name, find)
    if isinstance(kind, inspect.StructType):
        return _example_struct(kind, find)
    if isinstance(kind, inspect.EnumType):
        return next(iter(kind.cls)).value
    found = GOOD.get(name, find(name))
    if found is not None and accepts(kind, found):
        return found
    if isinstance(kind, inspect.ListType | inspect.VarTupleType | inspect.SetType):
        return [example(kind.item_type, name, find)] if kind.max_length != 0 else []
    return _example_leaf(kind, name)


def _example_struct(kind: inspect.StructType, find: Callable[[str], Any]) -> dict[str, Any]:
    """All that is required, and one field where nothing is."""
    chosen = [field for field in kind.fields if field.required]
    if not chosen and kind.fields:
        names = {field.encode_name: field for field in kind.fields}
        chosen = [names.get("name") or names.get("description") or kind.fields[0]]
    return {field.encode_name: example(field.type, field.encode_name, find) for field in chosen}


def _example_leaf(kind: inspect.Type, name: str) -> Any:
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    if isinstance(kind, inspect.IntType):
        return 1 if kind.ge is None else max(kind.ge, 1)
    if isinstance(kind, inspect.DictType) and kind.max_length == 0:
        return {}
    plain: dict[type, Any] = {
        inspect.FloatType: 1.0,
        inspect.BoolType: True,
        inspect.DictType: {"key": "value"},
        inspect.NoneType: None,
    }
    return plain.get(type(kind), "example")


def accepts(kind: inspect.Type, value: Any) -> bool:
    """Whether some reading of the type allows the value."""
    if isinstance(kind, inspect.UnionType):
        return any(accepts(one, value) for one in kind.types)
    if isinstance(kind, inspect.StructType):
        return isinstance(value, dict)
    if isinstance(kind, inspect.ListType | inspect.VarTupleType | inspect.SetType):
        return isinstance(value, list) and (kind.max_length is None or len(value) <= kind.max_length)
    if isinstance(kind, inspect.DictType):
        return isinstance(value, dict)
    if isinstance(kind, inspect.LiteralType):
        return value in kind.values
    return _accepts_leaf(kind, value)


def _accepts_leaf(kind: inspect.Type, value: Any) -> bool:
    if isinstance(kind, inspect.NoneType):
        return value is None
    if isinstance(kind, inspect.BoolType):
        return isinstance(value, bool)
    if isinstance(kind, inspect.StrType):
        return isinstance(value, str) and (kind.max_length is None or len(value) <= kind.max_length)
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return _accepts_number(kind, value)
    return True


def _accepts_number(kind: inspect.IntType | inspect.FloatType, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(kind, inspect.IntType) and isinstance(value, float) and not value.is_integer():
        return False
    return (kind.ge is None or value >= kind.ge) and (kind.le is None or value <= kind.le)


def fields(kind: inspect.Type, at: Path = ()) -> Iterator[tuple[Path, inspect.Type]]:
    """Every place in documents of the type, containers before what is in them; unions by each of their members."""
    if isinstance(kind, inspect.UnionType):
        for one in kind.types:
            if isinstance(one, inspect.StructType | inspect.ListType | inspect.VarTupleType):
                yield from (found for found in fields(one, at) if found[0] != at)
        yield at, kind
        return
    yield at, kind
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield from fields(field.type, (*at, field.encode_name))
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType) and kind.max_length != 0:
        yield from fields(kind.item_type, (*at, 0))


def unbounded(kind: inspect.Type) -> list[str]:
    """The places where a text or a whole number of any size may stand."""
    found = []
    for path, one in fields(kind):
        for leaf in one.types if isinstance(one, inspect.UnionType) else (one,):
            text = (
                isinstance(leaf, inspect.StrType)
                and leaf.max_length is None
                and not (leaf.pattern or "").endswith(("$", "\\Z"))
            )
            number = isinstance(leaf, inspect.IntType) and None in {leaf.le, leaf.gt if leaf.ge is None else leaf.ge}
            if text or number:
                found.append(f"{'.'.join(map(str, path))}: {type(leaf).__name__}")
    return found


def attacks(shape: Any, good: Any, chance: random.Random) -> Iterator[Attack]:
    """The good document with one value after the other made bad, in an order of the seed's choosing."""
    kind = inspect.type_info(shape)
    places = list(fields(kind))
    pairs = [(path, one, value) for path, one in places for value in (*STRANGERS, *NUMBERS, *TRICKS)]
    chance.shuffle(pairs)
    for path, one, value in pairs:
        yield Attack(placed(good, path, value, kind), path, value, certain=bool(path) and not accepts(one, value))
    for path, one in places:
        if isinstance(one, inspect.StructType) and one.forbid_unknown_fields:
            yield Attack(placed(good, (*path, "no_such_field"), 1, kind), (*path, "no_such_field"), 1, certain=True)


def placed(document: Any, path: Path, value: Any, kind: inspect.Type) -> Any:
    """A copy of the document with the value at the path; what leads there is made where it is missing."""
    if not path:
        return value
    kind = _leading(kind, path[0])
    if isinstance(path[0], int):
        rest = list(document) if isinstance(document, list) and document else [None]
        inner = _inner(kind, "item_type")
        rest[0] = placed(rest[0], path[1:], value, inner) if inner else value
        return rest
    copy = dict(document) if isinstance(document, dict) else dict(example(kind)) if _is_struct(kind) else {}
    known = {field.encode_name: field.type for field in kind.fields} if isinstance(kind, inspect.StructType) else {}
    inner = known.get(path[0], inspect.AnyType())
    copy[path[0]] = placed(copy.get(path[0]), path[1:], value, inner)
    return copy


def _is_struct(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.StructType)


def _inner(kind: inspect.Type, name: str) -> Any:
    return getattr(kind, name, None)


def _leading(kind: inspect.Type, part: str | int) -> inspect.Type:
    """The member of a union that has such a part."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    wanted = (
        (inspect.ListType, inspect.VarTupleType) if isinstance(part, int) else (inspect.StructType, inspect.DictType)
    )
    return next((one for one in kind.types if isinstance(one, wanted)), kind)


RAW: tuple[tuple[bytes, str], ...] = (
    (b"", "nothing"),
    (b"{", "half an object"),
    (b"}{", "the wrong way round"),
    (b"[]", "a list"),
    (b"null", "null"),
    (b'"text"', "a text"),
    (b"12", "a number"),
    (b"\xff\xfe\x00", "no UTF-8"),
    (b'{"\xc3\x28": 1}', "broken UTF-8 in a name"),
    (b'{"a": "\\ud800"}', "half a surrogate pair"),
    (b'{"a": "\\u0000"}', "NUL, escaped"),
    (b'{"a": "\x00"}', "NUL"),
    (b"[" * 100_000, "deep lists"),
    (b'{"a":' * 50_000, "deep objects"),
    (b'{"a": 1e99999}', "a number beyond all floats"),
    (b'{"a": ' + b"9" * 5000 + b"}", "a number of 5,000 digits"),
    (b'{"a": NaN}', "NaN"),
    (b"<xml/>", "XML"),
)
"""Bodies that no route can read, with what is wrong with them."""


def doubled(document: Any) -> bytes:
    """A JSON object in which the first name stands twice, with other values."""
    name, value = next(iter(document.items()))
    return b"{%s: 1, %s: %s}" % (*(msgspec.json.encode(name),) * 2, msgspec.json.encode(value))
