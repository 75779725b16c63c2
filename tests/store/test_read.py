"""Reading the store: everything from a moment on, and plainly what could not be read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db.utils import OperationalError

from perfkit.store.read import read
from perfkit.store.sink import StoreSink
from tests.store.writing import MINUTE, loop, request, windows


def test_everything_is_merged(sink: StoreSink, database: dict[str, Any], path: Path) -> None:
    """Minutes add up; where the data begins, its size and its place are told."""
    for minute in range(3):
        sink.emit(windows(request(MINUTE + 60 * minute), request(MINUTE + 60 * minute)))
    stored = read(database, 0)
    assert stored.window.requests == 6
    assert (stored.first_bucket, stored.path, stored.unreadable) == (MINUTE, str(path), 0)
    assert stored.bytes >= path.stat().st_size > 0
    assert (stored.evicted, stored.window.workers) == (0, 1)


@pytest.mark.parametrize(
    ("since", "requests"), [(MINUTE, 3), (MINUTE + 1, 2), (MINUTE + 120, 1), (MINUTE + 121, 0)]
)
def test_a_row_counts_from_its_beginning(
    sink: StoreSink, database: dict[str, Any], since: int, requests: int
) -> None:
    """A minute that began before the window is not part of it."""
    sink.emit(windows(*[request(MINUTE + 60 * minute) for minute in range(3)]))
    stored = read(database, since)
    assert stored.window.requests == requests
    assert (stored.first_bucket is None) is (requests == 0)


def test_an_empty_store_reads_as_nothing(sink: StoreSink, database: dict[str, Any]) -> None:
    """Tables without rows: no worker, no route, no beginning."""
    sink.emit(windows(request()))
    stored = read(database, MINUTE + 3_600)
    assert (stored.window.workers, stored.window.routes, stored.first_bucket) == (0, {}, None)


def test_unreadable_rows_are_left_out_and_counted(
    sink: StoreSink, database: dict[str, Any], path: Path
) -> None:
    """One bad row or text costs that row; the report goes on and can say so."""
    sink.emit(windows(request(findings=(loop("a"), loop("b"))), request(MINUTE + 60)))
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("UPDATE perfkit_window SET payload = x'00' WHERE bucket > ?", [MINUTE])
        store.execute("UPDATE perfkit_finding SET payload = x'00' WHERE fingerprint = 'a'")
    stored = read(database, 0)
    assert (stored.window.requests, stored.unreadable) == (1, 2)
    assert set(stored.texts) == {"b"}


def test_a_writer_does_not_keep_a_report_waiting(
    sink: StoreSink, database: dict[str, Any], path: Path
) -> None:
    """In WAL a reader sees the last commit while another worker is in the middle of the next."""
    sink.emit(windows(request()))
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM perfkit_window")
        assert read(database, 0).window.requests == 1
        writer.execute("ROLLBACK")


def test_a_place_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    """A folder where the file should be: the caller is told, in the database's words."""
    with pytest.raises(OperationalError, match="unable to open"):
        read({"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path)}, 0)
