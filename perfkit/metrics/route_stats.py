"""The sums of one route and method, and the histogram of its durations."""

from __future__ import annotations

from collections import Counter
from operator import add
from typing import Any

from perfkit.metrics.histogram import Histogram
from perfkit.record import RequestRecord

#: The T of Apdex where nothing else is said, in milliseconds.
APDEX_MS = 500.0

#: What is summed for a route, in the order of the stored list; times in milliseconds.
#: Sums of what only recorded requests tell are divided by ``recorded``, the rest by ``requests``.
#: ``le_t`` and ``le_4t`` are good requests, those of Apdex and SLO: within T, and within four times T.
SUMS = (
    "requests",
    "errors",
    "recorded",
    "total_ms",
    "ttfb_ms",
    "cpu_ms",
    "cpu_requests",
    "queue_ms",
    "queue_requests",
    "response_bytes",
    "db_ms",
    "cache_ms",
    "statements",
    "duplicates",
    "n_plus_one",
    "transactions",
    "cache_hits",
    "cache_misses",
    "aborted",
    "le_t",
    "le_4t",
)
_INDEX = {name: index for index, name in enumerate(SUMS)}


class RouteStats:
    """The sums of one route and method, and the histogram of its durations in milliseconds."""

    __slots__ = ("duration", "status", "sums")

    def __init__(self) -> None:
        self.sums: list[float] = [0] * len(SUMS)
        self.status: Counter[str] = Counter()
        self.duration = Histogram()

    def __getitem__(self, name: str) -> float:
        return self.sums[_INDEX[name]]

    def add(
        self, record: RequestRecord, recorded: bool, weight: int, apdex_ms: float = APDEX_MS
    ) -> None:
        """Count one request; its repeats as often as ``weight`` says."""
        cpu, queue = record.cpu_ms, record.queue_ms
        bad = record.status >= 500 or record.aborted
        self.status[f"{record.status // 100}xx"] += 1
        self.duration.record(record.duration_ms)
        values = (
            1,
            bad,
            recorded,
            record.duration_ms,
            record.ttfb_ms,
            cpu or 0,
            cpu is not None,
            queue or 0,
            queue is not None,
            record.response_bytes or 0,
            record.db_ms,
            record.cache_ms,
            record.statements,
            weight and weight * _duplicates(record),
            weight and weight * _in_loops(record),
            record.transactions,
            record.cache_hits,
            record.cache_misses,
            record.aborted,
            not bad and record.duration_ms <= apdex_ms,
            not bad and record.duration_ms <= 4 * apdex_ms,
        )
        self.sums = list(map(add, self.sums, values))

    def merge(self, other: RouteStats) -> None:
        """Add another worker's or minute's sums."""
        self.sums = list(map(add, self.sums, other.sums))
        status = self.status
        for name, count in other.status.items():  # Counter.update() takes five times as long
            status[name] = status.get(name, 0) + count
        self.duration.merge(other.duration)

    def to_json(self) -> list[Any]:
        """Return the stored form."""
        sums = [round(value, 3) for value in self.sums]
        return [sums, dict(self.status), self.duration.to_json()]

    @classmethod
    def from_json(cls, data: list[Any]) -> RouteStats:
        """Read the stored form; sums that a newer version appended are ignored."""
        stats = cls.__new__(cls)  # every field is set below
        sums = data[0]
        if len(sums) != len(SUMS):
            sums = (sums + [0] * len(SUMS))[: len(SUMS)]
        stats.sums = sums
        stats.status = Counter.__new__(Counter)  # Counter() would ask what it is given
        dict.update(stats.status, data[1])
        stats.duration = Histogram.from_json(data[2])
        return stats


def _duplicates(record: RequestRecord) -> int:
    """Count the reads that ran before with the same parameters."""
    reads = [query.identity for query in record.queries if query.verb == "SELECT"]
    return len(reads) - len(set(reads))


def _in_loops(record: RequestRecord) -> int:
    return sum(finding.count for finding in record.findings if finding.kind == "n_plus_one")
