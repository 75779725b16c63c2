"""Sums over requests: one window a minute, one row a route and method, one row a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from operator import add
from typing import Any

from perfkit.metrics.eager_loads import EagerLoads
from perfkit.metrics.histogram import Histogram
from perfkit.metrics.sample import Sample
from perfkit.record import Finding, RequestRecord

#: Seconds of one window.
WINDOW_S = 60

#: Findings kept apart in one window; further ones are counted as dropped.
MOST_FINDINGS = 500

#: Samples that wait in one window; further ones are counted as dropped.
MOST_SAMPLES = 500

#: Rules and comments that accepted something, remembered in one window.
MOST_ACCEPTED = 2_000

OTHER = "_other"

#: What is summed for a route, in the order of the stored list; times in milliseconds.
#: Sums of what only recorded requests tell are divided by ``recorded``, the rest by ``requests``.
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

    def add(self, record: RequestRecord, recorded: bool, weight: int) -> None:
        """Count one request; its repeats as often as ``weight`` says."""
        cpu, queue = record.cpu_ms, record.queue_ms
        self.status[f"{record.status // 100}xx"] += 1
        self.duration.record(record.duration_ms)
        values = (
            1,
            record.status >= 500 or record.aborted,
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
        )
        self.sums = list(map(add, self.sums, values))

    def merge(self, other: RouteStats) -> None:
        """Add another worker's or minute's sums."""
        self.sums = list(map(add, self.sums, other.sums))
        self.status.update(other.status)
        self.duration.merge(other.duration)

    def to_json(self) -> list[Any]:
        """Return the stored form."""
        sums = [round(value, 3) for value in self.sums]
        return [sums, dict(self.status), self.duration.to_json()]

    @classmethod
    def from_json(cls, data: list[Any]) -> RouteStats:
        """Read the stored form; sums that a newer version appended are ignored."""
        stats = cls()
        given = data[0][: len(SUMS)]
        stats.sums = given + [0] * (len(SUMS) - len(given))
        stats.status = Counter(data[1])
        stats.duration = Histogram.from_json(data[2])
        return stats


def _duplicates(record: RequestRecord) -> int:
    """Count the reads that ran before with the same parameters."""
    reads = [query.identity for query in record.queries if query.verb == "SELECT"]
    return len(reads) - len(set(reads))


def _in_loops(record: RequestRecord) -> int:
    return sum(finding.count for finding in record.findings if finding.kind == "n_plus_one")


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
        self.routes.update(other.routes)

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
        stats.routes = Counter(data[6])
        return stats


def fuller(known: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the finding that covers more accesses, the later one of equals: its edit does for both."""
    if known is None or other is None:
        return other or known
    return other if len(other.get("parts", ())) >= len(known.get("parts", ())) else known


