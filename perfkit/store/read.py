"""Reads the store for reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from perfkit.errors import StoreError
from perfkit.metrics.aggregate import Window
from perfkit.metrics.sample import Sample
from perfkit.store import schema
from perfkit.store.connection import opened
from perfkit.store.merged import Merged, uncollected
from perfkit.store.payload import sample_of, unpack, window_of
from perfkit.store.place import place
from perfkit.store.size import stored_bytes
from perfkit.store.transaction import snapshot

#: Rows fetched at once: a month of a fleet need not fit into memory.
_AT_ONCE = 50

#: After every time that a bucket can have.
_NEVER = 2**62


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
        path: where it is, without user or password.
        samples: requests kept in detail, those with the highest rank first.
        marks: (Unix seconds, name), oldest first.
        evicted_samples: samples deleted so far to keep them within their share of the size.
        too_old: rows deleted so far that were too old when they came: a worker's clock is far behind.
        steps: (start in Unix seconds, the step's sums), ascending, without steps that hold nothing.
        step_s: seconds of each step: what was asked for or the next multiple of the longest row,
            so that each step holds as many of them; 0 when no steps were asked for.
    """

    window: Window
    texts: dict[str, dict[str, Any]]
    first_bucket: int | None
    evicted: int
    unreadable: int
    bytes: int
    path: str
    samples: tuple[Sample, ...] = ()
    marks: tuple[tuple[float, str], ...] = ()
    evicted_samples: int = 0
    too_old: int = 0
    steps: tuple[tuple[int, Window], ...] = ()
    step_s: int = 0


def read(
    database: Mapping[str, Any],
    since: float,
    until: float | None = None,
    step_s: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Stored:
    """Merge everything of a stretch of time.

    A row counts when it begins at or after ``since`` and before ``until``; rows of days gone by
    cover up to a day.

    Args:
        database: shaped like an entry of ``DATABASES``.
        since: Unix seconds; 0 for all.
        until: Unix seconds; None for no end.
        step_s: also merge what begins in each stretch of so many seconds; None for no steps.
        progress: called with the rows read so far and the rows that there are.

    Raises:
        StoreError: there is no store, or it cannot be read; the message says what to do.
    """
    first, end = int(since), _NEVER if until is None else int(until)
    # One moment's state: what is folded meanwhile is neither missed nor read twice.
    with opened(database, create=False) as connection, snapshot(connection), uncollected():
        reading = _Reading(connection, first, end)
        merged = reading.merged(step_s, progress)
        numbers = schema.meta(connection)
        return Stored(
            window=merged.total(),
            texts=reading.texts(),
            first_bucket=merged.first,
            evicted=numbers.get("evicted", 0),
            evicted_samples=numbers.get("evicted_samples", 0),
            too_old=numbers.get("too_old", 0),
            samples=reading.samples(),
            unreadable=reading.unreadable,
            bytes=stored_bytes(connection),
            path=place(database),
            marks=reading.marks(),
            steps=merged.steps,
            step_s=reading.step_s,
        )


class _Reading:
    """One pass over the store; what cannot be read is left out and counted."""

    def __init__(self, connection: BaseDatabaseWrapper, since: int, until: int) -> None:
        self.unreadable = 0
        self.step_s = 0
        self._connection = connection
        self._stretch = [since, until]
        # A store of the first version that no worker has brought up yet has neither.
        self._has_samples = schema.written_version(connection) >= schema.WITH_SAMPLES

    def merged(self, step_s: int | None, progress: Callable[[int, int], None] | None) -> Merged:
        """Merge the windows, over all and for each step."""
        rows, coarsest = self._extent() if step_s or progress else (0, 0)
        if step_s:
            longest = max(coarsest, schema.MINUTE)  # each span is a multiple of the shorter ones
            self.step_s = -(-int(step_s) // longest) * longest
        merged = Merged(self.step_s or None)
        stored = self._rows(
            "SELECT epoch, bucket, payload FROM perfkit_window "
            "WHERE bucket >= %s AND bucket < %s ORDER BY bucket"
        )
        for done, (epoch, bucket, payload) in enumerate(stored, 1):
            if progress is not None:
                progress(done, rows)
            try:
                window = window_of(payload)
            except StoreError:
                self.unreadable += 1
            else:
                merged.add(bucket, epoch, window)
        return merged

    def _extent(self) -> tuple[int, int]:
        """Return how many rows there are, and the seconds of the longest.

        A step that is no multiple of those would show peaks that are none.
        """
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), max(span) FROM perfkit_window WHERE bucket >= %s AND bucket < %s",
                self._stretch,
            )
            rows, longest = cursor.fetchone()
            return int(rows), int(longest or 0)

    def texts(self) -> dict[str, dict[str, Any]]:
        """Return the latest text of each finding, whenever it was seen."""
        texts: dict[str, dict[str, Any]] = {}
        for fingerprint, payload in self._rows(
            "SELECT fingerprint, payload FROM perfkit_finding ORDER BY seen", []
        ):
            try:
                texts[fingerprint] = unpack(bytes(payload))
            except StoreError:
                self.unreadable += 1
        return texts

    def samples(self) -> tuple[Sample, ...]:
        """Return the requests kept in detail, those with the highest rank first."""
        found: list[Sample] = []
        if self._has_samples:
            for row in self._rows(
                "SELECT kind, route, method, at, rank, payload FROM perfkit_sample "
                "WHERE at >= %s AND at < %s ORDER BY rank DESC, at, id"
            ):
                try:
                    found.append(sample_of(row))
                except StoreError:
                    self.unreadable += 1
        return tuple(found)

    def marks(self) -> tuple[tuple[float, str], ...]:
        """Return the marks, oldest first."""
        if not self._has_samples:
            return ()
        rows = self._rows(
            "SELECT at, name FROM perfkit_mark WHERE at >= %s AND at < %s ORDER BY at, name"
        )
        return tuple((float(at), name) for at, name in rows)

    def _rows(self, statement: str, values: list[int] | None = None) -> Iterator[Any]:
        with self._connection.chunked_cursor() as cursor:
            cursor.execute(statement, self._stretch if values is None else values)
            while rows := cursor.fetchmany(_AT_ONCE):
                yield from rows
