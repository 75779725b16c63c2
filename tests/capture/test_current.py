"""The trace: what an inner recording hands to the one around it."""

from __future__ import annotations

from perfkit.capture.current import UNRECORDED, Event, Trace
from perfkit.capture.origin import Facts


def filled(sql: str, runs: int, limit: int = 100) -> Trace:
    """Make a trace with that many runs of one statement, a second each."""
    trace = Trace(limit, slow_s=9.0)
    trace.statements[sql] = sql
    event: Event = (sql, "default", 1.0, 2.0, 0, None, 0, None)
    trace.events = [event] * runs
    return trace


def test_the_outer_trace_takes_over_what_the_inner_one_saw() -> None:
    """Events, cache calls and losses all count outside too."""
    outer, inner = filled("SELECT 1", 2), filled("SELECT 1", 3)
    inner.cache_events = [("default", "get", 0.0, 1.0, 1, 0)]
    inner.dropped, inner.dropped_s, inner.slow = 4, 0.5, True
    outer.absorb(inner)
    assert len(outer.events) == 5
    assert outer.cache_events == inner.cache_events
    assert (outer.dropped, outer.dropped_s, outer.slow) == (4, 0.5, True)


def test_texts_of_both_are_known() -> None:
    """What ran inside has run before when it runs again outside; the inner trace stays as it is."""
    outer, inner = filled("SELECT 1", 2), filled("SELECT 2", 3)
    outer.absorb(inner)
    assert set(outer.statements) == {"SELECT 1", "SELECT 2"}
    assert set(inner.statements) == {"SELECT 2"}


def test_a_request_inside_repeats_nothing_of_what_is_outside() -> None:
    """A test that visits page after page is no loop of statements."""
    outer, inner = filled("SELECT 1", 2), filled("SELECT 1", 3)
    outer.absorb(inner, apart=True)
    assert outer.statements == {}
    assert outer.boundaries == [2, 5]


def test_units_of_work_inside_stay_apart() -> None:
    """Requests of a test's client inside an inner recording are still requests of their own."""
    outer, inner = filled("SELECT 1", 2, limit=4), filled("SELECT 1", 1)
    inner.part()
    inner.events = inner.events * 3
    inner.part()
    outer.absorb(inner)
    assert (len(outer.events), outer.boundaries) == (4, [3])


def test_a_unit_of_work_without_statements_is_none() -> None:
    """Two requests in a row that ask nothing end one unit, not two."""
    trace = filled("SELECT 1", 2)
    for _ in range(3):
        trace.part()
    assert trace.boundaries == [2]
    empty = Trace(100, slow_s=9.0)
    empty.part()
    assert empty.boundaries == []


def test_one_line_and_way_to_build_is_one_root() -> None:
    """Its evaluations are counted; another way to build is another queryset."""
    trace = Trace(100, slow_s=9.0)
    place = ("shop/page.html", 7)
    first = trace.root("shop.Book", place, Facts(), None)
    assert trace.root("shop.Book", place, Facts(), None) is first
    assert first.times == 2
    assert trace.root("shop.Book", place, Facts(sliced=True), None) is not first
    assert trace.root("shop.Book", ("shop/page.html", 8), Facts(), None) is not first
    assert trace.root("shop.Author", place, Facts(), None) is not first


def test_whether_a_request_runs_is_known() -> None:
    """While it is recorded or only timed; not after its end, nor in a block."""
    trace = Trace(100, slow_s=9.0)
    assert not trace.is_running_request
    trace.of_request = True
    assert trace.is_running_request
    trace.closed = True
    assert not trace.is_running_request
    assert UNRECORDED.is_running_request


def test_what_does_not_fit_is_counted_as_dropped() -> None:
    """The outer limit holds, and nothing is lost from the numbers."""
    outer, inner = filled("SELECT 1", 2, limit=3), filled("SELECT 2", 4)
    outer.absorb(inner)
    assert (len(outer.events), outer.dropped, outer.dropped_s) == (3, 3, 3.0)


def test_failures_kept_are_few() -> None:
    """A hook that fails at every statement keeps its first failures, not ten thousand tracebacks."""
    trace = Trace(100, slow_s=9.0)
    for number in range(1_000):
        trace.fail("database hook", RuntimeError(str(number)))
    assert 0 < len(trace.failures) < 10
    assert str(trace.failures[0][1]) == "0"
