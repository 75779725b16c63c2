"""Reading the store: everything from a moment on, and plainly what could not be read."""

from __future__ import annotations

import gc
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db.utils import DatabaseError, OperationalError

from perfkit.metrics.aggregate import Window
from perfkit.record import EagerLoad
from perfkit.store.place import place
from perfkit.store.read import read
from perfkit.store.sink import StoreSink
from tests.store.writing import MINUTE, ask, folded, loop, request, settings_of, windows


def test_everything_is_merged(sink: StoreSink, database: dict[str, Any]) -> None:
    """Minutes add up; where the data begins, its size and its place are told."""
    for minute in range(3):
        sink.emit(windows(request(MINUTE + 60 * minute), request(MINUTE + 60 * minute)))
    stored = read(database, 0)
    assert stored.window.requests == 6
    assert (stored.first_bucket, stored.path, stored.unreadable) == (MINUTE, place(database), 0)
    assert stored.bytes > 0
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
    sink: StoreSink, database: dict[str, Any]
) -> None:
    """One bad row or text costs that row; the report goes on and can say so."""
    sink.emit(windows(request(findings=(loop("a"), loop("b"))), request(MINUTE + 60)))
    bad = b"\x00"
    ask(database, "UPDATE perfkit_window SET payload = %s WHERE bucket > %s", [bad, MINUTE])
    ask(database, "UPDATE perfkit_finding SET payload = %s WHERE fingerprint = 'a'", [bad])
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


# A stretch of time, and its steps ------------------------------------------------------------


def routes(window: Window) -> dict[str, tuple[float, float | None, dict[str, int]]]:
    """Return what a window says of each route: requests, p95, statuses."""
    return {
        route: (stats["requests"], stats.duration.quantile(0.95), dict(stats.status))
        for (route, _), stats in window.routes.items()
    }


def test_a_stretch_ends_before_its_end(sink: StoreSink, database: dict[str, Any]) -> None:
    """What begins at ``until`` is the next stretch's, so that two in a row share nothing."""
    sink.emit(windows(*[request(MINUTE + 60 * minute) for minute in range(6)]))
    one, two = (read(database, MINUTE + a, MINUTE + b) for a, b in ((0, 120), (120, 300)))
    assert (one.window.requests, two.window.requests) == (2, 3)
    assert (one.first_bucket, two.first_bucket) == (MINUTE, MINUTE + 120)


def test_steps_are_what_reading_each_alone_gives(database: dict[str, Any]) -> None:
    """One pass over the store: every step's sums, and the total beside them, exact."""
    for worker in range(3):
        sink = StoreSink(settings_of(database))
        records = [
            request(
                MINUTE + 60 * minute,
                route=f"/{minute % 3}/",
                duration_ms=1.0 + worker + minute,
                status=200 + 300 * (minute % 2),
                findings=(loop(f"{minute % 2}"),),
                eager_loads=(EagerLoad("shop.Book", "author", "select_related", None, 3, False),),
                dropped_queries=1,
            )
            for minute in range(30)
        ]
        sink.emit(windows(*records))
    stored = read(database, 0, step_s=600)
    assert [start for start, _ in stored.steps] == [MINUTE, MINUTE + 600, MINUTE + 1200]
    assert stored.step_s == 600
    for start, window in stored.steps:
        alone = read(database, start, start + 600).window
        assert window.to_json() == alone.to_json()
        assert (window.workers, routes(window)) == (3, routes(alone))
    plain = read(database, 0)
    assert (plain.steps, plain.step_s) == ((), 0)
    assert stored.window.to_json() == plain.window.to_json()
    assert stored.window.requests == 90


def test_steps_without_data_are_left_out(sink: StoreSink, database: dict[str, Any]) -> None:
    """A night without requests is no row of zeros."""
    sink.emit(windows(request(), request(MINUTE + 3_600)))
    assert [start for start, _ in read(database, 0, step_s=60).steps] == [MINUTE, MINUTE + 3_600]


def test_a_step_is_a_multiple_of_the_longest_row(sink: StoreSink, database: dict[str, Any]) -> None:
    """Where only hours are known, steps of other lengths would show peaks that were none."""
    for hour in range(4):
        sink.emit(windows(*[request(MINUTE + 60 * (60 * hour + n)) for n in range(60)]))
    assert read(database, 0, step_s=90).step_s == 120
    for days in (2, 3, 4):
        folded(database, MINUTE + days * 86_400)
    for asked, step_s in ((60, 3_600), (3_600, 3_600), (4_000, 7_200)):
        stored = read(database, 0, step_s=asked)
        assert stored.step_s == step_s
        assert {window.requests for _, window in stored.steps} == {60 * step_s // 3_600}


def test_the_place_tells_no_password(postgres: dict[str, Any]) -> None:
    """A report names database and host; a connection string in NAME stays unsaid."""
    StoreSink(settings_of(postgres)).emit(windows(request()))
    told = read(postgres, 0).path
    assert told == f"{postgres['NAME']}@{postgres['HOST']}:{postgres['PORT']}"
    assert postgres["PASSWORD"] not in told
    assert postgres["USER"] not in told.replace(postgres["NAME"], "")
    server = {"ENGINE": "django.db.backends.postgresql", "NAME": "host=db password=secret"}
    assert place(server) == "database@local socket"


def test_reading_leaves_the_garbage_collector_as_it_was(
    sink: StoreSink, database: dict[str, Any]
) -> None:
    """It pauses while rows are merged, also when that fails."""
    sink.emit(windows(request()))
    assert gc.isenabled()
    read(database, 0)
    assert gc.isenabled()
    ask(database, "DROP TABLE perfkit_mark")
    with pytest.raises(DatabaseError):
        read(database, 0)
    assert gc.isenabled()
