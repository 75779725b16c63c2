"""Which columns are compared, how, and whether an index could serve that."""

from __future__ import annotations

import pytest

from perfkit.explain.conditions import Condition, conditions
from perfkit.explain.lexer import tokens


def found(text: str) -> list[Condition]:
    """Return the conditions in a text."""
    return list(conditions(list(tokens(text))))


@pytest.mark.parametrize(
    ("text", "operator", "plain"),
    [
        ("b.a = %s", "=", True),
        ('"b"."a" IN (%s, %s)', "IN", True),
        ("(b.a >= '2020-01-01'::date)", ">=", True),
        ("((b.a)::text = 'x'::text)", "=", True),
        ("((b.a)::character varying = 'x')", "=", True),
        ("(b.a = ANY ('{1,2}'::integer[]))", "=", True),
        ("(b.a IS NULL)", "IS", True),
        ("b.a BETWEEN 1 AND 2", "BETWEEN", True),
        ("b.a", "BOOL", True),
        ("(NOT b.a)", "BOOL", True),
        ("((b.a)::date = '2020-01-01'::date)", "=", False),
        ("(upper((b.a)::text) = 'X'::text)", "=", False),
        ("(date_trunc('day'::text, b.a) < 'x')", "<", False),
        ("(lower(b.a || 'x') = 'y')", "||", False),
        ("((b.a AT TIME ZONE 'UTC'::text) >= 'x')", ">=", False),
    ],
)
def test_one_comparison(text: str, operator: str, plain: bool) -> None:
    """As SQLite is asked and as PostgreSQL tells its filters."""
    [condition] = found(text)
    assert condition[:3] == ("b", "a", operator)
    assert condition.is_plain is plain or not condition.is_indexable
    assert condition.is_indexable is (plain and operator != "||")


@pytest.mark.parametrize(
    "text",
    [
        "((b.a)::text ~~ '%x%'::text)",
        "b.a LIKE %s ESCAPE '\\'",
        "b.a NOT IN (1)",
        "b.a <> 3",
        "b.a @> 'x'",
    ],
)
def test_what_a_plain_index_does_not_serve(text: str) -> None:
    """Patterns, negations and the like."""
    [condition] = found(text)
    assert (condition.column, condition.is_indexable) == ("a", False)


def test_a_value_is_never_taken_for_a_column() -> None:
    """Strings and numbers are no names, whatever they hold."""
    told = found("(b.a = 'c = 3 AND d.e = 4'::text) AND (b.f = 7)")
    assert [each.column for each in told] == ["a", "f"]


def test_a_join_is_told_apart() -> None:
    """Two columns that are compared lead to no value."""
    told = found("(b.a = c.d) AND (b.e = 3)")
    assert [(each.column, each.is_joined) for each in told] == [("a", True), ("e", False)]


def test_flags_may_stand_in_parentheses() -> None:
    """As the databases and the ORM write them."""
    told = found("((b.a) AND (NOT (b.c)) OR f(b.d))")
    assert [(each.column, each.operator) for each in told if each.is_plain] == [
        ("a", "BOOL"),
        ("c", "BOOL"),
    ]
