"""Sums over requests: exact, mergeable in any order, bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.metrics.aggregate import (
    MOST_FINDINGS,
    OTHER,
    SUMS,
    Aggregate,
    FindingStats,
    RouteStats,
    Window,
    merge_into,
)
from perfkit.record import Finding, Query, RequestRecord
from tests.figures import tell

START = 1_800_000_000.0 // 60 * 60


def request(route: str = "/", **fields: Any) -> RequestRecord:
    """Make a record."""
    values: dict[str, Any] = {"method": "GET", "status": 200, "started_at": START, "duration_ms": 8}
    return RequestRecord(route=route, **{**values, **fields})


def finding(fingerprint: str = "f", **fields: Any) -> Finding:
    """Make a finding of four statements of which three are saved."""
    values: dict[str, Any] = {
        "kind": "n_plus_one", "severity": "warning", "message": "", "count": 4, "saved": 3,
        "cost_ms": 1.5,
    }  # fmt: skip
    return Finding(fingerprint=fingerprint, **{**values, **fields})


def selects(*identities: int, verb: str = "SELECT") -> tuple[Query, ...]:
    """Make statements of which those with the same number are equal."""
    return tuple(
        Query("x", "x", verb, ("t",), "default", 0.0, 1.0, identity) for identity in identities
    )


def sums(*records: RequestRecord, recorded: bool = True, weight: int = 1) -> RouteStats:
    """Sum up records of one route."""
    window = Window()
    for record in records:
        window.add("/", record, recorded, weight)
    return window.routes["/", "GET"]


def test_each_figure_is_summed() -> None:
    """Every field of a record finds its sum, and nothing is summed twice."""
    full = request(
        status=200, duration_ms=10.0, ttfb_ms=8.0, cpu_ms=4.0, queue_ms=2.0, db_ms=3.0,
        cache_ms=1.0, cache_hits=5, cache_misses=6, response_bytes=700, statements=9,
        transactions=2, queries=selects(1, 1, 2), findings=(finding(),),
    )  # fmt: skip
    stats = sums(full, full)
    assert {name: stats[name] for name in SUMS} == {
        "requests": 2, "errors": 0, "recorded": 2, "total_ms": 20.0, "ttfb_ms": 16.0,
        "cpu_ms": 8.0, "cpu_requests": 2, "queue_ms": 4.0, "queue_requests": 2,
        "response_bytes": 1400, "db_ms": 6.0, "cache_ms": 2.0, "statements": 18, "duplicates": 2,
        "n_plus_one": 8, "transactions": 4, "cache_hits": 10, "cache_misses": 12, "aborted": 0,
        "le_t": 2, "le_4t": 2,
    }  # fmt: skip
    assert stats.duration.count == 2


def test_what_is_not_known_is_not_counted_as_zero() -> None:
    """CPU time and queue are divided by the requests that have them."""
    stats = sums(request(), request(cpu_ms=4.0, queue_ms=6.0))
    assert (stats["cpu_ms"], stats["cpu_requests"]) == (4.0, 1)
    assert (stats["queue_ms"], stats["queue_requests"]) == (6.0, 1)


@pytest.mark.parametrize(
    ("status", "aborted", "errors", "group"),
    [(200, False, 0, "2xx"), (404, False, 0, "4xx"), (500, False, 1, "5xx"), (200, True, 1, "2xx"),
     (499, True, 1, "4xx"), (302, False, 0, "3xx")],
)  # fmt: skip
def test_errors_are_server_errors_and_aborts(
    status: int, aborted: bool, errors: int, group: str
) -> None:
    """A page that is not there is no error of the site."""
    stats = sums(request(status=status, aborted=aborted))
    assert (stats["errors"], stats["aborted"]) == (errors, int(aborted))
    assert stats.status == {group: 1}


@pytest.mark.parametrize(
    ("duration_ms", "status", "aborted", "le_t", "le_4t"),
    [
        (200.0, 200, False, 1, 1),
        (200.1, 200, False, 0, 1),
        (800.0, 404, False, 0, 1),
        (800.1, 200, False, 0, 0),
        (1.0, 500, False, 0, 0),
        (1.0, 200, True, 0, 0),
        (1.0, 499, True, 0, 0),
    ],
)
def test_good_requests_are_quick_and_whole(
    duration_ms: float, status: int, aborted: bool, le_t: int, le_4t: int
) -> None:
    """Within T or four times T, and neither a server error nor cut short, however quick."""
    aggregate = Aggregate(10, apdex_ms=200.0)
    aggregate.add(request(duration_ms=duration_ms, status=status, aborted=aborted), True, 1)
    (window,) = aggregate.take().values()
    stats = window.routes["/", "GET"]
    assert (stats["le_t"], stats["le_4t"], stats["requests"]) == (le_t, le_4t, 1)


def test_apdex_is_exact_over_workers_and_minutes() -> None:
    """Three sums that only add up: in any grouping they say what all requests together say."""
    durations = [10.0, 499.9, 500.0, 500.1, 1_999.0, 2_000.1, 30_000.0] * 11
    whole = sums(*(request(duration_ms=ms) for ms in durations))
    parts = [sums(*(request(duration_ms=ms) for ms in durations[step::4])) for step in range(4)]
    merged = RouteStats.from_json(parts[3].to_json())
    for part in parts[:3]:
        merged.merge(RouteStats.from_json(part.to_json()))
    assert [merged[name] for name in ("requests", "le_t", "le_4t")] == [77, 33, 55]
    assert merged.sums == pytest.approx(whole.sums)


def test_duplicates_are_reads_only() -> None:
    """Two equal updates are two changes."""
    assert sums(request(queries=selects(1, 1, verb="UPDATE")))["duplicates"] == 0
    assert sums(request(queries=selects(1, 1, 1, 2, 2)))["duplicates"] == 3


def test_a_weight_counts_for_those_passed_over() -> None:
    """Repeats and findings stand for so many requests; times and counts do not."""
    window = Window()
    window.add("/", request(queries=selects(1, 1), findings=(finding(),)), True, 10)
    window.add("/", request(statements=2), True, 0)
    stats = window.routes["/", "GET"]
    assert (stats["requests"], stats["duplicates"], stats["n_plus_one"]) == (2, 10, 40)
    seen = window.findings["f"]
    assert (seen.requests, seen.count, seen.saved, seen.cost_ms) == (10, 40, 30, 15.0)
    assert seen.routes == {"GET /": 10}


def test_requests_belong_to_the_minute_in_which_they_began() -> None:
    """Two minutes are two windows, whenever they end."""
    aggregate = Aggregate(10)
    for seconds in (0, 59.9, 60, 3_600):
        aggregate.add(request(started_at=START + seconds), True, 1)
    taken = aggregate.take()
    assert {bucket - START: window.requests for bucket, window in taken.items()} == {
        0: 2, 60: 1, 3_600: 1,
    }  # fmt: skip
    assert aggregate.take() == {}


def test_routes_beyond_the_limit_share_a_row() -> None:
    """A site that makes URLs on the fly stays bounded, keeps its totals, and is told."""
    aggregate = Aggregate(3)
    for number in range(10):
        aggregate.add(request(f"/{number}/"), True, 1)
    (window,) = aggregate.take().values()
    assert {route for route, _ in window.routes} == {"/0/", "/1/", "/2/", OTHER}
    assert window.routes[OTHER, "GET"]["requests"] == 7
    assert window.dropped["routes"] == 7
    assert window.requests == 10


def test_a_known_route_stays_known() -> None:
    """The limit is on the worker's life, not on each flush: names do not change their meaning."""
    aggregate = Aggregate(1)
    for route in ("/a/", "/b/", "/a/"):
        aggregate.add(request(route), True, 1)
        aggregate.take()
    aggregate.add(request("/a/"), True, 1)
    aggregate.add(request("/b/"), True, 1)
    (window,) = aggregate.take().values()
    assert {route for route, _ in window.routes} == {"/a/", OTHER}


