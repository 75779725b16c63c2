"""Records and windows made by hand, and a worker that writes them from a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

from django.db.utils import OperationalError

from perfkit.conf import Settings, get_settings
from perfkit.errors import StoreError
from perfkit.metrics.aggregate import Aggregate, Window
from perfkit.record import Finding, RequestRecord, Site
from perfkit.store.connection import opened
from perfkit.store.fold import fold
from perfkit.store.sink import StoreSink

#: A minute's beginning, in Unix seconds.
MINUTE = 1_800_000_000 // 86_400 * 86_400


def database_at(path: Path, **options: Any) -> dict[str, Any]:
    """Describe a SQLite store."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}


def settings_of(database: dict[str, Any], **values: Any) -> Settings:
    """Return the settings of a worker that writes there."""
    return replace(get_settings(), store=database, **values)


def request(at: float = MINUTE, **fields: Any) -> RequestRecord:
    """Make a record of one request."""
    values: dict[str, Any] = {
        "route": "/products/", "method": "GET", "status": 200, "started_at": at,
        "duration_ms": 12.5, "ttfb_ms": 12.5, "db_ms": 2.25, "statements": 3, "response_bytes": 100,
    }  # fmt: skip
    return RequestRecord(**{**values, **fields})


def loop(fingerprint: str = "f" * 12, **fields: Any) -> Finding:
    """Make a finding."""
    values: dict[str, Any] = {
        "kind": "n_plus_one", "severity": "warning", "message": "a loop", "count": 4, "saved": 3,
        "cost_ms": 1.5, "access": Site("shop/views.py", 7, "products"),
    }  # fmt: skip
    return Finding(fingerprint=fingerprint, **{**values, **fields})


def windows(*records: RequestRecord) -> dict[int, Window]:
    """Sum up records by their minute, as a worker does."""
    aggregate = Aggregate(200)
    for record in records:
        aggregate.add(record, True, 1)
    return aggregate.take()


def ask(database: dict[str, Any], statement: str, values: Sequence[Any] = ()) -> list[Any]:
    """Run a statement in the store, past perfkit but for the connection; return its rows."""
    with opened(database, create=False) as connection, connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return list(cursor.fetchall()) if cursor.description else []


def dump(database: dict[str, Any]) -> dict[str, list[Any]]:
    """Return everything that the store holds, by table."""
    return {
        table: sorted(ask(database, f"SELECT * FROM {table}"), key=repr)
        for table in ("perfkit_window", "perfkit_worker", "perfkit_finding", "perfkit_sample",
                      "perfkit_mark", "perfkit_meta")
    }  # fmt: skip


def folded(database: dict[str, Any], now: float, **values: Any) -> None:
    """Fold once, by a clock that is believed whatever it says."""
    with opened(database, create=True) as connection:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM perfkit_meta WHERE name IN ('clock', 'leapt')")
        fold(connection, now, settings_of(database, **values))


def write_until_told(database: dict[str, Any], flushes: int) -> None:
    """Write ``flushes`` flushes of three requests each, and fold between them.

    Args:
        database: the store.
        flushes: how many.
    """
    settings = settings_of(database)
    sink = StoreSink(settings)
    sink.every_s = 0.0
    now = time()
    for number in range(flushes):
        at = now - 600 + number % 5 * 60
        new = windows(*[request(at, duration_ms=n + 1.0) for n in range(3)])
        while True:
            try:
                sink.emit(new)
                break
            except (OperationalError, StoreError):
                new = {}
        if number % 7 == 6:
            try:
                with opened(database, create=True) as connection:
                    fold(connection, now, settings)
            except OperationalError:  # the other one folds
                continue


def main() -> None:
    """Start Django, say so, wait for the word, write."""
    import django

    django.setup()
    database, flushes = sys.argv[1:]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    write_until_told(json.loads(database), int(flushes))


if __name__ == "__main__":
    main()
