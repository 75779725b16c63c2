"""The code to write for a decision: decorators in the order in which they are right."""

from __future__ import annotations

from typing import Final

from perfkit.caching.verdict import Decision

#: For visitors without a session's cookie; nothing of Django's does this.
_ANONYMOUS_ONLY: Final = '''\
from functools import wraps

from django.conf import settings
from django.views.decorators.cache import cache_page


def cache_page_for_anonymous(timeout):
    """Cache a view for visitors who have no session and send no Authorization header."""

    def decorator(view):
        cached = cache_page(timeout)(view)

        @wraps(view)
        def choose(request, *args, **kwargs):
            known = settings.SESSION_COOKIE_NAME in request.COOKIES
            if known or "Authorization" in request.headers:
                return view(request, *args, **kwargs)
            return cached(request, *args, **kwargs)

        return choose

    return decorator


@cache_page_for_anonymous({timeout})
def {view}(request, ...):'''

_BY_VALUE: Final = '''\
from functools import wraps

from django.views.decorators.cache import cache_page


def cache_page_by(value_of, timeout):
    """Cache a view once for each value that `value_of(request)` returns."""

    def decorator(view):
        @wraps(view)
        def choose(request, *args, **kwargs):
            prefix = f"{{view.__module__}}.{{view.__name__}}.{{value_of(request)}}"
            return cache_page(timeout, key_prefix=prefix)(view)(request, *args, **kwargs)

        return choose

    return decorator


@cache_page_by(lambda request: {value}, {timeout})
def {view}(request, ...):'''

_STRIPPED: Final = '''\
from functools import wraps
from urllib.parse import parse_qsl, urlencode

from django.views.decorators.cache import cache_page

IGNORED = {ignored}


def without_ignored_parameters(view):
    """Give a view, and the cache around it, the parameters that make a difference, in one order."""

    @wraps(view)
    def bare(request, *args, **kwargs):
        pairs = parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True)
        kept = sorted(p for p in pairs if p[0] not in IGNORED and not p[0].startswith("utm_"))
        request.META["QUERY_STRING"] = urlencode(kept)
        return view(request, *args, **kwargs)

    return bare


@without_ignored_parameters
@cache_page({timeout})
def {view}(request, ...):'''

_PAGE: Final = """\
from django.views.decorators.cache import cache_page


@cache_page({timeout})
def {view}(request, ...):"""

_HEADERS: Final = """\
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers


@cache_page({timeout})
@vary_on_headers({header!r})  # inside cache_page, which must see the Vary that it adds
def {view}(request, ...):"""

_COOKIE: Final = """\
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_cookie


@cache_page({timeout})
@vary_on_cookie  # inside cache_page, which must see the Vary that it adds
def {view}(request, ...):"""

_LOGIN: Final = """\
from django.contrib.auth.decorators import login_required
from django.views.decorators.cache import cache_page


@login_required  # outside: who may not see it must not get it from the cache
@cache_page({timeout})
def {view}(request, ...):"""

_CONDITIONAL: Final = """\
from django.views.decorators.http import condition


def etag_of_{view}(request, ...):
    ...  # from what changes the page, such as the newest row's date; much cheaper than the page


@condition(etag_func=etag_of_{view})
def {view}(request, ...):"""

_QUERY: Final = """\
from django.core.cache import cache

rows = cache.get_or_set("{view}-rows", lambda: list(queryset), {timeout})  # with its parameters in the key"""

_FRAGMENT: Final = """\
{{% load cache %}}
{{% cache {timeout} {view} %}}
    ... what is the same for all; forms with {{% csrf_token %}}, nonces and messages stay outside
{{% endcache %}}"""

_SESSIONS: Final = 'SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"'

#: Attribute -> the expression that has its value.
_VALUES: Final = {
    "logged_in": "request.user.is_authenticated",
    "staff": "request.user.is_staff",
    "superuser": "request.user.is_superuser",
    "language": "request.LANGUAGE_CODE",
    "host": "request.get_host()",
    "mobile": '"mobi" in request.headers.get("User-Agent", "").lower()',
}

#: What a fragment or a query is kept for, where no timeout was replayed. Seconds.
_SOME_TIME_S: Final = 60


def code(decision: Decision, route: str) -> str:
    """Return what to write, ``""`` where nothing is.

    Args:
        decision: as decided.
        route: the route's label, which the view is named after where its own name is not known.
    """
    view = _view_name(route)
    chosen = decision.saving.chosen if decision.saving is not None else None
    timeout = chosen.timeout_s if chosen is not None else _SOME_TIME_S
    if "already_cached" in decision.reasons:
        return ""
    match decision.verdict:
        case "cache_page" | "cdn" if {"tracking_parameters", "parameter_order"} & {
            *decision.reasons
        }:
            ignored = sorted({*decision.without, "fbclid", "gclid", "msclkid"})
            return _STRIPPED.format(timeout=timeout, view=view, ignored=ignored)
        case "cache_page" | "cdn":
            return _PAGE.format(timeout=timeout, view=view)
        case "cache_page_vary":
            return _varied(decision, timeout, view)
        case "anonymous_only":
            return _ANONYMOUS_ONLY.format(timeout=timeout, view=view)
        case "fragment":
            return _FRAGMENT.format(timeout=timeout, view=view)
        case "conditional":
            return _CONDITIONAL.format(view=view)
        case "low_level":
            form = _LOGIN if "login_required" in decision.reasons else _QUERY
            return form.format(timeout=timeout, view=view)
        case "cached_sessions":
            return _SESSIONS
    return ""


def _varied(decision: Decision, timeout: int, view: str) -> str:
    attribute = decision.explanation.attribute if decision.explanation is not None else ""
    if not attribute:
        return _COOKIE.format(timeout=timeout, view=view)
    kind, _, name = attribute.partition(":")
    if kind == "header":
        header = "-".join(part.capitalize() for part in name.split("-"))
        return _HEADERS.format(timeout=timeout, view=view, header=header)
    value = (
        f"request.COOKIES.get({name!r})" if kind == "cookie" else _VALUES.get(attribute, attribute)
    )
    return _BY_VALUE.format(timeout=timeout, view=view, value=value)


def _view_name(route: str) -> str:
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in route).split()
    name = "_".join(word for word in words if word not in ("int", "slug", "str", "uuid", "path"))
    return name.lower() if name and not name[0].isdigit() else "view"
