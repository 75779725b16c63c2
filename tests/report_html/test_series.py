"""Figures over time: nothing is lost or counted twice on the way from the store to a plot, and all is bounded."""

from __future__ import annotations

from dataclasses import replace
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.metrics.aggregate import Aggregate
from perfkit.metrics.histogram import Histogram
from perfkit.report.heat import MOST_ROWS, heat_of
from perfkit.report.series import MOST_ROUTES, MOST_STEPS, STEPS_S, Series, series_of, step_of
from tests.report_html import made

KEYS = [(route, "GET") for route in made.ROUTES]


def series(**fields: object) -> Series:
    """Return the series of the day made by hand."""
    found = series_of(replace(made.stored(made.day()[0]), **fields), KEYS)
    assert found is not None
    return found


def test_each_step_holds_the_requests_that_began_in_it() -> None:
    """Requests, errors and parts of the time are those of the records, step by step."""
    records, _ = made.day()
    found = series()
    assert (found.start, found.step_s, found.steps) == (made.SINCE, made.STEP_S, made.STEPS)
    for line in found.routes:
        own = [record for record in records if record.route == line.route]
        for step in range(found.steps):
            begins = found.start + step * found.step_s
            held = [each for each in own if begins <= each.started_at < begins + found.step_s]
            assert line.requests[step] == len(held)
            assert line.errors[step] == sum(each.status >= 500 for each in held)
            assert isclose(line.db_ms[step], sum(each.db_ms for each in held), abs_tol=0.01)
            assert isclose(line.queue_ms[step], 2.0 * len(held), abs_tol=0.01)
            parts = line.app_ms[step] + line.db_ms[step] + line.cache_ms[step]
            assert isclose(parts, sum(each.duration_ms for each in held), abs_tol=0.01)


def test_the_whole_is_the_sum_of_its_routes() -> None:
    """What is plotted of all routes agrees with the plots of each, and says how many there are."""
    found = series()
    assert found.summed == len(KEYS)
    for step in range(found.steps):
        assert found.whole.requests[step] == sum(each.requests[step] for each in found.routes)
        assert sum(found.whole.heat.counts[step]) == found.whole.requests[step]


def test_the_whole_may_hold_more_routes_than_are_told_apart() -> None:
    """A limit on the rows shown takes nothing from the sums of all."""
    held = made.stored(made.day()[0])
    found = series_of(held, KEYS[:1], among=KEYS)
    assert found is not None
    assert len(found.routes) == 1
    assert sum(found.whole.requests) == held.window.requests


def test_a_step_without_requests_stays_empty() -> None:
    """A gap is a gap: no latency, no statements, not the figures of its neighbors."""
    line = series().routes[0]
    assert line.requests[5] == 0
    assert (line.p50_ms[5], line.statements_per_request[5]) == (None, None)
    assert sum(line.heat.counts[5]) == 0


def test_statements_and_duplicates_are_of_one_request() -> None:
    """They are divided by the recorded requests of the step."""
    line = series().routes[0]
    assert {line.statements_per_request[step] for step in range(5)} == {4.0}
    assert {line.duplicates_per_request[step] for step in range(5)} == {1.0}


def test_what_was_not_recorded_is_projected() -> None:
    """Recorded requests stand for the others of their step; without any, all of it is code."""
    held = made.stored([made.request("/", made.SINCE + 1, 30.0)])
    stats = held.steps[0][1].routes["/", "GET"]
    stats.merge(stats.from_json(stats.to_json()))
    stats.sums[2] = 1  # recorded
    stats.sums[10] = 10.0  # db_ms
    found = series_of(held, [("/", "GET")])
    assert found is not None
    assert (found.whole.db_ms[0], found.whole.app_ms[0]) == (20.0, 60.0 - 20.0 - 12.0)
    stats.sums[2] = 0
    found = series_of(held, [("/", "GET")])
    assert found is not None
    assert (found.whole.db_ms[0], found.whole.app_ms[0]) == (0.0, 60.0)
    assert found.whole.statements_per_request[0] is None


