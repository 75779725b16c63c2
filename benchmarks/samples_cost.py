"""Time what keeping samples costs the flusher's thread, and measure the memory that it takes.

    python benchmarks/samples_cost.py

Prints microseconds of CPU for a request that is not kept, for one that is kept after it was
analyzed, and for one whose trace is read only because it is kept; bytes of a stored sample; and
the memory of the keeper after 10,000 routes.
"""

from __future__ import annotations

import os
import sys
import tracemalloc
from pathlib import Path
from time import perf_counter, thread_time
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

if TYPE_CHECKING:
    from perfkit.observation import Observation
    from perfkit.record import RequestRecord

#: Statements of the measured request: two of the page and two for each of twenty rows.
ROWS = 20
ROUNDS = 7


def main() -> int:
    """Print the figures."""
    import django
    from django.conf import settings

    settings.configure(SECRET_KEY="of the benchmark only", INSTALLED_APPS=[], DATABASES={})
    django.setup()
    print(f"not kept                          {_not_kept() * 1e6:8.2f} µs a request")
    analyzed, passed_over, size = _kept()
    print(f"kept, {2 * ROWS + 2} statements, was analyzed   {analyzed * 1e6:8.1f} µs")
    print(f"kept, {2 * ROWS + 2} statements, was passed over {passed_over * 1e6:7.1f} µs")
    print(f"stored                            {size:8,} bytes")
    routes, memory, waiting = _memory()
    print(f"after 10,000 routes               {memory / 1e3:8,.0f} kB for {routes:,} places")
    print(f"samples waiting after 10,000 routes {waiting / 1e3:6,.0f} kB, until the next flush")
    return 0


def _keeper(**options: int) -> tuple[object, object]:
    from dataclasses import replace

    from perfkit.conf import get_settings
    from perfkit.metrics.aggregate import Aggregate
    from perfkit.samples.keeper import SampleKeeper

    settings = replace(get_settings(), store={"NAME": "x"}, **options)
    return SampleKeeper(settings), Aggregate(settings.max_routes)


def _request(route: str = "/page/", ms: float = 10.0) -> tuple[Observation, RequestRecord]:
    from django.http import HttpRequest

    from perfkit.observation import RUNNING, Observation
    from perfkit.snapshot import counted

    observation = Observation(HttpRequest(), _trace(), True, lambda done: None)
    observation.leave()
    RUNNING.clear()
    facts = {"route": route, "method": "GET", "status": 200, "started_at": 1.7e9}
    assert observation.trace is not None
    return observation, counted(observation.trace, **facts, duration_ms=ms)


def _trace() -> object:
    from perfkit.capture.callpath import locate
    from perfkit.capture.current import Repeats, Trace

    trace = Trace(10_000, 1.0)
    page = '"shop_product"."id", "shop_product"."name", "shop_product"."price" FROM "shop_product"'
    texts = [
        f'SELECT {page} WHERE "shop_product"."stock" < %s ORDER BY "shop_product"."name" LIMIT 20',
        'SELECT "shop_supplier"."id", "shop_supplier"."city" FROM "shop_supplier" WHERE "id" = %s',
        'SELECT COUNT(*) AS "__count" FROM "shop_review" WHERE "shop_review"."product_id" = %s',
    ]
    at = perf_counter()
    order = [0, 0, *[1, 2] * ROWS]
    for number, which in enumerate(order):
        sql = texts[which]
        path = locate(Repeats(sql), "") if number > 3 else None
        begun = at + number / 1_000
        trace.events.append((sql, "default", begun, begun + 4e-4, (number,), path, 0, None))
    trace.statements = dict.fromkeys(texts, texts[0])
    trace.cache_events = [("default", "get", at, at + 1e-4, 1, 0)] * 3
    return trace


def _not_kept() -> float:
    keeper, aggregate = _keeper()
    slow, record = _request(ms=1e6)
    for _ in range(6):
        aggregate.add(record, True, 0)
        keeper.consider(slow, record, aggregate.window(record.started_at))
    observation, record = _request()
    window = aggregate.window(record.started_at)
    best = 1.0
    for _ in range(ROUNDS):
        started = thread_time()
        for _ in range(50_000):
            keeper.consider(observation, record, window)
        best = min(best, (thread_time() - started) / 50_000)
    return best


def _kept() -> tuple[float, float, int]:
    from dataclasses import replace

    from perfkit.snapshot import from_trace
    from perfkit.store.payload import pack

    times = []
    for is_analyzed in (True, False):
        best = 1.0
        for _ in range(ROUNDS):
            keeper, aggregate = _keeper(samples_per_hour=100)
            observation, record = _request()
            if is_analyzed:
                full = from_trace(observation.trace, observation.started)
                record = replace(record, queries=full.queries, cache_calls=full.cache_calls)
            aggregate.add(record, True, 0)
            window = aggregate.window(record.started_at)
            started = thread_time()
            for number in range(100):
                keeper.consider(observation, replace(record, duration_ms=number + 1.0), window)
            best = min(best, (thread_time() - started) / 100)
            assert len(window.samples) == 100
        times.append(best)
    return times[0], times[1], len(pack(window.samples[0].data))


def _memory() -> tuple[int, int, int]:
    keeper, aggregate = _keeper()
    requests = [_request(f"/{number}/", 1.0 + number % 97) for number in range(10_000)]
    for _, record in requests:
        aggregate.add(record, True, 0)
    tracemalloc.start()
    for observation, record in requests:
        keeper.consider(observation, record, aggregate.window(record.started_at))
    whole = tracemalloc.get_traced_memory()[0]
    aggregate.take()
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return len(keeper._routes), memory, whole - memory


if __name__ == "__main__":
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    sys.exit(main())
