"""The code to write for a decision: decorators in the order in which they are right."""

from __future__ import annotations

from keyword import iskeyword
from typing import Final

from perfkit.caching.verdict import Decision

#: What every decorator ends with; each text is code that compiles.
_VIEW: Final = """\
def {view}(request, *args, **kwargs):
    ...  # as it is"""

#: For visitors without a session's cookie; nothing of Django's does this.
_ANONYMOUS_ONLY: Final = (
    '''\
from functools import wraps

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_cookie


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

        if iscoroutinefunction(view):
            markcoroutinefunction(choose)
        return vary_on_cookie(choose)  # outside the cache: for browsers and proxies only

    return decorator


@cache_page_for_anonymous({timeout})
'''
    + _VIEW
)

_BY_VALUE: Final = (
    '''\
from functools import wraps
from hashlib import sha256

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers


def cache_page_by(value_of, timeout, *varies_on):
    """Cache a view once for each value that `value_of(request)` returns."""

    def decorator(view):
        @wraps(view)
        def choose(request, *args, **kwargs):
            value = sha256(ascii(value_of(request)).encode()).hexdigest()[:16]
            prefix = f"{{view.__module__}}.{{view.__name__}}.{{value}}"
            return cache_page(timeout, key_prefix=prefix)(view)(request, *args, **kwargs)

        if iscoroutinefunction(view):
            markcoroutinefunction(choose)
        # Outside the cache, whose key has the value: for browsers and proxies only.
        return vary_on_headers(*varies_on)(choose)

    return decorator


@cache_page_by(lambda request: {value}, {timeout}{varies_on})
'''
    + _VIEW
)

_STRIPPED: Final = (
    '''\
from functools import wraps
from urllib.parse import parse_qsl, urlencode

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.views.decorators.cache import cache_page

IGNORED = {ignored}


def without_ignored_parameters(view):
    """Give a view, and the cache around it, the parameters that make a difference, in one order."""

    @wraps(view)
    def bare(request, *args, **kwargs):
        pairs = parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True)
        kept = [pair for pair in pairs if pair[0] not in IGNORED]
        kept.sort(key=lambda pair: pair[0])  # those of one name stay in their order
        request.META["QUERY_STRING"] = urlencode(kept)
        return view(request, *args, **kwargs)

    if iscoroutinefunction(view):
        markcoroutinefunction(bare)
    return bare


@without_ignored_parameters
@cache_page({timeout})
'''
    + _VIEW
)

_PAGE: Final = (
    """\
from django.views.decorators.cache import cache_page


@cache_page({timeout})
"""
    + _VIEW
)

_HEADERS: Final = (
    """\
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers


@cache_page({timeout})
@vary_on_headers({headers})  # inside cache_page, which must see the Vary that it adds
"""
    + _VIEW
)

_COOKIE: Final = (
    """\
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_cookie


@cache_page({timeout})
@vary_on_cookie  # inside cache_page, which must see the Vary that it adds
"""
    + _VIEW
)

_LOGIN: Final = (
    """\
from django.contrib.auth.decorators import login_required
from django.views.decorators.cache import cache_page


@login_required  # outside: who may not see it must not get it from the cache
@cache_page({timeout})
"""
    + _VIEW
)

_INSIDE: Final = """\
from django.core.cache import cache


def {view}(request, *args, **kwargs):
    ...  # every check of who may see it comes first, with each request
    key = f"{view}-{{args}}-{{kwargs}}"  # and whatever else the page hangs on
    return cache.get_or_set(key, lambda: "the costly part", {timeout})"""

_CONDITIONAL: Final = (
    """\
from django.views.decorators.http import condition


def etag_of_{view}(request, *args, **kwargs):
    ...  # from what changes the page, such as the newest row's date; much cheaper than the page


@condition(etag_func=etag_of_{view})
"""
    + _VIEW
)

_QUERY: Final = """\
from django.core.cache import cache


def rows_of_{view}(queryset, *parameters):
    key = f"{view}-rows-{{parameters}}"  # all parameters of the query
    return cache.get_or_set(key, lambda: list(queryset), {timeout})"""

_FRAGMENT: Final = """\
{{% load cache %}}
{{% cache {timeout} {view} %}}
    ... what is the same for all; forms with {{% csrf_token %}}, nonces and messages stay outside
{{% endcache %}}"""

_SESSIONS: Final = 'SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"'

#: As ``probe`` tells telephones, so that the evidence is of this rule.
_IS_MOBILE: Final = """\
any(
        word in request.headers.get("User-Agent", "").lower()
        for word in ("mobi", "android", "iphone", "ipad")
    )"""

#: Attribute -> the expression that has its value, and the header that it comes with.
_VALUES: Final = {
    "logged_in": ("request.user.is_authenticated", "Cookie"),
    "staff": ("request.user.is_staff", "Cookie"),
    "superuser": ("request.user.is_superuser", "Cookie"),
    "language": ("request.LANGUAGE_CODE", "Accept-Language"),
    "host": ("request.get_host()", ""),
    "scheme": ("request.scheme", ""),
    "mobile": (_IS_MOBILE, "User-Agent"),
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
            return _STRIPPED.format(timeout=timeout, view=view, ignored=sorted(decision.without))
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
            return _low_level(decision).format(timeout=timeout, view=view)
        case "cached_sessions":
            return _SESSIONS
    return ""


def _low_level(decision: Decision) -> str:
    if "query_repeats" in decision.reasons:
        return _QUERY
    return _INSIDE if "check_each" in decision.reasons else _LOGIN


def _varied(decision: Decision, timeout: int, view: str) -> str:
    attribute = decision.explanation.attribute if decision.explanation is not None else ""
    if not attribute:
        return _COOKIE.format(timeout=timeout, view=view)
    kind, _, name = attribute.partition(":")
    if kind == "header":
        on = decision.saving.policy.on if decision.saving is not None else ()
        headers = ", ".join(repr(_titled(each)) for each in on or (attribute,))
        return _HEADERS.format(timeout=timeout, view=view, headers=headers)
    if kind == "cookie":
        value, header = f"request.COOKIES.get({name!r})", "Cookie"
    else:
        value, header = _VALUES[attribute]
    varies_on = f", {header!r}" if header else ""
    return _BY_VALUE.format(timeout=timeout, view=view, value=value, varies_on=varies_on)


def _titled(attribute: str) -> str:
    return "-".join(part.capitalize() for part in attribute.removeprefix("header:").split("-"))


def _view_name(route: str) -> str:
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in route).split()
    name = "_".join(word for word in words if word not in ("int", "slug", "str", "uuid", "path"))
    name = name.lower()
    return name if name.isidentifier() and not iskeyword(name) else "view"
