"""Writes to carbon what statsd would, for a made site whose every figure is known."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

from perfkit.dashboards.server import GraphiteWeb
from perfkit.metrics.names import PROCESS, ROUTE, SELF, TIMER_SERIES
from perfkit.metrics.spelling import Scope, process_scope, route_scope, self_scope

STEP_S = 10
STEPS = 30

#: What each route counts in a step. The second has no errors, no cache and no N+1, which are then never sent.
ROUTES: dict[tuple[str, str], dict[str, float]] = {
    ("/things/<int:pk>/", "GET"): {
        "requests": 20,
        "status_4xx": 2,
        "status_5xx": 1,
        "le_t": 14,
        "le_4t": 18,
        "duration": 300,
        "duration_us": 8_000_000,
        "ttfb_us": 7_000_000,
        "db_us": 2_000_000,
        "cache_us": 400_000,
        "queue_us": 100_000,
        "cpu_us": 3_000_000,
        "statements": 240,
        "duplicates": 40,
        "n_plus_one": 100,
        "cache_hits": 30,
        "cache_misses": 10,
        "response_bytes": 60_000,
    },
    ("/", "GET"): {
        "requests": 20,
        "le_t": 20,
        "le_4t": 20,
        "duration": 10,
        "duration_us": 200_000,
        "ttfb_us": 100_000,
        "db_us": 50_000,
        "queue_us": 100_000,
        "cpu_us": 100_000,
        "statements": 20,
        "response_bytes": 20_000,
    },
    # A Celery task: a route of its own, and no request.
    ("shop.tasks.charge", "TASK"): {
        "requests": 10,
        "status_5xx": 10,
        "duration": 4000,
        "duration_us": 5_000_000,
        "db_us": 1_000_000,
        "statements": 30,
        "cache_hits": 10,
    },
    ("/", "POST"): {
        "requests": 10,
        "le_t": 10,
        "le_4t": 10,
        "duration": 20,
        "duration_us": 200_000,
    },
}
HOSTS = ("web-1.example.com", "web-2.example.com")
WORKERS: dict[str, float] = {
    "elapsed_us": 40_000_000,
    "busy_us": 10_000_000,
    "request_us": 12_000_000,
    "cpu_us": 4_000_000,
    "saturated_us": 5_000_000,
    "in_flight": 2,
    "in_flight_peak": 3,
}
OWN: dict[str, float] = {
    "flushes": 4,
    "flush_us": 4_000,
    "overhead_us": 500,
    "dropped": 0,
    "unsent": 0,
    "failures": 0,
}


@dataclass(frozen=True)
class Site:
    """One that sends: everything it is known by in Graphite begins with its prefix."""

    prefix: str
    form: str
    now: int


def send(carbon: str, form: str) -> Site:
    """Write five minutes of a new site's figures, up to now.

    Args:
        carbon: address of its line receiver.
        form: how names are spelled.
    """
    now = int(time.time()) // STEP_S * STEP_S
    site = Site(f"t{uuid4().hex[:12]}.perfkit", form, now)
    host, _, port = carbon.partition(":")
    text = "".join(
        f"{name} {value} {now - STEP_S * step}\n"
        for name, value in _series(site)
        for step in range(STEPS)
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(text.encode())
    return site


def arrived(site: Site, graphite: GraphiteWeb) -> bool:
    """Tell whether every value can be read: carbon makes the files of new series in an order of its own."""
    names = [name for name, _ in _series(site)]
    selectors = dict.fromkeys(
        f'seriesByTag("name={name.partition(";")[0]}")' if ";" in name else name for name in names
    )
    series = graphite.render(f"group({','.join(selectors)})", f"-{2 * STEP_S * STEPS}s")
    return sum(len(each["datapoints"]) for each in series) == STEPS * len(names)


def _series(site: Site) -> Iterator[tuple[str, float]]:
    assert set(WORKERS) == {metric.name for metric in PROCESS}
    assert set(OWN) == {metric.name for metric in SELF}
    for (label, method), values in ROUTES.items():
        yield from _named(site, route_scope(site.form, label, method), values)
    for host in HOSTS if site.form != "dogstatsd" else HOSTS[:1]:
        yield from _named(site, process_scope(site.form, host), WORKERS)
    yield from _named(site, self_scope(), OWN)


def _named(site: Site, scope: Scope, values: dict[str, float]) -> Iterator[tuple[str, float]]:
    timers = {metric.name for metric in (*ROUTE, *PROCESS, *SELF) if metric.kind == "ms"}
    # statsd makes Graphite's tags of DogStatsD's.
    tags = scope.after or scope.tail.removeprefix("|#").replace(":", "=").replace(",", ";")
    after = f";{tags.removeprefix(';')}" if tags else ""
    for metric, value in values.items():
        before = f"{site.prefix}.{scope.before}{metric}"
        if metric in timers:
            for statistic in TIMER_SERIES:
                yield f"stats.timers.{before}.{statistic}{after}", value
        else:
            yield f"stats.counters.{before}.count{after}", value
