"""Turns latency histograms into the rows of a heat map: how many requests took how long, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perfkit.metrics.histogram import Histogram
from perfkit.metrics.lanes import from_text, unpacked

MOST_ROWS: Final = 24

#: Rows are quarters of a doubling (2 ** 2 of them) where that is not too many.
_FINEST: Final = 2


@dataclass(frozen=True, slots=True)
class Heat:
    """How many requests took how long, step by step.

    Attributes:
        bounds: milliseconds; row ``i`` is above ``bounds[i]`` and up to ``bounds[i + 1]``. Empty
            when there were no requests.
        counts: for each step, the requests of each row. What took no time at all is in the lowest.
    """

    bounds: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]


def heat_of(histograms: Sequence[Histogram | None]) -> Heat:
    """Put the buckets of histograms into rows that they share, as fine as ``MOST_ROWS`` allows.

    Args:
        histograms: one for each step, None where there were no requests.
    """
    steps = [_quarters(each) if each else (0, {}) for each in histograms]
    known = [row for _, rows in steps for row in rows]
    if not known:
        only_zeros = tuple((zeros,) for zeros, _ in steps)
        return Heat((0.0, 1.0), only_zeros) if any(map(sum, only_zeros)) else Heat((), ())
    shift = 0
    while (max(known) >> shift) - (min(known) >> shift) >= MOST_ROWS:
        shift += 1
    low, high = min(known) >> shift, max(known) >> shift
    counts = []
    for zeros, rows in steps:
        joined = [zeros] + [0] * (high - low)
        for row, count in rows.items():
            joined[(row >> shift) - low] += count
        counts.append(tuple(joined))
    width = 2.0 ** (shift - _FINEST)
    return Heat(tuple(2.0 ** (row * width) for row in range(low, high + 2)), tuple(counts))


def _quarters(histogram: Histogram) -> tuple[int, dict[int, int]]:
    """Count the zeros, and the values of each quarter of a doubling: ``i`` is up to ``2**((i+1)/4)``."""
    scale, offset, zeros, _, _, _, _, planes, text = histogram.to_json()
    # The widest histogram there can be still has eight buckets a doubling, so none is in two rows.
    finer = scale - _FINEST
    rows: dict[int, int] = {}
    for place, count in enumerate(unpacked(from_text(planes, text)), offset):
        if count:
            rows[place >> finer] = rows.get(place >> finer, 0) + count
    return zeros, rows