def test_a_hundred_thousand_routes_are_two_hundred_and_the_rest() -> None:
    """Memory, names and stored rows stay bounded; every request is counted, the busiest by name."""
    aggregate = Aggregate(200)
    names: set[str] = set()
    rest = 0
    for minute in range(10):
        for number in range(10_000):
            at = START + 60 * minute + number / 1_000
            aggregate.add(request(f"/junk-{minute}-{number}/", started_at=at), True, 1)
            if not number % 100:
                aggregate.add(request("/shop/", started_at=at, duration_ms=50.0), True, 1)
        for window in aggregate.take().values():
            assert len(window.routes) <= 201
            names.update(route for route, _ in window.routes)
            rest += window.dropped["routes"]
            told = sum(stats["requests"] for stats in window.routes.values())
            assert told == 10_100, "no request is lost"
    tell(f"100,001 routes: {len(names)} names in all, {rest:,} requests counted as _other")
    assert "/shop/" in names
    assert len(names) <= 2 * 200
    assert rest >= 99_000


def test_findings_beyond_the_limit_are_counted() -> None:
    """A window holds so many; what more there was is told."""
    window = Window()
    for number in range(MOST_FINDINGS + 3):
        window.add("/", request(findings=(finding(str(number)),)), True, 1)
    assert len(window.findings) == MOST_FINDINGS
    assert window.dropped["findings"] == 3


