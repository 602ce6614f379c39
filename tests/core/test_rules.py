"""The language of rules: tables of what each word means, and oslo.policy itself as the judge of random expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oslo_config import cfg
from oslo_policy import policy

from boxship.core import errors
from boxship.core.auth.rules import Rule, Rules


@dataclass
class Someone:
    """A subject that is what a test says."""

    roles: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)

    def attribute(self, name: str) -> str | None:
        return self.attributes.get(name)


def allows(check: str, target: Mapping[str, object] | None = None, *roles: str, **attributes: str) -> bool:
    """Whether the expression lets someone with these roles and attributes act on the target."""
    rules = Rules([Rule("it", check, "It."), Rule("members", "role:member", "Members.")])
    return rules.allow("it", Someone(frozenset(roles), attributes), target or {})


@pytest.mark.parametrize(
    ("check", "roles", "expected"),
    [
        ("", (), True),
        ("  ", (), True),
        ("@", (), True),
        ("!", ("admin",), False),
        ("role:admin", ("admin",), True),
        ("role:ADMIN", ("admin",), True),
        ("role:admin", ("member",), False),
        ("not role:admin", ("member",), True),
        ("NOT role:admin", ("admin",), False),
        ("not not role:admin", ("admin",), True),
        ("role:a or role:b and role:c", ("a",), True),
        ("role:a and role:b or role:c", ("c",), True),
        ("(role:a or role:b) and role:c", ("a",), False),
        ("not (role:a or role:b)", ("b",), False),
        ("not role:a and role:b", ("b",), True),
        ("rule:members", ("member",), True),
        ("rule:missing", ("member",), False),
        ("not rule:missing", ("member",), True),
        ("rule:it", ("member",), False),
    ],
)
def test_words(check: str, roles: tuple[str, ...], *, expected: bool) -> None:
    assert allows(check, None, *roles) is expected


@pytest.mark.parametrize(
    ("check", "target", "attributes", "expected"),
    [
        ("project_id:%(project_id)s", {"project_id": "p"}, {"project_id": "p"}, True),
        ("project_id:%(project_id)s", {"project_id": "q"}, {"project_id": "p"}, False),
        ("project_id:%(project_id)s", {}, {"project_id": "p"}, False),
        ("project_id:%(project_id)s", {"project_id": "p"}, {}, False),
        ("project_id:%(project_id)s", {"project_id": None}, {}, False),
        ("project_id:%(project_id)s", {"project_id": None}, {"project_id": "None"}, False),
        ("is_admin:True", {}, {"is_admin": "True"}, True),
        ("is_admin:True", {}, {"is_admin": "False"}, False),
        ("'public':%(visibility)s", {"visibility": "public"}, {}, True),
        ("'public':%(visibility)s", {"visibility": "private"}, {}, False),
        ("'True':%(shared)s", {"shared": True}, {}, True),
    ],
)
def test_comparisons(check: str, target: dict[str, object], attributes: dict[str, str], *, expected: bool) -> None:
    assert allows(check, target, **attributes) is expected


@pytest.mark.parametrize(
    "check",
    [
        "role",
        "role:",
        ":admin",
        "and",
        "role:a or",
        "role:a role:b",
        "(role:a",
        "role:a)",
        "()",
        "not",
        "a b",
        "http://x",
    ],
)
def test_what_cannot_be_read_is_refused_at_once_with_the_name_of_the_rule(check: str) -> None:
    with pytest.raises(errors.BadRequest, match="mine: the rule is not readable"):
        Rules([Rule("mine", check, "Mine.")])


def test_an_unknown_rule_lets_nobody() -> None:
    assert not Rules([]).allow("it", Someone(frozenset({"admin"})), {})


def test_an_operators_rule_replaces_the_default() -> None:
    rules = Rules([Rule("it", "role:admin", "It.")], {"it": "role:member", "more": "@"})
    assert rules.allow("it", Someone(frozenset({"member"})), {})
    assert not rules.allow("it", Someone(frozenset({"admin"})), {})
    assert rules.allow("more", Someone(), {})


def test_rules_that_follow_each_other_in_a_circle_let_nobody() -> None:
    rules = Rules([Rule("a", "rule:b", "A."), Rule("b", "rule:a or rule:a", "B.")])
    assert not rules.allow("a", Someone(frozenset({"admin"})), {})


_ROLES = ("admin", "member", "reader")
_FIELDS = ("project_id", "user_id", "owner")
_leaves = st.sampled_from(
    [
        "@",
        "!",
        "rule:base",
        "is_admin:True",
        "'p1':%(project_id)s",
        "user_id:u1",
        *(f"role:{role}" for role in (*_ROLES, "Member")),
        *(f"{mine}:%({theirs})s" for mine in ("project_id", "user_id") for theirs in _FIELDS),
    ]
)
_checks = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        _leaves.map(lambda leaf: f"not {leaf}"),
        inner.map(lambda check: f"not ({check})"),
    ),
    max_leaves=8,
)
_values = st.sampled_from(["p1", "p2", "u1"])


@settings(deadline=None)
@given(
    check=_checks,
    roles=st.frozensets(st.sampled_from(_ROLES)),
    mine=st.fixed_dictionaries(
        {"project_id": _values, "user_id": _values, "is_admin": st.sampled_from(["True", "False"])}
    ),
    target=st.dictionaries(st.sampled_from(_FIELDS), _values),
)
def test_oslo_policy_decides_the_same(
    check: str, roles: frozenset[str], mine: dict[str, str], target: dict[str, Any]
) -> None:
    ours = Rules([Rule("it", check, "It."), Rule("base", "role:reader", "Base.")])
    assert ours.allow("it", Someone(roles, mine), target) is _oslo(check, {**mine, "roles": list(roles)}, target)


def _oslo(check: str, credentials: dict[str, Any], target: dict[str, Any]) -> bool:
    enforcer = policy.Enforcer(cfg.ConfigOpts(), use_conf=False)
    enforcer.set_rules(policy.Rules.from_dict({"it": check, "base": "role:reader"}), use_conf=False)
    return bool(enforcer.enforce("it", target, credentials))
