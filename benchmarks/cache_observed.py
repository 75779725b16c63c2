"""The first run: nothing is cached, and the advisor looks on; then what a report would read of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from threading import current_thread
from typing import Any

from cache_runs import Ran, run
from cache_site import MIDDLEWARE, VIEWS, Site, counted
from cache_trace import Visit
from django.test.utils import override_settings

from perfkit import pipeline
from perfkit.caching.codec import pack, unpack
from perfkit.caching.columns import Columns
from perfkit.caching.event import Event
from perfkit.caching.sampling import Sampling

PERFKIT = "perfkit.middleware.PerfkitMiddleware"


def observe(visits: list[Visit], store: dict[str, Any]) -> tuple[Ran, dict[int, Event]]:
    """Run without any cache while the advisor looks on; return its events too, by request."""
    views = {name: counted(view) for name, view in VIEWS.items()}
    Site.cached = lambda name, worker: views[name]
    events: dict[int, Event] = {}

    class Flusher:
        """What its thread would do, at once."""

        dropped = 0

        def submit(self, seen: Any) -> None:
            pipeline.sinks().handle(seen)

        def start(self) -> None:
            """Do nothing: there is no thread."""

    def consider(record: Any, trace: Any, note: Any) -> None:
        number = current_thread().number  # type: ignore[attr-defined]  # set for each request
        really(record, trace, lambda event: events.__setitem__(number, event))

    real = pipeline.flusher
    perfkit = {"STORE": store, "WATCHDOG_SECONDS": None}
    with override_settings(MIDDLEWARE=[PERFKIT, *MIDDLEWARE], PERFKIT=perfkit):
        pipeline.sinks.cache_clear()
        pipeline.flusher = lambda: Flusher()  # type: ignore[assignment, return-value]
        collector: Any = pipeline.sinks().collector
        collector._probe._sampling = None  # every request is noted
        really, collector.consider = collector.consider, consider
        try:
            ran = run(visits, 1)
        finally:
            pipeline.flusher = real
            pipeline.sinks.cache_clear()
    return ran, events


class Forced(Sampling):
    """The hybrid sampling at a rate that does not hang on the load."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def _begin(self, minute: int) -> None:
        self._minute = minute


def columns_of(events: Mapping[int, Event], workers: int, rate: float = 1.0) -> dict[str, Columns]:
    """Return what a report would read: dealt to workers, sampled by each, written and read again."""
    shares: list[list[Event]] = [[] for _ in range(workers)]
    for number, event in events.items():
        shares[number % workers].append(event)
    found: dict[str, Columns] = {}
    for worker, share in enumerate(shares):
        if rate < 1.0:
            share = [*_sampled(share, Forced(rate))]
        for begin in range(0, len(share), 2_000):
            unpack(pack(share[begin : begin + 2_000]), found, worker)
    for columns in found.values():
        columns.sort()
    return {route.strip("/").partition("/")[0]: columns for route, columns in found.items()}


def _sampled(events: Iterable[Event], sampling: Sampling) -> Iterable[Event]:
    for event in events:
        weight = sampling.weight(event.route, event.bare_url, event.at)
        if weight:
            yield replace(event, weight=weight)
