"""The slowest statements since the last flush, with their parameters: in memory only, and few."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from itertools import count
from typing import Any

from perfkit.record import Query


@dataclass(frozen=True, slots=True)
class Slow:
    """One slow statement of a request.

    Attributes:
        query: as recorded, masked.
        sql: as given to the cursor; it and ``params`` are in no text of this object.
        params: what capture kept of the parameters.
        route: label of the request's route.
        method: its method.
        at: when it began, Unix seconds.
    """

    query: Query
    sql: str = field(repr=False)
    params: Any = field(repr=False)
    route: str
    method: str
    at: float


class Slowest:
    """At most so many statements; of more, the quicker ones are forgotten."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._serial = count()
        self._heap: list[tuple[float, int, Slow]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, slow: Slow) -> None:
        """Take one more."""
        item = (slow.query.duration_ms, next(self._serial), slow)
        if len(self._heap) < self._most:
            heappush(self._heap, item)
        else:
            heappushpop(self._heap, item)

    def take(self) -> list[Slow]:
        """Hand all over, the slowest first, and hold nothing any more."""
        taken = [slow for _, _, slow in sorted(self._heap, reverse=True)]
        self._heap.clear()
        return taken
