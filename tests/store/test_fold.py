"""Folding: exact, repeatable, bounded in bytes and in age."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.metrics.aggregate import Window
from perfkit.store.connection import opened
from perfkit.store.fold import STEPS, merge_all
from perfkit.store.read import read
from perfkit.store.schema import DAY, HOUR, MINUTE, RAW, TEN_MINUTES
from perfkit.store.sink import StoreSink
from perfkit.store.size import file_bytes
from perfkit.store.transaction import transaction
from tests.store.writing import MINUTE as START
from tests.store.writing import ask, dump, loop, request, settings_of, windows
from tests.store.writing import folded as fold_at

#: Far enough apart that every step has rows of its own, from a month ago to a moment ago.
AGES = [1, 61, 130, 190, 900, 4 * HOUR, 5 * HOUR, 4 * DAY, 5 * DAY, 35 * DAY, 36 * DAY, 60 * DAY]
NOW = START + 90 * DAY


def folded(database: dict[str, Any], now: float = NOW, **values: Any) -> None:
    """Fold once."""
    fold_at(database, now, **values)


def spans(database: dict[str, Any]) -> Counter[int]:
    """Count the rows of each span."""
    return Counter(span for (span,) in ask(database, "SELECT span FROM perfkit_window"))


def content(window: Window) -> dict[str, Any]:
    """Return everything a window counts, in an order of its own."""
    data = window.to_json()
    data["routes"] = sorted(data["routes"], key=json.dumps)
    data["findings"] = dict(sorted(data["findings"].items()))
    return data


def fill(database: dict[str, Any], workers: int = 2) -> None:
    """Write requests of every age, from several workers."""
    for worker in range(workers):
        sink = StoreSink(settings_of(database))
        sink._folded_at = float("inf")  # this test folds by itself
        for number, age in enumerate(AGES):
            records = [
                request(
                    NOW - age,
                    route=f"/{n % 3}/",
                    status=200 + 100 * (n % 4),
                    duration_ms=float(2 ** (n % 9) + worker),
                    findings=(loop(f"{n % 2}"),),
                    dropped_queries=n % 2,
                )
                for n in range(number + 3)
            ]
            sink.emit(windows(*records))


def test_folding_keeps_every_total_and_histogram(database: dict[str, Any]) -> None:
    """Before and after, the merged store is the same to the last count, down to whole days."""
    fill(database)
    before = content(read(database, 0).window)
    assert set(spans(database)) == {RAW}
    for _ in range(2 * len(STEPS)):
        folded(database)
    assert set(spans(database)) == {RAW, MINUTE, TEN_MINUTES, HOUR, DAY}
    assert content(read(database, 0).window) == before


@pytest.mark.parametrize("later", [60, 200, 4 * HOUR, 4 * DAY, 40 * DAY])
def test_time_passing_changes_no_total(database: dict[str, Any], later: int) -> None:
    """Whatever step becomes due, what was counted stays counted."""
    fill(database)
    before = content(read(database, 0).window)
    folded(database)
    for _ in STEPS:
        folded(database, NOW + later)
    assert content(read(database, 0).window) == before


def test_folding_again_changes_nothing(database: dict[str, Any]) -> None:
    """A second worker that folds at the same time finds nothing to do."""
    fill(database)
    for _ in STEPS:
        folded(database)
    rows = spans(database)
    before = dump(database)
    folded(database)
    assert spans(database) == rows
    assert dump(database) == before


def test_late_rows_of_a_folded_minute_are_counted(database: dict[str, Any]) -> None:
    """A worker whose store was locked writes minutes that the others have folded long ago."""
    fill(database, workers=1)
    folded(database)
    before = read(database, 0).window.requests
    StoreSink(settings_of(database)).emit(windows(request(NOW - 5 * HOUR), request(NOW - DAY * 5)))
    for _ in STEPS:
        folded(database)
    assert read(database, 0).window.requests == before + 2


def test_a_minute_knows_its_workers(database: dict[str, Any]) -> None:
    """The workers of a minute are counted when its rows become one."""
    fill(database, workers=3)
    for _ in STEPS:
        folded(database)
    assert read(database, 0).window.workers == 3


def test_more_due_than_fits_one_turn_is_folded_in_several(database: dict[str, Any]) -> None:
    """Other workers' flushes get their turn; what is left is folded the next time."""
    sink = StoreSink(settings_of(database))
    for minute in range(0, 200, 50):
        sink.emit(windows(*[request(NOW - HOUR + (minute + n) * 3) for n in range(50)]))
        sink.emit(windows(*[request(NOW - 5 * HOUR + (minute + n) * 60) for n in range(50)]))
    before = read(database, 0).window.requests
    seen = []
    for _ in range(8):
        folded(database)
        seen.append(spans(database)[RAW])
        assert read(database, 0).window.requests == before
    assert seen[0] > 0
    assert seen[-1] == 0