def test_too_many_steps_are_joined() -> None:
    """However fine the data were read, there are at most as many steps as a plot has room for."""
    records = [made.request("/", made.SINCE + 60 * number, 5.0) for number in range(600)]
    minutes = Aggregate(200, 500.0)
    for record in records:
        minutes.add(record, True, 1)
    held = replace(made.stored(records), steps=tuple(minutes.take().items()), step_s=60)
    before = [window.to_json() for _, window in held.steps]
    found = series_of(held, [("/", "GET")])
    assert found is not None
    assert found.steps <= MOST_STEPS
    assert found.step_s in STEPS_S
    assert sum(found.whole.requests) == 600
    assert set(found.whole.requests[1:-1]) == {found.step_s // 60}
    # Joining them changed nothing of what was read.
    assert [window.to_json() for _, window in held.steps] == before


def test_routes_are_bounded() -> None:
    """A report of a thousand routes plots the first hundred."""
    records = [made.request(f"/{number}/", made.SINCE, 5.0) for number in range(130)]
    found = series_of(made.stored(records), [(f"/{number}/", "GET") for number in range(130)])
    assert found is not None
    assert len(found.routes) == MOST_ROUTES
    assert found.whole.requests[0] == 130


def test_nothing_stored_makes_no_series() -> None:
    """Without data there is nothing to plot."""
    assert series_of(made.stored([]), []) is None


@pytest.mark.parametrize("span_s", [0, 60, 900, 3_600, 86_400, 7 * 86_400, 30 * 86_400, 1e10])
def test_a_span_is_cut_into_few_steps_of_a_usual_length(span_s: float) -> None:
    """Steps are lengths that a reader knows, at most sixty of them."""
    step = step_of(span_s)
    assert step in STEPS_S
    assert step == STEPS_S[-1] or span_s / step < MOST_STEPS


def histogram(values: list[float]) -> Histogram:
    """Count values."""
    made_of = Histogram()
    for value in values:
        made_of.record(value)
    return made_of


durations = st.lists(
    st.one_of(st.floats(0.001, 1e6), st.just(0.0), st.floats(1.0, 1.3)), min_size=1, max_size=80
)


@settings(deadline=None)
@given(st.lists(durations, min_size=1, max_size=5))
def test_heat_holds_every_request_in_the_row_of_its_latency(steps: list[list[float]]) -> None:
    """Rows are at most so many, cover all values without a gap, and count each value once, in its place."""
    heat = heat_of([histogram(values) for values in steps])
    assert 1 <= len(heat.bounds) - 1 <= MOST_ROWS
    assert list(heat.bounds) == sorted(set(heat.bounds))
    for values, counts in zip(steps, heat.counts, strict=True):
        assert sum(counts) == len(values)
        for row, count in enumerate(counts):
            low, high = heat.bounds[row], heat.bounds[row + 1]
            # A value on a bound may be counted on either side of it: floats round.
            sure = sum(low * 1.0001 < value <= high * 0.9999 for value in values)
            possible = sum(low * 0.9999 <= value <= high * 1.0001 for value in values)
            zeros = sum(value < 1e-6 for value in values) if row == 0 else 0
            assert sure + zeros <= count <= possible + zeros


def test_heat_of_a_histogram_that_lost_precision() -> None:
    """The widest there can be still fits into the rows; none is lost."""
    wide = histogram([1e-6, 1e15])
    assert wide.scale == 3
    heat = heat_of([wide, None, histogram([5.0])])
    assert [sum(counts) for counts in heat.counts] == [2, 0, 1]


def test_heat_of_zeros_alone_and_of_nothing() -> None:
    """Durations that a clock could not see have a row; no requests have none."""
    assert heat_of([histogram([0.0, 0.0]), None]).counts == ((2,), (0,))
    assert heat_of([None, None]).bounds == ()
