"""Keeps the store within its age and its bytes: what is too old, then what is too much."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from perfkit.conf import Settings
from perfkit.store.schema import DAY, HOUR, RAW, meta, put
from perfkit.store.size import ROW_BYTES, used_bytes

#: Texts of findings kept, the latest seen: a site that builds statements from names of its own
#: making must not fill the store with them.
MOST_TEXTS = 5_000

#: Days that samples are kept, and the share of the store's bytes that they may take.
_SAMPLE_DAYS = 14
_SAMPLE_SHARE = 0.25

#: The share that rows may take before they are folded: a fleet too large for the folding must not
#: cost what is folded already.
_RAW_SHARE = 0.5

#: The same of the cache advisor's events: a week has shown what a site's traffic is like.
_EVENT_DAYS = 30
_EVENT_SHARE = 0.3

#: Days that captures are kept, and the share of the store's bytes that they may take.
_CAPTURE_DAYS = 14
_CAPTURE_SHARE = 0.25

#: Hours in which samples still come; a worker whose store was away writes up to an hour late.
_SAMPLE_HOURS = 3

#: Days after which a worker that has not written is gone.
_WORKER_DAYS = 30

#: Rows deleted at once.
_AT_ONCE = 50


def keep_within(
    connection: BaseDatabaseWrapper, cursor: CursorWrapper, now: float, settings: Settings
) -> None:
    """Delete what is too much, and count it.

    Args:
        connection: the open store.
        cursor: of it, in the transaction that folds.
        now: Unix seconds.
        settings: ``store_max_bytes`` and ``samples_per_hour`` are read.
    """
    _trim_samples(cursor, now, settings.samples_per_hour)
    _count(connection, cursor, "evicted_captures", trim_captures(cursor, settings))
    most = int(settings.store_max_bytes)
    shares = (
        ("evicted_samples", "perfkit_sample", "1 = 1", "bucket, rank", _SAMPLE_SHARE),
        ("evicted_events", "perfkit_event", "1 = 1", "bucket", _EVENT_SHARE),
        ("evicted", "perfkit_window", f"span = {RAW}", "bucket", _RAW_SHARE),
    )
    for name, table, which, order, share in shares:
        too_many = _bytes_of(cursor, table, which) - int(most * share)
        _count(connection, cursor, name, _evict(cursor, table, which, order, too_many))
    while (too_many := used_bytes(connection) - most) > 0:
        # The oldest rows of the finest folded span go first, what is not folded yet last.
        order = f"span = {RAW}, span, bucket"
        count = _evict(cursor, "perfkit_window", "1 = 1", order, too_many)
        if not count:
            break
        _count(connection, cursor, "evicted", count)


def trim_captures(cursor: CursorWrapper, settings: Settings) -> int:
    """Keep the latest captures, by their number and their bytes; return how many went.

    Args:
        cursor: of the store, in a transaction.
        settings: ``captures`` and ``store_max_bytes`` are read.
    """
    cursor.execute(
        "DELETE FROM perfkit_capture WHERE id NOT IN "
        "(SELECT id FROM perfkit_capture ORDER BY at DESC, id LIMIT %s)",
        [settings.captures],
    )
    most = int(settings.store_max_bytes * _CAPTURE_SHARE)
    too_many = _bytes_of(cursor, "perfkit_capture", "1 = 1") - most
    return _evict(cursor, "perfkit_capture", "1 = 1", "at", too_many)


def delete_old(
    connection: BaseDatabaseWrapper, cursor: CursorWrapper, now: float, settings: Settings
) -> None:
    """Delete what is too old; count the rows that were so before anybody folded them.

    Those come from a worker whose clock is far behind, or from one that ended this long ago.

    Args:
        connection: the open store.
        cursor: of it, in the transaction that folds.
        now: Unix seconds.
        settings: ``store_max_age_days`` is read.
    """
    oldest = int(now - settings.store_max_age_days * DAY)
    cursor.execute("DELETE FROM perfkit_window WHERE bucket < %s AND span = %s", [oldest, RAW])
    _count(connection, cursor, "too_old", cursor.rowcount)
    cursor.execute("DELETE FROM perfkit_window WHERE bucket < %s", [oldest])
    cursor.execute("DELETE FROM perfkit_mark WHERE at < %s", [oldest])
    cursor.execute(
        "DELETE FROM perfkit_sample WHERE bucket < %s", [max(oldest, int(now) - _SAMPLE_DAYS * DAY)]
    )
    cursor.execute(
        "DELETE FROM perfkit_event WHERE bucket < %s", [max(oldest, int(now) - _EVENT_DAYS * DAY)]
    )
    cursor.execute(
        "DELETE FROM perfkit_capture WHERE at < %s", [max(oldest, int(now) - _CAPTURE_DAYS * DAY)]
    )
    cursor.execute("DELETE FROM perfkit_order WHERE expires < %s", [int(now) - DAY])
    cursor.execute("DELETE FROM perfkit_nonce WHERE at < %s", [int(now) - DAY])
    cursor.execute("DELETE FROM perfkit_worker WHERE seen < %s", [int(now) - _WORKER_DAYS * DAY])
    # Of each finding the latest text; of all of them the latest seen.
    cursor.execute(
        "DELETE FROM perfkit_finding WHERE seen < %s OR EXISTS "
        "(SELECT 1 FROM perfkit_finding AS later "
        "WHERE later.fingerprint = perfkit_finding.fingerprint "
        "AND later.seen > perfkit_finding.seen)",
        [oldest],
    )
    cursor.execute(
        "DELETE FROM perfkit_finding WHERE fingerprint NOT IN "
        "(SELECT fingerprint FROM perfkit_finding ORDER BY seen DESC LIMIT %s)",
        [MOST_TEXTS],
    )


def _count(connection: BaseDatabaseWrapper, cursor: CursorWrapper, name: str, more: int) -> None:
    if more:
        put(cursor, name, meta(connection).get(name, 0) + more)


def _trim_samples(cursor: CursorWrapper, now: float, most: int) -> None:
    """Keep the samples of the highest rank, so many of each kind, route, method and hour."""
    cursor.execute(
        "DELETE FROM perfkit_sample WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER "
        "(PARTITION BY kind, route, method, bucket ORDER BY rank DESC, id) AS place "
        "FROM perfkit_sample WHERE bucket >= %s) AS placed WHERE place > %s)",
        [int(now) // HOUR * HOUR - _SAMPLE_HOURS * HOUR, most],
    )


def _bytes_of(cursor: CursorWrapper, table: str, which: str) -> int:
    cursor.execute(f"SELECT count(*), coalesce(sum(length(payload)), 0) FROM {table} WHERE {which}")
    rows, payload = cursor.fetchone()
    return int(rows) * ROW_BYTES + int(payload)


def _evict(cursor: CursorWrapper, table: str, which: str, order: str, too_many: int) -> int:
    """Delete rows in an order until so many bytes are gone; return how many rows went."""
    count = 0
    while too_many > 0:
        cursor.execute(
            f"SELECT id, length(payload) FROM {table} WHERE {which} ORDER BY {order} LIMIT {_AT_ONCE}"
        )
        rows = cursor.fetchall()
        if not rows:
            break
        going = []
        for row, length in rows:
            if too_many <= 0:
                break
            going.append(row)
            too_many -= ROW_BYTES + length
        cursor.execute(f"DELETE FROM {table} WHERE id IN ({', '.join(['%s'] * len(going))})", going)
        count += len(going)
    return count
