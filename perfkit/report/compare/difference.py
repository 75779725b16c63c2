"""The difference of one figure between two windows: how large, its 95 % range, and by what chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from perfkit.report.compare.distribution import (
    rarest_split,
    split_two_sided,
    t_limit,
    t_two_sided,
)
from perfkit.report.compare.drift import FITTED, Drift, shared, slope_of
from perfkit.report.compare.scales import Sums
from perfkit.report.compare.spans import (
    Spread,
    Swings,
    partners,
    repeats,
    spread,
)

#: The range of a difference holds the true one in this share of cases, each figure by itself.
CONFIDENCE: Final = 0.95

#: Below this share single events decide, and how they are spread over the spans tells too little:
#: the exact test must agree.
_RARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure in two windows, on the scale on which it is compared.

    Attributes:
        before, after: its value in each.
        drift: by how much it would have changed anyway.
        low, high: 95 % range of ``after - before - drift``.
        p: how often chance alone gives a difference at least as large.
    """

    before: float
    after: float
    drift: float
    low: float
    high: float
    p: float

    @property
    def change(self) -> float:
        """The difference beyond the drift."""
        return self.after - self.before - self.drift


def differences(figures: Sequence[tuple[Swings, Swings]], shift: int | None) -> list[Difference]:
    """Compare one figure of every route.

    Args:
        figures: both windows' swings of each route.
        shift: seconds from a span to its partner at the same time of day; None without partners:
            then what drifts in all routes alike is no change.
    """
    if shift is not None:
        joined = [partners(one, other, shift) for one, other in figures]
        return [
            _difference(one, other, Drift(), spread([pair], repeated))
            for (one, other), pair, repeated in zip(
                figures, joined, repeats([[pair] for pair in joined]), strict=True
            )
        ]
    slopes = [slope_of(one, other) for one, other in figures]
    around = [(slope.before, slope.after) for slope in slopes]
    resembling = repeats(around, FITTED)
    return [
        _difference(one, other, drift, spread(windows, repeated, FITTED))
        for (one, other), windows, repeated, drift in zip(
            figures, around, resembling, shared(slopes, resembling), strict=True
        )
    ]


def _difference(before: Swings, after: Swings, drift: Drift, apart: Spread) -> Difference:
    change = after.value - before.value - drift.value
    total = Spread(apart.variance + drift.variance, apart.df)
    around = t_limit(total.df, 1 - CONFIDENCE) * total.error
    return Difference(
        before=before.value,
        after=after.value,
        drift=drift.value,
        low=change - around,
        high=change + around,
        p=_chance(change, total, len(before.errors), len(after.errors)),
    )


def _chance(change: float, total: Spread, ones: int, others: int) -> float:
    if not change:
        return 1.0
    t = change / total.error if total.variance else inf
    # Of a figure that never swings no more is known than that these spans differ from those.
    return max(t_two_sided(t, total.df), rarest_split(ones, others))


def exact_chance(before: Sums, after: Sums) -> float:
    """Return how often chance spreads rare events so unevenly; 0.0 where they are not rare."""
    (few, of), (others, of_others) = (
        (sum(total for total, _ in spans.values()), sum(count for _, count in spans.values()))
        for spans in (before, after)
    )
    if few + others > _RARE * (of + of_others):
        return 0.0
    return split_two_sided(round(few), round(others), of / (of + of_others))
