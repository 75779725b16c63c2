"""Rows for statsd: the sums of all minutes of a flush, and the windows left as they are."""

from __future__ import annotations

import json
import re
from dataclasses import fields

import pytest

from perfkit.metrics import names
from perfkit.metrics.aggregate import Window
from perfkit.metrics.own import SelfStats
from perfkit.metrics.process import ProcessStats
from perfkit.metrics.rows import process_counts, route_rows
from perfkit.record import Finding, Query, RequestRecord

LOOP = Finding("n_plus_one", "warning", "", 4, 3, 1.5, "f")


def window(*routes: str) -> Window:
    """Sum up one full request for each route."""
    made = Window()
    queries = tuple(Query("x", "x", "SELECT", ("t",), "default", 0.0, 1.0, 1) for _ in range(3))
    for route in routes:
        record = RequestRecord(
            route=route, method="GET", status=200, duration_ms=10.0, queue_ms=2.0, db_ms=3.0,
            ttfb_ms=8.0, cpu_ms=4.0,
            cache_ms=1.0, cache_hits=5, cache_misses=6, response_bytes=700, statements=9,
            queries=queries, findings=(LOOP,),
        )  # fmt: skip
        made.add(route, record, True, 1)
    return made


def test_a_row_carries_every_figure() -> None:
    """What the aggregate sums, statsd is sent, times in whole microseconds."""
    (row,) = route_rows([window("/a/")])
    assert (row.label, row.method) == ("/a/", "GET")
    assert row.counts == {
        "requests": 1, "status_4xx": 0, "status_5xx": 0, "le_t": 1, "le_4t": 1,
        "duration_us": 10_000, "ttfb_us": 8_000, "db_us": 3_000, "cache_us": 1_000,
        "queue_us": 2_000, "cpu_us": 4_000, "statements": 9, "duplicates": 2, "n_plus_one": 4,
        "cache_hits": 5, "cache_misses": 6, "response_bytes": 700,
    }  # fmt: skip
    assert (row.duration.count, row.duration.sum) == (1, 10.0)


def test_errors_are_told_by_their_class() -> None:
    """What the client did wrong and what the site did wrong are two lines."""
    made = Window()
    for status in (200, 302, 400, 404, 500, 503):
        record = RequestRecord(route="/", method="GET", status=status, duration_ms=1.0)
        made.add("/", record, True, 1)
    (row,) = route_rows([made])
    assert (row.counts["status_4xx"], row.counts["status_5xx"]) == (2, 2)
    assert row.counts["requests"] == 6


def test_sums_of_a_share_stand_for_all_requests() -> None:
    """At a SAMPLE_RATE of a tenth, what statements tell is ten times what was recorded."""
    (row,) = route_rows([window("/a/")], recorded_share=0.1)
    assert row.counts["statements"] == pytest.approx(90)
    assert row.counts["db_us"] == pytest.approx(30_000)
    assert (row.counts["requests"], row.counts["duration_us"]) == (1, 10_000)
    (row,) = route_rows([window("/a/")], recorded_share=0.0)
    assert row.counts["statements"] == 0


def test_a_workers_use_is_told_in_microseconds() -> None:
    """Seconds of the meter, and what is no time as it is."""
    stats = ProcessStats(1.5, 10.0, 2, 4, request_s=3.0, cpu_s=0.25, one_at_a_time=False)
    assert process_counts(stats) == {
        "elapsed_us": 10_000_000, "busy_us": 1_500_000, "request_us": 3_000_000,
        "cpu_us": 250_000, "saturated_us": 250_000, "in_flight": 2, "in_flight_peak": 4,
    }  # fmt: skip


def test_the_table_names_each_metric_once_and_its_source_exists() -> None:
    """A name is a safe node, a route has at most twenty series, and every source is there."""
    for metrics in (names.ROUTE, names.PROCESS, names.SELF):
        told = [metric.name for metric in metrics]
        assert len(set(told)) == len(told)
        assert all(re.fullmatch("[a-z0-9_]+", name) for name in told)
    assert names.series_of(names.ROUTE) <= 20
    assert {metric.source for metric in names.SELF} == {each.name for each in fields(SelfStats)}


def test_minutes_of_one_flush_add_up() -> None:
    """A flush that spans two minutes sends one row a route."""
    rows = {row.label: row for row in route_rows([window("/a/", "/b/"), window("/a/")])}
    assert {label: row.counts["requests"] for label, row in rows.items()} == {"/a/": 2, "/b/": 1}
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
