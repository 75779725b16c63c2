"""How often content changes, estimated from looks, against simulated changes."""

from __future__ import annotations

from math import inf
from random import Random

import pytest

from perfkit.caching.columns import by_route
from perfkit.caching.staleness import change_rate, change_rate_of, looks, stale_share
from tests.caching.made import event


def changes_between(rng: Random, rate: float, apart_s: float) -> bool:
    """Tell whether content that changes at a rate did so within a time."""
    return rng.expovariate(rate) < apart_s


@pytest.mark.parametrize("rate_times_interval", [0.1, 0.5, 1.0, 2.0])
def test_the_rate_is_found_where_the_plain_share_is_too_low(rate_times_interval: float) -> None:
    """Cho & Garcia-Molina: several changes between two looks are seen as one."""
    rng, apart_s, checks = Random(3), 60.0, 400
    rate = rate_times_interval / apart_s
    found = []
    for _ in range(100):
        changed = sum(changes_between(rng, rate, apart_s) for _ in range(checks))
        found.append(change_rate(checks, changed, apart_s))
    assert sum(found) / len(found) == pytest.approx(rate, rel=0.05)


def test_the_likeliest_rate_of_looks_at_irregular_times() -> None:
    """As visitors come when they will."""
    rng, rate = Random(4), 1 / 300
    seen = []
    for _ in range(4_000):
        apart = rng.expovariate(1 / 200)
        seen.append((apart, changes_between(rng, rate, apart)))
    assert change_rate_of(seen) == pytest.approx(rate, rel=0.06)


def test_what_never_or_always_changes() -> None:
    """No change: no rate. Nothing but changes: no end to it."""
    assert change_rate_of([(10.0, False)] * 5) == 0.0
    assert change_rate_of([(10.0, True)] * 5) == inf
    assert change_rate_of([]) == 0.0
    assert change_rate(0, 0, 60.0) == change_rate(10, 3, 0.0) == 0.0
    assert change_rate(10, 10, 60.0) < inf


@pytest.mark.parametrize("timeout_s", [60.0, 300.0, 1_800.0])
def test_the_stale_share_is_what_a_simulation_gives(timeout_s: float) -> None:
    """Content that changes every ten minutes or so, kept so long."""
    rng, rate = Random(5), 1 / 600
    stale = 0
    trials = 20_000
    for _ in range(trials):
        age = rng.random() * timeout_s
        stale += changes_between(rng, rate, age)
    assert stale_share(rate, timeout_s) == pytest.approx(stale / trials, abs=0.012)
    assert stale_share(0.0, timeout_s) == 0.0
    assert stale_share(10.0, 1e9) == 1.0


def test_looks_are_taken_of_each_address_apart() -> None:
    """What another page says is no change of this one."""
    events = [
        event(0.0, 1, body=1),
        event(1.0, 2, body=9),
        event(5.0, 1, body=1),
        event(8.0, 1, body=2),
    ]
    (columns,) = by_route(events).values()
    assert looks(columns, range(4)) == [(5.0, False), (3.0, True)]
