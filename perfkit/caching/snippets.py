"""The code that is advised, as texts to be filled in: each compiles as it stands."""

from __future__ import annotations

from typing import Final

#: What every decorator ends with; each text is code that compiles.
VIEW: Final = """\
def {view}(request, *args, **kwargs):
    ...  # as it is"""

#: For visitors without a session's cookie; nothing of Django's does this.
ANONYMOUS_ONLY: Final = (
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
    + VIEW
)

BY_VALUE: Final = (
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
    + VIEW
)

STRIPPED: Final = (
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
    + VIEW
)

PAGE: Final = (
    """\
from django.views.decorators.cache import cache_page


@cache_page({timeout})
"""
    + VIEW
)

CDN: Final = (
    """\
from django.views.decorators.cache import cache_control


@cache_control(public=True, max_age=0, s_maxage={timeout})  # s-maxage is for caches that all share
"""
    + VIEW
)

HEADERS: Final = (
    """\
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers


@cache_page({timeout})
@vary_on_headers({headers})  # inside cache_page, which must see the Vary that it adds
"""
    + VIEW
)

COOKIE: Final = (
    """\
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_cookie


@cache_page({timeout})
@vary_on_cookie  # inside cache_page, which must see the Vary that it adds
"""
    + VIEW
)

LOGIN: Final = (
    """\
from django.contrib.auth.decorators import login_required
from django.views.decorators.cache import cache_page


@login_required  # outside: who may not see it must not get it from the cache
@cache_page({timeout})
"""
    + VIEW
)

INSIDE: Final = """\
from django.core.cache import cache


def {view}(request, *args, **kwargs):
    ...  # every check of who may see it comes first, with each request
    key = f"{view}-{{args}}-{{kwargs}}"  # and whatever else the page hangs on
    return cache.get_or_set(key, lambda: "the costly part", {timeout})"""

CONDITIONAL: Final = (
    """\
from django.views.decorators.http import condition


def etag_of_{view}(request, *args, **kwargs):
    ...  # from what changes the page, such as the newest row's date; much cheaper than the page


@condition(etag_func=etag_of_{view})
"""
    + VIEW
)

QUERY: Final = """\
from django.core.cache import cache


def rows_of_{view}(queryset, *parameters):
    key = f"{view}-rows-{{parameters}}"  # all parameters of the query
    return cache.get_or_set(key, lambda: list(queryset), {timeout})"""

FRAGMENT: Final = """\
{{% load cache %}}
{{% cache {timeout} {view} %}}
    ... what is the same for all; forms with {{% csrf_token %}}, nonces and messages stay outside
{{% endcache %}}"""

SESSIONS: Final = 'SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"'
