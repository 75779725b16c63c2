"""The trace: what an inner recording hands to the one around it."""

from __future__ import annotations

from perfkit.capture.current import Event, Trace


def filled(sql: str, runs: int, limit: int = 100) -> Trace:
    """Make a trace with that many runs of one statement, a second each."""
    trace = Trace(limit, slow_s=9.0)
    trace.statements[sql] = sql
    event: Event = (sql, "default", 1.0, 2.0, 0, None, 0)
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
