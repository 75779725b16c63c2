"""Turns the store's steps of time into rows of figures to plot: latency, parts of the time, statements.

Bounded whatever was stored: at most ``MOST_STEPS`` steps and ``MOST_ROUTES`` routes, so that a month
of a busy site plots as fast as an hour of a small one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from perfkit.metrics.aggregate import RouteStats, Window
from perfkit.report.heat import Heat, heat_of
from perfkit.store.read import Stored

MOST_STEPS: Final = 60
MOST_ROUTES: Final = 100

#: Seconds a step may have. Each holds whole buckets of the store as it folds them with age.
STEPS_S: Final = (
    *(60, 120, 300, 600, 1_200, 1_800),
    *(3_600, 7_200, 10_800, 21_600, 43_200),
    *(86_400, 172_800, 604_800, 1_209_600, 2_419_200, 7_257_600, 31_536_000),
)


@dataclass(frozen=True, slots=True)
class RouteSeries:
    """One route and method over time: one figure for each step.

    Times are milliseconds of all requests of the step together. ``queue_ms`` is what they waited
    before a worker had them, on top of the others. Figures that only recorded requests tell are
    projected on all of the step; None where none was recorded, or there were no requests.
    """

    route: str
    method: str
    requests: tuple[int, ...]
    errors: tuple[int, ...]
    p50_ms: tuple[float | None, ...]
    p95_ms: tuple[float | None, ...]
    p99_ms: tuple[float | None, ...]
    app_ms: tuple[float, ...]
    db_ms: tuple[float, ...]
    cache_ms: tuple[float, ...]
    queue_ms: tuple[float, ...]
    statements_per_request: tuple[float | None, ...]
    duplicates_per_request: tuple[float | None, ...]
    heat: Heat


@dataclass(frozen=True, slots=True)
class Series:
    """A report's figures over time.

    Attributes:
        start: where the first step begins, Unix seconds.
        step_s: length of a step, seconds.
        steps: how many there are, those without data too.
        whole: many routes in one; its ``route`` and ``method`` are empty.
        summed: how many routes are in it.
        routes: those asked for, at most ``MOST_ROUTES``.
    """

    start: int
    step_s: int
    steps: int
    whole: RouteSeries
    summed: int
    routes: tuple[RouteSeries, ...]


def step_of(span_s: float) -> int:
    """Return the length of a step that cuts a span of time into at most ``MOST_STEPS``, in seconds.

    Args:
        span_s: from the oldest data to the newest, seconds.
    """
    # A span may begin within a step and end within another.
    enough = (step for step in STEPS_S if span_s <= step * (MOST_STEPS - 1))
    return next(enough, STEPS_S[-1])


def series_of(
    stored: Stored,
    keys: Sequence[tuple[str, str]],
    among: Sequence[tuple[str, str]] | None = None,
) -> Series | None:
    """Turn the steps that were read into figures; None when nothing was.

    Args:
        stored: read with a step.
        keys: (route, method) of the routes to tell of, those that matter most first.
        among: of those that ``whole`` sums up; None for the same.
    """
    if not stored.steps:
        return None
    grid = _Grid(stored.steps, stored.step_s or STEPS_S[0])
    routes = tuple(_route(*key, grid.of(key)) for key in keys[:MOST_ROUTES])
    among = keys if among is None else among
    whole = [_together(window, among) for window in grid.windows]
    return Series(
        start=grid.start,
        step_s=grid.step_s,
        steps=len(grid.windows),
        whole=_route("", "", whole),
        summed=len(among),
        routes=routes,
    )


class _Grid:
    """Windows at equal distances; where nothing was stored there is None."""

    def __init__(self, steps: Sequence[tuple[int, Window]], step_s: int) -> None:
        starts = [start for start, _ in steps]
        first, last = min(starts), max(starts)
        self.step_s = step_s if last - first < step_s * MOST_STEPS else step_of(last - first)
        self.start = first // self.step_s * self.step_s
        places = (last - self.start) // self.step_s + 1
        held: list[list[Window]] = [[] for _ in range(places)]
        for start, window in steps:
            held[(start - self.start) // self.step_s].append(window)
        self.windows = [_merged(windows) for windows in held]

    def of(self, key: tuple[str, str]) -> list[RouteStats | None]:
        return [window.routes.get(key) if window else None for window in self.windows]


def _merged(windows: list[Window]) -> Window | None:
    if len(windows) < 2:
        return windows[0] if windows else None
    merged = Window()
    for window in windows:
        # A copy: merging adds to what it took over, and that is the store's answer.
        merged.merge(Window.from_json(window.to_json()))
    return merged


def _together(window: Window | None, keys: Iterable[tuple[str, str]]) -> RouteStats | None:
    found = [window.routes[key] for key in keys if key in window.routes] if window else []
    if not found:
        return None
    together = RouteStats()
    for stats in found:
        together.merge(stats)
    return together


def _route(route: str, method: str, stats: Sequence[RouteStats | None]) -> RouteSeries:
    parts = [_parts(each) for each in stats]
    return RouteSeries(
        route=route,
        method=method,
        requests=tuple(int(each["requests"]) if each else 0 for each in stats),
        errors=tuple(int(each["errors"]) if each else 0 for each in stats),
        p50_ms=_quantile(stats, 0.5),
        p95_ms=_quantile(stats, 0.95),
        p99_ms=_quantile(stats, 0.99),
        app_ms=tuple(part[0] for part in parts),
        db_ms=tuple(part[1] for part in parts),
        cache_ms=tuple(part[2] for part in parts),
        queue_ms=tuple(part[3] for part in parts),
        statements_per_request=_each(stats, "statements"),
        duplicates_per_request=_each(stats, "duplicates"),
        heat=heat_of([each.duration if each else None for each in stats]),
    )


def parts_of(stats: RouteStats) -> tuple[float, float, float, float]:
    """Split a route's time: in the site's code, the database, the cache, the queue; milliseconds."""
    total_ms, requests = stats["total_ms"], stats["requests"]
    queued = stats["queue_requests"]
    queue_ms = stats["queue_ms"] / queued * requests if queued else 0.0
    recorded = stats["recorded"]
    if not recorded:
        return total_ms, 0.0, 0.0, queue_ms
    db_ms = min(stats["db_ms"] / recorded * requests, total_ms)
    cache_ms = min(stats["cache_ms"] / recorded * requests, total_ms - db_ms)
    return total_ms - db_ms - cache_ms, db_ms, cache_ms, queue_ms


def _parts(stats: RouteStats | None) -> tuple[float, float, float, float]:
    return parts_of(stats) if stats else (0.0, 0.0, 0.0, 0.0)


def _quantile(stats: Iterable[RouteStats | None], share: float) -> tuple[float | None, ...]:
    return tuple(each.duration.quantile(share) if each else None for each in stats)


def _each(stats: Iterable[RouteStats | None], name: str) -> tuple[float | None, ...]:
    return tuple(
        each[name] / each["recorded"] if each and each["recorded"] else None for each in stats
    )