class Window:
    """Everything one minute held.

    ``accepted`` names what hid a finding: rules and comments. ``samples`` are stored beside the
    sums, in rows of their own.
    """

    __slots__ = ("accepted", "dropped", "eager_loads", "findings", "routes", "samples", "workers")

    def __init__(self) -> None:
        self.routes: dict[tuple[str, str], RouteStats] = {}
        self.findings: dict[str, FindingStats] = {}
        self.dropped: Counter[str] = Counter()
        self.accepted: set[str] = set()
        self.eager_loads = EagerLoads()
        self.samples: list[Sample] = []
        self.workers = 1

    @property
    def requests(self) -> int:
        """Requests counted."""
        return int(sum(stats["requests"] for stats in self.routes.values()))

    def add(self, route: str, record: RequestRecord, recorded: bool, weight: int) -> None:
        """Count one request, and its findings for ``weight`` requests."""
        key = (route, record.method)
        stats = self.routes.get(key)
        if stats is None:
            stats = self.routes[key] = RouteStats()
        stats.add(record, recorded, weight)
        if record.dropped_queries:
            self.dropped["queries"] += record.dropped_queries
        for finding in record.findings:
            self._add_finding(finding, f"{record.method} {route}", record.started_at, weight)
        if record.eager_loads and (
            lost := self.eager_loads.add(record, f"{record.method} {route}")
        ):
            self.dropped["eager_loads"] += lost

    def _add_finding(self, finding: Finding, where: str, at: float, weight: int) -> None:
        stats = self.findings.get(finding.fingerprint)
        if stats is None:
            if len(self.findings) >= MOST_FINDINGS:
                self.dropped["findings"] += 1
                return
            stats = self.findings[finding.fingerprint] = FindingStats(asdict(finding), at)
        elif stats.finding is not None and len(finding.parts) > len(stats.finding["parts"]):
            stats.finding = asdict(finding)
        stats.requests += weight
        stats.count += weight * finding.count
        stats.saved += weight * finding.saved
        stats.cost_ms += weight * finding.cost_ms
        stats.first = min(stats.first, at)  # requests end in another order than they began
        stats.last = max(stats.last, at)
        stats.routes[where] += weight

    def merge(self, other: Window) -> None:
        """Add another window's rows, exactly, in any order."""
        for key, stats in other.routes.items():
            if key in self.routes:
                self.routes[key].merge(stats)
            else:
                self.routes[key] = stats
        for fingerprint, finding in other.findings.items():
            if fingerprint in self.findings:
                self.findings[fingerprint].merge(finding)
            else:
                self.findings[fingerprint] = finding
        self.dropped.update(other.dropped)
        if lost := self.eager_loads.merge(other.eager_loads):
            self.dropped["eager_loads"] += lost
        self.accept(other.accepted)
        self.keep(other.samples)

    def keep(self, samples: Iterable[Sample]) -> None:
        """Take samples along until they are written."""
        for sample in samples:
            if len(self.samples) < MOST_SAMPLES:
                self.samples.append(sample)
            else:
                self.dropped["samples"] += 1

    def accept(self, keys: Iterable[str]) -> None:
        """Remember rules and comments that accepted something."""
        self.accepted.update(islice(keys, MOST_ACCEPTED - len(self.accepted)))

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "v": 1,
            "workers": self.workers,
            "routes": [[*key, *stats.to_json()] for key, stats in self.routes.items()],
            "findings": {key: stats.to_json() for key, stats in self.findings.items()},
            "dropped": dict(self.dropped),
            "accepted": sorted(self.accepted),
            "eager_loads": self.eager_loads.to_json(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Window:
        """Read the stored form."""
        window = cls()
        window.workers = data.get("workers", 1)
        for route, method, *stats in data["routes"]:
            window.routes[route, method] = RouteStats.from_json(stats)
        for fingerprint, finding in data["findings"].items():
            window.findings[fingerprint] = FindingStats.from_json(finding)
        window.dropped = Counter(data["dropped"])
        window.accepted = set(data.get("accepted", ()))  # these two were not stored at first
        window.eager_loads = EagerLoads.from_json(data.get("eager_loads", []))
        return window


class Aggregate:
    """The windows of one worker since its last flush; routes beyond a limit share one row."""

    def __init__(self, most_routes: int) -> None:
        self._most_routes = most_routes
        self._known: set[str] = set()
        self._windows: dict[int, Window] = {}

    def add(self, record: RequestRecord, recorded: bool, weight: int) -> None:
        """Count one request in the minute in which it started.

        Args:
            record: the request.
            recorded: whether its statements were recorded.
            weight: for how many requests its findings stand, 0 when it was not analyzed.
        """
        route = record.route
        window = self.window(record.started_at)
        if route not in self._known:
            if len(self._known) >= self._most_routes:
                route = OTHER
                window.dropped["routes"] += 1
            else:
                self._known.add(route)
        window.add(route, record, recorded, weight)

    def window(self, at: float) -> Window:
        """Return the window of a time in Unix seconds."""
        bucket = int(at // WINDOW_S * WINDOW_S)
        window = self._windows.get(bucket)
        if window is None:
            window = self._windows[bucket] = Window()
        return window

    def take(self) -> dict[int, Window]:
        """Hand over the windows and begin new ones."""
        windows, self._windows = self._windows, {}
        return windows


def merge_into(windows: dict[int, Window], more: Iterable[tuple[int, Window]]) -> None:
    """Merge windows by their minute."""
    for bucket, window in more:
        if bucket in windows:
            windows[bucket].merge(window)
        else:
            windows[bucket] = window
