"""Chooses the requests that are kept in detail, in the flusher's thread.

Each worker keeps the best of the hour so far, so that it writes few; the store keeps the best of
all workers. A request that is not among the best costs a dict lookup and a few comparisons.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perfkit.capture.current import Trace
from perfkit.conf import Settings
from perfkit.metrics.aggregate import OTHER, Window
from perfkit.metrics.sample import ERRORED, N_PLUS_ONE, SLOWEST, Sample
from perfkit.observation import Observation
from perfkit.record import RequestRecord
from perfkit.samples.best import Best
from perfkit.samples.timeline import timeline
from perfkit.snapshot import from_trace

HOUR_S = 3_600

#: Classes of errors told apart for one route in an hour.
_MOST_CLASSES = 20


class _Route:
    """The best of one route and method in this hour: ranks only."""

    __slots__ = ("classes", "errored", "looked_at", "loops", "slowest")

    def __init__(self, most: int) -> None:
        self.slowest = Best(most)
        self.errored = Best(most)
        self.loops = Best(most)
        #: By the statements that repeat another: what loops can hold at most.
        self.looked_at = Best(most)
        self.classes: dict[str, int] = {}


class SampleKeeper:
    """One worker's choice of samples.

    Its memory is bounded by the routes that are counted apart; what it has chosen travels with
    the window. When a worker has kept as many in one hour as all routes together may show, further
    ones are counted as dropped: a site whose every request is slower than the one before.
    """

    def __init__(self, settings: Settings) -> None:
        self._most = settings.samples_per_hour if settings.store else 0
        self._budget = self._most_an_hour = 3 * self._most * settings.max_routes
        #: Of each method of each route that is counted apart at one time, and of as many before.
        self._most_routes = 4 * settings.max_routes
        self._hour = 0
        self._routes: dict[tuple[str, str], _Route] = {}

    def is_worst_loop(self, route: str, method: str, trace: Trace) -> bool:
        """Tell whether a request is worth analyzing out of turn: more repeats than seen before.

        Args:
            route: its label.
            method: its method.
            trace: what it did.
        """
        repeats = len(trace.events) - len(trace.statements)
        if repeats <= 0 or not self._most:
            return False
        kept = self._routes.get((route, method))
        if kept is None or repeats <= kept.looked_at.floor:
            return False
        kept.looked_at.add(repeats)
        return True

    def consider(self, observation: Observation, record: RequestRecord, window: Window) -> None:
        """Keep a request when it is among the best of its hour.

        Args:
            observation: the finished request.
            record: its record; without queries when it was not analyzed.
            window: in which it was counted, and which takes the samples along.
        """
        if not self._most:
            return
        hour = int(record.started_at) // HOUR_S
        if hour > self._hour or hour < self._hour - 1:  # or the clock was set back
            self._hour = hour
            self._budget = self._most_an_hour
            self._routes.clear()
        key = (record.route, record.method)
        if key not in window.routes:  # beyond MAX_ROUTES
            key = (OTHER, record.method)
        kept = self._routes.get(key)
        if kept is None:
            if len(self._routes) >= self._most_routes:  # routes that were kept apart in turn
                self._routes.clear()
            kept = self._routes[key] = _Route(self._most)
        recorded = observation.trace is not None
        if (
            (recorded and record.duration_ms > kept.slowest.floor)
            or record.findings
            or record.status >= 500
            or record.aborted
        ) and (kinds := list(_kinds(kept, record, observation))):
            self._keep(key, kinds, observation, record, window)

    def _keep(
        self,
        key: tuple[str, str],
        kinds: list[tuple[str, float]],
        observation: Observation,
        record: RequestRecord,
        window: Window,
    ) -> None:
        if self._budget < len(kinds):
            window.dropped["samples"] += len(kinds)
            return
        self._budget -= len(kinds)
        detailed = record
        trace = observation.trace
        if trace is not None and not record.queries:
            detailed = from_trace(trace, observation.started)
        data = describe(record, detailed, observation.error)
        if key[0] != record.route:
            data["route"] = record.route
        window.keep(Sample(kind, *key, record.started_at, rank, data) for kind, rank in kinds)


def _kinds(
    kept: _Route, record: RequestRecord, observation: Observation
) -> Iterator[tuple[str, float]]:
    """Yield what a request is among the best in, with its rank, and remember that."""
    if observation.trace is not None and record.duration_ms > kept.slowest.floor:
        kept.slowest.add(record.duration_ms)
        yield SLOWEST, round(record.duration_ms, 3)
    if record.status >= 500 or record.aborted:
        # The first of each class ranks highest: five equal ones tell what one of them does.
        name = observation.error or str(record.status)
        if name not in kept.classes and len(kept.classes) >= _MOST_CLASSES:
            name = ""
        kept.classes[name] = nth = kept.classes.get(name, 0) + 1
        rank = 1 / nth
        if rank > kept.errored.floor:
            kept.errored.add(rank)
            yield ERRORED, round(rank, 3)
    loops = in_loops(record)
    if loops > kept.loops.floor:
        kept.loops.add(loops)
        yield N_PLUS_ONE, loops


def in_loops(record: RequestRecord) -> int:
    """Count the statements that an N+1 finding covers."""
    return sum(finding.count for finding in record.findings if finding.kind == "n_plus_one")


def describe(record: RequestRecord, detailed: RequestRecord, error: str) -> dict[str, Any]:
    """Return what is kept of a request, plain JSON without a value of the site's.

    Args:
        record: its numbers.
        detailed: its queries and cache calls.
        error: name of the class of the exception that failed it, or ``""``.
    """
    entries, left_out = timeline(detailed)
    data: dict[str, Any] = {
        "status": record.status,
        "duration_ms": round(record.duration_ms, 2),
        "ttfb_ms": round(record.ttfb_ms, 2),
        "db_ms": round(record.db_ms, 2),
        "cache_ms": round(record.cache_ms, 2),
        "queue_ms": None if record.queue_ms is None else round(record.queue_ms, 2),
        "cpu_ms": None if record.cpu_ms is None else round(record.cpu_ms, 2),
        "statements": record.statements,
        "in_loops": in_loops(record),
        "aborted": record.aborted,
        "error": error,
        "timeline": entries,
    }
    if left_out is not None:
        data["left_out"] = left_out
    return data
