"""Which options are right, and how a wrong one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.report.options import parse
from perfkit.report.window import BadOption

NOW = 1_800_000_000.0


def test_nothing_given_means_the_defaults() -> None:
    """A day, by total time, twenty rows, as text."""
    options = parse({}, NOW, own_analyzers=False)
    assert (options.since, options.sort, options.limit, options.format) == (
        NOW - 86_400,
        "total",
        20,
        "text",
    )
    assert options.routes == options.fail_on == ()


def test_fail_on_takes_several_ways() -> None:
    """Repeated, with commas, or one string from Python."""
    given = {"fail_on": ["n_plus_one, slow_query", "any"]}
    assert parse(given, NOW, own_analyzers=False).fail_on == ("n_plus_one", "slow_query", "any")
    assert parse({"fail_on": "warning"}, NOW, own_analyzers=False).fail_on == ("warning",)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sort": "totl"}, "--sort 'totl' is not one of total, .*; did you mean total?"),
        ({"format": "xml"}, "--format 'xml' is not one of text, json"),
        ({"limit": "0"}, "--limit '0' is not a whole number from 1"),
        ({"limit": "-3"}, "--limit '-3'"),
        ({"limit": "many"}, "--limit 'many'"),
        ({"limit": "²"}, "--limit '²'"),
        ({"since": "soon"}, "--since 'soon'"),
        ({"fail_on": "n_plus_on"}, "did you mean n_plus_one"),
        ({"fail_on": "any,"}, "--fail-on ''"),
        ({"fail_on": "cartesian"}, "--fail-on 'cartesian' is not one of"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(given: dict[str, Any], told: str) -> None:
    """The line says which option, the value, and what is allowed."""
    with pytest.raises(BadOption, match=told) as refused:
        parse(given, NOW, own_analyzers=False)
    assert "\n" not in str(refused.value)


def test_kinds_of_own_analyzers_are_taken_but_slips_are_not() -> None:
    """A misspelled kind would never match, and the check in CI always pass."""
    assert parse({"fail_on": "cartesian"}, NOW, own_analyzers=True).fail_on == ("cartesian",)
    with pytest.raises(BadOption, match="did you mean slow_query"):
        parse({"fail_on": "slow_querys"}, NOW, own_analyzers=True)


def test_a_huge_limit_is_no_error() -> None:
    """Whoever wants everything may say so."""
    assert parse({"limit": "9" * 30}, NOW, own_analyzers=False).limit == 1_000_000
