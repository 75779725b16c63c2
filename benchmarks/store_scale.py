"""Measure the store on PostgreSQL, and reckon what a fleet would ask of it: docs/scale.md's figures.

Writers are processes that do what a worker does in each flush: connect, write, close. What the
server spends is read from the kernel, for the server and all of its sessions. The server is started for
the measurement alone.

    python benchmarks/store_scale.py
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
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from scripts.services import processes  # noqa: E402  # the path is set above
from scripts.services.postgres import Cluster  # noqa: E402  # the path is set above

if TYPE_CHECKING:
    from perfkit.metrics.aggregate import Window

NAME = "postgres-measured"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
CYCLES = 12
FILL = """
INSERT INTO perfkit_window (span, bucket, payload)
SELECT 0, %s, (SELECT string_agg(uuid_send(gen_random_uuid()), '') FROM generate_series(1, 800 + n %% 9))
FROM generate_series(1, 600) AS n"""
SIZES = """
SELECT sum(length(payload) + 200)::float, pg_total_relation_size('perfkit_window')::float
FROM perfkit_window"""
TICKS = os.sysconf("SC_CLK_TCK")
#: Rows that folding leaves: minutes of 3 hours, ten minutes of a day, hours of 14 days, days of 400.
KEPT = {MINUTE: 180, 600: 126, HOUR: 312, DAY: 386}


def main() -> int:
    """Print every figure; 0 when PostgreSQL is installed."""
    options = _options()
    if options.write:
        return _write(options)
    cluster = Cluster(NAME)
    try:
        cluster.start()
        with tempfile.TemporaryDirectory(prefix="perfkit-fleet-") as folder:
            os.environ |= {
                "DJANGO_SETTINGS_MODULE": "tiny_site",
                "BENCHMARK_FOLDER": folder,
                "BENCHMARK_STORE_URL": cluster.url,
                "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]),
            }
            import django

            django.setup()
            measured = _row(options) | _flushes(options) | _folding(options)
            _disk(cluster.url)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        cluster.remove()
    _fleet(options, measured)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--hosts", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=16, help="of a host (16)")
    parser.add_argument("--routes", type=int, default=200)
    parser.add_argument(
        "--requests", type=int, default=5, help="of a route and worker a minute (5)"
    )
    parser.add_argument("--writers", type=int, default=4, help="processes that write (4)")
    parser.add_argument("--seconds", type=float, default=10.0, help="that they write (10)")
    parser.add_argument("--rows", type=int, default=600, help="rows folded (600)")
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _window(routes: int, requests: int, randomness: random.Random) -> Window:
    """Make what a worker has in memory when it writes."""
    from perfkit.metrics.aggregate import Window
    from perfkit.record import RequestRecord

    window = Window()
    for number in range(routes):
        for _ in range(requests):
            ms = (5 + 3 * number) * randomness.lognormvariate(0, 0.6)
            record = RequestRecord(
                route=f"/section/{number}/<int:pk>/",
                method="GET",
                status=200,
                duration_ms=ms,
                ttfb_ms=0.9 * ms,
                cpu_ms=0.5 * ms,
                db_ms=0.4 * ms,
                statements=randomness.randint(1, 20),
                response_bytes=randomness.randint(2_000, 40_000),
            )
            window.add(record.route, record, True, 1)
    return window


def _row(options: argparse.Namespace) -> dict[str, float]:
    """Measure one row: a worker's minute, written in two parts."""
    from perfkit.store.payload import pack
    from perfkit.store.size import ROW_BYTES

    randomness = random.Random(1)
    parts = [_window(options.routes, part, randomness) for part in _halves(options.requests)]
    started = time.process_time()
    payloads = [pack(part.to_json()) for part in parts]
    packing_s = time.process_time() - started
    size = sum(map(len, payloads)) + ROW_BYTES * len(payloads)
    print(
        f"a worker's minute: {options.routes} routes with {options.requests} requests each: "
        f"{len(payloads)} rows, {size:,} bytes, {size / options.routes:.0f} a route-minute, packed "
        f"in {packing_s * 1000:.1f} ms"
    )
    return {"minute_bytes": size, "minute_rows": len(payloads)}


