"""What a team looks at first: the whole site, and whether it keeps its promise (SLO)."""

from __future__ import annotations

from perfkit.dashboards.expressions import (
    burn,
    limit,
    named,
    per_second,
    percent,
    ratio,
    total,
)
from perfkit.dashboards.names import Names
from perfkit.dashboards.panel import MS, Panel, Section

#: The windows of SLO alerts: long, short, burn rate and what it calls for. A whole month's budget lasts 50 hours at
#: 14.4 times the allowed rate, 5 days at 6 times, 30 days at 1. The short window ends an alert soon after its cause.
#: (Google, The Site Reliability Workbook, chapter 5.)
BURN_WINDOWS = (
    ("1h", "5min", 14.4, "page"),
    ("6h", "30min", 6.0, "page"),
    ("3d", "6h", 1.0, "ticket"),
)


def overview(names: Names, apdex_ms: float) -> Section:
    """Return rate, errors, Apdex and time of all routes together."""

    def all_of(metric: str) -> str:
        return names.requests(metric)

    def mean(metric: str) -> str:
        return named(ratio((all_of(metric),), requests, MS), metric.removesuffix("_us"))

    requests = all_of("requests")
    none = f"scale({requests},0)"
    apart = (all_of("db_us"), all_of("cache_us"))
    rest = ",".join((total(all_of("duration_us")), *apart))
    panels = (
        Panel(
            "Requests a second",
            "req/s",
            (
                named(per_second(total(requests), names.alive), "all"),
                named(per_second(total(all_of("status_4xx"), none), names.alive), "4xx"),
                named(per_second(total(all_of("status_5xx"), none), names.alive), "5xx"),
            ),
            "All routes of all hosts together.",
            marked=True,
        ),
        Panel(
            "Errors",
            "percent",
            (
                named(percent((all_of("status_5xx"),), requests), "5xx"),
                named(percent((all_of("status_4xx"),), requests), "4xx"),
            ),
            "Share of all requests.",
            marked=True,
        ),
        Panel(
            f"Apdex at {apdex_ms:g} ms",
            "",
            (named(ratio((all_of("le_t"), all_of("le_4t")), requests, 0.5), "Apdex"),),
            f"1 when every request is good within {apdex_ms:g} ms; one within four times that counts half.",
            marked=True,
        ),
        Panel(
            "Where a request's time goes, mean",
            "ms",
            (
                mean("queue_us"),
                mean("db_us"),
                mean("cache_us"),
                named(ratio((f"diffSeries({rest})",), requests, MS), "code and the rest"),
            ),
            "Wait for a worker, database, cache, and all else; together what a visitor waits for.",
            stacked=True,
            marked=True,
        ),
    )
    return Section("All routes", panels)


def slo(names: Names, apdex_ms: float, target: float) -> Section:
    """Return how fast the error budget goes, over each pair of windows that alerts are made of."""
    good, requests = names.requests("le_t"), names.requests("requests")
    panels = tuple(
        Panel(
            f"SLO burn rate, {long} and {short}",
            "",
            (
                named(burn(good, requests, long, target), long),
                named(burn(good, requests, short, target), short),
                limit(rate, f"{deed} when both are above {rate:g}"),
            ),
            f"How many times faster than allowed the error budget goes. Good is no 5xx, not cut short, and within "
            f"{apdex_ms:g} ms.",
        )
        for long, short, rate, deed in BURN_WINDOWS
    )
    return Section(f"SLO: {target * 100:g} % good requests", panels)
