"""The function ``yaql``: an expression over data, with bounds on the time, the memory and the numbers that it may use."""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boxship.services.orchestration.template.errors import Invalid
from boxship.services.orchestration.template.evaluation import UNRESOLVED, Evaluator, Function, is_known

_LONGEST = 8192
_MOST_BITS = 4096
_SECONDS = 0.5
_OPTIONS = {"yaql.limitIterators": 200, "yaql.memoryQuota": 10_000}


def yaql(it: Evaluator, arguments: Any) -> Any:
    """``yaql: {expression, data}``; the data is ``$.data``. Regular expressions are not offered: they may take any time."""
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
        with _in_time():
            return engine(expression).evaluate(data={"data": data}, context=context.create_child_context())
    except Exception as error:
        # What yaql says may hold the data, and that may be secret: only the kind of failure is told.
        kind = type(error).__name__
        raise Invalid(f'Error parsing or evaluating the yaql expression "{expression[:80]}": {kind}') from error


@contextmanager
def _in_time() -> Iterator[None]:
    """Only for so long: nested loops multiply. TimeoutError: it takes longer. A thread beside the main one has no such alarm."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _over)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _over(_number: int, _frame: object) -> None:
    raise TimeoutError(f"it takes longer than {_SECONDS} s")


@functools.cache
def _engine() -> tuple[Any, Any]:
    """Read in when the first template needs it: it is large."""
    from yaql import create_context
    from yaql.language import factory, specs, yaqltypes

    context = create_context(regex=False).create_child_context()
    number = specs.parameter("right", yaqltypes.Number())(_product)
    number = specs.parameter("left", yaqltypes.Number())(number)
    context.register_function(specs.name("#operator_*")(number))
    return factory.YaqlFactory().create(options=_OPTIONS), context


def _product(left: float, right: float) -> float:
    """Numbers stay small: one multiplication of huge ones cannot be interrupted."""
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > _MOST_BITS:
        raise OverflowError("the number is too large")
    return left * right


FUNCTIONS: dict[str, Function] = {"yaql": yaql}
