"""Puts two windows of the store side by side into one comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from perfkit.metrics.aggregate import RouteStats, Window
from perfkit.report.compare.figures import FEWEST_REQUESTS, FEWEST_SPANS
from perfkit.report.compare.findings import only_in
from perfkit.report.compare.model import (
    DRIFT_REMOVED,
    SAME_TIME,
    UNKNOWN,
    Comparison,
    Side,
)
from perfkit.report.compare.routes import Key, changes, pairs
from perfkit.report.compare.windows import NEAR_S, Windows
from perfkit.report.model import FindingRow
from perfkit.report.wording import counted, moment
from perfkit.store.read import Stored


@dataclass(frozen=True, slots=True)
class Half:
    """What the store holds of one window.

    Attributes:
        stored: read with steps.
        keys: (route, method) of the routes chosen.
        findings: of these routes.
    """

    stored: Stored
    keys: Sequence[Key]
    findings: Sequence[FindingRow]

    def stats(self, key: Key) -> RouteStats:
        """Return a route's sums."""
        return self.stored.window.routes[key]


def compare(windows: Windows, before: Half, after: Half, asked: str) -> Comparison:
    """Compare two windows.

    Args:
        windows: the two, and how they are cut.
        before: what is held of the first; both are cut into spans of the same length.
        after: what is held of the second.
        asked: as given to ``--compare``.
    """
    steps = before.stored.steps, after.stored.steps
    both = sorted(set(before.keys) & set(after.keys))
    wholes = before.stored.window.routes, after.stored.window.routes
    routes, tested = changes(pairs(both, wholes, steps), windows.shift)
    nothing = before.stored.first_bucket is None or after.stored.first_bucket is None
    made = Comparison(
        asked=asked,
        mark=None if windows.mark is None else windows.mark[1],
        mark_at=None if windows.mark is None else windows.mark[0],
        before=_side(windows.before, before),
        after=_side(windows.after, after),
        step_s=before.stored.step_s or windows.step_s,
        method=DRIFT_REMOVED if windows.shift is None else SAME_TIME,
        routes=tuple(routes),
        new_routes=() if nothing else _alone(after, before),
        gone_routes=() if nothing else _alone(before, after),
        new_findings=tuple(only_in(after.findings, before.findings, steps[1], steps[0])),
        gone_findings=tuple(only_in(before.findings, after.findings, *steps)),
        tested=tested,
    )
    return replace(made, notes=(*windows.notes, *_notes(made, before, after)))


def _side(side: Side, half: Half) -> Side:
    requests = int(sum(half.stats(key)["requests"] for key in half.keys))
    spans = sum(_has_any(window, half.keys) for _, window in half.stored.steps)
    return replace(side, requests=requests, spans=spans)


def _has_any(window: Window, keys: Sequence[Key]) -> bool:
    return any(key in window.routes for key in keys)


def _alone(one: Half, other: Half) -> tuple[tuple[str, str], ...]:
    """Return (method, route) of the routes that only one window has, most requests first."""
    alone = sorted(
        set(one.keys) - set(other.keys), key=lambda key: (-one.stats(key)["requests"], key)
    )
    return tuple((method, route) for route, method in alone)


def _notes(made: Comparison, before: Half, after: Half) -> Iterator[str]:
    for told, side, half in (("first", made.before, before), ("second", made.after, after)):
        begun = half.stored.first_bucket
        if begun is None:
            yield f"The store holds nothing of the {told} window"
        elif begun > side.start + max(made.step_s, (side.end - side.start) / 10):
            yield f"The data of the {told} window begin at {moment(begun)} only"
    longest = max(side.end - side.start for side in (made.before, made.after))
    if made.tested and made.method == DRIFT_REMOVED and longest > NEAR_S:
        yield (
            "The windows are of different times of day and longer than 3 h: a daily cycle is no "
            "steady drift over that long and may look like a change. Windows of the same time of "
            "day, such as 2d/8h..1d/8h, are safe from it"
        )
    unknown = len(made.of(UNKNOWN))
    if unknown:
        yield (
            f"{counted(unknown, 'route')} not judged: that takes {FEWEST_REQUESTS} requests in each "
            f"window, in {FEWEST_SPANS} spans of it"
        )
