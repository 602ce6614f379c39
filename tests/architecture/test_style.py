"""The limits of STYLE.md that a machine can see. Each check is shown to fail on a sample before it is trusted."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from functools import cache
from statistics import quantiles

import pytest

from tests.architecture.source import ROOT, Module, assert_none, classes, functions, modules, sample

Check = Callable[[Module], Iterable[str]]

LONGEST_FUNCTION = 60
LONGEST_FILE = 500
MOST_PARAMETERS = 5

LAST_RESORTS = {
    "src/boxship/core/reconcile/loop.py": "the one loop: a reconciler's error must not end the clock",
    "src/boxship/core/http/server.py": "the one place where an error becomes an answer",
    "src/boxship/cli/main.py": "the end of a command: an error becomes a sentence and an exit code",
    "src/boxship/services/orchestration/reconciler/resources.py": "a resource must end in a state, whatever its type did",
    "src/boxship/services/orchestration/template/functions/yaql.py": "an expression of a tenant fails with anything",
    "src/boxship/drivers/linux/namespace.py": "carries an error from one thread to another",
}
"""Where ``except Exception`` is right, and why."""

UNTYPED = {
    "src/boxship/core/http/server.py": "ASGI's own types",
    "src/boxship/cli": "JSON of the API, shown as it is",
    "src/boxship/services/orchestration": "templates, properties and attributes are documents that tenants write",
}
"""Where ``dict[str, Any]`` is right beside the wire types, and why."""


def short_enough(module: Module) -> Iterable[str]:
    """No function over 60 lines, no file over 500."""
    for function in functions(module.tree):
        if (lines := length(function)) > LONGEST_FUNCTION:
            yield module.at(function, f"{function.name} has {lines} lines, {LONGEST_FUNCTION} is the most")
    if (lines := len(module.text.splitlines())) > LONGEST_FILE:
        yield module.at(module.tree, f"{lines} lines, {LONGEST_FILE} is the most")


def few_parameters(module: Module) -> Iterable[str]:
    """At most five parameters besides self and keyword-only ones."""
    for function in functions(module.tree):
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        count = len([name for name in names if name not in {"self", "cls"}])
        if count > MOST_PARAMETERS:
            yield module.at(function, f"{function.name} takes {count} parameters, {MOST_PARAMETERS} is the most")


def opens_with_a_sentence(module: Module) -> Iterable[str]:
    """Every module says first what it does."""
    docstring = ast.get_docstring(module.tree) or ""
    if not module.text.strip():
        if module.path.name != "__init__.py":
            yield module.at(module.tree, "the module is empty")
    elif not re.search(r"[.:?]", docstring):
        yield module.at(module.tree, "no sentence at the head says what the module does")


def public_is_documented(module: Module) -> Iterable[str]:
    """Public classes and functions say what their name and types do not: all of more than one statement.

    Not asked of handlers, which the route table and the rule's sentence describe, nor of methods that are documented
    where they are declared: in a Protocol or an interface of ours, or in the foreign class that ours extends.
    """
    if module.role == "api":
        return
    owners: list[ast.Module | ast.ClassDef] = [module.tree, *classes(module.tree)]
    for owner in owners:
        if isinstance(owner, ast.ClassDef) and owner.name.startswith("_"):
            continue
        for node in owner.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and needs_words(node, owner):
                yield module.at(node, f"{node.name} has no docstring")


def needs_words(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, owner: ast.AST) -> bool:
    if node.name.startswith("_") or ast.get_docstring(node) or len(node.body) == 1:
        return False
    return not (isinstance(owner, ast.ClassDef) and (node.name in protocol_verbs() or is_extension(owner)))


def is_extension(owner: ast.ClassDef) -> bool:
    """Whether the class extends one of a library: ``sa.types.TypeDecorator``, ``click.Group``."""
    bases = {ast.unparse(base) for base in owner.bases}
    return any("." in base and not base.startswith(("msgspec.", "errors.")) for base in bases)


@cache
def protocol_verbs() -> frozenset[str]:
    """The methods that Protocols and interfaces of the source, which document them, ask for."""
    return frozenset(
        node.name
        for module in modules("src")
        for owner in classes(module.tree)
        if module.path.stem == "interface" or any("Protocol" in ast.unparse(base) for base in owner.bases)
        for node in owner.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def plain_names(module: Module) -> Iterable[str]:
    """No name that says nothing: utils, common, helpers, Manager, Handler, Helper."""
    if module.path.stem in {"utils", "util", "common", "helpers", "helper", "misc", "manager"}:
        yield module.at(module.tree, "the file's name says nothing about what is in it")
    for owner in classes(module.tree):
        if re.search(r"(Manager|Handler|Helper|Utils?)$", owner.name):
            yield module.at(owner, f"the name {owner.name} says nothing")


def typed_inside(module: Module) -> Iterable[str]:
    """``dict[str, Any]`` is for wire types and for what programs print; the rest has types."""
    path = str(module.path)
    if module.role in {"schemas", "versions"} or any(path.startswith(allowed) for allowed in UNTYPED):
        return
    if path.startswith("src/boxship/drivers/") and module.path.stem != "interface":
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node) == "dict[str, Any]":
            yield module.at(node, "dict[str, Any] outside of schemas.py")


def precise_excepts(module: Module) -> Iterable[str]:
    """An except clause names what it expects, or raises again what it did not."""
    if str(module.path) in LAST_RESORTS:
        return
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.ExceptHandler)
            and (node.type is None or {"Exception", "BaseException"} & names_in(node.type))
            and not raises_again(node)
        ):
            yield module.at(node, "except must name what it expects")


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether the clause ends with a bare raise: it tidies up and hides nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def names_in(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def precise_exemptions(module: Module) -> Iterable[str]:
    """A rule is switched off by its code, on a line; in the source with the reason beside it."""
    for number, line in enumerate(module.text.splitlines(), 1):
        if re.search(r"#\s*(noqa(?!: [A-Z]+[0-9]+)|type:\s*ignore(?!\[)|mypy:|ruff:|pragma:)", line):
            yield f"{module.path}:{number}: a blanket exemption"


def nothing_left_to_do(module: Module) -> Iterable[str]:
    """What is not done is an issue, not a comment."""
    for number, line in enumerate(module.text.splitlines(), 1):
        if re.search(r"#[^\"]*\b(TO(?:)DO|FIXME|XXX|HACK)\b", line):
            yield f"{module.path}:{number}: what is left to do belongs into an issue"


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


EVERYWHERE: list[Check] = [
    short_enough, few_parameters, opens_with_a_sentence, plain_names, precise_exemptions, nothing_left_to_do,
]  # fmt: skip
IN_SOURCE: list[Check] = [public_is_documented, typed_inside, precise_excepts]


@pytest.mark.parametrize("check", EVERYWHERE, ids=lambda check: check.__name__)
def test_everywhere(check: Check) -> None:
    assert_none(complaints(check, "src", "tests", "bench", "conformance", "docs"))


@pytest.mark.parametrize("check", IN_SOURCE, ids=lambda check: check.__name__)
def test_in_the_source(check: Check) -> None:
    assert_none(complaints(check, "src"))


def complaints(check: Check, *folders: str) -> Iterable[str]:
    return (complaint for module in modules(*folders) for complaint in check(module))


def test_functions_are_short_as_a_rule() -> None:
    lengths = [length(function) for module in modules("src") for function in functions(module.tree)]
    tenths = quantiles(lengths, n=10)
    assert tenths[8] < 40
    assert tenths[4] <= 12


@pytest.mark.parametrize("path", [*LAST_RESORTS, *UNTYPED])
def test_exceptions_are_of_files_that_exist(path: str) -> None:
    assert (ROOT / path).exists()


BODY = "    a = 1\n" * 60

FAILING = [
    (short_enough, f'"""It."""\ndef f():\n{BODY}'),
    (short_enough, '"""It."""\n' + "a = 1\n" * 500),
    (few_parameters, "def f(a, b, c, d, e, f): ..."),
    (few_parameters, "class A:\n    def f(self, a, b, c, d, e, f): ..."),
    (opens_with_a_sentence, "import os\n"),
    (opens_with_a_sentence, '"""words without an end"""\n'),
    (opens_with_a_sentence, ""),
    (public_is_documented, "def f():\n    a = 1\n    return a"),
    (public_is_documented, "class A:\n    def f(self):\n        a = 1\n        return a"),
    (public_is_documented, "class A:\n    a: int\n    b: int"),
    (plain_names, "class VolumeManager: ..."),
    (plain_names, "class Utils: ..."),
    (typed_inside, "def f() -> dict[str, Any]: ..."),
    (typed_inside, "a: list[dict[str, Any]] = []"),
    (precise_excepts, "try:\n    f()\nexcept Exception:\n    pass"),
    (precise_excepts, "try:\n    f()\nexcept (OSError, BaseException):\n    pass"),
    (precise_excepts, "try:\n    f()\nexcept:\n    pass"),
    (precise_exemptions, "a = f()  # no" + "qa"),
    (precise_exemptions, "a = f()  # type: " + "ignore"),
    (precise_exemptions, "# mypy" + ": ignore-errors"),
    (nothing_left_to_do, "a = 1  # TO" + "DO: more"),
]


@pytest.mark.parametrize(("check", "text"), FAILING)
def test_each_check_can_fail(check: Check, text: str) -> None:
    assert len(list(check(sample(text)))) == 1


PASSING = [
    (few_parameters, "def f(self, a, b, c, d, e, *, flag): ..."),
    (opens_with_a_sentence, '"""What it does."""'),
    (public_is_documented, "def f():\n    return 1\ndef _g():\n    a = 1\n    return a"),
    (precise_excepts, "try:\n    f()\nexcept OSError:\n    pass"),
    (precise_excepts, "try:\n    f()\nexcept BaseException:\n    tidy()\n    raise"),
    (precise_exemptions, "a = f()  # no" + "qa: S324 (the upstream checksum)\nb = g()  # type: " + "ignore[arg-type]"),
]


@pytest.mark.parametrize(("check", "text"), PASSING)
def test_each_check_can_pass(check: Check, text: str) -> None:
    assert list(check(sample(text))) == []
