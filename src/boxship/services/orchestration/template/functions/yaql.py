"""The function ``yaql``: an expression over data, with bounds on what it may use."""

from __future__ import annotations

import functools
from typing import Any

from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.evaluation import UNRESOLVED, Evaluator, Function, is_known

_LONGEST = 8192
_OPTIONS = {"yaql.limitIterators": 200, "yaql.memoryQuota": 10_000}


def yaql(it: Evaluator, arguments: Any) -> Any:
    """``yaql: {expression, data}``; the data is ``$.data``."""
    if not isinstance(arguments, dict) or set(arguments) != {"expression", "data"}:
        raise Invalid('Arguments to "yaql" must be a map with the keys "data" and "expression"')
    expression, data = it.value(arguments["expression"]), it.value(arguments["data"])
    if not isinstance(expression, str) or len(expression) > _LONGEST:
        raise Invalid(f"The yaql expression must be a text of at most {_LONGEST} characters")
    if not is_known(data):
        return UNRESOLVED
    return _evaluated(expression, data)


def _evaluated(expression: str, data: Any) -> Any:
    engine, context = _engine()
    try:
        return engine(expression).evaluate(data={"data": data}, context=context.create_child_context())
    except Exception as error:
        raise Invalid(f'Error parsing or evaluating the yaql expression "{expression[:80]}": {error}') from error


@functools.cache
def _engine() -> tuple[Any, Any]:
    """Read in when the first template needs it: it is large."""
    from yaql import create_context
    from yaql.language import factory

    return factory.YaqlFactory().create(options=_OPTIONS), create_context()


FUNCTIONS: dict[str, Function] = {"yaql": yaql}
