"""Asks the installed Django whether it would store an answer, and under which key.

Its rules changed in four patch releases of 5.2 alone, so they are not written down here: the answer's
status, headers and cookies go through Django's own ``CacheMiddleware`` with a cache that only listens.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.middleware.cache import CacheMiddleware
from django.utils import timezone
from django.utils.cache import get_cache_key, get_max_age

from perfkit.caching.event import Seen
from perfkit.caching.fingerprint import Fingerprint
from perfkit.capture.answer import Answer

#: Any timeout will do: whether an answer is stored does not hang on which.
_TIMEOUT_S: Final = 60

#: Headers by which no cache decides, and which are new with every answer.
_NO_RULE: Final = frozenset(("content-length", "date", "etag", "last-modified", "server-timing"))

#: What the URL of a request is made of besides its path, in ``META``.
_OF_URL: Final = (
    "scheme", "HTTP_HOST", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "SERVER_NAME",
    "SERVER_PORT", "QUERY_STRING",
)  # fmt: skip

#: Answers whose rules are remembered: a route's answers have the same headers most of the time.
_REMEMBERED: Final = 2_048


class ShadowRequest(HttpRequest):
    """A request that is there for its address and its headers.

    Args:
        method: ``GET`` or ``HEAD``.
        path: as the client sent it, decoded.
        headers: ``HTTP_*`` and the like, as in ``META``.
        answer: tells the language that was in force.
    """

    def __init__(self, method: str, path: str, headers: dict[str, str], answer: Answer) -> None:
        super().__init__()
        self.method = method
        self.path = path
        self.META = headers
        if answer.language:
            self.LANGUAGE_CODE = answer.language

    def _get_scheme(self) -> str:
        return self.META.get("scheme") or "http"


class _Listener:
    """A cache that keeps nothing, and knows what it was given."""

    def __init__(self, varies_on: tuple[str, ...] | None = None) -> None:
        self.given: list[tuple[str, Any]] = []
        self._varies_on = varies_on

    def set(self, key: str, value: Any, timeout: Any = None) -> None:
        self.given.append((key, value))

    def get(self, key: str, default: Any = None) -> Any:
        return default if self._varies_on is None else list(self._varies_on)


class _Middleware(CacheMiddleware):
    """Django's own rules for a decorator with a timeout, and our ear in place of the cache."""

    listener = _Listener()

    @property
    def cache(self) -> Any:
        return self.listener

    def _should_update_cache(self, request: HttpRequest, response: Any) -> bool:
        return True


def seen(
    answer: Answer, request: ShadowRequest, url: int, hashes: Fingerprint, keys: PageKeys
) -> Seen:
    """Tell what Django's cache would make of an answer at the place where it was noted.

    Args:
        answer: as noted.
        request: what was asked for.
        url: hash of its key where nothing varies.
        hashes: the site's.
        keys: that were made so far.
    """
    authorized = bool(request.headers.get("Authorization"))
    headers = tuple(each for each in answer.headers if each[0].lower() not in _NO_RULE)
    rules = _rules(answer.status, headers, answer.cookies, authorized)
    stored, max_age, varies_on, no_store, public, s_maxage = rules
    return Seen(
        stored=stored and not answer.streaming,
        max_age=max_age,
        varies_on=tuple(_plain(name) for name in varies_on),
        key=hashes.text(keys.of(request, varies_on, answer.time_zone)) if varies_on else url,
        sets_cookie=bool(answer.cookies),
        no_store=no_store,
        public=public,
        s_maxage=s_maxage,
        hit=None if answer.updates_cache is None else not answer.updates_cache,
    )


class PageKeys:
    """Remembers the keys of pages: Django takes longer to make one than all else that is noted."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], str] = {}

    def of(self, request: ShadowRequest, varies_on: tuple[str, ...], time_zone: str) -> str:
        """Return what ``page_key`` does.

        Raises:
            DisallowedHost: as there.
        """
        meta = request.META
        # All that Django makes it of: the URL, what is in force, and the values of those headers.
        made_of = (
            request.path, *map(meta.get, _OF_URL), getattr(request, "LANGUAGE_CODE", None),
            time_zone, varies_on, *map(meta.get, varies_on),
        )  # fmt: skip
        key = self._known.get(made_of)
        if key is None:
            key = page_key(request, varies_on, time_zone)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[made_of] = key
        return key


def page_key(request: HttpRequest, varies_on: tuple[str, ...], time_zone: str) -> str:
    """Return Django's key of a page: of a GET, as a HEAD is answered from it too.

    Raises:
        DisallowedHost: the request's host is none of the site's; such a request has no key.
    """
    with timezone.override(_zone(time_zone)):
        listener: Any = _Listener(varies_on)
        return get_cache_key(request, "", "GET", cache=listener) or ""


@lru_cache(maxsize=64)
def _zone(name: str) -> Any:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # one that the site has made itself
        return None


@lru_cache(maxsize=_REMEMBERED)
def _rules(
    status: int, headers: tuple[tuple[str, str], ...], cookies: tuple[str, ...], authorized: bool
) -> tuple[bool, int, tuple[str, ...], bool, bool, int]:
    """Return (stored, max-age, names that the key is made of, no-store, public, s-maxage)."""
    response = HttpResponse(status=status)
    for name, value in headers:
        response.headers[name] = value
    for name in cookies:
        response.cookies[name] = "*"
    control = response.headers.get("Cache-Control", "").lower()
    directives = {part.partition("=")[0].strip() for part in control.split(",")}
    max_age = get_max_age(response)
    request = HttpRequest()
    request.method = "GET"
    request.META = {"SERVER_NAME": "testserver", "SERVER_PORT": "80"}
    request.build_absolute_uri = lambda location=None: "/"  # type: ignore[method-assign]  # any will do
    if authorized:
        request.META["HTTP_AUTHORIZATION"] = "*"
    middleware = _Middleware(lambda request: response, page_timeout=_TIMEOUT_S)
    middleware.listener = _Listener()
    middleware.process_response(request, response)
    given = middleware.listener.given
    # The names first, under the address; then the page, under the address and the names' values.
    stored = len(given) > 1
    return (
        stored,
        -1 if max_age is None else max_age,
        tuple(given[0][1]) if stored else (),
        bool(directives & {"private", "no-cache", "no-store"}),
        "public" in directives,
        _seconds(control, "s-maxage"),
    )


def _seconds(control: str, directive: str) -> int:
    for part in control.split(","):
        name, _, value = part.partition("=")
        if name.strip() == directive and value.strip().strip('"').isdigit():
            return int(value.strip().strip('"'))
    return -1


def _plain(name: str) -> str:
    """Write ``HTTP_ACCEPT_LANGUAGE`` as a header's name."""
    return name.removeprefix("HTTP_").replace("_", "-").lower()
