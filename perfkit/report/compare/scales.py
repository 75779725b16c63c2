"""Figures on the scale on which they are compared: times as logarithms, counts and shares as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log, sqrt
from typing import Final

from perfkit.metrics.histogram import Histogram
from perfkit.report.compare.binned import Binned
from perfkit.report.compare.spans import Swings, squares, swings

#: Stands for zero on a logarithmic scale: a nanosecond in milliseconds.
_NOTHING_MS: Final = 1e-6

#: start of a span -> (what is summed, what it is divided by)
Sums = Mapping[int, tuple[float, float]]


def mean(spans: Sums) -> Swings:
    """Return a mean of milliseconds as a logarithm: a change is then a ratio."""
    found = swings(spans)
    value = max(found.value, _NOTHING_MS)
    return _scaled(found, 1 / value, log(value))


def quantile(spans: Mapping[int, Histogram], share: float) -> Swings:
    """Return the milliseconds that a share of the requests does not exceed, as a logarithm.

    The spans' errors are those of the share of requests above it; how steep the quantile is there,
    over as much as the share is in doubt, turns them into errors of the quantile (Woodruff).

    Args:
        spans: start of a span -> durations.
        share: 0 to 1, both excluded.
    """
    whole = merged(spans.values())
    value = max(whole.quantile(share), _NOTHING_MS)
    slow = swings(above(spans, value))
    room = min(share, 1 - share) - 0.5 / whole.count
    around = max(min(2 * sqrt(squares(slow.errors)), room), 0.5 / whole.count)
    low, high = (max(whole.quantile(share + side), _NOTHING_MS) for side in (-around, around))
    # Buckets are a hundredth apart from their middles: no quantile is known better than that.
    steep = max(log(high / low), 0.01) / (2 * around)
    return _scaled(slow, steep, log(value))


def above(spans: Mapping[int, Histogram], limit: float) -> Sums:
    """Count the requests that took longer than ``limit`` milliseconds, and all of them."""
    opened = {at: Binned(each) for at, each in spans.items()}
    return {at: (each.count - each.below(limit), each.count) for at, each in opened.items()}


def merged(histograms: Iterable[Histogram]) -> Binned:
    """Put histograms together."""
    whole = Histogram()
    for each in histograms:
        whole.merge(each)
    return Binned(whole)


def _scaled(given: Swings, factor: float, value: float) -> Swings:
    errors = {at: error * factor for at, error in given.errors.items()}
    return Swings(value, errors, given.weights)
