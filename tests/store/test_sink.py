"""A worker's writes: nothing lost, nothing counted twice, nothing unbounded."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db.utils import OperationalError

from perfkit.store import sink as sink_module
from perfkit.store.read import read
from perfkit.store.schema import MINUTE as FOLDED
from perfkit.store.schema import RAW
from perfkit.store.sink import MOST_WAITING, StoreSink
from tests.store.conftest import Start
from tests.store.writing import MINUTE, ask, database_at, loop, request, settings_of, windows


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the store's write lock, as a stuck process does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")


def test_two_workers_at_once_lose_and_double_nothing(
    start: Start, database: dict[str, Any]
) -> None:
    """Each flush of each process is there once, in spite of the other, with folding between."""
    flushes = 40
    for worker in start(database, 2, flushes):
        _, errors = worker.communicate()
        assert worker.returncode == 0, errors
    stored = read(database, 0)
    stats = stored.window.routes["/products/", "GET"]
    assert stored.window.requests == 2 * flushes * 3
    assert stats["total_ms"] == 2 * flushes * (1.0 + 2.0 + 3.0)
    assert stats.duration.count == 2 * flushes * 3
    assert stored.window.workers == 2


def test_a_lock_longer_than_the_wait_loses_nothing(
    sink: StoreSink, path: Path, database: dict[str, Any]
) -> None:
    """Flush after flush fails and waits in memory; the first that succeeds brings them all."""
    sink.emit(windows(request()))
    with locked(path):
        for minute in range(4):
            with pytest.raises(OperationalError, match="locked"):
                sink.emit(windows(request(MINUTE + 60 * minute)))
            assert sink.waiting
    sink.emit({})
    assert not sink.waiting
    assert read(database, 0).window.requests == 5
    sink.emit({})
    assert read(database, 0).window.requests == 5


def test_a_full_disk_keeps_bounded_minutes_and_counts_the_loss(
    path: Path, database: dict[str, Any]
) -> None:
    """What does not fit waits, the oldest minutes are dropped, and the loss is told when it ends."""
    StoreSink(settings_of(database)).emit(windows(request()))
    with closing(sqlite3.connect(path)) as full:
        (pages,) = full.execute("PRAGMA page_count").fetchone()
    init = f"PRAGMA max_page_count={pages}"
    sink = StoreSink(settings_of(database_at(path, init_command=init, timeout=0.1)))
    minutes = 3 * MOST_WAITING
    reasons: Counter[str] = Counter()
    for minute in range(minutes):
        routes = [f"/{minute}/{n}/" for n in range(20)]
        try:
            sink.emit(windows(*[request(MINUTE + 60 * minute, route=route) for route in routes]))
        except OperationalError as error:
            reasons[str(error)] += 1
    assert set(reasons) == {"database or disk is full"}
    assert reasons.total() > 2 * MOST_WAITING
    sink._database = database  # somebody made room
    sink.emit({})
    window = read(database, 0).window
    assert window.requests + window.dropped["requests"] == 1 + minutes * 20
    assert window.requests <= 1 + 2 * MOST_WAITING * 20
    assert window.dropped["requests"] > 0


def test_a_full_disk_under_the_file_is_an_error_and_no_damage(
    path: Path, database: dict[str, Any], start: Start
) -> None:
    """Writes that the system refuses (RLIMIT_FSIZE) leave a sound store with what was in it."""
    StoreSink(settings_of(database)).emit(windows(request()))
    program = f"""
import django, resource, sys
django.setup()
from pathlib import Path
from django.db.utils import DatabaseError
from perfkit.store.sink import StoreSink
from tests.store.writing import database_at, request, settings_of, windows
sink = StoreSink(settings_of(database_at(Path({str(path)!r}))))
size = Path({str(path)!r}).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
failed = 0
for n in range(30):
    try:
        sink.emit(windows(*[request(route=f"/{{n}}/{{m}}/") for m in range(50)]))
    except (DatabaseError, OSError) as error:
        failed += 1
