"""A histogram as a few timer values, each with the number of requests that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, log10
from typing import Final

from perfkit.metrics.histogram import Histogram

#: Weights whose inverse is a short decimal: 1, 0.5, 0.25, 0.2, 0.125, and the same over ten.
_SHORT: Final = (1, 2, 4, 5, 8)


def timer_values(histogram: Histogram, most: int) -> Iterator[tuple[float, int]]:
    """Yield values in milliseconds, ascending, and how many requests each stands for.

    The server takes percentiles from the values, whatever their rates, and counts from the rates: so
    all have the same weight but the last, and the weights add up to the histogram's count. A weight
    that stands for 139 requests as 0.5 each takes less of a packet than 0.7194244604.

    Args:
        histogram: what was recorded.
        most: values at most.
    """
    count = histogram.count
    if not count:
        return
    weight = _weight(-(-count // most))
    values = -(-count // weight)
    for place, value in enumerate(histogram.sample(values), start=1):
        yield value, weight if place < values else count - weight * (values - 1)


def _weight(least: int) -> int:
    """Return the smallest weight with a short inverse that is not below a number."""
    tens = 1
    while True:
        for short in _SHORT:
            if short * tens >= least:
                return short * tens
        tens *= 10


def short(value: float) -> str:
    """Write milliseconds with four digits that count, without an exponent."""
    decimals = 3 - floor(log10(value)) if value > 0 else 0
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals > 0 else f"{value:.0f}"


def rate(weight: int) -> str:
    """Write the rate of a value that stands for several, without an exponent."""
    digits = len(str(weight))
    return f"{1 / weight:.{10 + digits}f}".rstrip("0")
