"""The second run: every view is really cached, by Django's own code, in one of several ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cache_runs import Ran, run
from cache_site import MIDDLEWARE, VIEWS, Site, View, counted
from cache_trace import Visit
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.test.utils import override_settings
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_cookie, vary_on_headers

UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"

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
