"""Functions that decide. They know no resources: what is wanted must not depend on what there is."""

from __future__ import annotations

from typing import Any

from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.evaluation import OMIT, UNRESOLVED, Evaluator, Function, is_known


def truth(it: Evaluator, condition: Any) -> Any:
    """A condition: a boolean, a function of one, or the name of one. UNRESOLVED where it is not known."""
    value = it.decision(condition)
    if isinstance(value, str):
        return it.scope.condition(value)
    if value is UNRESOLVED or isinstance(value, bool):
        return value
    raise Invalid(f'Invalid condition "{str(value)[:100]}": it is neither a boolean nor the name of a condition')


def if_(it: Evaluator, arguments: Any) -> Any:
    """``if: [condition, value, other]``; only the chosen one is evaluated. Without ``other`` the place is left out."""
    if not isinstance(arguments, list) or len(arguments) not in {2, 3}:
        raise Invalid('Arguments to "if" must be of the form: [condition_name, value_if_true, value_if_false]')
    chosen = truth(it, arguments[0])
    if chosen is UNRESOLVED:
        return UNRESOLVED
    if chosen:
        return it.value(arguments[1], "1")
    return it.value(arguments[2], "2") if len(arguments) == 3 else OMIT


def equals(it: Evaluator, arguments: Any) -> Any:
    """``equals: [value, value]``."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) != 2:
        raise Invalid('Arguments to "equals" must be of the form: [value_1, value_2]')
    return bool(given[0] == given[1])


def not_(it: Evaluator, arguments: Any) -> Any:
    """``not: condition``; a list of one is taken, too."""
    inner = arguments[0] if isinstance(arguments, list) and len(arguments) == 1 else arguments
    if isinstance(inner, list) or inner is None:
        raise Invalid('Arguments to "not" must be of the form: condition')
    value = truth(it, inner)
    return value if value is UNRESOLVED else not value


def and_(it: Evaluator, arguments: Any) -> Any:
    """``and: [condition, condition, ...]``."""
    values = _all(it, arguments, "and")
    return UNRESOLVED if any(value is UNRESOLVED for value in values) else all(values)


def or_(it: Evaluator, arguments: Any) -> Any:
    """``or: [condition, condition, ...]``."""
    values = _all(it, arguments, "or")
    return UNRESOLVED if any(value is UNRESOLVED for value in values) else any(values)


def _all(it: Evaluator, arguments: Any, name: str) -> list[Any]:
    if not isinstance(arguments, list) or len(arguments) < 2:
        raise Invalid(f'Arguments to "{name}" must be of the form: [condition_1, condition_2, ...]')
    return [truth(it, each) for each in arguments]


def contains(it: Evaluator, arguments: Any) -> Any:
    """``contains: [value, list or text]``."""
    given = it.value(arguments)
    if not is_known(given):
        return UNRESOLVED
    if not isinstance(given, list) or len(given) != 2 or not isinstance(given[1], list | str | dict):
        raise Invalid('Arguments to "contains" must be of the form: [value, sequence]')
    if isinstance(given[1], str):
        return str(given[0]) in given[1]
    return given[0] in given[1]


FUNCTIONS: dict[str, Function] = {
    "if": if_,
    "equals": equals,
    "not": not_,
    "and": and_,
    "or": or_,
    "contains": contains,
}
