"""Reports made by hand: a plain one and one in which every text of the site is hostile. Pure, always the same."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from perfkit.caching.advice import CacheAdvice, Predicted
from perfkit.caching.policy import TIMEOUTS
from perfkit.metrics.aggregate import Aggregate, Window
from perfkit.metrics.sample import Sample
from perfkit.record import Finding, Query, RequestRecord, Site
from perfkit.report.build import build
from perfkit.report.compare.model import (
    BETTER,
    SAME,
    WORSE,
    Comparison,
    Figure,
    FindingChange,
    RouteChange,
    Side,
)
from perfkit.report.model import ReportModel
from perfkit.report.options import Options
from perfkit.report.series import series_of
from perfkit.store.read import Stored

NOW = 1_795_262_400.0
STEP_S = 1_800
STEPS = 24
SINCE = NOW - STEP_S * STEPS

#: What ends a script, an attribute, a comment or a line, hides text, or is no character at all.
HOSTILE = (
    "</script><script>hacked=1</script><img src=x onerror=hacked=1>\"'`--><!--{{ 7|add:7 }}"
    "{% now 'Y' %}&lt;\u2028\u2029\u202e\x00\x1b[31m\udce9\n\r\t${hacked=1}"
)

ROUTES = ("/products/", "/products/<int:pk>/", "/", "/admin/shop/order/", "/api/v1/items/")


def request(route: str, at: float, duration_ms: float, **fields: Any) -> RequestRecord:
    """Make the record of one request, a third of it in the database and a tenth in the cache."""
    values: dict[str, Any] = {
        "method": "GET",
        "status": 200,
        "started_at": at,
        "duration_ms": duration_ms,
        "ttfb_ms": duration_ms,
        "db_ms": duration_ms / 3,
        "cache_ms": duration_ms / 10,
        "queue_ms": 2.0,
        "response_bytes": 2_000,
        "statements": 4,
        "queries": tuple(
            Query("SELECT 1", "SELECT ?", "SELECT", (), "default", 0.0, 1.0, each)
            for each in (1, 1, 2, 3)
        ),
    }
    return RequestRecord(route=route, **{**values, **fields})


def finding(text: str = "", **fields: Any) -> Finding:
    """Make a finding, with a text in each of its fields that a site writes."""
    values: dict[str, Any] = {
        "kind": "n_plus_one",
        "severity": "warning",
        "message": f"one statement a row{text}; read product.supplier once{text}",
        "count": 40,
        "saved": 39,
        "cost_ms": 38.2,
        "fingerprint": "f" * 12,
        "model": f"shop.Product{text}",
        "path": "supplier",
        "fix": f'.select_related("supplier{text}")',
        "access": Site(f"shop/templates/{text}products.html", 12, ""),
        "origin": Site(f"shop/{text}views.py", 25, f"product_list{text}"),
        "shape": f'SELECT {", ".join(f"column_{n}" for n in range(30))} FROM "shop_supplier{text}"',
        "alias": f"replica{text}",
    }
    return Finding(**{**values, **fields})


def windows(records: Iterable[RequestRecord]) -> list[tuple[int, Window]]:
    """Sum records up by steps, as the store reads them."""
    steps: dict[int, Window] = {}
    aggregate = Aggregate(200, 500.0)
    for record in records:
        aggregate.add(record, True, 1)
    for minute, window in aggregate.take().items():
        steps.setdefault(minute // STEP_S * STEP_S, Window()).merge(window)
    return sorted(steps.items())


def stored(records: Iterable[RequestRecord], texts: Iterable[Finding] = ()) -> Stored:
    """Make what the store would answer."""
    steps = windows(records)
    merged = Window()
    for _, window in steps:
        merged.merge(Window.from_json(window.to_json()))
    return Stored(
        window=merged,
        texts={each.fingerprint: asdict(each) for each in texts},
        first_bucket=steps[0][0] if steps else None,
        evicted=0,
        unreadable=0,
        bytes=1_234_567,
        path="/srv/site/.perfkit/perfkit.sqlite3",
        steps=tuple(steps),
        step_s=STEP_S,
    )


def day(text: str = "") -> tuple[list[RequestRecord], list[Finding]]:
    """Make half a day of requests; ``text`` is in every route."""
    choice = random.Random(1)
    found = [
        finding(text),
        finding(
            text,
            kind="slow_query",
            severity="info",
            fix="",
            fingerprint="e" * 12,
            cost_ms=9.0,
            message=f"one statement alone takes long{text}",
        ),
    ]
    records = []
    for place, route in enumerate(ROUTES):
        for step in range(STEPS):
            records += [
                request(
                    f"{route}{text}",
                    SINCE + step * STEP_S + choice.random() * STEP_S,
                    (len(ROUTES) - place) * 12 * choice.lognormvariate(0, 0.7),
                    status=500 if choice.random() < 0.02 else 200,
                    findings=tuple(found) if place == 0 else (),
                )
                for _ in range(0 if step == 5 else choice.randint(1, 12))
            ]
    return records, found


def samples(text: str = "") -> tuple[Sample, ...]:
    """Make the requests kept of the first route."""
    route = f"{ROUTES[0]}{text}"
    timeline = [
        [1.5, 0.4, "db", f'SELECT … FROM "auth_user{text}"', 1, f"shop/views.py:20 in home{text}"],
        [2.5, 22.0, "db", f'SELECT … FROM "shop_supplier{text}" WHERE "id" = ?', 40, None],
        [30.0, 0.2, "cache", f"get_many{text}: 3 found, 1 not", 1, f"shop/views.py:30 in a{text}"],
    ]
    data = {
        "status": 500,
        "duration_ms": 61.5,
        "statements": 41,
        "db_ms": 22.4,
        "cache_ms": 0.2,
        "queue_ms": 3.1,
        "aborted": True,
        "error": f"ValueError{text}",
        "timeline": timeline,
        "left_out": [3, 7],
    }
    leaf = [f"shop/stock.py:8 wait{text}", 9, []]
    tree = [[f"shop/views.py:55 slow{text}", 30, [leaf, ["shop/stock.py:11 sum", 21, []]]]]
    stall = {
        "age_s": 31.5,
        "requests": 2,
        "samples": 30,
        "statement": {"text": f"SELECT pg_sleep(?){text}", "age_s": 12.25},
        "blocked_loop": True,
        "streaming": True,
        "tree": tree,
    }
    return (
        Sample("slowest", route, "GET", NOW - 4_000, 61.5, data),
        Sample("n_plus_one", route, "GET", NOW - 4_000, 40, data),
        Sample("slowest", route, "GET", NOW - 5_000, 30.0, {**data, "duration_ms": 30.0}),
        Sample("stall", route, "GET", NOW - 6_000, 31.5, stall),
    )


def comparison(text: str = "") -> Comparison:
    """Make a comparison in which one route got worse, one better, one neither."""
    worse = Figure("p95_ms", 40.0, 95.0, 38.0, 71.5, 0.001, WORSE)
    better = Figure("error_share", 0.2, 0.0, -0.3, -0.1, 0.01, BETTER)
    return Comparison(
        asked=f"v1.4{text}..v1.5",
        mark=f"v1.5{text}",
        before=Side(SINCE, NOW - 20_000, 500, 12),
        after=Side(NOW - 20_000, NOW, 700, 12),
        step_s=STEP_S,
        method="same time of day",
        routes=(
            RouteChange(f"/products/{text}", "GET", 100, 120, 900.0, WORSE, "", (worse,)),
            RouteChange(
                "/api/", "GET", 10, 9, 0, BETTER, "", (better, Figure("mean_ms", 3.0, None))
            ),
            RouteChange("/", "GET", 9, 8, 0, SAME, f"too few{text}", ()),
        ),
        new_routes=(("GET", f"/new/{text}"),),
        gone_routes=(("GET", f"/gone/{text}"),),
        new_findings=(FindingChange("a" * 12, "n_plus_one", "warning", f"new{text}", 5, False),),
        gone_findings=(FindingChange("b" * 12, "n_plus_one", "warning", f"old{text}", 5, True),),
        tested=6,
        notes=(f"Only one day of each{text}",),
    )


def advice(text: str = "", **fields: Any) -> CacheAdvice:
    """Make advice to cache the first route, with a curve over all timeouts."""
    rows = [
        {
            "policy": "cache_page",
            "timeout": timeout,
            "hit_ratio": round(0.12 * place + 0.1, 2),
            "stale_share": round(0.004 * place, 3),
            "saved_seconds_per_hour": 6.5 * place,
        }
        for place, timeout in enumerate(TIMEOUTS)
    ]
    values: dict[str, Any] = {
        "route": f"{ROUTES[0]}{text}",
        "method": "GET",
        "verdict": "cache_page",
        "timeout": 300,
        "code": f"from django.views.decorators.cache import cache_page{text}\n\n\n@cache_page(300)",
        "reasons": ("same_for_all", "cache_per_process"),
        "predicted": Predicted(0.46, (0.41, 0.5), 19.5, 0.012, 0.02, 1_200_000),
        "evidence": {
            "requests": 2_500, "hours": 6.0, "addresses": 30, "visitors": 40,
            "anonymous_share": 0.5, "mean_ms": 61.0, "comparisons": 2_408, "compared_addresses": 30,
            "compared_visitors": 40, "mismatches": 0, "mismatch_upper": 0.0012,
            "changes_per_hour": 0.2, "hit_ratio_now": None, "attribute": None, "variants": None, "parameters_left_out": [], "statuses": {"200": 2_500},
            "writes_per_hour": {f"UPDATE shop_page{text}": 4.0},
        },
        "table": tuple(rows),
    }  # fmt: skip
    return CacheAdvice(**{**values, **fields})


def caching(text: str = "") -> tuple[CacheAdvice, ...]:
    """Make advice of all kinds: with a curve, without one, and nothing to do."""
    quiet = {"code": "", "timeout": None, "predicted": None, "table": ()}
    return (
        advice(text),
        advice(text, route=f"/b/{text}", verdict="conditional", **{**quiet, "code": f"x{text}"}),
        advice(
            text,
            route=f"/account/{text}",
            verdict="do_not_cache",
            reasons=("personalized",),
            **quiet,
        ),
        advice(text, route=f"/c/{text}", verdict="not_enough_evidence", reasons=(), **quiet),
    )


def model(text: str = "", **fields: Any) -> ReportModel:
    """Make a report with everything in it; ``text`` is in every text that a site writes."""
    records, found = day(text)
    held = stored(records, found)
    options = Options(now=NOW, since=SINCE, format="html", routes=(f"/{text}",))
    made = build(held, replace(options, routes=()))
    values: dict[str, Any] = {
        "options": options,
        "series": series_of(held, [(row.route, row.method) for row in made.routes]),
        "samples": samples(text),
        "marks": ((NOW - 30_000, f"v1.4{text}"), (NOW - 9_000, "v1.5"), (NOW - 90_000, "long ago")),
        "path": f"{made.path}{text}",
        "cache": caching(text),
        "notes": (f"One request not counted{text}",),
    }
    return replace(made, **{**values, **fields})
