"""How often each relation was loaded along and read, in the requests that were looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from perfkit.record import EagerLoad, RequestRecord, Site

#: Relations kept apart in one window, by the line that loads them; further ones are counted as
#: dropped.
MOST_EAGER_LOADS = 1_000


class Loaded(NamedTuple):
    """A relation and the line that loads it along."""

    model: str
    path: str
    method: str
    site: Site | None


class EagerLoadStats:
    """The requests that loaded a relation along, with rows, and those in which it was read.

    No request stands for another: a sample must be as large as it says. Where somebody reads the
    relation nobody asks for the routes, and none are kept.
    """

    __slots__ = ("first", "last", "requests", "routes", "used")

    def __init__(self, at: float) -> None:
        self.requests = self.used = 0
        self.first = self.last = at
        self.routes: Counter[str] = Counter()

    def add(self, used: bool, where: str, at: float) -> None:
        """Count one request."""
        self.requests += 1
        self.first = min(self.first, at)
        self.last = max(self.last, at)
        self.routes[where] += 1
        self._use(used)

    def merge(self, other: EagerLoadStats) -> None:
        """Add another worker's or minute's counts."""
        self.requests += other.requests
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)
        self.routes.update(other.routes)
        self._use(other.used)

    def _use(self, used: int) -> None:
        self.used += used
        if self.used:
            self.routes.clear()

    def to_json(self) -> list[Any]:
        """Return the stored form."""
        return [self.requests, self.used, int(self.first), int(self.last), dict(self.routes)]

    @classmethod
    def from_json(cls, data: list[Any]) -> EagerLoadStats:
        """Read the stored form."""
        stats = cls(data[2])
        stats.requests, stats.used = data[:2]
        stats.last = data[3]
        stats.routes = Counter(data[4])
        return stats


class EagerLoads:
    """Everything that was loaded along in one window."""

    __slots__ = ("_stats",)

    def __init__(self) -> None:
        self._stats: dict[Loaded, EagerLoadStats] = {}

    def __iter__(self) -> Iterator[tuple[Loaded, EagerLoadStats]]:
        return iter(self._stats.items())

    def __len__(self) -> int:
        return len(self._stats)

    def add(self, record: RequestRecord, where: str) -> int:
        """Count one request and return how many relations found no room.

        Args:
            record: the request.
            where: its method and route.
        """
        dropped = 0
        for load in record.eager_loads:
            stats = self._room_for(_key(load), record.started_at)
            if stats is None:
                dropped += 1
            else:
                stats.add(load.used, where, record.started_at)
        return dropped

    def merge(self, other: EagerLoads) -> int:
        """Add another window's counts and return how many relations found no room."""
        dropped = 0
        for key, theirs in other:
            stats = self._room_for(key, theirs.first)
            if stats is None:
                dropped += 1
            else:
                stats.merge(theirs)
        return dropped

    def _room_for(self, key: Loaded, at: float) -> EagerLoadStats | None:
        stats = self._stats.get(key)
        if stats is None and len(self._stats) < MOST_EAGER_LOADS:
            stats = self._stats[key] = EagerLoadStats(at)
        return stats

    def to_json(self) -> list[Any]:
        """Return the stored form."""
        return [[*_plain(key), *stats.to_json()] for key, stats in self]

    @classmethod
    def from_json(cls, data: list[Any]) -> EagerLoads:
        """Read the stored form."""
        loads = cls()
        for model, path, method, site, *stats in data:
            key = Loaded(model, path, method, Site(*site) if site else None)
            loads._stats[key] = EagerLoadStats.from_json(stats)
        return loads


def _key(load: EagerLoad) -> Loaded:
    return Loaded(load.model, load.path, load.method, load.site)


def _plain(key: Loaded) -> list[Any]:
    site = key.site
    return [
        key.model,
        key.path,
        key.method,
        [site.file, site.line, site.function] if site else None,
    ]
