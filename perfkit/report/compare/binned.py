"""A histogram's counts laid open: how many values lie below a limit, and where a share of them ends."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from math import log2

from perfkit.metrics.histogram import Histogram
from perfkit.metrics.lanes import from_text, unpacked


class Binned:
    """Counts by bucket, with what lies before each of them.

    Within a bucket values are taken to be spread evenly on the logarithmic scale. The error of that
    is at most the bucket's width, 2.2 %, and the same in both windows.
    """

    __slots__ = ("_before", "_offset", "_width", "count")

    def __init__(self, histogram: Histogram) -> None:
        scale, offset, zeros, count, *_, planes, text = histogram.to_json()
        self.count: int = count
        self._offset: int = offset
        self._width = 2.0**-scale
        counts = unpacked(from_text(planes, text))
        self._before: list[int] = list(accumulate(counts, initial=zeros))

    def below(self, value: float) -> float:
        """Return how many values are no larger than ``value`` in milliseconds."""
        if value <= 0.0:
            return self._before[0]
        place = log2(value) / self._width - self._offset
        if place <= 0:
            return self._before[0]
        full = int(place)
        if full >= len(self._before) - 1:
            return self._before[-1]
        low, high = self._before[full], self._before[full + 1]
        return low + (high - low) * float(place - full)

    def quantile(self, share: float) -> float:
        """Return the milliseconds that a share of the values does not exceed; 0.0 among zeros."""
        rank = share * self.count
        if rank <= self._before[0]:
            return 0.0
        full = bisect_left(self._before, rank)
        if full >= len(self._before):
            full = len(self._before) - 1
        low, high = self._before[full - 1], self._before[full]
        part = min((rank - low) / (high - low), 1.0) if high > low else 1.0
        return float(2.0 ** ((self._offset + full - 1 + part) * self._width))
