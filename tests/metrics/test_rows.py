"""Rows for statsd: the sums of all minutes of a flush, and the windows left as they are."""

from __future__ import annotations

import json

from perfkit.metrics.aggregate import Window
from perfkit.metrics.rows import route_rows
from perfkit.record import Finding, Query, RequestRecord

LOOP = Finding("n_plus_one", "warning", "", 4, 3, 1.5, "f")


def window(*routes: str) -> Window:
    """Sum up one full request for each route."""
    made = Window()
    queries = tuple(Query("x", "x", "SELECT", ("t",), "default", 0.0, 1.0, 1) for _ in range(3))
    for route in routes:
        record = RequestRecord(
            route=route, method="GET", status=200, duration_ms=10.0, queue_ms=2.0, db_ms=3.0,
            cache_ms=1.0, cache_hits=5, cache_misses=6, response_bytes=700, statements=9,
            queries=queries, findings=(LOOP,),
        )  # fmt: skip
        made.add(route, record, True, 1)
    return made


def test_a_row_carries_every_figure() -> None:
    """What the aggregate sums, statsd is sent."""
    (row,) = route_rows([window("/a/")])
    assert (row.label, row.method, row.requests, row.status) == ("/a/", "GET", 1, {"2xx": 1})
    assert (row.db_ms, row.cache_ms, row.queue_ms, row.queue_requests) == (3.0, 1.0, 2.0, 1)
    assert (row.statements, row.duplicates, row.n_plus_one) == (9, 2, 4)
    assert (row.cache_hits, row.cache_misses, row.response_bytes) == (5, 6, 700)
    assert (row.duration.count, row.duration.sum) == (1, 10.0)


def test_minutes_of_one_flush_add_up() -> None:
    """A flush that spans two minutes sends one row a route."""
    rows = {row.label: row for row in route_rows([window("/a/", "/b/"), window("/a/")])}
    assert {label: row.requests for label, row in rows.items()} == {"/a/": 2, "/b/": 1}
    assert rows["/a/"].duration.count == 2


def test_the_windows_are_left_as_they_are() -> None:
    """The store gets the same windows afterwards, or before, and counts nothing twice."""
    windows = [window("/a/"), window("/a/")]
    before = [json.dumps(each.to_json()) for each in windows]
    route_rows(windows)
    route_rows(windows)
    assert [json.dumps(each.to_json()) for each in windows] == before


def test_nothing_makes_no_rows() -> None:
    """An idle interval."""
    assert route_rows([]) == []
    assert route_rows([Window()]) == []
