"""The figures of a report's rows, from the sums of routes: means, shares, percentiles, Apdex."""

from __future__ import annotations

from perfkit.metrics.aggregate import RouteStats
from perfkit.metrics.histogram import Histogram
from perfkit.report.model import RouteRow, Totals
from perfkit.store.read import Stored

#: What is counted as lost; every one of them is in a report, zero or not.
DROPPED = (
    *("requests", "queries", "routes", "findings", "eager_loads", "samples", "explains"),
    *("events", "buckets", "too_old"),
)


def totals(stored: Stored, stats: list[RouteStats]) -> Totals:
    """Add the routes chosen up.

    Args:
        stored: what the store holds of the window.
        stats: the sums of these routes.
    """
    dropped = stored.window.dropped
    lost = {name: int(dropped.get(name, 0)) for name in DROPPED}
    lost["samples"] += stored.evicted_samples
    lost["buckets"] += stored.evicted + stored.unreadable
    lost["too_old"] += stored.too_old
    duration = Histogram()
    for each in stats:
        duration.merge(each.duration)
    p50_ms, p95_ms, p99_ms = (duration.quantile(share) for share in (0.5, 0.95, 0.99))
    return Totals(
        requests=_sum(stats, "requests"),
        errors=_sum(stats, "errors"),
        recorded=_sum(stats, "recorded"),
        statements=_sum(stats, "statements"),
        duplicates=_sum(stats, "duplicates"),
        total_ms=sum(each["total_ms"] for each in stats),
        db_ms=sum(each["db_ms"] for each in stats),
        workers=stored.window.workers,
        dropped=lost,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        apdex=_apdex(stats),
    )


def _sum(stats: list[RouteStats], name: str) -> int:
    return int(sum(each[name] for each in stats))


def _apdex(stats: list[RouteStats]) -> float | None:
    """Return the share of satisfied requests, those that merely tolerate counting half."""
    requests = sum(each["requests"] for each in stats)
    # The second count holds the first one's, so that both halves come out of their mean.
    good = sum(each["le_t"] + each["le_4t"] for each in stats) / 2
    return good / requests if requests else None


def db_share(stats: list[RouteStats]) -> float | None:
    """Weigh each route's share by its time: sampled requests stand for all of their route."""
    known = [each for each in stats if each["recorded"]]
    total_ms = sum(each["total_ms"] for each in known)
    if not total_ms:
        return None
    db_ms = sum(each["db_ms"] / each["recorded"] * each["requests"] for each in known)
    return min(db_ms / total_ms, 1.0)


def route_row(route: str, method: str, stats: RouteStats) -> RouteRow:
    """Turn the sums of a route into its row."""
    requests = stats["requests"] or 1
    mean_ms = stats["total_ms"] / requests
    p50_ms, p95_ms, p99_ms = (stats.duration.quantile(q) or 0.0 for q in (0.5, 0.95, 0.99))
    db_ms = _mean(stats, "db_ms", "recorded")
    return RouteRow(
        route=route,
        method=method,
        requests=int(stats["requests"]),
        errors=int(stats["errors"]),
        status=dict(sorted(stats.status.items())),
        total_ms=stats["total_ms"],
        mean_ms=mean_ms,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        max_ms=stats.duration.max,
        ttfb_ms=stats["ttfb_ms"] / requests,
        cpu_ms=_mean(stats, "cpu_ms", "cpu_requests"),
        db_ms=db_ms,
        db_share=db_share([stats]),
        cache_ms=_mean(stats, "cache_ms", "recorded"),
        queue_ms=_mean(stats, "queue_ms", "queue_requests"),
        statements_per_request=_mean(stats, "statements", "recorded"),
        duplicates_per_request=_mean(stats, "duplicates", "recorded"),
        transactions_per_request=_mean(stats, "transactions", "recorded"),
        cache_hits=int(stats["cache_hits"]),
        cache_misses=int(stats["cache_misses"]),
        response_bytes=stats["response_bytes"] / requests,
        apdex=_apdex([stats]),
    )


def _mean(stats: RouteStats, name: str, of: str) -> float | None:
    return stats[name] / stats[of] if stats[of] else None
