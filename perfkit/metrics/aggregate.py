"""Sums over requests: one window a minute, one row a route and method, one row a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from typing import Any

from perfkit.metrics.eager_loads import EagerLoads
from perfkit.metrics.finding_stats import FindingStats as FindingStats
from perfkit.metrics.finding_stats import fuller as fuller
from perfkit.metrics.route_stats import APDEX_MS
from perfkit.metrics.route_stats import SUMS as SUMS
from perfkit.metrics.route_stats import RouteStats as RouteStats
from perfkit.metrics.sample import Sample
from perfkit.metrics.seats import Seats
from perfkit.record import Finding, RequestRecord

#: Seconds of one window.
WINDOW_S = 60

#: Findings kept apart in one window; further ones are counted as dropped.
MOST_FINDINGS = 500

#: Samples that wait in one window; further ones are counted as dropped.
MOST_SAMPLES = 500

#: Events for the cache advisor that wait in one window; further ones are counted as dropped.
MOST_EVENTS = 20_000

#: Rules and comments that accepted something, remembered in one window.
MOST_ACCEPTED = 2_000

OTHER = "_other"


class Window:
    """Everything one minute held.

    ``accepted`` names what hid a finding: rules and comments. ``samples`` are stored beside the
    sums, in rows of their own.
    """

    __slots__ = (
        "accepted",
        "dropped",
        "eager_loads",
        "events",
        "findings",
        "routes",
        "samples",
        "workers",
    )

    def __init__(self) -> None:
        self.routes: dict[tuple[str, str], RouteStats] = {}
        self.findings: dict[str, FindingStats] = {}
        self.dropped: Counter[str] = Counter()
        self.accepted: set[str] = set()
        self.eager_loads = EagerLoads()
        self.samples: list[Sample] = []
        self.events: list[Any] = []
        self.workers = 1

    @property
    def requests(self) -> int:
        """Requests counted."""
        return int(sum(stats["requests"] for stats in self.routes.values()))

    def add(
        self,
        route: str,
        record: RequestRecord,
        recorded: bool,
        weight: int,
        apdex_ms: float = APDEX_MS,
    ) -> None:
        """Count one request, and its findings for ``weight`` requests."""
        key = (route, record.method)
        stats = self.routes.get(key)
        if stats is None:
            stats = self.routes[key] = RouteStats()
        stats.add(record, recorded, weight, apdex_ms)
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
        self.note(*other.events)

    def note(self, *events: Any) -> None:
        """Take events for the cache advisor along until they are written."""
        room = MOST_EVENTS - len(self.events)
        self.events += events[:room]
        if (lost := len(events) - room) > 0:
            self.dropped["events"] += lost

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
    """The windows of one worker since its last flush; routes beyond a limit share one row.

    Args:
        most_routes: routes kept apart.
        apdex_ms: the T of Apdex, in milliseconds.
    """

    def __init__(self, most_routes: int, apdex_ms: float = APDEX_MS) -> None:
        self._seats = Seats(most_routes)
        self._apdex_ms = apdex_ms
        self._windows: dict[int, Window] = {}
        self._minute = 0

    def add(self, record: RequestRecord, recorded: bool, weight: int) -> None:
        """Count one request in the minute in which it started.

        Args:
            record: the request.
            recorded: whether its statements were recorded.
            weight: for how many requests its findings stand, 0 when it was not analyzed.
        """
        route = record.route
        window = self.window(record.started_at)
        if not self._seats.admit(route, record.duration_ms):
            route = OTHER
            window.dropped["routes"] += 1
        window.add(route, record, recorded, weight, self._apdex_ms)

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
        minute = max(windows, default=self._minute)
        if minute != self._minute:
            self._minute = minute
            self._seats.end_minute()
        return windows


def merge_into(windows: dict[int, Window], more: Iterable[tuple[int, Window]]) -> None:
    """Merge windows by their minute."""
    for bucket, window in more:
        if bucket in windows:
            windows[bucket].merge(window)
        else:
            windows[bucket] = window
