"""What routes drift by together, and how spans that resemble each other count."""

from __future__ import annotations

import math
import random

import pytest

from perfkit.report.compare.drift import shared, slope_of
from perfkit.report.compare.spans import Swings, growth, partners, repeats, spread, swings

HOUR_S = 3_600


def line(chance: random.Random, start: int, rise: float, noise: float, spans: int = 24) -> Swings:
    """Make a window whose figure rises by so much in an hour."""
    return swings(
        {
            at: (100 * (5 + rise * at / HOUR_S + noise * chance.gauss(0, 1)), 100)
            for at in range(start, start + spans * 300, 300)
        }
    )


def routes(rises: list[float], noise: float = 0.1) -> list[tuple[Swings, Swings]]:
    """Make both windows of routes, two hours each."""
    chance = random.Random(1)
    return [(line(chance, 0, rise, noise), line(chance, 24 * 300, rise, noise)) for rise in rises]


def test_a_steady_rise_is_the_drift() -> None:
    """By as much as lies between the middles of the windows."""
    before, after = routes([0.5], noise=0.0)[0]
    slope = slope_of(before, after)
    assert slope.value == pytest.approx(0.5)
    assert slope.hours == pytest.approx(2.0)
    (drift,) = shared([slope], [1.0])
    assert drift.value == pytest.approx(1.0)
    assert after.value - before.value == pytest.approx(drift.value)


def test_one_routes_drift_is_drawn_to_that_of_all() -> None:
    """And is then far better known than by itself."""
    slopes = [slope_of(*pair) for pair in routes([0.3] * 10)]
    drifts = shared(slopes, [1.0] * 10)
    alone = [abs(slope.value * slope.hours - 0.6) for slope in slopes]
    together = [abs(drift.value - 0.6) for drift in drifts]
    assert sum(together) < sum(alone)
    assert all(
        drift.variance < slope.variance * slope.hours**2
        for drift, slope in zip(drifts, slopes, strict=True)
    )


def test_routes_that_drift_apart_keep_their_own() -> None:
    """What differs by far more than by chance is not averaged."""
    rises = [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0]
    drifts = shared([slope_of(*pair) for pair in routes(rises)], [1.0] * 6)
    assert [drift.value for drift in drifts] == pytest.approx([2 * rise for rise in rises], abs=0.3)


def test_a_route_that_never_swings_does_not_drift() -> None:
    """Four statements are four, however others rise."""
    pairs = [*routes([0.5] * 6), *routes([0.0], noise=0.0)]
    drifts = shared([slope_of(*pair) for pair in pairs], [1.0] * 7)
    assert (drifts[-1].value, drifts[-1].variance) == (0.0, 0.0)


def test_few_routes_are_taken_each_by_itself() -> None:
    """Nobody can tell from two how alike all are."""
    slopes = [slope_of(*pair) for pair in routes([0.0, 1.0])]
    drifts = shared(slopes, [1.0, 1.0])
    assert [drift.value for drift in drifts] == [slope.value * slope.hours for slope in slopes]


def lasting(chance: random.Random, serial: float, noise: float) -> Swings:
    """Make a window whose swings last from span to span, under noise that does not."""
    level, spans = chance.gauss(0, 1), {}
    for at in range(0, 24 * 300, 300):
        level = serial * level + math.sqrt(1 - serial**2) * chance.gauss(0, 1)
        spans[at] = (100 * (50 + level + noise * chance.gauss(0, 1)), 100)
    return swings(spans)


@pytest.mark.parametrize(
    ("serial", "noise", "least", "most"),
    [(0.0, 1.0, 1.0, 1.3), (0.5, 0.0, 2.0, 4.5), (0.8, 1.0, 3.0, 9.0)],
)
def test_swings_that_last_count_as_fewer_spans(
    serial: float, noise: float, least: float, most: float
) -> None:
    """Independent ones hardly count less; long ones under noise are seen through it."""
    chance = random.Random(3)
    windows = [[lasting(chance, serial, noise), lasting(chance, serial, noise)] for _ in range(40)]
    found = repeats(windows)
    assert least <= min(found) <= most


def test_the_variance_is_that_of_the_figure() -> None:
    """Of 400 windows made alike, whether their spans are independent or not."""
    chance = random.Random(4)
    for serial in (0.0, 0.6):
        windows = [lasting(chance, serial, 0.3) for _ in range(400)]
        values = [window.value for window in windows]
        true = sum((value - 50) ** 2 for value in values) / len(values)
        repeated = repeats([[window] for window in windows])
        told = [
            spread([window], each).variance for window, each in zip(windows, repeated, strict=True)
        ]
        assert 0.8 * true < sum(told) / len(told) < 1.8 * true


def test_nothing_is_known_of_how_few_spans_resemble_each_other() -> None:
    """They count as they are."""
    few = swings({0: (1.0, 1), 300: (2.0, 1), 600: (4.0, 1)})
    assert repeats([[few, few]]) == [1.0]
    assert repeats([]) == []
    assert growth(few, 3.0, 2) == pytest.approx(30.0), "what is left after a fit has a least"


def test_partners_cancel_what_happens_every_day() -> None:
    """And a span without a partner counts by itself."""
    daily = {at: (100.0 * (1 + at % 7), 10.0) for at in range(0, 3_000, 300)}
    later = {at + 86_400: each for at, each in daily.items()}
    pair = partners(swings(daily), swings(later), 86_400)
    assert spread([pair], 1.0).variance == pytest.approx(0.0)
    del later[86_400]
    pair = partners(swings(daily), swings(later), 86_400)
    assert spread([pair], 1.0).variance > 0
    assert len(pair.errors) == 10
