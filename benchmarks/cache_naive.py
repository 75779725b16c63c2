"""What is said without a replay, to show what the replay gains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from cache_backends import Backend
from cache_cells import Cell, predicted
from cache_observed import columns_of

from perfkit.caching.columns import Columns
from perfkit.caching.event import Event


def poisson(columns: Columns, timeout_s: int) -> float:
    """Return the hit ratio by the formula: each address asked for evenly, at its own rate."""
    if not len(columns):
        return 0.0
    hours_s = max(columns.at[-1] - columns.at[0], 1.0)
    expected = 0.0
    for number in Counter(columns.inner_key).values():
        visits = number / hours_s * timeout_s
        expected += number * visits / (1 + visits)
    return expected / len(columns)


def at_mean_time(cell: Cell, view_s: float) -> float:
    """Return the saved seconds when each hit saves the view's mean time.

    Args:
        cell: of one view; its measured hits are taken.
        view_s: what the view worked without a cache.
    """
    return cell.hits[1] * view_s / max(cell.gets, 1)


def one_workers_view(
    events: Mapping[int, Event], workers: int, backend: Backend, timeout_s: int
) -> float:
    """Return the hit ratio that one worker's events tell, taken for that of all."""
    own = {number: event for number, event in events.items() if number % workers == 0}
    said = predicted(columns_of(own, 1), backend, timeout_s)
    return sum(each.hits for each in said.outcomes) / max(
        sum(each.all_requests for each in said.outcomes), 1
    )
