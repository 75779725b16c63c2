"""Ten seconds of one worker: requests spread over routes as a site's are, every sum of a route above zero."""

from __future__ import annotations

import random
from collections.abc import Iterator

from perfkit.metrics.aggregate import Window
from perfkit.metrics.own import SelfStats
from perfkit.metrics.process import ProcessStats
from perfkit.metrics.rows import route_rows
from perfkit.metrics.statsd import MetricsWindow
from perfkit.record import Finding, Query, RequestRecord

LOOP = Finding("n_plus_one", "warning", "", 9, 8, 1.5, "f")
TWICE = tuple(Query("x", "x", "SELECT", ("t",), "default", 0.0, 1.0, 1) for _ in range(2))


def labels(routes: int) -> list[str]:
    """Return routes as long as a shop's are."""
    return [f"/shop/category-{number}/<slug:product>/" for number in range(routes)]


def requests(count: int, routes: int, seed: int) -> Iterator[RequestRecord]:
    """Yield so many requests: the second route gets half of the first one's, the third a third."""
    chance = random.Random(seed)
    known = labels(routes)
    weights = [1 / place for place in range(1, routes + 1)]
    for route in chance.choices(known, weights, k=count):
        yield RequestRecord(
            route=route, method="GET", status=chance.choice((200, 200, 200, 404, 500)),
            duration_ms=chance.lognormvariate(3, 1), ttfb_ms=12.0, cpu_ms=9.0, queue_ms=2.0,
            db_ms=8.0, cache_ms=0.5, cache_hits=5, cache_misses=2, response_bytes=20_000,
            statements=12, queries=TWICE, findings=(LOOP,),
        )  # fmt: skip


def flush_of(count: int, routes: int, seed: int = 0) -> MetricsWindow:
    """Return what one worker sends after so many requests."""
    window = Window()
    for record in requests(count, routes, seed):
        window.add(record.route, record, True, 1)
    use = ProcessStats(8.5, 10.0, 3, 7, request_s=20.0, cpu_s=6.0)
    return MetricsWindow(route_rows([window]), use, SelfStats(1, 8_000.0, 30_000.0))
