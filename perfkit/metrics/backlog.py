"""Rows that wait for a fuller packet: what a flush may send depends on the requests that it tells of.

The line of a counter is as long for one request as for a thousand, so that on a busy worker quiet
routes would take most of the packets. They wait, a minute at most, and are sent as one row. Sums stay
exact; in Graphite a quiet route's counts stand some seconds later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from perfkit.metrics.rows import RouteRow

#: Packets a request over some time, a little below the 0.02 that are promised; and packets that any
#: flush may send, however few its requests are.
PACKETS_A_REQUEST: Final = 0.018
LEAST_PACKETS: Final = 4

#: Seconds that a row waits at most.
LONGEST_S: Final = 60.0


class Backlog:
    """The rows that are still to be sent, one for each route and method."""

    __slots__ = ("_allowed", "_owed", "_rows", "_since")

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], RouteRow] = {}
        self._since: dict[tuple[str, str], float] = {}
        self._allowed = self._owed = 0

    @property
    def requests(self) -> int:
        """Requests that the waiting rows tell of."""
        return int(sum(row.counts.get("requests", 0) for row in self._rows.values()))

    def room(self, rows: Iterable[RouteRow], packet_bytes: int) -> int:
        """Return how many bytes a flush may fill; it ends with the row that it is at.

        Args:
            rows: what the flush tells of.
            packet_bytes: of a full packet.
        """
        requests = sum(row.counts.get("requests", 0) for row in rows)
        packets = max(LEAST_PACKETS, int(PACKETS_A_REQUEST * requests))
        self._allowed = packets * packet_bytes
        return self._allowed - self._owed

    def filled(self, size: int) -> None:
        """Note the bytes that the flush took: the next ones make up for what was too much."""
        self._owed = max(0, self._owed + size - self._allowed)

    def add(self, rows: Iterable[RouteRow], now: float) -> None:
        """Take the rows of a flush; one that waits already becomes one with the new one.

        Args:
            rows: one for each route and method.
            now: seconds, monotonic.
        """
        for row in rows:
            key = (row.label, row.method)
            waiting = self._rows.get(key)
            self._rows[key] = row if waiting is None else _together(waiting, row)
            self._since.setdefault(key, now)

    def ranked(self, now: float) -> Iterator[tuple[RouteRow, bool]]:
        """Yield the rows, those to be sent first, and whether each must not wait any longer.

        Server errors come before all else that can wait, then the rows that tell most.
        """
        for key in sorted(self._rows, key=lambda key: self._rank(key, now), reverse=True):
            yield self._rows[key], self._is_old(key, now)

    def forget(self, row: RouteRow) -> None:
        """Leave out a row that was sent."""
        key = (row.label, row.method)
        del self._rows[key], self._since[key]

    def clear(self) -> None:
        """Forget all."""
        self._owed = 0
        self._rows.clear()
        self._since.clear()

    def _rank(self, key: tuple[str, str], now: float) -> tuple[bool, bool, float]:
        counts = self._rows[key].counts
        errors = counts.get("status_5xx", 0) > 0
        return self._is_old(key, now), errors, counts.get("requests", 0)

    def _is_old(self, key: tuple[str, str], now: float) -> bool:
        return now - self._since[key] >= LONGEST_S


def _together(one: RouteRow, other: RouteRow) -> RouteRow:
    """Add two rows up, leaving both as they are."""
    counts = Counter(one.counts)
    counts.update(other.counts)
    duration = type(one.duration)()
    duration.merge(one.duration)
    duration.merge(other.duration)
    return RouteRow(one.label, one.method, counts, duration)
