"""Folds minutes into coarser spans and keeps the store within its bytes and its age.

One worker folds at a time: everything happens in one immediate transaction, and a worker that
does not get it leaves the work to the one that has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

from perfkit.conf import Settings
from perfkit.errors import StoreError
from perfkit.metrics.aggregate import Window
from perfkit.store.connection import transaction
from perfkit.store.payload import pack, window_of
from perfkit.store.schema import DAY, HOUR, MINUTE, RAW, TEN_MINUTES

#: (span, its rows are folded into, once older than): seconds. Minutes are kept for 3 hours, ten
#: minutes for a day, hours for 14 days, days until they are too old: a report over 30 days then
#: merges about 650 rows.
STEPS = (
    (RAW, MINUTE, 120),
    (MINUTE, TEN_MINUTES, 3 * HOUR),
    (TEN_MINUTES, HOUR, DAY),
    (HOUR, DAY, 14 * DAY),
)

#: Target rows made in one transaction at most, so that other workers' flushes get their turn.
_MOST_FOLDED = 60

#: Texts of findings kept, the latest seen: a site that builds statements from names of its own
#: making must not fill the store with them.
_MOST_TEXTS = 5_000


def fold(connection: BaseDatabaseWrapper, now: float, settings: Settings) -> None:
    """Fold what is due, delete what is too old, and shrink the file when it is too large.

    Args:
        connection: the open store.
        now: Unix seconds.
        settings: ``store_max_bytes`` and ``store_max_age_days`` are read.

    Raises:
        OperationalError: another worker holds the store; nothing was changed.
    """
    with transaction(connection):
        for span, target, age in STEPS:
            _fold_step(connection, span, target, int(now - age) // target * target)
        oldest = int(now - settings.store_max_age_days * DAY)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM perfkit_window WHERE bucket < %s", [oldest])
            cursor.execute("DELETE FROM perfkit_finding WHERE seen < %s", [oldest])
            cursor.execute(
                "DELETE FROM perfkit_finding WHERE fingerprint NOT IN "
                "(SELECT fingerprint FROM perfkit_finding ORDER BY seen DESC LIMIT %s)",
                [_MOST_TEXTS],
            )
    if connection.vendor == "sqlite":
        _shrink(connection, int(settings.store_max_bytes))


def _fold_step(connection: BaseDatabaseWrapper, span: int, target: int, before: int) -> None:
    due: dict[int, list[tuple[int, str | None, Window]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, epoch, bucket, payload FROM perfkit_window "
            "WHERE span = %s AND bucket < %s ORDER BY bucket, id",
            [span, before],
        )
        # Leaving a loop over Django's cursor early would close the database's one below it.
        while (stored := cursor.fetchone()) is not None:
            row, epoch, bucket, payload = stored
            key = bucket // target * target
            if key not in due and len(due) >= _MOST_FOLDED:
                break
            try:
                window = window_of(payload)
            except StoreError:  # it stays as it is: reports count it, age deletes it
                continue
            due[key].append((row, epoch, window))
        for bucket, rows in due.items():
            merged = merge_all(window for _, _, window in rows)
            if span == RAW:
                merged.workers = len({epoch for _, epoch, _ in rows})
            cursor.execute(
                "INSERT INTO perfkit_window (span, bucket, payload) VALUES (%s, %s, %s)",
                [target, bucket, pack(merged.to_json())],
            )
            cursor.executemany(
                "DELETE FROM perfkit_window WHERE id = %s", [(row,) for row, _, _ in rows]
            )


def merge_all(windows: Iterable[Window]) -> Window:
    """Merge stored windows; ``workers`` is the most of any."""
    merged = Window()
    merged.workers = 0
    for window in windows:
        merged.workers = max(merged.workers, window.workers)
        merged.merge(window)
    return merged


def _shrink(connection: BaseDatabaseWrapper, most_bytes: int) -> None:
    """Delete the oldest rows, finest folded span first, until the file can fit; count them.

    What counts is the data in the file: while somebody reads, the file itself cannot get smaller.
    """
    if file_bytes(connection) <= most_bytes:
        return
    while _used_bytes(connection) > most_bytes:
        with transaction(connection), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM perfkit_window ORDER BY span = 0, span, bucket LIMIT 50")
            rows = cursor.fetchall()
            if not rows:
                break
            cursor.executemany("DELETE FROM perfkit_window WHERE id = %s", rows)
            cursor.execute(
                "INSERT INTO perfkit_meta (name, value) VALUES ('evicted', %s) ON CONFLICT (name) "
                "DO UPDATE SET value = perfkit_meta.value + excluded.value",
                [len(rows)],
            )
    with connection.cursor() as cursor:
        # It frees a page with each step, and yields no row by which execute() would take another.
        cursor.executescript("PRAGMA incremental_vacuum")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.fetchall()


def _used_bytes(connection: BaseDatabaseWrapper) -> int:
    with connection.cursor() as cursor:
        pages, free, size = (
            cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


def file_bytes(connection: BaseDatabaseWrapper) -> int:
    """Return the bytes of the SQLite file and its write-ahead log."""
    name = str(connection.settings_dict["NAME"])
    files = (Path(name), Path(f"{name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
