"""Writes a worker's windows to the store; what cannot be written waits and is written later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import random
from time import monotonic, time
from typing import Any
from uuid import uuid4

from django.db.backends.base.base import BaseDatabaseWrapper

from perfkit.conf import Settings
from perfkit.metrics.aggregate import Window, merge_into
from perfkit.profiling.capture import Order
from perfkit.store import fold, schema
from perfkit.store.append import Appended, Appender
from perfkit.store.clock import now_of
from perfkit.store.connection import opened
from perfkit.store.orders import open_orders
from perfkit.store.place import sqlite_path
from perfkit.store.transaction import transaction

#: Minutes that may wait for a store that cannot be written; older ones are dropped and counted.
MOST_WAITING = 60

#: Seconds between two writes of a worker over the network. 16,000 workers that write every 10 s open
#: 1,600 connections a second; once a minute they are 267, and a minute is 2 rows in place of 6.
WRITE_EVERY_S = 60.0

#: Seconds between two foldings by one worker.
_FOLD_EVERY_S = 60


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A flush whose COMMIT failed: nobody can tell whether it was done."""

    windows: dict[int, Window]
    appended: Appended


class StoreSink:
    """One worker's side of the store.

    Attributes:
        every_s: seconds between two writes at least; what comes between them waits in memory. 0
            for a file, and for a process that ends.
        orders: the orders for captures that were open at the last write.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database: Mapping[str, Any] = settings.store or {}
        self._appender = Appender(uuid4().hex[:16])
        self._waiting: dict[int, Window] = {}
        self._doubt: _Doubt | None = None
        self.orders: tuple[Order, ...] = ()
        self._folded_at = monotonic()
        is_file = not self._database or sqlite_path(self._database) is not None
        self.every_s = 0.0 if is_file else WRITE_EVERY_S
        # At a moment of its own: workers that were started together must not write together.
        self._written_at = monotonic() - random() * self.every_s

    @property
    def waiting(self) -> bool:
        """Whether anything could not be written yet."""
        return bool(self._waiting or self._doubt)

    def emit(self, windows: dict[int, Window]) -> None:
        """Write what has come and what was waiting; keep all of it when that fails.

        Raises:
            DatabaseError, StoreError, OSError: nothing was written; the data waits in memory.
        """
        merge_into(self._waiting, windows.items())
        self._forget_oldest()
        if not self.waiting or monotonic() - self._written_at < self.every_s:
            return
        self._written_at = monotonic()  # of the attempt: a server that comes back is not stormed
        with opened(self._database, create=True) as connection:
            self._write(connection)
            self.orders = open_orders(connection, time())
            if monotonic() - self._folded_at >= _FOLD_EVERY_S:
                self._folded_at = monotonic()
                fold.fold(connection, now_of(connection), self._settings)

    def _write(self, connection: BaseDatabaseWrapper) -> None:
        if self._doubt is not None:
            self._settle(connection, self._doubt)
        if not self._waiting:
            return
        with transaction(connection), connection.cursor() as cursor:
            if (identity := schema.meta(connection).get("identity", 0)) != self._appender.identity:
                # Deleted or set aside meanwhile, or never seen: nothing of this worker is in it.
                self._appender.forget(identity)
            appended = self._appender.append(cursor, self._waiting)
            self._doubt, self._waiting = _Doubt(self._waiting, appended), {}
        self._doubt = None
        self._appender.confirm(appended)

    def _settle(self, connection: BaseDatabaseWrapper, doubt: _Doubt) -> None:
        """Ask the store whether a flush is in it; what is not is written like what has come since."""
        with transaction(connection), connection.cursor() as cursor:
            is_in = self._appender.is_in(cursor, doubt.appended)
        self._doubt = None
        if is_in:
            self._appender.confirm(doubt.appended)
        else:
            merge_into(doubt.windows, self._waiting.items())
            self._waiting = doubt.windows
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        while len(self._waiting) > MOST_WAITING:
            lost = self._waiting.pop(min(self._waiting))
            newest = self._waiting[max(self._waiting)]
            newest.dropped.update(lost.dropped)
            newest.dropped["requests"] += lost.requests
