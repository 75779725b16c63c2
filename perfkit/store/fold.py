"""Folds minutes into coarser spans: exact, in turns, by one worker at a time.

Everything happens in one transaction. In a file that is the file's lock; on PostgreSQL workers that
do not get an advisory lock leave the work to the one that has it. It would be right without: what a
worker folded is deleted by its key, and when another had deleted some of it first, nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import sleep
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from perfkit.conf import Settings
from perfkit.errors import StoreError
from perfkit.metrics.aggregate import Window
from perfkit.store import clock, postgres, schema
from perfkit.store.bounds import delete_old, keep_within
from perfkit.store.payload import pack, window_of
from perfkit.store.schema import DAY, HOUR, MINUTE, RAW, TEN_MINUTES
from perfkit.store.size import release
from perfkit.store.transaction import LONG_MS, transaction

#: (span, its rows are folded into, once older than): seconds. Minutes are kept for 3 hours, ten
#: minutes for a day, hours for 14 days, days until they are too old: a report over 30 days then
#: merges about 650 rows.
STEPS = (
    (RAW, MINUTE, 120),
    (MINUTE, TEN_MINUTES, 3 * HOUR),
    (TEN_MINUTES, HOUR, DAY),
    (HOUR, DAY, 14 * DAY),
)

#: Target rows made, and rows folded, by one step of one turn: other workers' flushes get theirs.
_MOST_MADE = 60
_MOST_FOLDED = 500

#: Rows folded at most where one target row has more: they become two, and one in the next step.
_TOO_MANY = 2_000

#: Rows in one statement.
_AT_ONCE = 50


class _TakenError(Exception):
    """Another worker folded some of the same rows first."""


def fold(connection: BaseDatabaseWrapper, now: float, settings: Settings) -> None:
    """Fold what is due, delete what is too old, and shrink the store when it is too large.

    Args:
        connection: the open store.
        now: Unix seconds.
        settings: ``store_max_bytes``, ``store_max_age_days`` and ``samples_per_hour`` are read.

    Raises:
        OperationalError: another worker holds the file, or the server cannot be reached; nothing
            was changed.
    """
    try:
        with transaction(connection, statement_ms=LONG_MS), connection.cursor() as cursor:
            if connection.vendor == "postgresql" and not postgres.is_alone(
                cursor, schema.meta(connection).get("identity", 0)
            ):
                return
            if not clock.is_believable(connection, cursor, now):
                return
            clock.bring_back(cursor, now)
            delete_old(connection, cursor, now, settings)
            for span, target, age in STEPS:
                _fold_step(connection, cursor, span, target, int(now - age) // target * target)
            keep_within(connection, cursor, now, settings)
    except _TakenError:
        return
    release(connection, int(settings.store_max_bytes))


def _fold_step(
    connection: BaseDatabaseWrapper, cursor: CursorWrapper, span: int, target: int, before: int
) -> None:
    folded = _Folded(target)
    for row, epoch, bucket, payload in _due(connection, span, before):
        if folded.is_enough(bucket):
            break
        try:
            window = window_of(payload)
        except StoreError:  # it stays as it is: reports count it, age deletes it
            continue
        folded.add(row, epoch, bucket, window)
        sleep(0)  # the requests of this worker go first
    _take(cursor, folded.rows)
    cursor.executemany(
        "INSERT INTO perfkit_window (span, bucket, payload) VALUES (%s, %s, %s)",
        [(target, bucket, pack(window.to_json())) for bucket, window in folded.windows.items()],
    )


def _due(connection: BaseDatabaseWrapper, span: int, before: int) -> Iterator[Any]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            "SELECT id, epoch, bucket, payload FROM perfkit_window "
            "WHERE span = %s AND bucket < %s ORDER BY bucket, id",
            [span, before],
        )
        while rows := cursor.fetchmany(_AT_ONCE):
            yield from rows


class _Folded:
    """The rows of one step, and what they become."""

    def __init__(self, target: int) -> None:
        self.rows: list[int] = []
        self.windows: dict[int, Window] = {}
        self._target = target
        self._epochs: dict[int, set[str]] = {}

    def is_enough(self, bucket: int) -> bool:
        """Tell whether a row of that minute is left to the next turn."""
        if bucket // self._target * self._target in self.windows:
            return len(self.rows) >= _TOO_MANY
        return len(self.rows) >= _MOST_FOLDED or len(self.windows) >= _MOST_MADE

    def add(self, row: int, epoch: str | None, bucket: int, window: Window) -> None:
        """Merge a row; a minute's workers are counted when their rows become one."""
        key = bucket // self._target * self._target
        self.rows.append(row)
        merged = self.windows.setdefault(key, _empty())
        if epoch is not None:
            self._epochs.setdefault(key, set()).add(epoch)
        merged.workers = max(merged.workers, window.workers, len(self._epochs.get(key, ())))
        merged.merge(window)


def _empty() -> Window:
    window = Window()
    window.workers = 0
    return window


def _take(cursor: CursorWrapper, rows: list[int]) -> None:
    """Delete rows by their keys, all of them or none."""
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        cursor.execute(
            f"DELETE FROM perfkit_window WHERE id IN ({', '.join(['%s'] * len(some))})", some
        )
        if cursor.rowcount != len(some):
            raise _TakenError


def merge_all(windows: Iterable[Window]) -> Window:
    """Merge stored windows; ``workers`` is the most of any."""
    merged = _empty()
    for window in windows:
        merged.workers = max(merged.workers, window.workers)
        merged.merge(window)
    return merged
