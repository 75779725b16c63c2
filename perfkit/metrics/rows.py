"""A flush's windows as the rows that statsd is sent."""

from __future__ import annotations

from collections.abc import Iterable

from perfkit.metrics.aggregate import RouteStats, Window
from perfkit.metrics.statsd import RouteRow


def route_rows(windows: Iterable[Window]) -> list[RouteRow]:
    """Add up the minutes of one flush, leaving the windows as they are."""
    totals: dict[tuple[str, str], RouteStats] = {}
    for window in windows:
        for key, stats in window.routes.items():
            totals.setdefault(key, RouteStats()).merge(stats)
    return [_row(route, method, stats) for (route, method), stats in totals.items()]


def _row(route: str, method: str, stats: RouteStats) -> RouteRow:
    return RouteRow(
        label=route,
        method=method,
        requests=int(stats["requests"]),
        status=stats.status,
        duration=stats.duration,
        db_ms=stats["db_ms"],
        cache_ms=stats["cache_ms"],
        statements=int(stats["statements"]),
        duplicates=int(stats["duplicates"]),
        n_plus_one=int(stats["n_plus_one"]),
        cache_hits=int(stats["cache_hits"]),
        cache_misses=int(stats["cache_misses"]),
        response_bytes=int(stats["response_bytes"]),
        queue_ms=stats["queue_ms"],
        queue_requests=int(stats["queue_requests"]),
    )
