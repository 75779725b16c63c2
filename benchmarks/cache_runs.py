"""Runs a trace through the site: with the advisor looking on and nothing cached, or really cached."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from io import BytesIO
from threading import current_thread
from time import perf_counter
from typing import Any

from cache_clock import Clock
from cache_site import MIDDLEWARE, VIEWS, Site, View, counted, draw
from cache_trace import Visit, halves
from django.core.cache import caches
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.core.signing import dumps
from django.http import HttpRequest, HttpResponse
from django.test.utils import override_settings
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_cookie, vary_on_headers

from perfkit import observation, pipeline
from perfkit.caching.codec import pack, unpack
from perfkit.caching.columns import Columns
from perfkit.caching.event import Event
from perfkit.caching.sampling import Sampling
from perfkit.capture import answer

PERFKIT = "perfkit.middleware.PerfkitMiddleware"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
_TOKEN = re.compile(rb'value="[A-Za-z0-9]{64}"')


@dataclass
class Tally:
    """What happened to one view; seconds are virtual.

    Attributes:
        requests: all but HEADs; ``gets`` of them are GETs.
        hits: not answered by the view.
        view_s: what the view worked.
        wrong: hits that say something else than the view said without a cache.
    """

    requests: int = 0
    gets: int = 0
    hits: int = 0
    view_s: float = 0.0
    wrong: int = 0


@dataclass
class Ran:
    """A run.

    Attributes:
        views: figures by view, and ``late`` those of the second half of the hours.
        told: hash of what each request was told, by its place in the trace; without a cache only.
        cut: when the second half begins.
    """

    views: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    late: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    told: dict[int, bytes] = field(default_factory=dict)
    cut: float = 0.0


def request_of(visit: Visit, worker: int) -> WSGIRequest:
    """Make the request that Django would have got."""
    path, query = f"/{visit.view}/{visit.page}/", ""
    if visit.view == "search":
        path, query = "/search/", f"q={visit.page}"
    elif visit.view == "landing" and draw("campaign", visit.visitor) < 0.3:
        query = f"utm_source=mail&utm_id={visit.visitor}"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": visit.method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(),
        "REMOTE_ADDR": f"10.{visit.visitor >> 16 & 255}.{visit.visitor >> 8 & 255}.{visit.visitor & 255}",
        "HTTP_HOST": "shop.example",
        "HTTP_USER_AGENT": "Mozilla/5.0",
        "validation.worker": worker,
    }
    if draw("member", visit.visitor) < 0.3:
        environ["HTTP_COOKIE"] = f"sessionid={_session(visit.visitor)}"
    if visit.view == "partial" and draw("htmx", visit.at) < 0.5:
        environ["HTTP_HX_REQUEST"] = "true"
    request = WSGIRequest(environ)
    request._dont_enforce_csrf_checks = True
    return request


@lru_cache(maxsize=None)
def _session(visitor: int) -> str:
    return dumps(
        {"name": f"v{visitor}"},
        compress=True,
        salt="django.contrib.sessions.backends.signed_cookies",
    )


def run(
    visits: list[Visit],
    workers: int,
    *,
    before: Callable[[], None] | None = None,
    plain: Ran | None = None,
) -> Ran:
    """Let a trace run through the site as it is set up.

    Args:
        visits: in the order of time.
        workers: requests are dealt to them in turn.
        before: called before each request.
        plain: the run without a cache, to tell what is wrong.
    """
    ran = Ran(cut=halves(visits))
    handler = BaseHandler()
    handler.load_middleware()
    clock = Site.clock = Clock(visits[0].at)

    def job(number: int, visit: Visit) -> Callable[[], None]:
        def do() -> None:
            current_thread().number = number  # type: ignore[attr-defined]  # whose events these are
            if before is not None:
                before()
            request = request_of(visit, number % workers)
            response = handler.get_response(request)
            _count(ran, number, visit, request, response, plain)
            response.close()

        return do

    with _counters(clock):
        clock.run((visit.at, job(number, visit)) for number, visit in enumerate(visits))
    return ran


class _counters:  # noqa: N801  # reads as a word of the language
    """Let perfkit's clocks go by virtual time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __enter__(self) -> None:
        for module in (answer, observation):
            module.perf_counter = self._clock.time

    def __exit__(self, *error: object) -> None:
        for module in (answer, observation):
            module.perf_counter = perf_counter


def _count(
    ran: Ran, number: int, visit: Visit, request: Any, response: Any, plain: Ran | None
) -> None:
    view_s = request.META.get("validation.view_s")
    said = blake2b(_TOKEN.sub(b"", response.content), digest_size=8).digest()
    if plain is None:
        ran.told[number] = said
    if visit.method == "HEAD":  # a monitor's, which must not count as readers do
        return
    for views in (ran.views, ran.late) if visit.at >= ran.cut else (ran.views,):
        tally = views[visit.view]
        tally.requests += 1
        tally.gets += visit.method == "GET"
        tally.view_s += view_s or 0.0
        if view_s is None:
            tally.hits += 1
            tally.wrong += plain is not None and plain.told[number] != said


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


#: (view, seconds, alias of the cache) -> the view as it is cached.
Decorate = Callable[[View, int, str], View]


def at_view(view: View, timeout_s: int, alias: str) -> View:
    """Put Django's ``cache_page`` around a view."""
    return cache_page(timeout_s, cache=alias)(view)


def by_cookie(view: View, timeout_s: int, alias: str) -> View:
    """Put ``vary_on_cookie`` inside it."""
    return at_view(vary_on_cookie(view), timeout_s, alias)


def by_header(view: View, timeout_s: int, alias: str) -> View:
    """Put ``vary_on_headers`` inside it."""
    return at_view(vary_on_headers("HX-Request")(view), timeout_s, alias)


def for_anonymous(view: View, timeout_s: int, alias: str) -> View:
    """Cache for those without a session, as the advisor's code does."""
    inside = at_view(view, timeout_s, alias)

    def choose(request: HttpRequest, **values: Any) -> HttpResponse:
        return (view if "sessionid" in request.COOKIES else inside)(request, **values)

    return choose


def cached(
    visits: list[Visit],
    timeout_s: int,
    aliases: list[str],
    plain: Ran,
    before: Callable[[], None] | None = None,
    decorate: Decorate = at_view,
) -> Ran:
    """Run with every view really cached.

    Args:
        visits: the trace.
        timeout_s: of all views.
        aliases: the cache of each worker.
        plain: the run without.
        before: called before each request.
        decorate: how.
    """
    views = {
        (name, worker): decorate(counted(view), timeout_s, alias)
        for name, view in VIEWS.items()
        for worker, alias in enumerate(aliases)
    }
    Site.cached = lambda name, worker: views[name, worker]
    for alias in set(aliases):
        caches[alias].clear()
    with override_settings(MIDDLEWARE=[*MIDDLEWARE]):
        return run(visits, len(aliases), before=before, plain=plain)


def cached_site(visits: list[Visit], timeout_s: int, plain: Ran) -> Ran:
    """Run with Django's two middlewares around the whole site."""
    views = {name: counted(view) for name, view in VIEWS.items()}
    Site.cached = lambda name, worker: views[name]
    caches["default"].clear()
    middleware = [UPDATE, *MIDDLEWARE, FETCH]
    with override_settings(MIDDLEWARE=middleware, CACHE_MIDDLEWARE_SECONDS=timeout_s):
        return run(visits, 1, plain=plain)
