"""The tables: made on first use, and left alone when a newer perfkit made them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from perfkit.errors import StoreTooNew
from perfkit.store import schema
from perfkit.store.connection import opened
from perfkit.store.read import read
from perfkit.store.sink import StoreSink
from tests.store.writing import request, windows


def dump(path: Path) -> list[str]:
    """Return everything the file holds."""
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_tables_are_made_on_first_use(database: dict[str, Any]) -> None:
    """No migrate step: the first flush finds everything it needs."""
    with opened(database, create=True) as connection:
        assert schema.written_version(connection) == schema.VERSION


def test_making_them_again_changes_nothing(sink: StoreSink, path: Path) -> None:
    """Every flush looks, and finds them there."""
    sink.emit(windows(request()))
    before = dump(path)
    with opened(
        {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}, create=True
    ) as opening:
        schema.ensure(opening)
    assert dump(path) == before


def test_a_store_half_made_is_made_whole(database: dict[str, Any], path: Path) -> None:
    """A worker that was killed between two tables leaves work that the next one ends."""
    path.parent.mkdir()
    killed = sqlite3.connect(path)
    killed.execute("CREATE TABLE perfkit_meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL)")
    killed.close()
    with opened(database, create=True) as connection:
        assert schema.written_version(connection) == schema.VERSION
    assert read(database, 0).window.requests == 0


def test_each_store_has_an_identity(tmp_path: Path) -> None:
    """A worker can tell that the file at its path is another one than before."""
    identities = set()
    for name in ("a", "b"):
        entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / name)}
        for _ in range(2):
            with opened(entry, create=True) as connection:
                identities.add(schema.identity(connection))
    assert len(identities) == 2


def test_a_newer_store_is_refused_and_unharmed(
    sink: StoreSink, path: Path, database: dict[str, Any]
) -> None:
    """Neither a worker nor a report touches it; both say what to do; the worker keeps its data."""
    sink.emit(windows(request()))
    newer = sqlite3.connect(path)
    newer.execute("UPDATE perfkit_meta SET value = 99 WHERE name = 'version'")
    newer.execute("CREATE TABLE perfkit_of_tomorrow (x)")
    newer.commit()
    newer.close()
    before = dump(path)
    with pytest.raises(StoreTooNew, match=r"version 99.*upgrade perfkit"):
        sink.emit(windows(request()))
    with pytest.raises(StoreTooNew, match="version 99"):
        read(database, 0)
    assert dump(path) == before
    assert sink.waiting
