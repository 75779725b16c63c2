"""What the store takes: a busy route's minute, the bound in bytes, the estimate on PostgreSQL."""

from __future__ import annotations

import os
import sys
from random import Random
from typing import Any

import pytest

from perfkit.metrics.aggregate import Window
from perfkit.store.connection import opened
from perfkit.store.payload import pack
from perfkit.store.read import read
from perfkit.store.sink import StoreSink
from perfkit.store.size import ROW_BYTES, used_bytes
from tests.store.postgres import connected
from tests.store.writing import MINUTE, ask, folded, loop, request, settings_of, windows

#: The issue's bar: bytes of a busy route in a minute of one worker, before folding.
MOST_BYTES = 400

ROUTES, FLUSHES = 100, 6


def busy(requests: int, at: float, randomness: Random) -> dict[int, Window]:
    """Make ten seconds of a site whose every route is asked for, with all that a request counts."""
    records = []
    for number in range(ROUTES):
        for _ in range(requests):
            ms = (5 + 3 * number) * randomness.lognormvariate(0, 0.6)
            records.append(
                request(
                    at,
                    route=f"/section/{number}/<int:pk>/",
                    duration_ms=ms,
                    ttfb_ms=0.9 * ms,
                    cpu_ms=0.5 * ms,
                    queue_ms=randomness.random(),
                    db_ms=0.4 * ms,
                    cache_ms=0.01 * ms,
                    statements=randomness.randint(1, 20),
                    transactions=1,
                    cache_hits=randomness.randint(0, 3),
                    cache_misses=randomness.randint(0, 1),
                    response_bytes=randomness.randint(2_000, 40_000),
                    findings=(loop(f"{number:012x}"),) if number < 40 else (),
                )
            )
    return windows(*records)


@pytest.mark.parametrize("a_minute", [6, 60, 300], ids="{} requests a minute".format)
def test_a_busy_routes_minute(
    database: dict[str, Any], a_minute: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """However often a worker writes in the minute, its share in the store is below the bar."""
    sink = StoreSink(settings_of(database))
    on_file = "sqlite3" in database["ENGINE"]
    randomness = Random(1)
    # A file is written every ten seconds; PostgreSQL once a minute, at any moment of the minute.
    writes = FLUSHES if on_file else 2
    for number in range(writes):
        sink.emit(busy(a_minute // writes, MINUTE + 60 / writes * number, randomness))
    assert read(database, 0).window.requests == a_minute * ROUTES
    ((rows, payloads),) = ask(database, "SELECT count(*), sum(length(payload)) FROM perfkit_window")
    a_route = (rows * ROW_BYTES + payloads) / ROUTES
    with capsys.disabled():
        sys.stdout.write(
            f"\n{a_minute} requests: {a_route:.0f} bytes a route-minute, {rows} rows\n"
        )
    assert a_route <= MOST_BYTES
    assert rows == (1 if on_file else 2)


def test_an_idle_minute_takes_nothing(sink: StoreSink, database: dict[str, Any]) -> None:
    """A worker without requests writes no row."""
    sink.emit(windows(request()))
    before = ask(database, "SELECT count(*) FROM perfkit_window")
    for _ in range(3):
        sink.emit({})
    assert ask(database, "SELECT count(*) FROM perfkit_window") == before


def random_route() -> str:
    """Make a name that does not compress."""
    return f"/{os.urandom(300).hex()}/"


def test_the_bound_holds_and_the_newest_stay(database: dict[str, Any]) -> None:
    """Beyond STORE_MAX_BYTES the oldest go, which is counted; the newest hour stays whole."""
    sink = StoreSink(settings_of(database))
    for minute in range(150):
        at = MINUTE + 90 * 86_400 - minute * 600
        sink.emit(windows(*[request(at, route=random_route()) for _ in range(12)]))
    before = read(database, 0)
    folded(database, MINUTE + 90 * 86_400, store_max_bytes=300_000)
    after = read(database, 0)
    assert after.bytes <= 300_000
    assert after.evicted > 0
    assert after.bytes > 100_000
    assert after.window.requests < before.window.requests
    assert read(database, MINUTE + 90 * 86_400 - 3_600).window.requests == 12 * 7


def test_what_is_not_folded_yet_does_not_push_out_what_is(database: dict[str, Any]) -> None:
    """A fleet that writes more than the folding can take loses that, and keeps its history."""
    now = MINUTE + 90 * 86_400
    sink = StoreSink(settings_of(database))
    for minute in range(20):
        sink.emit(windows(request(now - 20 * 86_400 + 60 * minute)))
    folded(database, now)
    for _ in range(40):  # workers that all write in the minute that is not due
        StoreSink(settings_of(database)).emit(
            windows(*[request(now, route=random_route()) for _ in range(12)])
        )
    folded(database, now, store_max_bytes=300_000)
    stored = read(database, 0)
    assert read(database, 0, now - 86_400).window.requests == 20
    assert 0 < stored.evicted < 40
    assert stored.bytes <= 300_000


def test_the_estimate_is_near_what_the_rows_take(postgres: dict[str, Any]) -> None:
    """Live rows, measured after a VACUUM FULL, which leaves nothing else; and no more than that."""
    randomness = Random(2)
    sink = StoreSink(settings_of(postgres))
    for minute in range(60):
        sink.emit(busy(1, MINUTE + 60 * minute, randomness))
    for minute in range(300):  # small rows, of which the share besides the payload counts
        sink.emit(windows(request(MINUTE + 86_400 + 60 * minute)))
    with opened(postgres, create=False) as connection:
        told = used_bytes(connection)
    with connected(postgres) as admin:
        admin.execute("VACUUM FULL")
        row = admin.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
            "WHERE relname LIKE 'perfkit%' AND relkind = 'r'"
        ).fetchone()
    assert row
    empty = 10 * 24_576  # pages that each table and index has in any case
    assert 0.75 * (int(row[0]) - empty) < told < 1.5 * int(row[0])


def test_deleting_ends_though_the_tables_stay_large(postgres: dict[str, Any]) -> None:
    """What a DELETE frees stays in the files: measured by them, everything would go."""
    sink = StoreSink(settings_of(postgres))
    for minute in range(40):
        at = MINUTE + 86_400 - minute * 600
        sink.emit(windows(*[request(at, route=random_route()) for _ in range(12)]))
    folded(postgres, MINUTE + 86_400, store_max_bytes=100_000)
    left = read(postgres, 0).window.requests
    for _ in range(5):
        folded(postgres, MINUTE + 86_400, store_max_bytes=100_000)
    assert read(postgres, 0).window.requests == left > 0
    assert len(pack({})) < ROW_BYTES
