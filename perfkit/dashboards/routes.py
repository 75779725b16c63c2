"""Route by route: how many, how bad, how slow, and why."""

from __future__ import annotations

from perfkit.dashboards.expressions import (
    grouped,
    highest,
    lowest,
    named,
    named_by_group,
    per_second,
    percent,
    percent_by,
    ratio_by,
    scaled,
)
from perfkit.dashboards.names import Names
from perfkit.dashboards.panel import Panel, S, Section


def routes(names: Names, apdex_ms: float) -> Section:
    """Return rate, errors and duration of the routes that stand out."""
    keys, requests = names.by_route, names.routes("requests")
    percentiles = (("p50", "median"), ("p95", "upper_95"), ("p99", "upper_99"))
    spent, good = names.routes("duration_us"), (names.routes("le_t"), names.routes("le_4t"))
    panels = (
        Panel(
            "Top routes by total time",
            "",
            (named_by_group(highest(scaled(per_second(grouped(keys, spent), names.alive), S))),),
            "Seconds spent in a route each second: 1 is one worker busy with it all the time. Begin here.",
            stacked=True,
        ),
        Panel(
            "Requests a second by route",
            "req/s",
            (named_by_group(highest(per_second(grouped(keys, requests), names.alive))),),
            "The ten that are asked for most.",
        ),
        Panel(
            "5xx by route",
            "percent",
            (
                named_by_group(
                    highest(percent_by(keys, (names.routes("status_5xx"),), requests)),
                ),
            ),
            "The ten with the largest share of server errors.",
        ),
        *(
            Panel(
                f"{short} by route",
                "ms",
                (
                    highest(
                        grouped(
                            names.by_route_and_method,
                            names.timer("duration", statistic),
                            callback="max",
                        )
                    ),
                ),
                "The ten slowest. A percentile of each 10 s; Graphite cannot merge them, so over longer steps the "
                "highest (p95, p99) or the mean (p50) is kept. perfreport has exact ones.",
            )
            for short, statistic in percentiles
        ),
        Panel(
            f"Apdex at {apdex_ms:g} ms by route",
            "",
            (named_by_group(lowest(ratio_by(keys, good, requests, 0.5))),),
            "The ten lowest.",
        ),
        Panel(
            "Response size by route, mean",
            "bytes",
            (
                named_by_group(
                    highest(ratio_by(keys, (names.routes("response_bytes"),), requests)),
                ),
            ),
            "The ten largest.",
        ),
    )
    return Section("Routes: rate, errors, duration", panels)


def causes(names: Names) -> Section:
    """Return what makes routes slow: statements, N+1, duplicates, the database, the cache."""
    keys, requests = names.by_route, names.routes("requests")

    def each(metric: str, title: str, meaning: str) -> Panel:
        lines = highest(ratio_by(keys, (names.routes(metric),), requests))
        return Panel(title, "", (named_by_group(lines),), meaning)

    hits, misses = names.requests("cache_hits"), names.requests("cache_misses")
    own_hits, own_misses = names.routes("cache_hits"), names.routes("cache_misses")
    database = percent_by(keys, (names.routes("db_us"),), names.routes("duration_us"))
    panels = (
        each("statements", "Statements a request by route", "The ten with the most."),
        each(
            "n_plus_one",
            "N+1 statements a request by route",
            "Statements of loops that a select_related or prefetch_related would save; perfreport names the line.",
        ),
        each(
            "duplicates",
            "Duplicate statements a request by route",
            "Reads that had run before in the same request.",
        ),
        Panel(
            "Database's share of the time by route",
            "percent",
            (named_by_group(highest(database)),),
            "The ten that wait for the database most.",
        ),
        Panel(
            "Cache hits",
            "percent",
            (named(percent((hits,), f"group({hits},{misses})"), "hits"),),
            "Share of cache reads that found a value, in requests of all routes.",
        ),
        Panel(
            "Cache hits by route",
            "percent",
            (
                named_by_group(
                    lowest(percent_by(keys, (own_hits,), f"group({own_hits},{own_misses})"))
                ),
            ),
            "The ten with the fewest.",
        ),
    )
    return Section("Why they take so long", panels)
