"""Whatever is written by whomever and folded whenever, counts stay exact and quantiles within 1.1 %."""

from __future__ import annotations

from math import ceil
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfkit.store.read import read
from perfkit.store.schema import DAY, HOUR
from perfkit.store.sink import StoreSink
from tests.store.writing import MINUTE, ask, folded, request, settings_of, windows

#: The histogram's promise; the rest is the rounding of what is stored.
WITHIN = 0.011 + 1e-6

NOW = MINUTE + 40 * DAY

#: (seconds ago, worker, milliseconds): from half a millisecond to ten minutes.
REQUESTS = st.lists(
    st.tuples(
        st.sampled_from([1, 61, 200, 900, 2 * HOUR, 5 * HOUR, 2 * DAY, 20 * DAY, 21 * DAY]),
        st.integers(0, 2),
        st.floats(0.5, 600_000, allow_nan=False),
    ),
    min_size=1,
    max_size=60,
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=REQUESTS, folds=st.lists(st.integers(0, 30), max_size=4))
def test_quantiles_stay_within_their_promise(
    database: dict[str, Any], made: list[tuple[int, int, float]], folds: list[int]
) -> None:
    """After any merge: of workers, minutes, spans, and folding between and after the writes."""
    clear(database)
    workers = [StoreSink(settings_of(database)) for _ in range(3)]
    for number, (age, worker, ms) in enumerate(made):
        workers[worker].emit(windows(request(NOW - age, duration_ms=ms)))
        if number in folds:
            folded(database, NOW)
    for day in (0, 1, 2):
        folded(database, NOW + day * DAY)
        check(read(database, 0).window, [ms for _, _, ms in made])
    stored = read(database, 0, step_s=DAY)
    assert sum(window.requests for _, window in stored.steps) == len(made)


def check(window: Any, values: list[float]) -> None:
    """Compare a route's histogram with the values themselves."""
    stats = window.routes["/products/", "GET"]
    ordered = sorted(values)
    assert stats["requests"] == stats.duration.count == len(values)
    assert abs(stats["total_ms"] - sum(values)) <= 0.001 * len(values) * 4
    for share in (0.0, 0.5, 0.75, 0.95, 0.99, 1.0):
        exact = ordered[max(1, ceil(share * len(ordered) - 1e-9)) - 1]
        told = stats.duration.quantile(share)
        assert abs(told - exact) <= WITHIN * exact, (share, exact, told)


def clear(database: dict[str, Any]) -> None:
    """Begin with an empty store."""
    StoreSink(settings_of(database)).emit(windows(request()))
    for table in ("window", "worker", "finding"):
        ask(database, f"DELETE FROM perfkit_{table}")
