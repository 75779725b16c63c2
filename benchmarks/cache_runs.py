"""Runs a trace through the site as it is set up, and counts what became of the requests."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from io import BytesIO
from threading import current_thread
from time import perf_counter
from typing import Any

from cache_clock import Clock
from cache_site import Site, draw
from cache_trace import Visit, halves
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.core.signing import dumps

from perfkit import observation
from perfkit.capture import answer

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


@cache
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
        ran.told[number] = said if response.status_code < 500 else b""
    if visit.method == "HEAD":  # a monitor's, which must not count as readers do
        return
    for views in (ran.views, ran.late) if visit.at >= ran.cut else (ran.views,):
        tally = views[visit.view]
        tally.requests += 1
        tally.gets += visit.method == "GET"
        tally.view_s += view_s or 0.0
        if view_s is None:
            tally.hits += 1
            # Who is spared an error has got nothing wrong.
            tally.wrong += plain is not None and plain.told[number] not in (said, b"")
