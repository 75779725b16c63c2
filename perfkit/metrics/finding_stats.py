"""How often one finding was seen, what it cost, and its fullest text."""

from __future__ import annotations

from collections import Counter
from typing import Any


class FindingStats:
    """How often one finding was seen, and what it cost; ``finding`` is its fullest text."""

    __slots__ = ("cost_ms", "count", "finding", "first", "last", "requests", "routes", "saved")

    def __init__(self, finding: dict[str, Any] | None, at: float) -> None:
        self.finding = finding
        self.requests = self.count = self.saved = 0
        self.cost_ms = 0.0
        self.first = self.last = at
        self.routes: Counter[str] = Counter()

    def merge(self, other: FindingStats) -> None:
        """Add another worker's or minute's counts."""
        self.finding = fuller(self.finding, other.finding)
        self.requests += other.requests
        self.count += other.count
        self.saved += other.saved
        self.cost_ms += other.cost_ms
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)
        routes = self.routes
        for where, count in other.routes.items():
            routes[where] = routes.get(where, 0) + count

    def to_json(self) -> list[Any]:
        """Return the stored form; the text is stored apart, once."""
        numbers = [self.requests, self.count, self.saved, round(self.cost_ms, 3)]
        return [*numbers, int(self.first), int(self.last), dict(self.routes)]

    @classmethod
    def from_json(cls, data: list[Any]) -> FindingStats:
        """Read the stored form."""
        stats = cls(None, data[4])
        stats.requests, stats.count, stats.saved, stats.cost_ms = data[:4]
        stats.last = data[5]
        dict.update(stats.routes, data[6])
        return stats


def fuller(known: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the finding that covers more accesses, the later one of equals: its edit does for both."""
    if known is None or other is None:
        return other or known
    return other if len(other.get("parts", ())) >= len(known.get("parts", ())) else known
