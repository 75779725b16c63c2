"""Latency histogram that merges exactly and knows every quantile within 1.1 %.

It is OpenTelemetry's base-2 exponential histogram at scale 5: bucket ``i`` holds the values in
``(2**(i/32), 2**((i+1)/32)]``, hence the index ``ceil(log2(value) * 32) - 1``
(https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram). The harmonic
middle of a bucket is at most (g - 1) / (g + 1) = 1.083 % from any value in it, g = 2**(1/32).

Two forms, because two things must be fast: ``record()`` counts into a dict, everything else works
on one integer that holds all counts (``lanes.py``), so that merging is a shift and an addition.
Measured on a 2-core VM, CPython 3.11: ``record()`` 0.22 µs; reading a stored one and merging it 3.1 µs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil, inf, log2
from typing import Any, Final

from perfkit.metrics.lanes import LANE_BITS, from_text, packed, to_text, unpacked

#: Buckets a doubling are ``2**SCALE``.
SCALE: Final = 5
_BUCKETS_A_DOUBLING: Final = 2.0**SCALE

#: Longest span of buckets; beyond it pairs of buckets join, which doubles the error and clips
#: nothing. 1,024 is 32 doublings (1 µs to 71 minutes), whatever is merged: with the 160 that
#: OpenTelemetry starts from, one slow request on a fast route would already cost the 1.1 %.
MAX_BUCKETS: Final = 1024

#: What lies outside is no duration, and counts as zero: a nanosecond, 31,000 years. Milliseconds.
_SMALLEST_MS: Final = 1e-6
_LARGEST_MS: Final = 1e15


class Histogram:
    """Counts of durations in milliseconds. Not locked: the caller lets one thread in at a time.

    Attributes:
        count: values recorded, those counted as zero too.
        sum: milliseconds, exact but for float rounding.
    """

    __slots__ = (
        "_high",
        "_lanes",
        "_low",
        "_offset",
        "_pending",
        "_scale",
        "_zeros",
        "count",
        "sum",
    )

    def __init__(self) -> None:
        self.count = 0
        self.sum = 0.0
        self._scale = SCALE
        self._low = inf
        self._high = 0.0
        self._zeros = 0
        self._pending: dict[int, int] = {}
        self._lanes = 0
        self._offset = 0

    def record(self, value: float, times: int = 1) -> None:
        """Count a duration.

        Args:
            value: milliseconds; what is no duration (zero, negative, NaN, infinite) counts as zero.
            times: how often, at least 1.
        """
        self.count += times
        if not _SMALLEST_MS <= value <= _LARGEST_MS:
            self._zeros += times
            self._low = 0.0
            return
        self.sum += value * times
        if value < self._low:
            self._low = value
        if value > self._high:
            self._high = value
        index = ceil(log2(value) * _BUCKETS_A_DOUBLING) - 1
        pending = self._pending
        if index in pending:
            pending[index] += times
            return
        pending[index] = times
        if len(pending) > MAX_BUCKETS:
            self._fold()

    @property
    def scale(self) -> int:
        """Precision: 5 is 1.1 %, and each step down doubles the error."""
        if self._pending:
            self._fold()
        return self._scale

    @property
    def min(self) -> float:
        """Smallest value in milliseconds, exact; 0.0 when there is none."""
        return self._low if self.count else 0.0

    @property
    def max(self) -> float:
        """Largest value in milliseconds, exact; 0.0 when there is none."""
        return self._high

    def merge(self, other: Histogram) -> None:
        """Add another histogram's counts: the same result in any order and grouping."""
        if self._pending:
            self._fold()
        if other._pending:
            other._fold()
        lanes, offset, scale = other._lanes, other._offset, other._scale
        while scale > self._scale:
            lanes, offset = _halved(lanes, offset)
            scale -= 1
        while self._scale > scale:
            self._halve()
        if lanes:
            self._add(lanes, offset)
        self.count += other.count
        self.sum += other.sum
        self._zeros += other._zeros
        if other._low < self._low:
            self._low = other._low
        if other._high > self._high:
            self._high = other._high

    def quantile(self, q: float) -> float | None:
        """Return the nearest-rank quantile in milliseconds, or None when nothing was recorded.

        Args:
            q: share of the values that are no larger, 0.0 to 1.0; both ends are exact.

        Raises:
            ValueError: `q` is not a share.
        """
        if not 0.0 <= q <= 1.0:
            raise ValueError(f"A quantile is a share from 0.0 to 1.0, not {q!r}.")
        if not self.count:
            return None
        # 0.07 * 100 is 7.000000000000001 in floats, and rank 7 is meant.
        rank = ceil(q * self.count - 1e-9)
        return next(self._at([max(1, min(rank, self.count))]))

    def sample(self, n: int) -> Iterator[float]:
        """Draw `n` evenly spaced quantiles in milliseconds, ascending.

        Each stands for the same number of values, so that their mean and their quantiles are those
        of the whole; with `n` equal to ``count`` they are the values themselves, within 1.1 %.
        """
        if not self.count:
            return iter(())
        return self._at((2 * step + 1) * self.count // (2 * n) + 1 for step in range(n))

    def to_json(self) -> list[Any]:
        """Return ``[scale, first bucket, zeros, count, sum, min, max, byte planes, base64]``."""
        if self._pending:
            self._fold()
        planes, text = to_text(self._lanes)
        # To the nanosecond: further digits are float noise and make the stored text longer.
        values = [round(value, 6) for value in (self.sum, self.min, self.max)]
        return [self._scale, self._offset, self._zeros, self.count, *values, planes, text]

    @classmethod
    def from_json(cls, data: list[Any]) -> Histogram:
        """Read what ``to_json`` returned.

        Raises:
            ValueError: the list is not of that form.
        """
        made = cls.__new__(cls)  # every field is set below
        made._pending = {}
        try:
            (
                made._scale,
                made._offset,
                made._zeros,
                made.count,
                made.sum,
                low,
                made._high,
                planes,
                text,
            ) = data
            made._low = low if made.count else inf
            made._lanes = from_text(planes, text)
        except (TypeError, ValueError) as error:
            raise ValueError(f"This is not a stored histogram: {data!r:.200}") from error
        return made

    def _fold(self) -> None:
        """Move what ``record()`` counted into the packed form."""
        pending, self._pending = self._pending, {}
        shift = SCALE - self._scale
        lowest = min(pending) >> shift
        counts = [0] * ((max(pending) >> shift) - lowest + 1)
        for index, times in pending.items():
            counts[(index >> shift) - lowest] += times
        self._add(packed(counts), lowest)

    def _add(self, lanes: int, offset: int) -> None:
        """Add lanes of the same scale, and keep the span within its bound."""
        if not self._lanes:
            self._lanes, self._offset = lanes, offset
        elif offset >= self._offset:
            self._lanes += lanes << LANE_BITS * (offset - self._offset)
        else:
            self._lanes = (self._lanes << LANE_BITS * (self._offset - offset)) + lanes
            self._offset = offset
        while self._lanes.bit_length() > LANE_BITS * MAX_BUCKETS:
            self._halve()

    def _halve(self) -> None:
        self._lanes, self._offset = _halved(self._lanes, self._offset)
        self._scale -= 1

    def _at(self, ranks: Iterable[int]) -> Iterator[float]:
        """Find the values at ascending ranks, 1 to ``count``."""
        if self._pending:
            self._fold()
        counts = unpacked(self._lanes)
        width = 2.0**-self._scale
        # From a bucket's lower end to its harmonic middle.
        to_middle = 2.0 / (1.0 + 2.0**-width)
        passed = self._zeros
        place = -1
        for rank in ranks:
            while passed < rank and place + 1 < len(counts):
                place += 1
                passed += counts[place]
            if rank == self.count:
                yield self._high
            elif rank == 1 or place < 0:
                yield self._low
            else:
                middle = 2.0 ** ((self._offset + place) * width) * to_middle
                yield min(max(middle, self._low), self._high)


def _halved(lanes: int, offset: int) -> tuple[int, int]:
    """Join each even bucket with the next, as the next coarser scale has them."""
    counts = [0] * (offset & 1) + [*unpacked(lanes)]
    counts += [0] * (len(counts) & 1)
    pairs = zip(counts[::2], counts[1::2], strict=True)
    return packed([even + odd for even, odd in pairs]), offset >> 1
