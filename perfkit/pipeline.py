"""Joins capture, records, analyzers and sinks, and keeps our own failures from the site.

The first half runs in the request's time: clocks, dict lookups, appends. Everything else runs in
the flusher's thread.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from functools import cache, partial
from random import random
from threading import Lock, current_thread
from time import perf_counter, time
from typing import NamedTuple, TypeVar

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from perfkit.acceptance.accepted import Acceptance, take_matched
from perfkit.analysis import analyze, build, facts_of
from perfkit.caching.collector import Collector
from perfkit.capture.answer import CANDIDATE_METHODS, Candidate
from perfkit.capture.current import UNRECORDED, current
from perfkit.conf import Settings, get_settings
from perfkit.explain.explainer import Explainer
from perfkit.flusher import THREAD_NAME, Flusher
from perfkit.forking import no_fork
from perfkit.hooks import new_trace, report_failures
from perfkit.host import gevent_monkey, natively
from perfkit.isolation import isolated, report_failure
from perfkit.metrics.aggregate import Aggregate, Window
from perfkit.metrics.own import OwnMeter
from perfkit.metrics.process import ProcessMeter
from perfkit.metrics.rows import route_rows
from perfkit.metrics.sample import Sample
from perfkit.metrics.statsd import MetricsWindow, StatsdSink
from perfkit.metrics.thinning import Thinning
from perfkit.observation import RUNNING, Observation
from perfkit.profiling.admission import asked_for, begun, is_first, log, refusal_of, refused
from perfkit.profiling.awaited import OPEN, give_up
from perfkit.profiling.capture import Capture, Order
from perfkit.profiling.cprofile_engine import counting
from perfkit.profiling.keeping import CaptureKeeper
from perfkit.profiling.running import RunningCapture
from perfkit.profiling.token import COOKIE, HEADER, Ticket, is_borne
from perfkit.record import RequestRecord
from perfkit.samples.errors import name_of
from perfkit.samples.keeper import SampleKeeper
from perfkit.snapshot import counted, from_trace
from perfkit.store import captures
from perfkit.store.place import sqlite_path
from perfkit.store.sink import StoreSink
from perfkit.watchdog import guard
from perfkit.watchdog.guard import guards
from perfkit.watchdog.watchdog import Watchdog

T = TypeVar("T")


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
        if not guards:
            watch(settings)
        for counter in counting:
            counter.joined()
        asked = None
        if OPEN or is_borne(request.META):
            asked = asked_for(request)
        trace = None
        sampled = settings.sample_rate >= 1 or random() < settings.sample_rate
        if sampled or asked is not None:
            trace = new_trace(settings)
            trace.of_request = True
            if settings.cache_advisor and request.method in CANDIDATE_METHODS:
                trace.candidate = Candidate(request)
        elif outer is None:
            trace = UNRECORDED
        observation = Observation(request, trace, shared or on_greenlets(), finish)
        observation.asked, observation.sampled = asked, sampled
        request._perfkit = observation  # type: ignore[attr-defined]  # read by the toolbar panel
        return observation
    except Exception as error:
        report_failure("begin", error)
        return None


def watch(settings: Settings) -> None:
    """Begin to look after requests that run for too long, in this process."""

    def name_of(observation: Observation) -> tuple[str, str]:
        facts = facts_of(observation)
        return facts["route"], facts["method"]

    def make() -> guard.Guard:
        limit_s = settings.watchdog_seconds
        watchdog = limit_s and Watchdog(
            limit_s,
            settings.samples_per_hour,
            name_of,
            lambda name: Acceptance(settings.ignore, *name).accepts("stall", "", "", ()),
        )
        return guard.Guard(watchdog or None)

    with isolated("watchdog"):
        if guard.begin(make):
            flusher().start()  # what hangs may be the first request of all


def capture(observation: Observation) -> None:
    """Capture a request for which somebody has asked: the one write to the store in a request's time."""
    try:
        if _is_good(observation):
            _begin_capture(observation)
    except Exception as error:
        report_failure("capture", error)


