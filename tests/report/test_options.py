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


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"since": "1h", "compare": "2h..1h"}, "--since does not go with --compare: its windows"),
        ({"stale": True, "compare": "2h..1h"}, "--stale does not go with --compare"),
        ({"explain": "a", "compare": "2h..1h"}, "--explain does not go with --compare"),
        ({"explain": "a", "stale": True}, "--explain does not go with --stale"),
        ({"watch": "5", "stale": True}, "--watch does not go with --stale"),
        ({"watch": "5", "explain": "a"}, "--watch does not go with --explain"),
        ({"watch": "5", "write_baseline": "x"}, "--watch does not go with --write-baseline"),
        ({"watch": "5", "fail_on": ["any"]}, "--watch does not go with --fail-on"),
        ({"watch": "5", "format": "json"}, "--watch prints text only"),
        ({"stale": True, "format": "json"}, "--stale prints text only"),
        ({"explain": "a", "format": "html"}, "--explain prints text or json or markdown only"),
        ({"compare": "2h..1h", "format": "sarif"}, "--compare prints text or json or markdown or"),
        ({"warning": "p95=1"}, "--warning is for --format nagios"),
        ({"critical": "p95=1", "format": "json"}, "--critical is for --format nagios"),
        ({"format": "nagios", "fail_on": "any"}, "--fail-on does not go with --format nagios"),
        ({"watch": "0"}, "--watch '0' is not a number of seconds from 1 to 86400"),
        ({"watch": "nan"}, "--watch 'nan' is not a number"),
        ({"watch": "soon"}, "--watch 'soon' is not a number"),
        ({"until": "2d"}, "--until '2d' is not after --since"),
        ({"until": "never"}, "--until 'never' is not an age such as 15m"),
        ({"until": "2999-01-01"}, "--until '2999-01-01' lies in the future"),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, Any], told: str) -> None:
    """With the reason, rather than to leave out half of what was asked for."""
    with pytest.raises(BadOption) as refused:
        parse(given, NOW, own_analyzers=False)
    assert told in str(refused.value)


def test_what_is_not_the_plain_report() -> None:
    """Each with its own default window."""
    assert parse({"stale": True}, NOW, own_analyzers=False).since == NOW - 7 * 86_400
    assert parse({"format": "nagios"}, NOW, own_analyzers=False).since == NOW - 900
    options = parse({"compare": "2h..1h"}, NOW, own_analyzers=False)
    assert (options.since, options.compare is not None) == (None, True)
    assert parse({"watch": 2.5}, NOW, own_analyzers=False).watch == 2.5


def test_a_window_may_end_before_now() -> None:
    """Without --until it ends now."""
    options = parse({"since": "2h", "until": "1h"}, NOW, own_analyzers=False)
    assert (options.since, options.until, options.end) == (NOW - 7_200, NOW - 3_600, NOW - 3_600)
    assert parse({}, NOW, own_analyzers=False).end == NOW


def test_what_is_false_was_not_given() -> None:
    """As `call_command` passes flags; a zero is a value."""
    assert not parse({"stale": False, "watch": None}, NOW, own_analyzers=False).stale
    with pytest.raises(BadOption, match="--limit '0'"):
        parse({"limit": 0}, NOW, own_analyzers=False)
