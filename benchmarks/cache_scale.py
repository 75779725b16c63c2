"""Time the cache advisor's simulation: a million requests of one route, 7 policies, 7 timeouts.

The route is as bad as routes come: 100,000 addresses by Zipf's law, members whose answers vary on their
cookie at the site-wide cache, tracking parameters, contents that change. Aim: under 30 s and under
500 MB of resident memory, the events themselves included.

    python benchmarks/cache_scale.py
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
from array import array
from itertools import accumulate
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from django.conf import settings  # the path is set above

settings.configure()

from perfkit.caching.columns import Columns  # noqa: E402  # Django is configured above
from perfkit.caching.policy import (  # noqa: E402
    PLAIN_POLICIES,
    TIMEOUTS,
    VARY_ON_HEADERS,
    Policy,
)
from perfkit.caching.replay import Replay  # noqa: E402

EVENTS, ADDRESSES, VISITORS, DAY_S = 1_000_000, 100_000, 20_000, 86_400
BUNCH = 20_000
AIM_S, AIM_MB = 30.0, 500.0


def main() -> int:
    """Simulate and return 0 when both aims were met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=EVENTS)
    columns = route(parser.parse_args().events)
    made_mb = resident_mb()
    began, began_cpu = perf_counter(), process_time()
    for policy in (*PLAIN_POLICIES, Policy(VARY_ON_HEADERS, ("header:x",))):
        started = process_time()
        run = Replay(columns, policy)
        ratios = [run.outcome(timeout_s).hit_ratio for timeout_s in TIMEOUTS]
        del run
        told = " ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"{policy.name:16} {told}  {process_time() - started:5.1f} s of CPU", flush=True)
    wall_s, cpu_s, most_mb = perf_counter() - began, process_time() - began_cpu, resident_mb()
    print(f"{len(columns):,} events, of which {made_mb:.0f} MB; load {os.getloadavg()[0]:.1f}")
    print(
        f"{'met   ' if wall_s < AIM_S else 'MISSED'}  {wall_s:.1f} s, {cpu_s:.1f} s of CPU (aim < {AIM_S:g})"
    )
    print(f"{'met   ' if most_mb < AIM_MB else 'MISSED'}  {most_mb:.0f} MB (aim < {AIM_MB:g})")
    return 0 if wall_s < AIM_S and most_mb < AIM_MB else 1


def resident_mb() -> float:
    """Return the most memory that this process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def route(count: int) -> Columns:
    """Make a route's columns as the reader does: bunch by bunch, without an object for each event."""
    draw = random.Random(1)
    popular = [*accumulate((n + 1) ** -0.9 for n in range(ADDRESSES))]
    hashes = array("Q", (draw.getrandbits(64) | 1 for _ in range(ADDRESSES)))
    columns = Columns("/page/")
    for begin in range(0, count, BUNCH):
        number = min(BUNCH, count - begin)
        span = DAY_S * begin / count, DAY_S * (begin + number) / count
        at = array("d", sorted(1.8e9 + draw.uniform(*span) for _ in range(number)))
        pages = draw.choices(range(ADDRESSES), cum_weights=popular, k=number)
        _add(columns, at, pages, hashes, draw)
    return columns


def _add(
    columns: Columns, at: array[float], pages: list[int], hashes: array[int], draw: random.Random
) -> None:
    count = len(at)
    visitors = [draw.randrange(1, VISITORS) * 0x9E3779B97F4A7C15 % 2**64 for _ in at]
    member = [int(visitor % 4 == 0) for visitor in visitors]
    url = [hashes[page] for page in pages]
    tracked = [key ^ (draw.random() < 0.1) * draw.getrandbits(64) for key in url]
    by_cookie = [
        key ^ who * logged_in for key, who, logged_in in zip(tracked, visitors, member, strict=True)
    ]
    body = [
        hashes[page] ^ int(when / 3_600 + page % 7) for page, when in zip(pages, at, strict=True)
    ]
    view_ms = [draw.expovariate(1 / 50) for _ in at]
    given = {
        "at": at, "url": tracked, "bare_url": url, "address": tracked, "path": url, "body": body,
        "masked": body, "principal": visitors, "has_session": member, "audience": member,
        "inner_key": tracked, "outer_key": by_cookie, "outer_varies": member, "view_ms": view_ms,
        "total_ms": view_ms, "inner_stored": [1] * count, "outer_stored": [1] * count,
        "inner_max_age": [-1] * count, "outer_max_age": [-1] * count,
        "inner_s_maxage": [-1] * count, "outer_s_maxage": [-1] * count,
        "status": [200] * count, "weight": [1.0] * count, "size": [20_000] * count,
    }  # fmt: skip
    attributes = {
        "header:cookie": [who * logged_in for who, logged_in in zip(visitors, member, strict=True)],
        "header:x": [1 + who % 2 for who in visitors],
        "language": [7] * count,
    }
    every = {name: given.get(name, [0] * count) for name in columns.arrays()}
    columns.extend(["GET"] * count, every, [(), ("cookie",)], attributes)


if __name__ == "__main__":
    sys.exit(main())