async def acapture(observation: Observation) -> None:
    """Do the same on an event loop, which the store must not hold up."""
    try:
        if isinstance(observation.asked, Ticket):
            is_good = await sync_to_async(_is_good, thread_sensitive=False)(observation)
        else:
            is_good = _is_good(observation)
        if is_good:
            _begin_capture(observation)
    except Exception as error:
        report_failure("capture", error)


def _is_good(observation: Observation) -> bool:
    """Tell whether what asks for a capture is good for one; a token is spent by this."""
    asked, settings = observation.asked, get_settings()
    if not isinstance(asked, Ticket):
        return not refusal_of(settings)
    refusal = refusal_of(settings)
    try:
        if not refusal:
            spend = partial(captures.spend, settings.store or {})
            return natively(is_first, asked, spend)
    except Exception as error:
        report_failure("capture", error)
        refusal = "the store did not answer"
    observation.capture = refused(asked, refusal)
    return False


def _begin_capture(observation: Observation) -> None:
    def keep() -> None:
        flusher().submit(Unended(observation))
        flusher().hurry()

    running = begun(observation.asked, observation, get_settings(), keep)
    observation.capture = running
    running.resume()


class Unended(NamedTuple):
    """Queued for a request that does not end: what was captured until now is kept."""

    observation: Observation


class Profiled(NamedTuple):
    """Queued for a block or command that was profiled: what makes its capture."""

    make: Callable[[], Capture]


def keep(make: Callable[[], Capture]) -> None:
    """Have a capture stored that was made by code: soon, and in the flusher's thread."""
    flusher().submit(Profiled(make))
    flusher().hurry()


def respond(observation: Observation, response: HttpResponseBase) -> None:
    """Stop recording and observe the rest of the response."""
    try:
        observation.leave()
        if (trace := observation.trace) is not None and trace.candidate is not None:
            trace.candidate.end(response)
        if observation.capture is not None:
            with isolated("capture"):
                tell_bearer(observation, response)
        try:
            add_server_timing(observation, response)
        except Exception as error:
            report_failure("server timing", error)
        observation.follow(response)
    except Exception as error:
        _let_go(observation)
        report_failure("respond", error)


def tell_bearer(observation: Observation, response: HttpResponseBase) -> None:
    """Tell who has sent a token, and nobody else, what became of it."""
    running, asked = observation.capture, observation.asked
    if isinstance(running, RunningCapture) and isinstance(asked, Ticket):
        running.check()
        log(asked, running)
        refusal = running.refused and f"refused; {running.refused}"
        response.headers[HEADER] = refusal or running.id
        if asked.by_cookie:
            response.delete_cookie(COOKIE, samesite="Strict")


def abandon(observation: Observation, status: int) -> None:
    """Note a request that ends without a response: cancelled, or the worker is going down."""
    try:
        observation.error = observation.error or name_of(sys.exception())
        observation.leave()
        if observation.trace is not None:
            observation.trace.candidate = None
        observation.status = status
        observation.finish(aborted=True)
    except Exception as error:
        _let_go(observation)
        report_failure("abandon", error)


def _let_go(observation: Observation) -> None:
    """Forget a request of which nobody will tell the end any more."""
    RUNNING.pop(id(observation), None)
    if isinstance(observation.capture, RunningCapture):
        observation.capture.end()


def finish(observation: Observation) -> None:
    """Hand a finished request to the flusher."""
    try:
        if observation.capture is not None:
            with isolated("capture"):
                end_capture(observation)
        if observation.outer is not None and observation.trace is not None:
            observation.outer.absorb(observation.trace, apart=True)
        flusher().submit(observation)
        if observation.capture is not None:
            flusher().hurry()
    except Exception as error:
        report_failure("finish", error)


