"""Time ``perfreport`` over a month of a busy site: 30 days, 100 routes, 8 workers.

The data goes in through the store's own sink, one for each worker, and through its own folding;
then the command runs as a whole process: as text, JSON and HTML, from SQLite and from PostgreSQL.
Aim: under 2 s and under 200 MB.

    python benchmarks/report_scale.py
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from server import new_database, url  # noqa: E402  # the path is set above

if TYPE_CHECKING:
    from perfkit.metrics.aggregate import FindingStats, RouteStats, Window

MINUTE, TEN_MINUTES, HOUR, DAY = 60, 600, 3_600, 86_400
#: How long the store keeps each span before it folds it into the next.
KEPT = ((HOUR, 3 * DAY, 31 * DAY), (TEN_MINUTES, 3 * HOUR, 3 * DAY), (MINUTE, 0, 3 * HOUR))
REQUESTS_A_MINUTE = 5  # of one route on one worker
FINDINGS = 40
VARIANTS = 8
AT_ONCE = 50  # windows in one flush
AIM_S, AIM_MB = 2.0, 200.0


def main() -> int:
    """Measure on each database that there is, and return 0 when the aim was met on all."""
    options = _options()
    if options.store is not None:
        return _measure(options)
    server = url()
    if server is None:
        print("PostgreSQL: not measured; `make services` starts it")
        return _again("sqlite", {})
    with new_database(server) as made:
        return max(_again("sqlite", {}), _again("postgresql", {"BENCHMARK_STORE_URL": made}))


def _again(store: str, environment: dict[str, str]) -> int:
    """Run this program for one database: its settings are read once in a process."""
    command = [sys.executable, __file__, *sys.argv[1:], "--store", store]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


def _measure(options: argparse.Namespace) -> int:
    """Make the store, time the report, and return 0 when the aim was met."""
    with tempfile.TemporaryDirectory(prefix="perfkit-scale-") as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "tiny_site", "BENCHMARK_FOLDER": folder}
        os.environ["BENCHMARK_STORE_MB"] = str(options.store_mb)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent)])
        started = time.monotonic()
        written = _fill(options)
        print(f"made in {time.monotonic() - started:.0f} s")
        met = [_time(form, options) for form in ("text", "json", "html")]
        report = subprocess.run(
            [*_command(options.days), "--format", "json"], check=True, stdout=subprocess.PIPE
        )
    totals = json.loads(report.stdout)["totals"]
    met.append(totals["requests"] == written)
    print(
        f"{'met   ' if met[-1] else 'MISSED'}  {totals['requests']:,} of {written:,} requests are in "
        f"the report; {totals['dropped']['buckets']:,} rows were given up for the store's size"
    )
    return 0 if all(met) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--routes", type=int, default=100)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--store-mb", type=int, default=64, help="STORE_MAX_BYTES, in MB (64)")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _command(days: int) -> list[str]:
    return [sys.executable, "-m", "perfkit", "perfreport", "--since", f"{days + 1}d"]


def _time(form: str, options: argparse.Namespace) -> bool:
    """Run the command a few times; print its wall time, its CPU time and its peak resident size.

    HTML has the month in steps, from the same pass over the store.
    """
    command = _command(options.days)
    seconds, cpu, megabytes = [], [], []
    for _ in range(options.runs):
        started = time.perf_counter()
        process = subprocess.Popen([*command, "--format", form], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - started)
        cpu.append(usage.ru_utime + usage.ru_stime)
        megabytes.append(usage.ru_maxrss / 1024)
        if status:
            print(f"FAIL  perfreport --format {form} ended with status {status >> 8}")
            return False
    met = median(seconds) < AIM_S and max(megabytes) < AIM_MB
    print(
        f"{'met   ' if met else 'MISSED'}  {form}: {median(seconds):.2f} s median of {options.runs} "
        f"({min(seconds):.2f} to {max(seconds):.2f}), {median(cpu):.2f} s on the CPU, "
        f"peak {max(megabytes):.0f} MB "
        f"(aim < {AIM_S:g} s, < {AIM_MB:g} MB)"
    )
    return met


def _fill(options: argparse.Namespace) -> int:
    """Write the month and fold it; say what the store holds; return the requests written."""
    import django

    django.setup()

    from perfkit.conf import get_settings
    from perfkit.store.connection import opened
    from perfkit.store.fold import fold
    from perfkit.store.sink import StoreSink
    from perfkit.store.size import stored_bytes

    days, routes, workers = options.days, options.routes, options.workers
    # In a month everything is folded in its time; written at once it is larger than it ever was.
    settings = replace(get_settings(), store_max_bytes=2**40)
    assert settings.store
    now = time.time()
    randomness = random.Random(1)
    requests = 0
    for span, newest, oldest in KEPT:
        first = int(now - min(oldest, days * DAY)) // span * span
        buckets = list(range(first, int(now - newest) // span * span, span))
        variants = [_window(randomness, routes, span, first) for _ in range(VARIANTS)]
        for worker in range(workers):
            sink = StoreSink(settings)
            sink.every_s = 0.0
            sink._folded_at = float("inf")  # folded below
            for batch in _batches(buckets):
                windows = {
                    bucket: variants[(number + worker) % VARIANTS]
                    for number, bucket in enumerate(batch)
                }
                requests += sum(window.requests for window in windows.values())
                sink.emit(windows)
    with opened(settings.store, create=True) as connection:
        rows = before = -1
        while rows != before or rows < 0:
            before = rows
            fold(connection, now, settings)
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM perfkit_window")
                rows = int(cursor.fetchone()[0])
        fold(connection, now, get_settings())
        megabytes = stored_bytes(connection) / 2**20
    print(
        f"{options.store}: {days} days, {routes} routes, {workers} workers: {requests:,} requests in "
        f"{rows:,} rows, {megabytes:.1f} MB"
    )
    return requests


def _batches(buckets: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(buckets), AT_ONCE):
        yield buckets[start : start + AT_ONCE]


def _window(randomness: random.Random, routes: int, span: int, at: int) -> Window:
    from perfkit.metrics.aggregate import Window

    window = Window()
    requests = REQUESTS_A_MINUTE * span // MINUTE
    for number in range(routes):
        window.routes[f"/section/{number}/<int:pk>/", "GET"] = _route(randomness, number, requests)
    for number in range(FINDINGS):
        finding = _finding(number, at, requests)
        window.findings[f"{number:016x}"] = finding
    return window


def _route(randomness: random.Random, number: int, requests: int) -> RouteStats:
    from perfkit.metrics.aggregate import SUMS, RouteStats

    stats = RouteStats()
    durations = [(5 + 3 * number) * randomness.lognormvariate(0, 0.6) for _ in range(requests)]
    for duration_ms in durations:
        stats.duration.record(duration_ms)
    total_ms = sum(durations)
    sums = {
        "requests": requests,
        "errors": requests // 50,
        "recorded": requests,
        "total_ms": total_ms,
        "ttfb_ms": total_ms * 0.9,
        "cpu_ms": total_ms * 0.5,
        "cpu_requests": requests,
        "response_bytes": 20_000 * requests,
        "db_ms": total_ms * 0.4,
        "statements": 12 * requests,
        "duplicates": 3 * requests,
    }
    stats.sums = [sums.get(name, 0) for name in SUMS]
    stats.status.update({"2xx": requests - requests // 50, "5xx": requests // 50})
    return stats


def _finding(number: int, at: int, requests: int) -> FindingStats:
    from perfkit.metrics.aggregate import FindingStats
    from perfkit.record import Finding, Site

    finding = Finding(
        kind="n_plus_one",
        severity="warning",
        message="20 statements load one row each in a loop.",
        count=20,
        saved=19,
        cost_ms=7.5,
        fingerprint=f"{number:016x}",
        model="shop.Book",
        path="author",
        fix='select_related("author")',
        access=Site("shop/views.py", 10 + number, "books"),
        origin=Site("shop/views.py", 8 + number, "books"),
        shape='SELECT * FROM "shop_author" WHERE "id" = ?',
        alias="default",
    )
    stats = FindingStats(asdict(finding), at)
    stats.requests, stats.count, stats.saved = requests, 20 * requests, 19 * requests
    stats.cost_ms = 7.5 * requests
    stats.routes.update({f"GET /section/{number}/<int:pk>/": requests})
    return stats


if __name__ == "__main__":
    sys.exit(main())