@given(st.lists(st.lists(st.floats(0.01, 60_000), min_size=1, max_size=5), min_size=1, max_size=6))
def test_merging_in_any_grouping_is_the_same(minutes: list[list[float]]) -> None:
    """Sums are kept to the microsecond; counts and histograms are exact."""
    made = [
        Window.from_json(window.to_json())
        for durations in minutes
        for window in windows(*[request(duration_ms=round(ms, 3)) for ms in durations]).values()
    ]
    plain = [window.to_json() for window in made]
    at_once = merge_all(Window.from_json(data) for data in plain)
    halves = [plain[::2], plain[1::2]]
    in_two = merge_all(merge_all(map(Window.from_json, half)) for half in halves if half)
    assert at_once.requests == in_two.requests == sum(map(len, minutes))
    one, two = (each.routes["/products/", "GET"] for each in (at_once, in_two))
    assert one["total_ms"] == pytest.approx(two["total_ms"])
    assert one.duration.quantile(0.95) == two.duration.quantile(0.95)


def test_what_is_too_old_is_deleted(database: dict[str, Any]) -> None:
    """Rows and findings beyond the age go, everything younger stays."""
    sink = StoreSink(settings_of(database))
    sink.emit(windows(request(NOW - 11 * DAY, findings=(loop("old"),))))
    sink.emit(windows(request(NOW - 9 * DAY, findings=(loop("young"),))))
    folded(database, store_max_age_days=10)
    stored = read(database, 0)
    assert stored.window.requests == 1
    assert set(stored.texts) == {"young"}


def random_route() -> str:
    """Make a name that does not compress."""
    return f"/{os.urandom(300).hex()}/"


def overfill(database: dict[str, Any]) -> None:
    """Write more than a megabyte of old and new rows."""
    sink = StoreSink(settings_of(database))
    sink._folded_at = float("inf")
    for minute in range(300):
        records = [request(NOW - minute * 300, route=random_route()) for _ in range(12)]
        sink.emit(windows(*records))


def test_the_store_stays_within_its_bytes(database: dict[str, Any], path: Path) -> None:
    """The oldest rows go first, the file gets smaller, and what went is counted."""
    overfill(database)
    assert path.stat().st_size > 1_200_000
    before = read(database, 0)
    folded(database, store_max_bytes=500_000)
    after = read(database, 0)
    assert after.bytes <= 500_000
    assert after.bytes > 200_000
    assert after.evicted > 0
    assert after.window.requests < before.window.requests
    newest = read(database, NOW - 3_000).window.requests
    assert newest == 12 * 11, "the newest minutes stay"


def test_a_reader_does_not_make_the_store_lose_more(database: dict[str, Any], path: Path) -> None:
    """While a report holds the file it cannot shrink; deleting more would not help."""
    overfill(database)
    with closing(sqlite3.connect(path, isolation_level=None)) as report:
        report.execute("BEGIN")
        report.execute("SELECT count(*) FROM perfkit_window").fetchone()
        folded(database, store_max_bytes=500_000)
    folded(database, store_max_bytes=500_000)
    stored = read(database, 0)
    assert 200_000 < stored.bytes <= 500_000
    assert stored.window.requests > 500


def test_a_store_within_its_bytes_loses_nothing(database: dict[str, Any]) -> None:
    """Nothing is evicted that need not be."""
    fill(database)
    before = read(database, 0).window.requests
    folded(database)
    stored = read(database, 0)
    assert (stored.window.requests, stored.evicted) == (before, 0)


def test_an_unreadable_row_does_not_stop_the_folding(database: dict[str, Any]) -> None:
    """One flipped bit: the row is left, the others fold, size and age are still kept."""
    fill(database)
    readable = read(database, 0).window.requests
    for bucket in (NOW - 4 * HOUR, NOW - 500 * DAY):
        ask(
            database,
            "INSERT INTO perfkit_window (epoch, seq, span, bucket, payload) "
            "VALUES ('x', %s, 0, %s, %s)",
            [bucket, bucket, b"\x00"],
        )
    for _ in range(2 * len(STEPS)):
        folded(database)
    assert set(spans(database)) == {RAW, MINUTE, TEN_MINUTES, HOUR, DAY}
    stored = read(database, 0)
    assert stored.unreadable == 1, "the one that is not too old"
    assert stored.window.requests == readable


def test_bytes_count_the_log_too(database: dict[str, Any], path: Path) -> None:
    """A write-ahead log that grew is part of what the store takes on the disk."""
    with opened(database, create=True) as connection:
        with transaction(connection), connection.cursor() as cursor:
            cursor.execute("INSERT INTO perfkit_meta (name, value) VALUES ('x', 1)")
        log = Path(f"{path}-wal").stat().st_size
        assert log > 0
        assert file_bytes(connection) == path.stat().st_size + log
