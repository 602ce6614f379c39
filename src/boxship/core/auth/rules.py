"""Rules in the language of oslo.policy, so that an operator's ``policy.yaml`` works; decides, never loads anything.

The language (oslo.policy documentation, "Policy Rule Expressions"): ``@`` and the empty text always allow, ``!`` never;
``role:member``; ``rule:other``; ``is_admin:True``; ``project_id:%(project_id)s`` compares the caller's attribute with
the target's; ``'literal':%(field)s`` a literal with the target's; ``not``, ``and``, ``or`` and parentheses. Role
names compare without case. What cannot be parsed is an error when it is read, not when it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from boxship.core import errors

Target = Mapping[str, object]


class Subject(Protocol):
    """What a rule may know of the caller."""

    @property
    def roles(self) -> frozenset[str]: ...

    def attribute(self, name: str) -> str | None:
        """user_id, project_id, domain_id, is_admin, system_scope and the like, as text."""
        ...


Check = Callable[["Rules", Subject, Target, frozenset[str]], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule: the default expression and a sentence that says what it guards. Routes name rules."""

    name: str
    check: str
    sentence: str


class Rules:
    """All rules by name, with an operator's overrides laid over the defaults."""

    def __init__(self, defaults: Iterable[Rule], overrides: Mapping[str, str] | None = None) -> None:
        self.defaults = {rule.name: rule for rule in defaults}
        expressions = {name: rule.check for name, rule in self.defaults.items()} | dict(overrides or {})
        self._checks = {name: parse(text, name) for name, text in expressions.items()}

    def allow(self, name: str, subject: Subject, target: Target) -> bool:
        """Whether the rule lets the subject act on the target. A rule that does not exist lets nobody."""
        return self._follow(name, subject, target, frozenset())

    def _follow(self, name: str, subject: Subject, target: Target, followed: frozenset[str]) -> bool:
        check = self._checks.get(name)
        if check is None or name in followed:
            return False
        return check(self, subject, target, followed | {name})


def parse(text: str, name: str = "") -> Check:
    """The expression as a function. BadRequest: it is not in the language; the sentence shows where."""
    if not text.strip():
        return _always
    parser = _Parser(re.findall(r"\(|\)|(?:'[^']*'|\"[^\"]*\"|%\([^)]*\)s|[^\s()])+", text), name or text)
    return parser.whole()


def _always(_rules: Rules, _subject: Subject, _target: Target, _followed: frozenset[str]) -> bool:
    return True


def _never(_rules: Rules, _subject: Subject, _target: Target, _followed: frozenset[str]) -> bool:
    return False


class _Parser:
    """Recursive descent: or < and < not < atom."""

    def __init__(self, words: list[str], name: str) -> None:
        self._words = words
        self._at = 0
        self._name = name

    def whole(self) -> Check:
        check = self._either()
        if self._at < len(self._words):
            raise self._error(f"nothing can follow here: {self._words[self._at]!r}")
        return check

    def _either(self) -> Check:
        checks = [self._both()]
        while self._take("or"):
            checks.append(self._both())
        if len(checks) == 1:
            return checks[0]
        return lambda *given: any(check(*given) for check in checks)

    def _both(self) -> Check:
        checks = [self._denied()]
        while self._take("and"):
            checks.append(self._denied())
        if len(checks) == 1:
            return checks[0]
        return lambda *given: all(check(*given) for check in checks)

    def _denied(self) -> Check:
        if self._take("not"):
            check = self._denied()
            return lambda *given: not check(*given)
        return self._atom()

    def _atom(self) -> Check:
        if self._take("("):
            check = self._either()
            if not self._take(")"):
                raise self._error("a parenthesis is not closed")
            return check
        if self._at >= len(self._words):
            raise self._error("it ends too early")
        word = self._words[self._at]
        self._at += 1
        return self._leaf(word)

    def _leaf(self, word: str) -> Check:
        if word == "@":
            return _always
        if word == "!":
            return _never
        kind, colon, match = word.partition(":")
        if not colon or not kind or not match:
            raise self._error(f"{word!r} is not a check")
        if kind == "rule":
            return lambda rules, subject, target, followed: rules._follow(match, subject, target, followed)
        if kind == "role":
            return _role(match)
        if kind in {"http", "https"}:
            raise self._error("checks over HTTP are not supported")
        return _comparison(kind, match)

    def _take(self, word: str) -> bool:
        if self._at < len(self._words) and self._words[self._at].lower() == word:
            self._at += 1
            return True
        return False

    def _error(self, reason: str) -> errors.BadRequest:
        return errors.BadRequest(f"the rule is not readable: {reason}", field=self._name)


def _role(match: str) -> Check:
    def check(_rules: Rules, subject: Subject, target: Target, _followed: frozenset[str]) -> bool:
        wanted = _filled(match, target)
        return wanted is not None and wanted.lower() in subject.roles

    return check


def _comparison(kind: str, match: str) -> Check:
    literal = kind[1:-1] if kind[0] in "'\"" else None

    def check(_rules: Rules, subject: Subject, target: Target, _followed: frozenset[str]) -> bool:
        wanted = _filled(match, target)
        have = literal if literal is not None else subject.attribute(kind)
        return wanted is not None and have is not None and wanted == have

    return check


def _filled(match: str, target: Target) -> str | None:
    """The right side with ``%(field)s`` filled in from the target; None where the target lacks the field."""
    field = re.fullmatch(r"%\(([^)]*)\)s", match)
    if not field:
        return match
    value = target.get(field.group(1))
    return None if value is None else str(value)