def end_capture(observation: Observation) -> None:
    """End the capture of a request that has ended; forget one that no order is for."""
    running = observation.capture
    if isinstance(running, RunningCapture):
        running.check()
        running.end()
        order = running.order
        took_ms = (observation.ended - observation.started) * 1000
        if order is not None and (running.refused or took_ms <= order.slower_ms):
            give_up(order)
            observation.capture = None


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
        self.aggregate = Aggregate(settings.max_routes, settings.apdex_ms)
        self.store = StoreSink(settings) if settings.store else None
        given = settings.statsd
        self.statsd = (
            StatsdSink(
                given["HOST"],
                given["PORT"],
                given["PREFIX"],
                given["FORMAT"],
                pause=lambda seconds: flusher().pause(seconds),
            )
            if given
            else None
        )
        self.process = ProcessMeter()
        self.own = OwnMeter()
        self.thinning = Thinning()
        self.keeper = SampleKeeper(settings)
        self.explainer = Explainer(settings) if settings.explain and settings.store else None
        self._settings = settings
        self._is_writing = False
        self.collector = Collector(settings) if settings.cache_advisor and settings.store else None
        self._captures = CaptureKeeper(self._save_capture, self._open_orders, self._orders_every_s)
        self._noting = isolated("cache advisor")
        self._samples = isolated("samples")
        self._metering = isolated("process metrics")

    def handle(self, item: Observation | Unended | Profiled) -> None:
        """Take one finished request, or what was captured without one."""
        if isinstance(item, Observation):
            self._handle(item)
            return
        with isolated("capture"):
            if isinstance(item, Profiled):
                self._captures.keep_made(item.make())
            else:
                self._captures.keep(item.observation, _as_far_as_it_has_come(item.observation))

    def _handle(self, observation: Observation) -> None:
        started = perf_counter()
        try:
            record, weight = self._record(observation)
            if observation.sampled:
                self.aggregate.add(record, observation.trace is not None, weight)
            else:
                self.aggregate.add(RequestRecord(**facts_of(observation)), False, 0)
        except Exception as error:
            report_failure("record", error)
        else:
            window = self.aggregate.window(record.started_at)
            with self._samples:
                self.keeper.consider(observation, record, window)
            if observation.capture is not None:
                with isolated("capture"):
                    self._captures.keep(observation, record)
            trace = observation.trace
            if self.collector is not None and trace is not None:
                with self._noting:
                    self.collector.consider(record, trace, window.note)
            if self.explainer is not None and trace is not None and trace.slow:
                with isolated("explain"):
                    self.explainer.collect(trace, record, window)
        if self.statsd is not None:
            with self._metering:
                self.process.add(observation)
        self.own.handled(perf_counter() - started)

    def _record(self, observation: Observation) -> tuple[RequestRecord, int]:
        facts = facts_of(observation)
        trace = observation.trace
        if trace is None:
            return RequestRecord(**facts), 0
        report_failures(trace)
        route, method = facts["route"], facts["method"]
        captured = observation.capture is not None
        closely = captured or trace.slow or self.keeper.is_worst_loop(route, method, trace)
        weight = self.thinning.weight(route, method, always=closely)
        if not weight:
            return counted(trace, **facts), 0
        record = from_trace(trace, observation.started, **facts)
        return analyze(record, self._settings), weight

    def flush(self, *, hurry: bool = False) -> None:
        """Hand the sums to each sink; a sink that fails is reported and the others go on.

        Args:
            hurry: the process ends.
        """
        started = perf_counter()
        dropped, flusher().dropped = flusher().dropped, 0
        if dropped:
            self.aggregate.window(time()).dropped["requests"] += dropped
        if accepted := take_matched():
            self.aggregate.window(time()).accept(accepted)
        with isolated("watchdog"):
            self.keep_stalls(*guard.take())
        windows = self.aggregate.take()
        self.thinning.begin_interval()
        metrics = None
        if self.statsd is not None:
            with isolated("statsd sink"):
                metrics = self._metrics(windows.values(), dropped)
        # The store first: it takes a bounded time, looking a name up does not.
        if self.store is not None:
            with isolated("store sink"):
                self._write(self.store, windows, hurry)
        if self.statsd is not None and metrics is not None:
            with isolated("statsd sink"):
                self.statsd.emit(metrics, hurry=hurry)
        self.own.flushed(perf_counter() - started)

    def look(self) -> None:
        """Do what somebody waits for: captures that could not be written, orders of other workers."""
        self._captures.look()

    def flush_and_explain(self) -> None:
        """Flush, then ask for the plans of slow statements, which the next flush writes down."""
        self.flush()
        # Where no thread of ours runs, the next request would wait for the database.
        if self.explainer is not None and current_thread().name == THREAD_NAME:
            with isolated("explain"), no_fork():
                self.explainer.run(self.aggregate.window, lambda: flusher().pause(0))

    def keep_stalls(self, samples: Collection[Sample], dropped: int) -> None:
        """Take what the watchdog has seen."""
        if samples or dropped:
            window = self.aggregate.window(time())
            window.keep(samples)
            if dropped:
                window.dropped["samples"] += dropped

    def finish(self) -> None:
        """Flush for the last time: what waits for a locked store gets a few more tries."""
        if self.store is not None:
            self.store.every_s = 0.0  # there is no later write
            with isolated("capture"):
                self._captures.save_waiting()
        self.flush(hurry=True)
        for _ in range(_LAST_TRIES):
            if self.store is None or not self.store.waiting:
                return
            with isolated("store sink"):
                self._write(self.store, {}, hurry=True)

    def save(self) -> None:
        """Write what there is, while the thread hangs: it waits for a name server, for example.

        Unless it hangs in the store: two that write at once would count twice.
        """
        if self._is_writing:
            report_failure(
                "last flush", TimeoutError("the store did not answer; this flush is lost")
            )
        elif self.store is not None:
            with isolated("store sink"):
                self._write(self.store, self.aggregate.take(), hurry=True)

    def _write(self, store: StoreSink, windows: dict[int, Window], hurry: bool) -> None:
        def write() -> None:
            with no_fork():
                store.emit(windows)

        self._is_writing = True
        try:
            if hurry:  # no thread is left that may fork, and none may be started
                store.emit(windows)
            elif self._settings.store and sqlite_path(self._settings.store) is not None:
                natively(write)
            else:
                write()  # over the network: greenlets take turns
        finally:
            self._is_writing = False
        self._captures.learn(store.orders)

    def _save_capture(self, capture: Capture, order: str) -> bool:
        """Write a capture at once: somebody waits for it."""
        store = self._settings.store
        return bool(
            store and _beside(partial(captures.save, store, capture, self._settings, order))
        )

    def _open_orders(self, now: float) -> tuple[Order, ...]:
        store = self._settings.store
        return _beside(partial(captures.orders, store, now)) if store else ()

    @property
    def _orders_every_s(self) -> float:
        """Seconds between two looks at the orders: a fleet must not storm its server."""
        store = self._settings.store
        return 2.0 if store and sqlite_path(store) is not None else 10.0

    def _metrics(self, windows: Collection[Window], dropped: int) -> MetricsWindow:
        use = None
        with self._metering:
            use = self.process.take()
        rows = route_rows(windows, self._settings.sample_rate)
        return MetricsWindow(rows, use, self.own.take(dropped))


