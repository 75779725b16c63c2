"""Visitors who ask real views for pages, through Django's own WSGI handler, at times that a seed decides."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished
from django.db import close_old_connections
from django.test import Client
from django.urls import path
from django.utils import translation

from perfkit import observation
from perfkit.caching.advice import CacheAdvice, advise
from perfkit.caching.backend import BackendFacts
from perfkit.caching.columns import by_route
from perfkit.caching.event import Event
from perfkit.caching.saving import Setting
from perfkit.capture import answer
from tests.caching.site import NOON, USUAL, Site, site

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

#: Browsers; the second is a telephone's.
BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Mobile/15E148",
)


@dataclass
class Visitor:
    """Somebody with a browser.

    Attributes:
        number: counts them.
        user: whom he is logged in as.
        cookies: that his browser keeps.
        headers: ``HTTP_*`` variables that it sends with everything.
    """

    number: int
    user: User | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_anonymous(self) -> bool:
        """Whether he is not logged in."""
        return self.user is None


@dataclass(frozen=True)
class Visit:
    """A request to come; ``at`` counts seconds from noon."""

    at: float
    visitor: Visitor
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"


class Clock:
    """Counts only what views say that they spend: the same on every machine."""

    def __init__(self) -> None:
        self.spent_s = 0.0

    def __call__(self) -> float:
        return self.spent_s


CLOCK = Clock()


def spend(milliseconds: float) -> None:
    """Let time go by inside a view, as if it had worked so long."""
    CLOCK.spent_s += milliseconds / 1000


class World:
    """A site that visitors come to.

    Args:
        made: the site under observation.
    """

    def __init__(self, made: Site) -> None:
        self.site = made
        self.statuses: list[int] = []
        self._handler = WSGIHandler()

    def run(self, visits: Iterable[Visit]) -> None:
        """Let everybody come in the order of time."""
        gc.disable()  # thousands of events that stay would be gone through again and again
        try:
            for visit in sorted(visits, key=lambda visit: visit.at):
                self.statuses.append(self.get(visit).status_code)
        finally:
            gc.enable()

    def get(self, visit: Visit) -> Any:
        """Ask for a page, as a server would, and read it to its end."""
        visitor = visit.visitor
        self.site.now = NOON + visit.at
        url, _, query = visit.url.partition("?")
        environ = {
            "REQUEST_METHOD": visit.method,
            "PATH_INFO": url,
            "QUERY_STRING": query,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": f"10.0.{visitor.number // 250}.{visitor.number % 250}",
            "HTTP_USER_AGENT": f"{BROWSERS[visitor.number % 2]} build/{visitor.number}",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": BytesIO(),
            **visitor.headers,
            **visit.headers,
        }
        if visitor.cookies and "HTTP_COOKIE" not in environ:
            pairs = (f"{name}={value}" for name, value in visitor.cookies.items())
            environ["HTTP_COOKIE"] = "; ".join(pairs)
        response = self._handler(environ, lambda status, headers: None)
        for _ in response:
            pass
        response.close()
        for name, morsel in response.cookies.items():
            if morsel["max-age"] == 0:
                visitor.cookies.pop(name, None)
            else:
                visitor.cookies[name] = morsel.value
        return response


@contextmanager
def world(
    views: Mapping[str, Any],
    folder: Path,
    middleware: Sequence[str] = USUAL,
    **settings: Any,
) -> Iterator[World]:
    """Serve views.

    Args:
        views: route -> view.
        folder: for a store, which is not written to.
        middleware: below perfkit's.
        settings: of the site.
    """
    patch = pytest.MonkeyPatch()
    urls = tuple(path(route, view) for route, view in views.items())
    # Half of the statements of a page are its session's else.
    settings = {"SESSION_ENGINE": "django.contrib.sessions.backends.cached_db", **settings}
    store = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "store.sqlite3")}
    with site(urls, patch, store, *middleware, **settings) as made:
        for module in (answer, observation):
            patch.setattr(module, "perf_counter", CLOCK)
        request_finished.disconnect(close_old_connections)
        try:
            yield World(made)
        finally:
            request_finished.connect(close_old_connections)
            translation.deactivate()


def population(count: int, rng: Random, members: float = 0.5, staff: float = 0.1) -> list[Visitor]:
    """Make visitors: shares of them are logged in, or staff; half have a cookie of their own.

    Args:
        count: how many.
        rng: decides.
        members: share of those who are logged in, staff among them.
        staff: share of those who are staff.
    """
    found = []
    for number in range(count):
        visitor = Visitor(number)
        if rng.random() < 0.5:
            visitor.cookies["_ga"] = f"GA1.{rng.randrange(10**9)}"
        place = number / count
        if place < members:
            visitor.user = User.objects.create(
                username=f"user{User.objects.count()}", is_staff=place < staff
            )
            log_in(visitor)
        found.append(visitor)
    rng.shuffle(found)
    return found


def log_in(visitor: Visitor) -> None:
    """Give a visitor a session of his user's."""
    client = Client()
    client.force_login(visitor.user)  # type: ignore[arg-type]  # the caller has given him one
    visitor.cookies["sessionid"] = client.cookies["sessionid"].value


def at_random(
    rng: Random,
    count: int,
    hours: float,
    visitors: Sequence[Visitor],
    url: str | Callable[[Random], str],
    headers: Callable[[Random, Visitor], Mapping[str, str]] = lambda rng, visitor: NO_HEADERS,
    begin_s: float = 0.0,
) -> list[Visit]:
    """Make visits spread evenly over some time.

    Args:
        rng: decides.
        count: of visits.
        hours: over which they are spread.
        visitors: who comes.
        url: where to, or what chooses it.
        headers: sent besides.
        begin_s: when they begin.
    """
    found = []
    for _ in range(count):
        visitor = rng.choice(visitors)
        address = url if isinstance(url, str) else url(rng)
        at = begin_s + rng.random() * hours * 3600
        found.append(Visit(at, visitor, address, headers(rng, visitor)))
    return found


def judge(
    events: Iterable[Event], backend: BackendFacts | None = None, **setting: Any
) -> dict[str, CacheAdvice]:
    """Advise on all routes of some events; by route."""
    given = Setting(backend or BackendFacts("redis"), setting.pop("hours", 0.0), 0.01, **setting)
    return {each.route: each for each in advise(by_route(events), given)}
