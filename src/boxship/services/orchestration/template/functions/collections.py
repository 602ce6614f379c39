"""Functions that make lists and maps."""

from __future__ import annotations

import itertools
import math
from typing import Any

from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.evaluation import UNRESOLVED, Evaluator, Function, is_known
from boxship.services.orchestration.template.functions import text

MOST_REPEATS = 10_000


def repeat(it: Evaluator, arguments: Any) -> Any:
    """``repeat: {template, for_each: {text: list}, permutations}``."""
    keys = set(arguments) if isinstance(arguments, dict) else set()
    if not {"template", "for_each"} <= keys <= {"template", "for_each", "permutations"}:
        raise Invalid('Arguments to "repeat" must be a map with the keys "template" and "for_each"')
    for_each, template = it.value(arguments["for_each"]), it.value(arguments["template"])
    permutations = it.value(arguments.get("permutations", True))
    if not is_known([for_each, template, permutations]):
        return UNRESOLVED
    if not isinstance(for_each, dict) or not for_each:
        raise Invalid('The "for_each" argument to "repeat" must contain a map')
    lists = [list(each or []) if isinstance(each, list | dict | None) else None for each in for_each.values()]
    known = [each for each in lists if each is not None]
    if len(known) < len(lists):
        raise Invalid('The values of the "for_each" argument to "repeat" must be lists')
    if permutations is False and len({len(each) for each in known}) > 1:
        raise Invalid("The length of for_each values are not equal if no permutations.")
    times = math.prod(len(each) for each in known) if permutations else min(len(each) for each in known)
    if times > MOST_REPEATS:
        raise Invalid(f'"repeat" makes more than {MOST_REPEATS} elements')
    rounds = itertools.product(*known) if permutations else zip(*known, strict=True)
    return [_filled(it, template, dict(zip(for_each, values, strict=True))) for values in rounds]


def _filled(it: Evaluator, template: Any, values: dict[str, Any]) -> Any:
    if isinstance(template, str):
        it.spend(template)
        if template in values and not isinstance(values[template], str):
            return values[template]  # the whole text is the variable: it keeps its type
        return text.substitute(template, {key: text.as_text(value) for key, value in values.items() if key})
    if isinstance(template, list):
        return [_filled(it, each, values) for each in template]
    if isinstance(template, dict):
        return {_filled(it, key, values): _filled(it, value, values) for key, value in template.items()}
    return template


def map_merge(it: Evaluator, arguments: Any) -> Any:
    """``map_merge: [map, ...]``: what comes later wins."""
    maps = it.value(arguments)
    if not isinstance(maps, list) and maps is not UNRESOLVED:
        raise Invalid('Incorrect arguments to "map_merge" should be a list of maps')
    if maps is UNRESOLVED or any(each is UNRESOLVED for each in maps):
        return UNRESOLVED
    merged: dict[Any, Any] = {}
    for each in maps:
        if not isinstance(each, dict | None):
            raise Invalid("Incorrect arguments: Items to merge must be maps")
        merged |= each or {}
    return merged


def map_replace(it: Evaluator, arguments: Any) -> Any:
    """``map_replace: [map, {keys: {old: new}, values: {old: new}}]``."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) != 2:
        raise Invalid('Incorrect arguments to "map_replace" should be a list: [map, {keys: ..., values: ...}]')
    source, replaced = given[0] or {}, given[1] or {}
    if not isinstance(source, dict) or not isinstance(replaced, dict) or set(replaced) - {"keys", "values"}:
        raise Invalid('Incorrect arguments to "map_replace": the second may have "keys" and "values"')
    keys, values = replaced.get("keys") or {}, replaced.get("values") or {}
    made: dict[Any, Any] = {}
    for key, value in source.items():
        renamed = keys.get(key, key)
        if renamed in made or (renamed != key and renamed in source):
            raise Invalid(f"key replacement {renamed} collides with a key in the input map")
        made[renamed] = values.get(value, value) if isinstance(value, str | int | float | bool) else value
    return made


def list_concat(it: Evaluator, arguments: Any) -> Any:
    """``list_concat: [list, ...]``."""
    return _concatenated(it, arguments, "list_concat")


def list_concat_unique(it: Evaluator, arguments: Any) -> Any:
    """As ``list_concat``, each element once."""
    joined = _concatenated(it, arguments, "list_concat_unique")
    if joined is UNRESOLVED:
        return UNRESOLVED
    unique: list[Any] = []
    seen: set[str] = set()
    for each in joined:
        if repr(each) not in seen:
            seen.add(repr(each))
            unique.append(each)
    return unique


def _concatenated(it: Evaluator, arguments: Any, name: str) -> Any:
    lists = it.value(arguments)
    if lists is UNRESOLVED or (isinstance(lists, list) and any(each is UNRESOLVED for each in lists)):
        return UNRESOLVED
    if not isinstance(lists, list) or not all(isinstance(each, list | None) for each in lists):
        raise Invalid(f'Incorrect arguments to "{name}" should be: {name}: [[value 1, value 2], [value 3, value 4]]')
    return [value for each in lists for value in each or []]


def filter_(it: Evaluator, arguments: Any) -> Any:
    """``filter: [values, list]``: the list without these values."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) != 2 or not all(isinstance(each, list) for each in given):
        raise Invalid('Incorrect arguments to "filter" should be: filter: [[values], [list]]')
    return [each for each in given[1] if each not in given[0]]


def select(it: Evaluator, arguments: Any) -> Any:
    """``Fn::Select: [index or key, list or map]``; nothing where there is nothing."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) != 2:
        raise Invalid('Arguments to "Fn::Select" must be of the form [index, collection]')
    at, source = given
    if isinstance(source, dict):
        return source.get(at, "")
    if source is None:
        return ""
    if not isinstance(source, list) or not str(at).lstrip("-").isdigit():
        raise Invalid('Arguments to "Fn::Select" must be fully resolved, with an index and a list or a key and a map')
    return source[int(at)] if 0 <= int(at) < len(source) else ""


FUNCTIONS: dict[str, Function] = {
    "repeat": repeat,
    "map_merge": map_merge,
    "map_replace": map_replace,
    "list_concat": list_concat,
    "list_concat_unique": list_concat_unique,
    "filter": filter_,
}
