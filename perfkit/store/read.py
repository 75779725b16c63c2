"""Reads the store for reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perfkit.errors import StoreError
from perfkit.metrics.aggregate import Window
from perfkit.store.connection import opened, sqlite_path
from perfkit.store.fold import file_bytes
from perfkit.store.payload import unpack, window_of


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store holds of a time window.

    Attributes:
        window: all workers' and minutes' sums, merged.
        texts: fingerprint -> the finding's fields.
        first_bucket: start of the oldest data read, Unix seconds; None when there is none.
        evicted: rows deleted so far to keep the store within its size.
        unreadable: rows left out because they could not be read.
        bytes: size of the store.
        path: where it is.
    """

    window: Window
    texts: dict[str, dict[str, Any]]
    first_bucket: int | None
    evicted: int
    unreadable: int
    bytes: int
    path: str


def read(database: Mapping[str, Any], since: float) -> Stored:
    """Merge everything from a point in time on.

    A row counts when it begins at or after ``since``; rows of days gone by cover up to a day.

    Args:
        database: shaped like an entry of ``DATABASES``.
        since: Unix seconds; 0 for all.

    Raises:
        StoreError: there is no store, or it cannot be read; the message says what to do.
    """
    merged = Window()
    merged.workers = 0
    epochs: dict[int, set[str]] = {}
    first: int | None = None
    unreadable = 0
    with opened(database, create=False) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT epoch, bucket, payload FROM perfkit_window WHERE bucket >= %s ORDER BY bucket",
            [int(since)],
        )
        for epoch, bucket, payload in cursor:
            try:
                window = window_of(payload)
            except StoreError:
                unreadable += 1
                continue
            first = bucket if first is None else first
            if epoch is not None:
                epochs.setdefault(bucket, set()).add(epoch)
            merged.workers = max(merged.workers, window.workers, len(epochs.get(bucket, ())))
            merged.merge(window)
        cursor.execute("SELECT fingerprint, payload FROM perfkit_finding")
        texts: dict[str, dict[str, Any]] = {}
        for fingerprint, payload in cursor:
            try:
                texts[fingerprint] = unpack(bytes(payload))
            except StoreError:
                unreadable += 1
        cursor.execute("SELECT value FROM perfkit_meta WHERE name = 'evicted'")
        evicted = cursor.fetchone()
        size = file_bytes(connection) if connection.vendor == "sqlite" else 0
    path = sqlite_path(database)
    return Stored(
        merged,
        texts,
        first,
        int(evicted[0]) if evicted else 0,
        unreadable,
        size,
        str(path or database["NAME"]),
    )
