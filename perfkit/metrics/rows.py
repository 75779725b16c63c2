"""A flush's sums as the numbers that statsd is sent, by the table in ``names.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from perfkit.metrics import names
from perfkit.metrics.aggregate import RouteStats, Window
from perfkit.metrics.histogram import Histogram
from perfkit.metrics.names import Metric
from perfkit.metrics.process import ProcessStats

_STATUSES: Final = frozenset(("4xx", "5xx"))


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One route and method in one flush.

    Attributes:
        label, method: as they are counted.
        counts: by a metric's name, in its unit.
        duration: the timer's values, in milliseconds.
    """

    label: str
    method: str
    counts: Mapping[str, float]
    duration: Histogram


def route_rows(windows: Iterable[Window], recorded_share: float = 1.0) -> list[RouteRow]:
    """Add up the minutes of one flush, leaving the windows as they are.

    Args:
        windows: the minutes.
        recorded_share: of the requests, those whose statements are recorded; their sums are sent as
            those of all.
    """
    totals: dict[tuple[str, str], RouteStats] = {}
    for window in windows:
        for key, stats in window.routes.items():
            totals.setdefault(key, RouteStats()).merge(stats)
    scale = 1 / recorded_share if recorded_share > 0 else 0.0
    return [
        RouteRow(route, method, _counts(stats, scale), stats.duration)
        for (route, method), stats in totals.items()
    ]


def process_counts(stats: ProcessStats) -> dict[str, float]:
    """Return the figures of one worker by a metric's name, in its unit."""
    return {metric.name: getattr(stats, metric.source) * metric.times for metric in names.PROCESS}


def _counts(stats: RouteStats, scale: float) -> dict[str, float]:
    return {
        metric.name: _value(stats, metric) * metric.times * (scale if metric.recorded else 1)
        for metric in names.ROUTE
        if metric.kind == "c"
    }


def _value(stats: RouteStats, metric: Metric) -> float:
    return stats.status[metric.source] if metric.source in _STATUSES else stats[metric.source]
