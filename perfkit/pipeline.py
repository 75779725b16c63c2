"""Joins capture, records, analyzers and sinks, and keeps our own failures from the site.

The first half runs in the request's time: clocks, dict lookups, appends. Everything else runs in
the flusher's thread.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from random import random
from threading import Lock
from time import perf_counter, time

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from perfkit.acceptance.accepted import take_matched
from perfkit.analysis import analyze, facts_of
from perfkit.capture.current import UNRECORDED, current
from perfkit.conf import Settings, get_settings
from perfkit.flusher import Flusher
from perfkit.hooks import new_trace, report_failures
from perfkit.isolation import isolated, report_failure
from perfkit.metrics.aggregate import Aggregate, Window
from perfkit.metrics.rows import route_rows
from perfkit.metrics.statsd import MetricsWindow, StatsdSink
from perfkit.metrics.thinning import Thinning
from perfkit.observation import Observation
from perfkit.record import RequestRecord
from perfkit.snapshot import counted, from_trace
from perfkit.store.sink import StoreSink


def begin(request: HttpRequest, shared: bool) -> Observation | None:
    """Start observing a request; None when it is part of one that is observed, or when we fail.

    A request inside a request (a page preview, the middleware listed twice) is the outer one's
    work; its statements are counted there.

    Args:
        request: the request, of which nothing is read but its headers, later.
        shared: whether other requests run in this thread at the same time (ASGI).
    """
    try:
        outer = current.get()
        if outer is not None and outer.is_running_request:
            return None
        settings = get_settings()
        trace = None
        if settings.sample_rate >= 1 or random() < settings.sample_rate:
            trace = new_trace(settings)
            trace.of_request = True
        elif outer is None:
            trace = UNRECORDED
        observation = Observation(request, trace, shared, finish)
        request._perfkit = observation  # type: ignore[attr-defined]  # read by the toolbar panel
        return observation
    except Exception as error:
        report_failure("begin", error)
        return None


def respond(observation: Observation, response: HttpResponseBase) -> None:
    """Stop recording and observe the rest of the response."""
    try:
        observation.leave()
        try:
            add_server_timing(observation, response)
        except Exception as error:
            report_failure("server timing", error)
        observation.follow(response)
    except Exception as error:
        report_failure("respond", error)


def abandon(observation: Observation, status: int) -> None:
    """Note a request that ends without a response: cancelled, or the worker is going down."""
    try:
        observation.leave()
        observation.status = status
        observation.finish(aborted=True)
    except Exception as error:
        report_failure("abandon", error)


def finish(observation: Observation) -> None:
    """Hand a finished request to the flusher."""
    try:
        if observation.outer is not None and observation.trace is not None:
            observation.outer.absorb(observation.trace, apart=True)
        flusher().submit(observation)
    except Exception as error:
        report_failure("finish", error)


def add_server_timing(observation: Observation, response: HttpResponseBase) -> None:
    """Add a ``Server-Timing`` header for those whom ``SERVER_TIMING`` names, else nothing."""
    settings = get_settings()
    match settings.server_timing:
        case "off":
            return
        case "debug" if not settings.debug:
            return
        case "staff":
            # Only a user whom the view has resolved already: resolving one would touch the session.
            known = vars(observation.request)
            user = known.get("_cached_user") or known.get("_acached_user")
            if not getattr(user, "is_staff", False):
                return
    parts = [f"app;dur={(observation.first_byte - observation.started) * 1000:.1f}"]
    if (trace := observation.trace) is not None:
        db_s = trace.dropped_s + sum(event[3] - event[2] for event in trace.events)
        parts.append(f'db;dur={db_s * 1000:.1f};desc="{len(trace.events) + trace.dropped}q"')
        cache_s = sum(event[3] - event[2] for event in trace.cache_events)
        parts.append(f"cache;dur={cache_s * 1000:.1f}")
    if (queue := observation.queue_ms) is not None:
        parts.append(f"queue;dur={queue:.1f}")
    present = response.headers.get("Server-Timing")
    response.headers["Server-Timing"] = ", ".join(([present] if present else []) + parts)


#: Tries of a process that ends, each as long as the store waits for a lock: 2 seconds together.
_LAST_TRIES = 7


class Sinks:
    """What the flusher feeds: the worker's sums, the store and statsd."""

    def __init__(self, settings: Settings) -> None:
        self.aggregate = Aggregate(settings.max_routes)
        self.store = StoreSink(settings) if settings.store else None
        statsd = settings.statsd
        self.statsd = (
            StatsdSink(statsd["HOST"], statsd["PORT"], statsd["PREFIX"]) if statsd else None
        )
        self.thinning = Thinning()
        self.handle_s = self.flush_ms = 0.0
        self._settings = settings

    def handle(self, observation: Observation) -> None:
        """Take one finished request."""
        started = perf_counter()
        try:
            record, weight = self._record(observation)
            self.aggregate.add(record, observation.trace is not None, weight)
        except Exception as error:
            report_failure("record", error)
        self.handle_s += perf_counter() - started

    def _record(self, observation: Observation) -> tuple[RequestRecord, int]:
        facts = facts_of(observation)
        trace = observation.trace
        if trace is None:
            return RequestRecord(**facts), 0
        report_failures(trace)
        weight = self.thinning.weight(facts["route"], facts["method"], always=trace.slow)
        if not weight:
            return counted(trace, **facts), 0
        record = from_trace(trace, observation.started, **facts)
        return analyze(record, self._settings), weight

    def flush(self) -> None:
        """Hand the sums to each sink; a sink that fails is reported and the others go on."""
        started = perf_counter()
        dropped, flusher().dropped = flusher().dropped, 0
        if dropped:
            self.aggregate.window(time()).dropped["requests"] += dropped
        if accepted := take_matched():
            self.aggregate.window(time()).accept(accepted)
        windows = self.aggregate.take()
        self.thinning.begin_interval()
        metrics = None
        if self.statsd is not None:
            with isolated("statsd sink"):
                metrics = self._metrics(windows.values(), dropped)
        # The store first: it takes a bounded time, looking a name up does not.
        if self.store is not None:
            with isolated("store sink"):
                self.store.emit(windows)
        if self.statsd is not None and metrics is not None:
            with isolated("statsd sink"):
                self.statsd.emit(metrics)
        self.flush_ms = (perf_counter() - started) * 1000

    def finish(self) -> None:
        """Flush for the last time: what waits for a locked store gets a few more tries."""
        self.flush()
        for _ in range(_LAST_TRIES):
            if self.store is None or not self.store.waiting:
                return
            with isolated("store sink"):
                self.store.emit({})

    def _metrics(self, windows: Collection[Window], dropped: int) -> MetricsWindow:
        requests = sum(window.requests for window in windows)
        handled_s, self.handle_s = self.handle_s, 0.0
        overhead_us = handled_s * 1e6 / requests if requests else 0.0
        return MetricsWindow(route_rows(windows), dropped, self.flush_ms, overhead_us)


@cache
def sinks() -> Sinks:
    """Return this process's sinks."""
    return Sinks(get_settings())


_making = Lock()


def flusher() -> Flusher:
    """Return this process's flusher, which lives as long as the process."""
    try:
        return _flushers[0]
    except IndexError:
        with _making:  # the first requests of a threaded worker come at once
            if not _flushers:
                _flushers.append(_make_flusher())
        return _flushers[0]


_flushers: list[Flusher] = []


def _make_flusher() -> Flusher:
    return Flusher(
        handle=lambda observation: sinks().handle(observation),
        flush=lambda: sinks().flush(),
        finish=lambda: sinks().finish(),
        interval_s=get_settings().flush_interval_seconds,
        reset=sinks.cache_clear,
    )
