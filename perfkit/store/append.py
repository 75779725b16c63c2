"""Appends a worker's windows, texts, samples and events to the store, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.backends.utils import CursorWrapper

from perfkit.caching.codec import pack as pack_events
from perfkit.caching.fingerprint import key_name
from perfkit.metrics.aggregate import WINDOW_S, Window
from perfkit.metrics.sample import Sample
from perfkit.store import schema
from perfkit.store.merged import copied
from perfkit.store.payload import pack, printable
from perfkit.store.texts import Texts

#: Minutes whose row in a file is still replaced by a fuller one: a request counts where it began.
_OPEN_MINUTES = 2

#: No time and no rank is larger; NaN is not smaller either.
_LARGEST = 2.0**53

#: The store's own clock: it outlives a worker whose host has a wrong one.
_NOW = {
    "sqlite": "CAST(strftime('%%s', 'now') AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM now()) AS BIGINT)",
}


@dataclass(frozen=True, slots=True)
class Appended:
    """What a transaction wrote; it counts once its COMMIT is known to be done.

    Attributes:
        seq: of the last row.
        open: minute -> its row's seq and sums, where more may come.
        texts: fingerprint -> when its text was written.
    """

    seq: int
    open: Mapping[int, tuple[int, Window]]
    texts: Mapping[str, float]


class Appender:
    """The rows of one worker: ``epoch`` names its life, ``seq`` its rows, together their key."""

    def __init__(self, epoch: str) -> None:
        self.identity = 0
        self._epoch = epoch
        self._seq = 0
        self._hashes = key_name()
        self._texts = Texts()
        self._open: Mapping[int, tuple[int, Window]] = {}

    def forget(self, identity: int) -> None:
        """Know nothing of what is written: the store is another one."""
        self.identity = identity
        self._texts.clear()
        self._open = {}

    def append(self, cursor: CursorWrapper, windows: Mapping[int, Window]) -> Appended:
        """Write windows with their texts and samples, in the caller's transaction.

        In a file the row of a minute that goes on is replaced: it is then one row, not six, to
        keep, to read and to fold. On PostgreSQL rows are only ever added, as nothing deadlocks
        that way and a replaced row would wait there for the vacuum.
        """
        seq = self._seq
        opened: dict[int, tuple[int, Window]] = {}
        rows, samples, events = [], [], []
        replaces = cursor.db.vendor == "sqlite"
        for bucket, window in sorted(windows.items()):
            seq += 1
            if replaces:
                window = self._fuller(cursor, bucket, window)
                opened[bucket] = (seq, window)
            rows.append((self._epoch, seq, schema.RAW, bucket, pack(window.to_json())))
            for sample in windows[bucket].samples:
                seq += 1
                samples.append((self._epoch, seq, *_sample_row(sample)))
            if noted := windows[bucket].events:
                seq += 1
                events.append((self._epoch, seq, bucket, self._hashes, pack_events(noted)))
        # A key that is there already is a flush that nobody knew to be in: it stays as it is.
        cursor.executemany(
            "INSERT INTO perfkit_window (epoch, seq, span, bucket, payload) "
            "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            rows,
        )
        if samples:
            cursor.executemany(
                "INSERT INTO perfkit_sample (epoch, seq, bucket, kind, route, method, at, rank, "
                "payload) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                samples,
            )
        if events:
            cursor.executemany(
                "INSERT INTO perfkit_event (epoch, seq, bucket, hashes, payload) "
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                events,
            )
        texts = self._texts.append(cursor, _findings(windows))
        self._note(cursor, seq)
        newest = max(windows)
        still_open = {
            bucket: row
            for bucket, row in {**self._open, **opened}.items()
            if bucket > newest - _OPEN_MINUTES * WINDOW_S
        }
        return Appended(seq, still_open, texts)

    def confirm(self, appended: Appended) -> None:
        """Go on from what was written: it is in the store."""
        self._seq = appended.seq
        self._open = appended.open
        self._texts.know(appended.texts)

    def is_in(self, cursor: CursorWrapper, appended: Appended) -> bool:
        """Tell whether the store has what was appended, though its rows may be folded by now.

        On PostgreSQL this waits for a COMMIT that is still under way in the lost session.
        """
        lock = ""
        if cursor.db.vendor != "sqlite":
            lock = " FOR UPDATE"
            cursor.execute(  # where the lost session was about to write it, wait for that
                "INSERT INTO perfkit_worker (epoch, seq, seen) "
                f"VALUES (%s, 0, {_NOW[cursor.db.vendor]}) ON CONFLICT DO NOTHING",
                [self._epoch],
            )
        cursor.execute(f"SELECT seq FROM perfkit_worker WHERE epoch = %s{lock}", [self._epoch])
        row = cursor.fetchone()
        return row is not None and row[0] >= appended.seq

    def _fuller(self, cursor: CursorWrapper, bucket: int, window: Window) -> Window:
        """Take the minute's row out and return its sums with the new ones, if it is there still."""
        seq, before = self._open.get(bucket, (0, None))
        fuller = Window()
        if before is not None:
            cursor.execute(
                "DELETE FROM perfkit_window WHERE epoch = %s AND seq = %s", [self._epoch, seq]
            )
            if cursor.rowcount == 1:  # else it is folded or evicted: what is new goes in alone
                fuller.merge(copied(before))
        fuller.merge(copied(window))
        fuller.samples, fuller.events = [], []  # they have rows of their own
        return fuller

    def _note(self, cursor: CursorWrapper, seq: int) -> None:
        """Note how far this worker is; the row is its own, so that nobody waits for it."""
        now = _NOW[cursor.db.vendor]
        cursor.execute(
            f"UPDATE perfkit_worker SET seq = %s, seen = {now} WHERE epoch = %s", [seq, self._epoch]
        )
        if not cursor.rowcount:
            cursor.execute(
                f"INSERT INTO perfkit_worker (epoch, seq, seen) VALUES (%s, %s, {now})",
                [self._epoch, seq],
            )


def _sample_row(sample: Sample) -> tuple[Any, ...]:
    at, rank = _plain(sample.at), _plain(sample.rank)
    names = (printable(name) for name in (sample.kind, sample.route, sample.method))
    return (int(at // schema.HOUR * schema.HOUR), *names, at, rank, pack(sample.data))


def _plain(number: float) -> float:
    """Return a number that each database takes: one row that is refused would keep all waiting."""
    return float(number) if abs(number) < _LARGEST else 0.0


def _findings(windows: Mapping[int, Window]) -> dict[str, tuple[dict[str, Any], float]]:
    """Return each finding's latest text, and when it was seen."""
    found: dict[str, tuple[dict[str, Any], float]] = {}
    for _, window in sorted(windows.items()):
        for fingerprint, stats in window.findings.items():
            if stats.finding is not None:
                found[fingerprint] = (stats.finding, stats.last)
    return found