def _halves(requests: int) -> list[int]:
    return [part for part in (requests // 2, requests - requests // 2) if part]


def _flushes(options: argparse.Namespace) -> dict[str, float]:
    """Let writers flush as fast as they can; return what one flush takes."""
    flush = [*sys.argv, "--write"]
    server_before, started = _server_cpu_s(), time.monotonic()
    running = [
        subprocess.Popen([sys.executable, *flush], stdout=subprocess.PIPE, text=True)
        for _ in range(options.writers)
    ]
    answers = [json.loads(writer.communicate()[0]) for writer in running]
    elapsed_s = time.monotonic() - started
    server_s = _server_cpu_s() - server_before
    count = sum(answer["flushes"] for answer in answers)
    wall_ms = sorted(ms for answer in answers for ms in answer["wall_ms"])
    worker_ms = 1000 * sum(answer["cpu_s"] for answer in answers) / count
    server_ms = 1000 * server_s / count
    print(
        f"flushes: {options.writers} writers, {count} in {elapsed_s:.1f} s; each with a connection of "
        f"its own: {wall_ms[len(wall_ms) // 2]:.1f} ms median, {wall_ms[int(0.99 * len(wall_ms))]:.1f} "
        f"ms 99th percentile, {worker_ms:.1f} ms of the worker's CPU, {server_ms:.1f} ms of the server's"
    )
    return {"server_ms": server_ms, "worker_ms": worker_ms}


def _write(options: argparse.Namespace) -> int:
    """Flush until the time is over; tell how often and how long."""
    import django

    django.setup()

    from perfkit.conf import get_settings
    from perfkit.store.sink import StoreSink

    windows = [
        _window(options.routes, part, random.Random(2)) for part in _halves(options.requests)
    ]
    sink = StoreSink(get_settings())
    sink.every_s = 0.0
    sink._folded_at = float("inf")  # measured apart
    wall_ms: list[float] = []
    started, began = time.process_time(), time.monotonic()
    while time.monotonic() - began < options.seconds:
        at = time.perf_counter()
        sink.emit({int(time.time()) // MINUTE * MINUTE: windows[len(wall_ms) % len(windows)]})
        wall_ms.append((time.perf_counter() - at) * 1000)
    answer = {"flushes": len(wall_ms), "wall_ms": wall_ms, "cpu_s": time.process_time() - started}
    print(json.dumps(answer))
    return 0


def _server_cpu_s() -> float:
    """Return the CPU time of the server and of all sessions that it had."""
    pid = processes.running(NAME)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def _folding(options: argparse.Namespace) -> dict[str, float]:
    """Fold a minute of many workers; return what one row takes, and what the folded rows take."""
    from perfkit.conf import get_settings
    from perfkit.store.connection import opened
    from perfkit.store.fold import fold
    from perfkit.store.payload import pack
    from perfkit.store.schema import RAW
    from perfkit.store.size import ROW_BYTES

    settings = replace(get_settings(), store_max_bytes=2**40)
    randomness = random.Random(3)
    halves = _halves(options.requests)
    payloads = [pack(_window(options.routes, part, randomness).to_json()) for part in halves * 10]
    now = time.time()
    minute = int(now - 600) // MINUTE * MINUTE
    with opened(settings.store or {}, create=True) as connection:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM perfkit_window")
            cursor.executemany(
                "INSERT INTO perfkit_window (epoch, seq, span, bucket, payload) "
                "VALUES (%s, %s, %s, %s, %s)",
                [
                    (f"w{number // 2}", number % 2, RAW, minute, payloads[number % len(payloads)])
                    for number in range(options.rows)
                ],
            )
        wall, cpu, server = time.perf_counter(), time.process_time(), _server_cpu_s()
        fold(connection, now, settings)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*), max(length(payload)) FROM perfkit_window")
            left, length = cursor.fetchone()
    time.sleep(1)  # a session's time is known once it has ended
    server = _server_cpu_s() - server
    folded_bytes = sum(KEPT.values()) * (length + ROW_BYTES)
    fold_ms = 1000 * (cpu + server) / options.rows
    print(
        f"folding: {options.rows} rows into {left} in {wall:.2f} s: {1000 * cpu / options.rows:.2f} ms of "
        f"the worker's CPU a row and {1000 * server / options.rows:.2f} ms of the server's; a folded row "
        f"is {length:,} bytes, and 400 days folded are {folded_bytes / 2**20:.0f} MB"
    )
    return {"fold_ms": fold_ms}


def _disk(url: str) -> None:
    """Write and delete the same amount again and again, as folding does, with a vacuum in between."""
    import psycopg

    sizes = []
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("TRUNCATE perfkit_window")
        for cycle in range(CYCLES):
            admin.execute(FILL, [cycle])
            sizes.append(admin.execute(SIZES).fetchone())
            admin.execute("DELETE FROM perfkit_window WHERE bucket < %s", [cycle])
            if cycle % 2:  # in every second round: the server's own comes after a fifth is dead
                admin.execute("VACUUM perfkit_window")
    live, disk = (max(each) / 2**20 for each in zip(*sizes, strict=True))
    print(
        f"disk: {live:.1f} MB live at most, {disk:.1f} MB in the files at most, over {CYCLES} rounds of "
        "600 rows written and the 600 before deleted"
    )


def _fleet(options: argparse.Namespace, measured: dict[str, Any]) -> None:
    """Reckon what so many workers ask for: written once a minute, and for comparison every 10 s."""
    workers = options.hosts * options.workers
    print(
        f"\nreckoned for {options.hosts:,} hosts x {options.workers} workers x {options.routes} routes:"
    )
    for every_s in (10, 60):
        flushes = workers / every_s
        rows = workers * (6 if every_s == 10 else measured["minute_rows"]) / MINUTE
        print(
            f"  written every {every_s} s: {flushes:,.0f} connections and transactions a second, "
            f"{rows:,.0f} rows a second, {flushes * measured['server_ms'] / 1000:.1f} of the server's cores"
        )
    a_day = workers * measured["minute_bytes"] * 1440
    rows_a_minute = workers * measured["minute_rows"]
    fold_s = rows_a_minute * measured["fold_ms"] / 1000
    print(
        f"  {a_day / 1e9:,.0f} GB a day before folding, {a_day / DAY / 1e6:.1f} MB a second; a minute of it "
        f"is {a_day / 1440 / 1e6:,.0f} MB\n"
        f"  folding: {rows_a_minute:,} rows a minute take one worker {fold_s:,.0f} s of each 60 s\n"
        f"  so one store folds {60_000 / measured['fold_ms'] / measured['minute_rows']:,.0f} workers at most, "
        f"and {30_000 / measured['fold_ms'] / measured['minute_rows']:,.0f} with half of the time in reserve"
    )


if __name__ == "__main__":
    sys.exit(main())
