"""Appends a worker's windows to the store; what cannot be written waits and is written later."""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import Any
from uuid import uuid4

from django.db.backends.base.base import BaseDatabaseWrapper

from perfkit.conf import Settings
from perfkit.metrics.aggregate import Window, merge_into
from perfkit.store import fold, schema
from perfkit.store.connection import opened, transaction
from perfkit.store.payload import pack

#: Minutes that may wait for a store that cannot be written; older ones are dropped and counted.
MOST_WAITING = 60

#: Seconds after which a finding's text is written anew: its lines may have moved.
_TEXT_AGE_S = 3_600

#: Seconds between two foldings by one worker.
_FOLD_EVERY_S = 60


class StoreSink:
    """One worker's side of the store.

    ``epoch`` names this worker's life, ``seq`` its flushes: together the key of an appended row.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database: Mapping[str, Any] = settings.store or {}
        self._epoch = uuid4().hex[:16]
        self._seq = 0
        self._waiting: dict[int, Window] = {}
        self._doubtful: dict[int, Window] = {}
        self._identity = 0
        self._texts: dict[str, float] = {}
        self._folded_at = time()

    @property
    def waiting(self) -> bool:
        """Whether anything could not be written yet."""
        return bool(self._waiting or self._doubtful)

    def emit(self, windows: dict[int, Window]) -> None:
        """Write what has come and what was waiting; keep all of it when that fails.

        Raises:
            DatabaseError, StoreError, OSError: nothing was written; the data waits in memory.
        """
        merge_into(self._waiting, windows.items())
        self._forget_oldest()
        if self.waiting:
            with opened(self._database, create=True) as connection:
                if (identity := schema.identity(connection)) != self._identity:
                    # Deleted or set aside meanwhile: the new store has no texts yet.
                    self._identity = identity
                    self._texts.clear()
                if self._doubtful:
                    self._append(connection, self._doubtful)
                if self._waiting:
                    self._append(connection, self._waiting)
                now = time()
                if now - self._folded_at >= _FOLD_EVERY_S:
                    self._folded_at = now
                    fold.fold(connection, now, self._settings)

    def _append(self, connection: BaseDatabaseWrapper, windows: dict[int, Window]) -> None:
        seq = self._seq
        with transaction(connection), connection.cursor() as cursor:
            for bucket, window in sorted(windows.items()):
                seq += 1
                cursor.execute(
                    "INSERT INTO perfkit_window (epoch, seq, span, bucket, payload) "
                    "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (epoch, seq) DO NOTHING",
                    [self._epoch, seq, schema.RAW, bucket, pack(window.to_json())],
                )
            texts = self._new_texts(windows)
            for fingerprint, (payload, seen) in sorted(texts.items()):
                cursor.execute(
                    "INSERT INTO perfkit_finding (fingerprint, seen, payload) VALUES (%s, %s, %s) "
                    "ON CONFLICT (fingerprint) DO UPDATE "
                    "SET seen = excluded.seen, payload = excluded.payload",
                    [fingerprint, int(seen), payload],
                )
            # Nobody can tell whether a COMMIT that fails was done. The same rows are then sent
            # again under the same keys, and what has come since under keys of its own.
            self._doubtful = windows
            if windows is self._waiting:
                self._waiting = {}
        self._doubtful = {}
        self._seq = seq
        self._texts.update((fingerprint, seen) for fingerprint, (_, seen) in texts.items())

    def _new_texts(self, windows: dict[int, Window]) -> dict[str, tuple[bytes, float]]:
        texts: dict[str, tuple[bytes, float]] = {}
        for window in windows.values():
            for fingerprint, stats in window.findings.items():
                written = self._texts.get(fingerprint, 0.0)
                if stats.finding is not None and stats.last - written > _TEXT_AGE_S:
                    texts[fingerprint] = (pack(stats.finding), stats.last)
        return texts

    def _forget_oldest(self) -> None:
        while len(self._waiting) > MOST_WAITING:
            lost = self._waiting.pop(min(self._waiting))
            newest = self._waiting[max(self._waiting)]
            newest.dropped.update(lost.dropped)
            newest.dropped["requests"] += lost.requests
