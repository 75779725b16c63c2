"""Records and windows made by hand, and a worker that writes them from a process of its own."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from perfkit.conf import Settings, get_settings
from perfkit.metrics.aggregate import Aggregate, Window
from perfkit.record import Finding, RequestRecord, Site

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


def write_until_told(path: Path, flushes: int, *, keep: int) -> None:
    """Write ``flushes`` flushes of three requests each, and fold between them.

    Args:
        path: the store's file.
        flushes: how many.
        keep: bytes of the store at most.
    """
    from django.db.utils import OperationalError

    from perfkit.errors import StoreError
    from perfkit.store import fold
    from perfkit.store.connection import opened
    from perfkit.store.sink import StoreSink

    settings = settings_of(database_at(path), store_max_bytes=keep)
    sink = StoreSink(settings)
    for number in range(flushes):
        new = windows(*[request(MINUTE + number % 5 * 60, duration_ms=n + 1.0) for n in range(3)])
        while True:
            try:
                sink.emit(new)
                break
            except (OperationalError, StoreError):
                new = {}
        if number % 7 == 6:
            try:
                with opened(settings.store or {}, create=True) as connection:
                    fold.fold(connection, MINUTE + 1_000, settings)
            except OperationalError:  # the other one folds
                continue


def main() -> None:
    """Start Django, say so, wait for the word, write."""
    import django

    django.setup()
    path, flushes = sys.argv[1:]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    write_until_told(Path(path), int(flushes), keep=64 * 1024 * 1024)


if __name__ == "__main__":
    main()
