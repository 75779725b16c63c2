"""The tables: made on first use, and left alone when a newer perfkit made them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perfkit.errors import StoreTooNew
from perfkit.store import schema
from perfkit.store.connection import opened
from perfkit.store.marks import add_mark, marks
from perfkit.store.payload import pack
from perfkit.store.read import read
from perfkit.store.sink import StoreSink
from tests.store.conftest import Start
from tests.store.writing import MINUTE, ask, dump, loop, request, settings_of, windows

#: What the first version made, and a worker of it wrote.
FIRST = """
CREATE TABLE perfkit_window (id INTEGER PRIMARY KEY, epoch TEXT, seq INTEGER, span INTEGER NOT NULL,
    bucket BIGINT NOT NULL, payload BLOB NOT NULL, UNIQUE (epoch, seq));
CREATE INDEX perfkit_window_bucket ON perfkit_window (span, bucket);
CREATE TABLE perfkit_finding (fingerprint TEXT PRIMARY KEY, seen BIGINT NOT NULL, payload BLOB NOT NULL);
CREATE TABLE perfkit_meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO perfkit_meta VALUES ('version', 1), ('identity', 4711), ('evicted', 3);
"""


def test_tables_are_made_on_first_use(database: dict[str, Any]) -> None:
    """No migrate step: the first flush finds everything it needs."""
    with opened(database, create=True) as connection:
        assert schema.written_version(connection) == schema.VERSION


def test_making_them_again_changes_nothing(sink: StoreSink, database: dict[str, Any]) -> None:
    """Every flush looks, and finds them there."""
    sink.emit(windows(request()))
    before = dump(database)
    with opened(database, create=True) as opening:
        schema.ensure(opening)
    assert dump(database) == before


def test_a_store_half_made_is_made_whole(database: dict[str, Any], path: Path) -> None:
    """A worker that was killed between two tables leaves work that the next one ends."""
    path.parent.mkdir()
    killed = sqlite3.connect(path)
    killed.execute("CREATE TABLE perfkit_meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL)")
    killed.close()
    with opened(database, create=True) as connection:
        assert schema.written_version(connection) == schema.VERSION
    assert read(database, 0).window.requests == 0


def test_each_store_has_an_identity(database: dict[str, Any]) -> None:
    """A worker can tell that the store at its place is another one than before."""
    identities = []
    for _ in range(2):
        for _ in range(2):
            with opened(database, create=True) as connection:
                identities.append(schema.meta(connection)["identity"])
        for (table,) in ask(database, TABLES[connection.vendor]):
            ask(database, f"DROP TABLE {table}")
    assert identities[0] == identities[1] != identities[2] == identities[3]


TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'perfkit%%' "
    "ORDER BY name = 'perfkit_meta'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE tablename LIKE 'perfkit%%' "
    "ORDER BY tablename = 'perfkit_meta'",
}


def test_a_newer_store_is_refused_and_unharmed(sink: StoreSink, database: dict[str, Any]) -> None:
    """Neither a worker nor a report touches it; both say what to do; the worker keeps its data."""
    sink.emit(windows(request()))
    with opened(database, create=False) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE perfkit_meta SET value = 99 WHERE name = 'version'")
        cursor.execute("CREATE TABLE perfkit_of_tomorrow (x INTEGER)")
        before = contents(cursor)
        with pytest.raises(StoreTooNew, match=r"version 99.*upgrade perfkit"):
            sink.emit(windows(request()))
        with pytest.raises(StoreTooNew, match="version 99"):
            read(database, 0)
        with pytest.raises(StoreTooNew, match="version 99"):
            add_mark(database, "v1", MINUTE)
        assert contents(cursor) == before
    assert sink.waiting


def contents(cursor: Any) -> list[list[Any]]:
    """Return every row of the tables that this version knows."""
    found = []
    for table in ("window", "finding", "sample", "mark", "meta", "worker"):
        cursor.execute(f"SELECT * FROM perfkit_{table}")
        found.append(sorted(cursor.fetchall(), key=repr))
    return found


def test_a_store_of_the_first_version_is_brought_up(database: dict[str, Any], path: Path) -> None:
    """Its windows, texts and counts stay, and what is new to it is there from the next flush on."""
    path.parent.mkdir()
    (window,) = windows(request(findings=(loop("old"),))).values()
    with closing(sqlite3.connect(path)) as store, store:
        store.executescript(FIRST)
        store.execute(
            "INSERT INTO perfkit_window (epoch, seq, span, bucket, payload) VALUES ('x', 1, 0, ?, ?)",
            [MINUTE, pack(window.to_json())],
        )
        store.execute(
            "INSERT INTO perfkit_finding VALUES ('old', ?, ?)",
            [MINUTE, pack({"message": "of the first version"})],
        )
    before = read(database, 0, step_s=60)
    assert (before.window.requests, before.evicted, before.samples) == (1, 3, ())
    assert before.texts["old"]["message"] == "of the first version"
    assert marks(database, 0) == []
    StoreSink(settings_of(database)).emit(windows(request(findings=(loop("new"),))))
    add_mark(database, "v2", MINUTE)
    after = read(database, 0)
    assert (after.window.requests, after.evicted, after.marks) == (2, 3, ((MINUTE, "v2"),))
    assert set(after.texts) == {"old", "new"}
    assert ask(database, "SELECT value FROM perfkit_meta WHERE name = 'version'") == [
        (schema.VERSION,)
    ]


def test_sixteen_workers_make_the_tables_at_once(start: Start, database: dict[str, Any]) -> None:
    """All begin on an empty database at the same moment: none fails, none is doubled."""
    for worker in start(database, 16, 2):
        _, errors = worker.communicate()
        assert (worker.returncode, errors) == (0, "")
    stored = read(database, 0)
    assert stored.window.requests == 16 * 2 * 3
    assert len(ask(database, "SELECT epoch FROM perfkit_worker")) == 16
