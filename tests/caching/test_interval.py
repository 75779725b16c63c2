"""Intervals: against exact values that are computed in another way, and against simulation."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from random import Random

import pytest

from perfkit.caching.interval import bound, ratio_interval


def exactly(bad: int, of: int, share: Fraction) -> Fraction:
    """Return the chance of at most so many bad ones, in whole numbers."""
    return sum(
        (comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(bad + 1)), Fraction(0)
    )


@pytest.mark.parametrize(
    ("bad", "of"),
    [(0, 1), (0, 20), (0, 300), (1, 20), (3, 50), (3, 200), (30, 100), (59, 60), (61, 400)],
)
def test_the_bound_is_clopper_and_pearsons(bad: int, of: int) -> None:
    """At the bound, so few bad ones have a chance of 5 %."""
    found = Fraction(bound(bad, of))
    assert float(exactly(bad, of, found)) == pytest.approx(0.05, abs=1e-6)


def test_the_rule_of_three() -> None:
    """None bad of many: nearly 3 of so many."""
    assert bound(0, 1_000) == pytest.approx(3 / 1_000, rel=0.01)
    assert bound(0, 100_000) == pytest.approx(3 / 100_000, rel=0.01)


@pytest.mark.parametrize(("bad", "of"), [(0, 0), (5, 5), (7, 5), (0, -1)])
def test_nothing_is_known_of_nothing(bad: int, of: int) -> None:
    """Nor of what is bad throughout."""
    assert bound(bad, of) == 1.0


def test_the_bound_of_a_large_count_is_found() -> None:
    """A million hits, of which many were stale."""
    assert 0.0100 < bound(10_000, 1_000_000) < 0.0103


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Keys of very different popularity, each with hits by chance: 95 of 100, give or take some."""
    rng = Random(1)
    inside = 0
    trials = 200
    for _ in range(trials):
        keys = []
        for _ in range(80):
            requests = min(int(rng.paretovariate(1.2) * 5), 400)
            ratio = rng.betavariate(6, 2)
            keys.append(
                (float(requests), float(sum(rng.random() < ratio for _ in range(requests))))
            )
        low, high = ratio_interval(keys)
        inside += low <= 0.75 <= high
    assert inside >= 0.88 * trials


def test_one_key_alone() -> None:
    """Its requests are all there is to go by."""
    low, high = ratio_interval([(100.0, 90.0)])
    assert low < 0.9 < high
    assert low > 0.8
    assert high < 0.97
    assert ratio_interval([]) == (0.0, 1.0)


def test_thousands_of_keys_make_the_same_interval_each_time() -> None:
    """Put together into blocks, by chance and yet always alike."""
    rng = Random(2)
    keys = [
        (float(n), float(rng.randrange(n + 1))) for n in (rng.randrange(1, 9) for _ in range(5_000))
    ]
    assert ratio_interval(keys) == ratio_interval(list(keys))
    low, high = ratio_interval(keys)
    assert high - low < 0.05