assert failed and sink.waiting, failed
"""
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert list(path.parent.glob("*.damaged-*")) == []
    assert read(database, 0).window.requests >= 1


def test_a_folder_that_cannot_be_made_is_an_error_that_says_so(tmp_path: Path) -> None:
    """A path below a file: the data waits."""
    (tmp_path / "file").touch()
    sink = StoreSink(settings_of(database_at(tmp_path / "file" / "x" / "store")))
    with pytest.raises(OSError, match="file"):
        sink.emit(windows(request()))
    assert sink.waiting


def test_nothing_to_write_touches_nothing(sink: StoreSink, path: Path) -> None:
    """An idle worker makes no file."""
    sink.emit({})
    assert not path.exists()


def test_a_finding_is_written_once_and_again_when_it_is_old(
    sink: StoreSink, database: dict[str, Any]
) -> None:
    """The text is stored apart from the counts: once an hour, for its lines may have moved."""

    def text(at: float, message: str) -> str:
        sink.emit(windows(request(at, findings=(loop(message=message),))))
        return str(read(database, 0).texts["f" * 12]["message"])

    assert text(MINUTE, "first") == "first"
    assert text(MINUTE + 60, "second") == "first"
    assert text(MINUTE + 3_700, "third") == "third"
    assert read(database, 0).window.findings["f" * 12].count == 3 * 4


def test_a_new_file_gets_the_findings_texts_again(
    sink: StoreSink, path: Path, database: dict[str, Any]
) -> None:
    """A store that somebody deleted is begun anew, and its findings are not nameless."""
    with_finding = request(findings=(loop(),))
    sink.emit(windows(with_finding))
    for file in path.parent.glob("perfkit.sqlite3*"):
        file.unlink()
    sink.emit(windows(with_finding))
    stored = read(database, 0)
    assert set(stored.texts) == set(stored.window.findings)


def test_folding_comes_with_a_flush_once_a_minute(
    database: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread and no process of its own: the clock of the flush decides."""
    clock = [0.0]
    monkeypatch.setattr(sink_module, "monotonic", lambda: clock[0])
    monkeypatch.setattr(sink_module, "now_of", lambda connection: MINUTE + clock[0])
    sink = StoreSink(settings_of(database))
    spans = []
    for seconds in (0.0, 30.0, 59.0, 300.0, 330.0):
        clock[0] = seconds
        sink.emit(windows(request()))
        spans.append({span for (span,) in ask(database, "SELECT span FROM perfkit_window")})
    assert spans == [{RAW}, {RAW}, {RAW}, {FOLDED}, {FOLDED, RAW}]
    assert read(database, 0).window.requests == 5


def test_a_forked_workers_epoch_is_its_own(database: dict[str, Any]) -> None:
    """Two workers whose flushes have the same number do not shadow each other."""
    for _ in range(2):
        StoreSink(settings_of(database)).emit(windows(request()))
    stored = read(database, 0)
    assert (stored.window.requests, stored.window.workers) == (2, 2)


def test_nothing_is_logged_by_a_flush(sink: StoreSink, caplog: pytest.LogCaptureFixture) -> None:
    """A healthy store is silent."""
    with caplog.at_level(logging.DEBUG):
        sink.emit(windows(request()))
    assert caplog.records == []


# How often -----------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let a test say how many seconds have passed, and let workers write as seldom as they do."""
    seconds = [0.0]
    monkeypatch.setattr(sink_module, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(sink_module, "WRITE_EVERY_S", 60.0)
    return seconds


def writes(database: dict[str, Any], clock: list[float], minutes: int) -> list[float]:
    """Flush every ten seconds; return the seconds of those flushes that wrote."""
    clock[0] = 0.0
    sink = StoreSink(settings_of(database))
    written = []
    for seconds in range(0, 60 * minutes, 10):
        clock[0] = float(seconds)
        sink.emit(windows(request(MINUTE + seconds)))
        if not sink.waiting:
            written.append(clock[0])
    return written


def test_a_file_is_written_with_each_flush(
    database: dict[str, Any], path: Path, clock: list[float]
) -> None:
    """It costs no connection, and a developer sees the page just loaded."""
    assert writes(database, clock, 2) == [10.0 * n for n in range(12)]


def test_a_server_is_written_to_once_a_minute(
    postgres: dict[str, Any], clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a moment of each worker's own: workers that were started together do not write together."""
    monkeypatch.setattr(sink_module, "random", lambda: 0.75)
    assert writes(postgres, clock, 3) == [20.0, 80.0, 140.0]
    monkeypatch.setattr(sink_module, "random", lambda: 0.25)
    assert writes(postgres, clock, 3) == [50.0, 110.0, 170.0]
    assert read(postgres, 0).window.requests == 15 + 18


def test_a_process_that_ends_writes_at_once(postgres: dict[str, Any], clock: list[float]) -> None:
    """There is no later flush: SIGTERM does not wait for the minute to be over."""
    sink = StoreSink(settings_of(postgres))
    clock[0] = 60.0
    sink.emit(windows(request()))
    clock[0] = 65.0
    sink.emit(windows(request()))
    assert sink.waiting
    sink.every_s = 0.0
    sink.emit({})
    assert not sink.waiting
    assert read(postgres, 0).window.requests == 2