def _as_far_as_it_has_come(observation: Observation) -> RequestRecord:
    """Return the record of a request that goes on; its numbers alone where its trace grows just now."""
    try:
        return build(observation)
    except Exception:
        return RequestRecord(**facts_of(observation))


def _beside(call: Callable[[], T]) -> T:
    """Use the store in the flusher's thread, or where that has ended, in the one that ends it."""
    if current_thread().name != THREAD_NAME:
        return call()

    def apart() -> T:
        with no_fork():
            return call()

    return natively(apart)


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
        flush=lambda: sinks().flush_and_explain(),
        finish=_finish,
        interval_s=get_settings().flush_interval_seconds,
        reset=_reset,
        look=lambda: sinks().look(),
    )


def end() -> None:
    """Flush what is left, as the process ends; a later request begins anew."""
    for made in _flushers:
        with isolated("end"):
            made.stop()


@cache
def on_greenlets() -> bool:
    """Tell whether requests take turns within a thread, so that its CPU time is nobody's."""
    return gevent_monkey() is not None


def _finish() -> None:
    with isolated("watchdog"):
        sinks().keep_stalls(*guard.end())
    if flusher().hangs:
        sinks().save()
    else:
        sinks().finish()


def _reset() -> None:
    """Forget what was the parent's: sums, and a watchdog whose thread did not come along."""
    sinks.cache_clear()
    on_greenlets.cache_clear()
    guards.clear()