def test_statements_not_kept_are_told() -> None:
    """A request of more than MAX_QUERIES statements says so."""
    window = Window()
    window.add("/", request(dropped_queries=5), True, 1)
    assert window.dropped == {"queries": 5}


def test_a_finding_remembers_when_it_was_seen() -> None:
    """First and last by the request's time, in any order."""
    window = Window()
    for seconds in (5, 2, 9):
        window.add("/", request(findings=(finding(),), started_at=START + seconds), True, 1)
    stats = window.findings["f"]
    assert (stats.first, stats.last) == (START + 2, START + 9)


RECORDS = st.builds(
    request,
    st.sampled_from(["/", "/a/", "/b/"]),
    method=st.sampled_from(["GET", "POST"]),
    status=st.sampled_from([200, 302, 404, 500]),
    duration_ms=st.integers(0, 100_000).map(lambda value: value / 8),
    db_ms=st.integers(0, 1_000).map(lambda value: value / 8),
    statements=st.integers(0, 50),
    aborted=st.booleans(),
    dropped_queries=st.integers(0, 2),
    queries=st.lists(st.integers(0, 3), max_size=4).map(lambda ids: selects(*ids)),
    findings=st.lists(st.sampled_from("xyz"), max_size=2, unique=True).map(
        lambda names: tuple(finding(name) for name in names)
    ),
)


def made(records: list[RequestRecord]) -> Window:
    """Sum up records in one window."""
    window = Window()
    for record in records:
        window.add(record.route, record, True, 1)
    return window


def content(window: Window) -> Any:
    """Return everything a window holds, in an order of its own."""
    data = json.loads(json.dumps(window.to_json()))
    data["routes"].sort(key=json.dumps)
    return data


@given(st.lists(RECORDS, max_size=8), st.lists(RECORDS, max_size=8))
def test_merging_is_exact_in_either_order(
    one: list[RequestRecord], two: list[RequestRecord]
) -> None:
    """Two workers merged are one worker that had served both, whoever comes first."""
    together = content(made(one + two))
    for first, second in ((one, two), (two, one)):
        merged = made(first)
        merged.merge(made(second))
        assert content(merged) == together


@given(st.lists(RECORDS, max_size=8))
def test_a_window_survives_the_store(records: list[RequestRecord]) -> None:
    """Through plain JSON and back, everything is as it was."""
    window = made(records)
    again = Window.from_json(json.loads(json.dumps(window.to_json())))
    assert content(again) == content(window)
    assert again.requests == len(records)


def test_sums_of_a_newer_version_are_ignored_and_missing_ones_are_zero() -> None:
    """Workers of two versions may write into one store during a deploy."""
    stored = sums(request()).to_json()
    newer = RouteStats.from_json([[*stored[0], 99, 98], *stored[1:]])
    older = RouteStats.from_json([stored[0][:3], *stored[1:]])
    assert newer.sums == stored[0]
    assert (older["requests"], older["aborted"], len(older.sums)) == (1, 0, len(SUMS))


def test_a_merged_findings_text_is_the_latest_known() -> None:
    """Stored counts come without a text and do not erase one."""
    known, unknown = FindingStats({"message": "m"}, START), FindingStats(None, START + 1)
    known.merge(unknown)
    assert known.finding == {"message": "m"}
    unknown.merge(known)
    assert unknown.finding == {"message": "m"}


def test_minutes_are_merged_by_their_time() -> None:
    """What waits for a store and what has come since are one window a minute."""
    waiting = {0: made([request()])}
    merge_into(waiting, {0: made([request()]), 60: made([request()])}.items())
    assert {bucket: window.requests for bucket, window in waiting.items()} == {0: 2, 60: 1}
