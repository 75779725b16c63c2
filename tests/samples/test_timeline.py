"""A request's timeline: in order, folded, short, and masked."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from perfkit.record import CacheCall, Query, RequestRecord, Site
from perfkit.samples.timeline import LONGEST_TEXT, LOOK_BACK, MOST_ENTRIES, brief, timeline
from tests.analyzers.handmade import query

SITE = Site("shop/views.py", 7, "page")
OTHER_SITE = Site("shop/views.py", 9, "page")


def at(start_ms: float, sql: str = "SELECT a FROM t", **facts: Any) -> Query:
    """Make a query that begins then and takes a millisecond."""
    return query(sql, start_ms=start_ms, **facts)


def of(*queries: Query, calls: tuple[CacheCall, ...] = ()) -> list[list[Any]]:
    """Return the timeline of a record."""
    return timeline(RequestRecord(queries=queries, cache_calls=calls))[0]


def test_an_entry_has_start_duration_kind_text_times_and_line() -> None:
    """The line is of the code that asked; None where it was not taken."""
    assert of(at(3, site=SITE), at(1, "SELECT b FROM u")) == [
        [1, 1, "db", "SELECT b FROM u", 1, None],
        [3, 1, "db", "SELECT a FROM t", 1, "shop/views.py:7 in page"],
    ]


def test_runs_of_equal_statements_are_one_entry() -> None:
    """The first run of a loop, whose line is not known, joins those that repeat it."""
    loop = [at(n, site=SITE if n else None) for n in range(40)]
    assert of(*loop) == [[0, 40, "db", "SELECT a FROM t", 40, "shop/views.py:7 in page"]]


def test_the_statements_of_one_loop_take_turns() -> None:
    """Two statements for each row are two entries, not forty."""
    clock = count()
    loop = [
        at(next(clock), sql, site=site if n else None)
        for n in range(20)
        for sql, site in (("SELECT a FROM t", SITE), ("SELECT b FROM u", OTHER_SITE))
    ]
    assert [entry[3:] for entry in of(*loop)] == [
        ["SELECT a FROM t", 20, "shop/views.py:7 in page"],
        ["SELECT b FROM u", 20, "shop/views.py:9 in page"],
    ]


def test_the_same_statement_much_later_is_another_entry() -> None:
    """It was asked by something else; folding it would move it."""
    between = [at(n, f"SELECT {'x' * n} FROM t") for n in range(1, LOOK_BACK + 2)]
    told = of(at(0), *between, at(99))
    assert [entry[0] for entry in told if entry[3] == "SELECT a FROM t"] == [0, 99]


def test_two_lines_that_ask_the_same_are_two_entries() -> None:
    """Each is a place to look at."""
    told = of(*[at(n, site=SITE if n % 2 else OTHER_SITE) for n in range(10)])
    assert sorted(entry[4] for entry in told) == [5, 5]


def test_cache_calls_stand_among_the_statements() -> None:
    """What they found is told, not what they asked for: a key may hold anything."""
    calls = (
        CacheCall("default", "get", 1.0, 0.5, 0, 1),
        CacheCall("default", "get", 2.0, 0.5, 1, 0),
        CacheCall("default", "set", 4.0, 0.25, 0, 0),
    )
    assert of(at(3), calls=calls) == [
        [1, 1, "cache", "default get: 1 found, 1 not", 2, None],
        [3, 1, "db", "SELECT a FROM t", 1, None],
        [4, 0.25, "cache", "default set", 1, None],
    ]


def test_a_failed_statement_and_another_database_are_told() -> None:
    """They are what one looks for."""
    told = of(at(1, failed=True), at(2, alias="replica"))
    assert [entry[3] for entry in told] == ["failed: SELECT a FROM t", "replica: SELECT a FROM t"]


def test_of_many_entries_the_longest_stay_in_their_order() -> None:
    """What is left out is counted: entries, and runs."""
    queries = [at(n, f"SELECT {'x' * (n + 1)} FROM t", duration_ms=n % 37) for n in range(74)]
    entries, left_out = timeline(RequestRecord(queries=tuple(queries)))
    assert len(entries) == MOST_ENTRIES
    assert [entry[0] for entry in entries] == sorted(entry[0] for entry in entries)
    assert min(entry[1] for entry in entries) == 37 - MOST_ENTRIES / 2
    assert left_out == [74 - MOST_ENTRIES, 74 - MOST_ENTRIES]


def test_a_loop_of_ten_thousand_is_one_entry() -> None:
    """The largest request is as small as any."""
    entries, left_out = timeline(RequestRecord(queries=tuple(at(n) for n in range(10_000))))
    assert ([entry[4] for entry in entries], left_out) == ([10_000], None)


@pytest.mark.parametrize(
    ("shape", "short"),
    [
        ("SELECT a FROM t", "SELECT a FROM t"),
        (f"SELECT {'a, ' * 80}b FROM t WHERE c = ?", "SELECT … FROM t WHERE c = ?"),
        (
            f"SELECT {'a, ' * 80}(SELECT x FROM u) FROM t WHERE c = ?",
            "SELECT … FROM t WHERE c = ?",
        ),
        (f"SELECT {'a, ' * 80}b", f"SELECT {'a, ' * 80}b"[: LONGEST_TEXT - 1] + "…"),
        (
            f"UPDATE t SET {'a = ?, ' * 80}",
            f"UPDATE t SET {'a = ?, ' * 80}"[: LONGEST_TEXT - 1] + "…",
        ),
    ],
)
def test_long_statements_lose_their_columns_first(shape: str, short: str) -> None:
    """The table and the condition say more than the list of columns."""
    assert brief(shape) == short
    assert len(brief(shape)) <= LONGEST_TEXT
