"""What is told of routes in two windows: right as often as is promised, and of the size it has."""

from __future__ import annotations

import random

import pytest

from perfkit.metrics.aggregate import Window
from perfkit.report.compare.model import BETTER, SAME, UNKNOWN, WORSE
from perfkit.report.compare.routes import holm
from tests.report.compare.simulated import DAY_S, figures, judged, stats_of, whole, window

LENGTH_S = 24 * 300


def whole_window(times: list[float], statements: float = 0) -> Window:
    """Make a window of one route."""
    made = Window()
    made.routes["/", "GET"] = stats_of(times, statements=statements)
    return made


def test_a_slower_route_is_told_with_its_size() -> None:
    """30 % more time: the range holds it, and the others are left in peace."""
    chance = random.Random(1)
    told = judged(
        window(chance, 0, rate=60), window(chance, LENGTH_S, rate=60, factors={"/3/": 1.3})
    )
    assert {route for route, each in told.items() if each.verdict != SAME} == {"/3/"}
    assert told["/3/"].verdict == WORSE
    mean = figures(told["/3/"])["mean_ms"]
    assert mean.low <= 0.3 * mean.before <= mean.high
    assert mean.change == pytest.approx(0.3 * mean.before, rel=0.35)
    assert told["/3/"].cost_ms == pytest.approx(mean.change * told["/3/"].requests_after)
    assert next(iter(told)) == "/3/", "what got worse comes first"


def test_a_faster_route_is_told_as_better() -> None:
    """The other way round, with time saved."""
    chance = random.Random(2)
    told = judged(
        window(chance, 0, rate=60), window(chance, LENGTH_S, rate=60, factors={"/3/": 0.7})
    )
    assert told["/3/"].verdict == BETTER
    assert told["/3/"].cost_ms < 0


def test_more_errors_are_told_in_points() -> None:
    """1 % to 8 %, of one route of six."""
    chance = random.Random(3)
    told = judged(
        window(chance, 0, rate=40), window(chance, LENGTH_S, rate=40, errors={"/2/": 0.08})
    )
    errors = figures(told["/2/"])["error_share"]
    assert (told["/2/"].verdict, errors.verdict) == (WORSE, WORSE)
    assert errors.low <= 0.07 <= errors.high
    assert figures(told["/2/"])["mean_ms"].verdict == SAME


@pytest.mark.parametrize("seed", range(8))
def test_no_change_is_no_line(seed: int) -> None:
    """Eight reports of six routes and five figures, with the same figures all over."""
    chance = random.Random(seed)
    told = judged(window(chance, 0), window(chance, LENGTH_S))
    assert {each.verdict for each in told.values()} == {SAME}


@pytest.mark.parametrize("seed", range(4))
def test_the_slope_of_the_day_is_no_change(seed: int) -> None:
    """Two windows of 3 h where times rise by a quarter for the hour of the day alone."""
    chance = random.Random(seed)
    length = 24 * 450
    options = {"step_s": 450, "cycle": 0.3, "rate": 40}
    before, after = window(chance, -length, **options), window(chance, 0, **options)
    rise = [sum(each["total_ms"] for each in whole(steps).values()) for steps in (before, after)]
    assert rise[1] > 1.15 * rise[0], "it has to look like a slowdown"
    assert {each.verdict for each in judged(before, after).values()} == {SAME}


def test_a_slowdown_on_the_slope_of_the_day_is_told_without_the_slope() -> None:
    """Times fall with the day while one route gets slower: what is told is the route's own part."""
    chance = random.Random(5)
    length = 24 * 450
    options = {"step_s": 450, "cycle": -0.3, "rate": 80}
    before = window(chance, -length, **options)
    after = window(chance, 0, **options, factors={"/1/": 1.3})
    mean = figures(judged(before, after)["/1/"])["mean_ms"]
    assert mean.verdict == WORSE
    assert mean.after - mean.before < 0.15 * mean.before, "the plain difference hides it"
    without = mean.before + mean.drift
    assert mean.low <= 0.3 * without <= mean.high
    assert mean.drift < 0


def test_a_daily_cycle_cancels_between_partners() -> None:
    """Yesterday and today by the hour: the cycle neither alarms nor hides."""
    chance = random.Random(6)
    options = {"step_s": 3_600, "cycle": 0.4, "rate": 60}
    before = window(chance, 0, **options)
    after = window(chance, DAY_S, **options, factors={"/4/": 1.3})
    told = judged(before, after, DAY_S)
    assert {route for route, each in told.items() if each.verdict == WORSE} == {"/4/"}
    assert all(figure.drift == 0.0 for figure in told["/4/"].figures)


def test_few_requests_are_not_judged() -> None:
    """Whatever they took."""
    before = [(at * 60, whole_window([10.0])) for at in range(12)]
    after = [((at + 12) * 60, whole_window([90.0])) for at in range(12)]
    (change,) = judged(before, after).values()
    assert change.verdict == UNKNOWN
    assert change.why == "fewer than 30 requests in a window"
    assert {figure.verdict for figure in change.figures} == {UNKNOWN}
    assert (change.figures[0].before, change.figures[0].after) == (10.0, 90.0)


def test_few_spans_are_not_judged() -> None:
    """A thousand requests of two minutes say nothing about how minutes differ."""
    before = [(at * 60, whole_window([10.0] * 500)) for at in range(2)]
    after = [((at + 2) * 60, whole_window([90.0] * 500)) for at in range(2)]
    (change,) = judged(before, after).values()
    assert change.why == "requests in fewer than 6 spans of a window"


def test_what_never_swings_is_told_when_it_changes() -> None:
    """4 statements in every request, then 10: nothing else can be the reason."""
    before = [(at * 60, whole_window([10.0] * 5, 20)) for at in range(12)]
    after = [((at + 12) * 60, whole_window([10.0] * 5, 50)) for at in range(12)]
    (change,) = judged(before, after).values()
    statements = figures(change)["statements_per_request"]
    assert (statements.before, statements.after, statements.verdict) == (4.0, 10.0, WORSE)
    assert (statements.low, statements.high) == (6.0, 6.0)


def test_a_small_change_is_not_told_however_sure() -> None:
    """3 % of a figure that never swings: nobody would act on it."""
    before = [(at * 60, whole_window([10.0] * 5, 500)) for at in range(12)]
    after = [((at + 12) * 60, whole_window([10.0] * 5, 515)) for at in range(12)]
    (change,) = judged(before, after).values()
    assert change.verdict == SAME


def test_one_outlier_is_no_change() -> None:
    """One span of ten is ten times as slow."""
    before = [(at * 60, whole_window([10.0 + at % 3] * 5)) for at in range(12)]
    after = [
        ((at + 12) * 60, whole_window([100.0 if at == 4 else 10.0 + at % 3] * 5))
        for at in range(12)
    ]
    (change,) = judged(before, after).values()
    assert change.verdict == SAME


def test_holms_method_is_the_textbooks() -> None:
    """Each is multiplied by how many are left, and none is below the one before."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
