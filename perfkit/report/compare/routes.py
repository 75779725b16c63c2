"""Compares the routes of two windows, and corrects for having looked at many figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perfkit.metrics.aggregate import RouteStats, Window
from perfkit.report.compare.difference import Difference, differences
from perfkit.report.compare.figures import KINDS, Kind, Spans
from perfkit.report.compare.model import BETTER, SAME, UNKNOWN, WORSE, Figure, RouteChange
from perfkit.report.compare.spans import Swings

#: The chance that even one line is a false alarm, when nothing has changed.
LEVEL: Final = 0.05
#: A change by less is not told, however sure: nobody would act on it, and buckets are 2 % wide.
LEAST_CHANGE: Final = 0.05

_RANK = {WORSE: 0, BETTER: 1, SAME: 2, UNKNOWN: 3}

Key = tuple[str, str]
Steps = Sequence[tuple[int, Window]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A route's sums in both windows, whole and by span."""

    key: Key
    wholes: tuple[RouteStats, RouteStats]
    spans: tuple[Spans, Spans]

    def swings(self, kind: Kind) -> tuple[Swings, Swings]:
        """Return a figure over the spans of both windows."""
        before, after = self.spans
        return kind.swings(before), kind.swings(after)


def pairs(
    keys: Sequence[Key],
    wholes: tuple[Mapping[Key, RouteStats], Mapping[Key, RouteStats]],
    steps: tuple[Steps, Steps],
) -> list[Pair]:
    """Put both windows' sums of each route side by side.

    Args:
        keys: (route, method) of those that are in both.
        wholes: each window's sums.
        steps: each window's spans.
    """
    found: list[Pair] = []
    for key in keys:
        one, other = (
            {at: window.routes[key] for at, window in side if key in window.routes}
            for side in steps
        )
        found.append(Pair(key, (wholes[0][key], wholes[1][key]), (one, other)))
    return found


def changes(found: Sequence[Pair], shift: int | None) -> tuple[list[RouteChange], int]:
    """Return what became of each route, worst first, and how many figures were tested.

    Args:
        found: the routes.
        shift: seconds from a span to its partner in the second window; None without partners.
    """
    tested: list[tuple[int, Kind, Difference]] = []
    for kind in KINDS:
        enough = [place for place, pair in enumerate(found) if not kind.lacks(*pair.spans)]
        each = [found[place].swings(kind) for place in enough]
        tested += [
            (place, kind, replace(made, p=max(made.p, kind.exact(*found[place].spans))))
            for place, made in zip(enough, differences(each, shift), strict=True)
        ]
    adjusted = holm([difference.p for _, _, difference in tested])
    figures: dict[tuple[int, str], Figure] = {}
    for (place, kind, difference), p in zip(tested, adjusted, strict=True):
        figures[place, kind.name] = _figure(kind, difference, p)
    routes = [
        _change(pair, [figures.get((place, kind.name)) or _untested(kind, pair) for kind in KINDS])
        for place, pair in enumerate(found)
    ]
    routes.sort(key=lambda each: (_RANK[each.verdict], -abs(each.cost_ms), each.route))
    return routes, len(tested)


def holm(chances: Sequence[float]) -> list[float]:
    """Adjust p-values, so that the chance of even one false alarm among all stays what it is."""
    adjusted = [1.0] * len(chances)
    least = 0.0
    order = sorted(range(len(chances)), key=chances.__getitem__)
    for rank, place in enumerate(order):
        least = max(least, min((len(chances) - rank) * chances[place], 1.0))
        adjusted[place] = least
    return adjusted


def _figure(kind: Kind, found: Difference, p: float) -> Figure:
    before, after, drift, low, high = kind.in_unit(found)
    change = after - before - drift
    large = abs(change) >= LEAST_CHANGE * (before + drift) and change
    sure = p <= LEVEL and (low > 0 or high < 0)
    verdict = (WORSE if change > 0 else BETTER) if large and sure else SAME
    return Figure(kind.name, before, after, low, high, p, verdict, drift)


def _untested(kind: Kind, pair: Pair) -> Figure:
    return Figure(kind.name, kind.value(pair.wholes[0]), kind.value(pair.wholes[1]))


def _change(pair: Pair, figures: list[Figure]) -> RouteChange:
    route, method = pair.key
    before, after = (int(whole["requests"]) for whole in pair.wholes)
    verdicts = {figure.verdict for figure in figures}
    mean = figures[0]
    made = RouteChange(
        route=route,
        method=method,
        requests_before=before,
        requests_after=after,
        cost_ms=0.0,
        verdict=next(each for each in _RANK if each in verdicts),
        why=KINDS[0].lacks(*pair.spans),
        figures=tuple(figures),
    )
    if mean.verdict not in (WORSE, BETTER) or mean.before is None or mean.after is None:
        return made
    return replace(made, cost_ms=mean.change * after)
