"""What the figures of a report mean, from requests written to a real store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from time import time
from typing import Any

import pytest

from perfkit.conf import get_settings
from perfkit.report.build import choose
from perfkit.report.load import load
from perfkit.report.model import ReportModel
from perfkit.report.options import parse
from perfkit.store.payload import pack


def report(**given: Any) -> ReportModel:
    """Read the store with these options."""
    return load(get_settings(), parse(given, time(), own_analyzers=False))


def test_figures_are_divided_by_the_requests_that_know_them(make: Any, write: Any) -> None:
    """Wall time is known of every request, statements of recorded ones, CPU time of some."""
    write(
        make.request(duration_ms=30.0, cpu_ms=8.0, queries=make.queries(1, 1, 2), db_ms=6.0),
        make.request(duration_ms=10.0, db_ms=4.0, status=503, aborted=False),
    )
    write(make.request(duration_ms=20.0, db_ms=0.0, statements=0), recorded=False)
    (row,) = report().routes
    assert (row.requests, row.errors, row.status) == (3, 1, {"2xx": 2, "5xx": 1})
    assert (row.total_ms, row.mean_ms, row.max_ms) == pytest.approx((60.0, 20.0, 30.0))
    assert row.p50_ms == pytest.approx(20.0, rel=0.011)
    assert (row.cpu_ms, row.queue_ms) == (8.0, None)
    assert (row.db_ms, row.statements_per_request, row.duplicates_per_request) == (5.0, 3.0, 0.5)
    assert row.db_share == pytest.approx(5 / 20)


def test_what_no_recorded_request_told_is_not_known(make: Any, write: Any) -> None:
    """Without recorded statements a figure is None, not 0."""
    write(make.request(), recorded=False)
    model = report()
    (row,) = model.routes
    assert row.db_ms is row.db_share is row.statements_per_request is None
    assert model.db_share is None


def test_totals_add_workers_and_routes(make: Any, write: Any) -> None:
    """Two workers in one minute are two workers."""
    at = time() - 60
    write(make.request("/a/", started_at=at), make.request("/b/", started_at=at, aborted=True))
    write(make.request("/a/", started_at=at))
    totals = report().totals
    assert (totals.requests, totals.errors, totals.recorded, totals.workers) == (3, 1, 3, 2)
    assert (totals.statements, totals.total_ms, totals.db_ms) == (9, 60.0, 15.0)


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("total", "/often/"),
        ("requests", "/often/"),
        ("mean", "/slow/"),
        ("p95", "/slow/"),
        ("statements", "/chatty/"),
        ("errors", "/broken/"),
        ("db", "/chatty/"),
    ],
)
def test_each_order_puts_its_largest_first(make: Any, write: Any, sort: str, first: str) -> None:
    """The limit cuts after sorting, and what is cut is counted."""
    write(
        *[make.request("/often/") for _ in range(9)],
        make.request("/slow/", duration_ms=150.0),
        make.request("/chatty/", statements=90, db_ms=90.0),
        make.request("/broken/", status=500),
    )
    model = report(sort=sort, limit="1")
    assert [row.route for row in model.routes] == [first]
    assert model.more_routes == 3
    assert model.totals.requests == 12


def test_findings_come_by_what_they_save(make: Any, write: Any) -> None:
    """Milliseconds first, then statements; figures are means of the requests that had it."""
    cheap = make.loop(fingerprint="cheap", cost_ms=1.0, saved=9)
    quiet = make.loop(fingerprint="quiet", cost_ms=1.0, saved=3)
    dear = make.loop(fingerprint="dear", cost_ms=30.0, count=50)
    dearer = make.loop(fingerprint="dear", cost_ms=50.0, count=30)
    write(make.request(findings=(quiet, cheap, dear)), make.request("/x/", findings=(dearer,)))
    rows = report().findings
    assert [row.fingerprint for row in rows] == ["dear", "cheap", "quiet"]
    assert (rows[0].requests, rows[0].count, rows[0].cost_ms) == (2, 40.0, 40.0)
    assert (rows[0].total_saved, rows[0].total_cost_ms) == (80, 80.0)
    assert [(seen.route, seen.requests) for seen in rows[0].routes] == [
        ("/products/", 1),
        ("/x/", 1),
    ]


def test_a_route_chosen_takes_its_findings_along(make: Any, write: Any) -> None:
    """Totals and findings are those of the routes chosen."""
    write(
        make.request("/a/", findings=(make.loop(fingerprint="a"),)),
        make.request("/b/", findings=(make.loop(fingerprint="b"),)),
    )
    model = report(route=["/b"])
    assert [row.fingerprint for row in model.findings] == ["b"]
    assert model.totals.requests == 1


def test_a_whole_label_means_that_route_only() -> None:
    """Else `--route /` could not name the root."""
    labels = [("/", "GET"), ("/", "POST"), ("/a/", "GET")]
    assert choose(labels, ("/",)) == [("/", "GET"), ("/", "POST")]
    assert choose(labels, ("POST /",)) == [("/", "POST")]
    assert choose(labels, ("/a", "POST")) == [("/", "POST"), ("/a/", "GET")]
    assert choose(labels, ("/b",)) == []


def test_the_window_leaves_older_data_out(make: Any, write: Any) -> None:
    """And says where there is some when the window holds none."""
    write(make.request(started_at=time() - 7_200))
    model = report(since="1h")
    assert model.totals.requests == 0
    assert "No data in this window; the store has some from" in model.notes[0]
    assert report(since="3h").totals.requests == report(since="all").totals.requests == 1


def test_the_minute_in_which_the_window_begins_counts_whole(make: Any, write: Any) -> None:
    """Nothing finer is stored, and `--since 5s` right after a request must show it."""
    write(make.request(started_at=time() - 1))
    assert report(since="70s").totals.requests == 1


def test_what_is_lost_is_told_with_its_reason(make: Any, write: Any) -> None:
    """Every counter has a sentence."""
    write(make.request("/a/", dropped_queries=7), make.request("/b/"), most_routes=1)
    write(make.request("/a/"), recorded=False)
    model = report(limit="1")
    assert model.totals.dropped == {
        "requests": 0,
        "queries": 7,
        "routes": 1,
        "findings": 0,
        "eager_loads": 0,
        "samples": 0,
        "explains": 0,
        "events": 0,
        "buckets": 0,
        "too_old": 0,
    }
    told = "\n".join(model.notes)
    assert "recorded in 2 of 3 requests (67 %)" in told
    assert "7 statements beyond PERFKIT['MAX_QUERIES'] in one request" in told
    assert "1 request shown as the route _other: beyond PERFKIT['MAX_ROUTES']" in told
    assert "1 more route beyond --limit 1" in told


def test_a_route_that_matches_nothing_gets_the_nearest(make: Any, write: Any) -> None:
    """A slip in a label is not an empty site."""
    write(make.request("/products/"))
    assert (
        "No route matches --route '/prodcts/'; did you mean /products/?"
        in report(route="/prodcts/").notes
    )


def test_recording_switched_off_is_told(make: Any, write: Any, settings: Any) -> None:
    """Else an empty report looks like a broken one."""
    settings.PERFKIT = {"ENABLED": False, "STORE": False}
    assert report().notes == (
        "Recording is off: PERFKIT['ENABLED'] or PERFKIT_DISABLED",
        "There is no store: PERFKIT['STORE'] is False",
    )


def test_a_finding_without_its_text_is_counted(make: Any, write: Any, store: Path) -> None:
    """Its figures alone tell nobody what to change."""
    write(make.request(findings=(make.loop(fingerprint="a"), make.loop(fingerprint="b"))))
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("DELETE FROM perfkit_finding WHERE fingerprint = 'a'")
        connection.execute("UPDATE perfkit_finding SET payload = ?", [pack({"kind": "only"})])
    model = report()
    assert model.findings == ()
    assert "2 findings not shown: the stored text is missing" in model.notes


def test_rows_that_cannot_be_read_are_counted(make: Any, write: Any, store: Path) -> None:
    """The others are shown."""
    write(make.request("/a/"))
    write(make.request("/b/"))
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE perfkit_window SET payload = 'junk' WHERE id = 1")
    model = report()
    assert [row.route for row in model.routes] == ["/b/"]
    assert model.totals.dropped["buckets"] == 1
