"""The cache advisor's events in the store: one row a worker and minute, read back into columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perfkit.caching.codec import unpack
from perfkit.caching.columns import Columns
from perfkit.errors import StoreError
from perfkit.store import schema
from perfkit.store.connection import opened
from perfkit.store.transaction import snapshot

_AT_ONCE = 50
_NEVER = 2**62


@dataclass(frozen=True, slots=True)
class StoredEvents:
    """The events of a stretch of time.

    Attributes:
        routes: label -> its events, of all workers, in the order of time.
        unreadable: rows left out because they could not be read, or are of another version.
        of_other_keys: rows left out because their hashes were made with another SECRET_KEY.
        evicted: rows deleted so far to keep the store within its size.
        left_out: rows that were older than those asked for.
    """

    routes: dict[str, Columns]
    unreadable: int = 0
    of_other_keys: int = 0
    evicted: int = 0
    left_out: int = 0


def read_events(
    database: Mapping[str, Any], since: float, until: float | None = None, most: int | None = None
) -> StoredEvents:
    """Read events; of several keys of hashes the one used last, as others compare to nothing.

    Args:
        database: shaped like an entry of ``DATABASES``.
        since: Unix seconds; 0 for all.
        until: Unix seconds; None for no end.
        most: events read at most, nearly: the latest; None for all.

    Raises:
        StoreError: there is no store, or it cannot be read.
    """
    stretch = [int(since), _NEVER if until is None else int(until)]
    with opened(database, create=False) as connection, snapshot(connection):
        if schema.written_version(connection) < schema.WITH_SAMPLES:
            return StoredEvents({})
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT hashes, count(*), max(bucket) FROM perfkit_event "
                "WHERE bucket >= %s AND bucket < %s GROUP BY hashes",
                stretch,
            )
            keys = {hashes: (rows, latest) for hashes, rows, latest in cursor.fetchall()}
        if not keys:
            return StoredEvents({})
        used = max(keys, key=lambda hashes: keys[hashes][1])
        routes: dict[str, Columns] = {}
        workers: dict[str, int] = {}
        lost: Counter[str] = Counter()
        with connection.chunked_cursor() as cursor:
            cursor.execute(
                "SELECT epoch, payload FROM perfkit_event "
                "WHERE bucket >= %s AND bucket < %s AND hashes = %s ORDER BY bucket DESC",
                [*stretch, used],
            )
            read = 0
            while rows := cursor.fetchmany(_AT_ONCE):
                for epoch, payload in rows:
                    if most is not None and read >= most:
                        lost["left_out"] += 1
                        continue
                    worker = workers.setdefault(epoch, min(len(workers), 65_535))
                    try:
                        read += unpack(bytes(payload), routes, worker)
                    except StoreError:
                        lost["unreadable"] += 1
        evicted = schema.meta(connection).get("evicted_events", 0)
    for columns in routes.values():
        columns.sort()
    others = sum(number for hashes, (number, _) in keys.items() if hashes != used)
    return StoredEvents(routes, lost["unreadable"], others, evicted, lost["left_out"])
