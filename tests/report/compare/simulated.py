"""Windows of made traffic: what a comparison is held against."""

from __future__ import annotations

import math
import random
from typing import Any

from perfkit.metrics.aggregate import RouteStats, Window
from perfkit.metrics.route_stats import SUMS
from perfkit.report.compare.model import RouteChange
from perfkit.report.compare.routes import changes, pairs

Steps = list[tuple[int, Window]]
DAY_S = 86_400


def stats_of(times: list[float], *, errors: int = 0, statements: float = 0) -> RouteStats:
    """Make a route's sums from its requests' milliseconds."""
    stats = RouteStats()
    for each in times:
        stats.duration.record(each)
    sums = {
        "requests": len(times),
        "recorded": len(times),
        "total_ms": sum(times),
        "errors": errors,
        "statements": statements,
    }
    for name, value in sums.items():
        stats.sums[SUMS.index(name)] = value
    return stats


def window(
    chance: random.Random,
    start: int,
    *,
    spans: int = 24,
    step_s: int = 300,
    routes: int = 6,
    rate: float = 20,
    factors: dict[str, float] | None = None,
    errors: dict[str, float] | None = None,
    cycle: float = 0.0,
) -> Steps:
    """Make the spans of one window.

    Args:
        chance: where the noise comes from.
        start: Unix seconds.
        spans: how many.
        step_s: their length.
        routes: ``/0/`` and on.
        rate: requests of a route in a span.
        factors: by how much the times of a route are longer.
        errors: share of a route's requests that fail, 1 % unless said.
        cycle: by how much times rise and fall over a day, as a logarithm.
    """
    made = []
    for at in range(start, start + spans * step_s, step_s):
        held = Window()
        for number in range(routes):
            route = f"/{number}/"
            factor = math.exp(cycle * math.sin(2 * math.pi * at / DAY_S))
            factor *= (factors or {}).get(route, 1.0)
            share = (errors or {}).get(route, 0.01)
            count = max(round(chance.gauss(rate, math.sqrt(rate))), 1)
            held.routes[route, "GET"] = stats_of(
                [50 * factor * chance.lognormvariate(0, 0.6) for _ in range(count)],
                errors=sum(chance.random() < share for _ in range(count)),
                statements=sum(chance.randint(4, 6) for _ in range(count)),
            )
        made.append((at, held))
    return made


def whole(steps: Steps) -> dict[tuple[str, str], RouteStats]:
    """Add the spans of a window up."""
    sums: dict[tuple[str, str], RouteStats] = {}
    for _, held in steps:
        for key, stats in held.routes.items():
            sums.setdefault(key, RouteStats()).merge(stats)
    return sums


def judged(before: Steps, after: Steps, shift: int | None = None) -> dict[str, RouteChange]:
    """Compare two windows and return what became of each route."""
    wholes = whole(before), whole(after)
    keys = sorted(set(wholes[0]) & set(wholes[1]))
    told, _ = changes(pairs(keys, wholes, (before, after)), shift)
    return {each.route: each for each in told}


def figures(change: RouteChange) -> dict[str, Any]:
    """Return a route's figures by name."""
    return {each.name: each for each in change.figures}
