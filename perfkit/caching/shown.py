"""What a request shows that its answer may hang on: attributes by name, hashed; and a query without trackers."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Final
from urllib.parse import parse_qsl, urlencode

from perfkit.caching.event import STAFF, SUPERUSER, UNKNOWN, USER
from perfkit.caching.fingerprint import Fingerprint
from perfkit.caching.tracking import is_tracking
from perfkit.capture.answer import Answer

#: Headers that are no attributes of their own: new with most requests, or known by another attribute. All
#: but the newest are in ``headers``, by which like requests are told.
_PASSED_OVER: Final = frozenset(
    (
        "HTTP_AUTHORIZATION",
        "HTTP_CACHE_CONTROL",
        "HTTP_CONNECTION",
        "HTTP_COOKIE",
        "HTTP_FORWARDED",
        "HTTP_HOST",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_NONE_MATCH",
        "HTTP_PRAGMA",
        "HTTP_PRIORITY",
        "HTTP_REFERER",
        "HTTP_SEC_CH_UA",
        "HTTP_SEC_FETCH_DEST",
        "HTTP_SEC_FETCH_MODE",
        "HTTP_SEC_FETCH_SITE",
        "HTTP_SEC_FETCH_USER",
        "HTTP_TRACEPARENT",
        "HTTP_TRACESTATE",
        "HTTP_UPGRADE_INSECURE_REQUESTS",
        "HTTP_USER_AGENT",
        "HTTP_VIA",
        "HTTP_X_FORWARDED_FOR",
        "HTTP_X_REAL_IP",
        "HTTP_X_REQUEST_ID",
        "HTTP_X_REQUEST_START",
    )
)

#: Where a request comes from.
_NETWORK: Final = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED")

#: Headers that two like requests of one browser do not share.
_NEW_EACH_TIME: Final = frozenset(
    (
        "HTTP_AUTHORIZATION",
        "HTTP_COOKIE",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_NONE_MATCH",
        "HTTP_TRACEPARENT",
        "HTTP_TRACESTATE",
        "HTTP_X_REQUEST_ID",
        "HTTP_X_REQUEST_START",
    )
)

#: Attributes kept of one request, and letters of a name: a client may send any number of any length.
MOST_ATTRIBUTES: Final = 30
_LONGEST_NAME: Final = 60
_MOST_PARAMETERS: Final = 200

#: Requests whose attributes are remembered.
_REMEMBERED: Final = 1_024

#: Words of theirs.
MOBILE: Final = ("mobi", "android", "iphone", "ipad")


class Shown:
    """Remembers what requests showed: one visitor's are alike from page to page.

    Args:
        hashes: the site's.
    """

    def __init__(self, hashes: Fingerprint) -> None:
        self._hashes = hashes
        self._known: dict[tuple[object, ...], tuple[tuple[str, int], ...]] = {}

    def attributes(
        self,
        audience: int,
        inner: Answer,
        varies_on: set[str],
        headers: dict[str, str],
        cookies: dict[str, str],
    ) -> tuple[tuple[str, int], ...]:
        """Return what ``attributes`` does."""
        place = inner.language, inner.time_zone
        made_of = (audience, *place, frozenset(varies_on), *headers.items())
        found = self._known.get(made_of)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = attributes(self._hashes, audience, inner, varies_on, headers, cookies)
            self._known[made_of] = found
        return found


def attributes(
    hashes: Fingerprint,
    audience: int,
    inner: Answer,
    varies_on: set[str],
    headers: dict[str, str],
    cookies: dict[str, str],
) -> tuple[tuple[str, int], ...]:
    """Hash what an answer may hang on; who is not known to be logged in is told apart from both."""
    named = {
        # What the rest hangs on that has no name here: two requests are alike only when these are.
        "network": "|".join(headers.get(name, "") for name in _NETWORK),
        "headers": "|".join(
            f"{name}={value}"
            for name, value in sorted(headers.items())
            if name[:5] == "HTTP_" and name not in _NEW_EACH_TIME
        ),
        "language": inner.language,
        "time_zone": inner.time_zone,
        "host": host_of(headers),
        "scheme": headers.get("scheme", ""),
        "logged_in": "?" if audience == UNKNOWN else str(audience in (USER, STAFF, SUPERUSER)),
        "staff": str(audience in (STAFF, SUPERUSER)),
        "superuser": str(audience == SUPERUSER),
        "mobile": str(is_mobile(headers.get("HTTP_USER_AGENT", ""))),
    }
    for name in ("cookie", *sorted(varies_on)):
        named[f"header:{name}"] = headers.get(f"HTTP_{name.replace('-', '_').upper()}", "")
    named |= _named("query", _pairs(headers.get("QUERY_STRING", "")) or ())
    named |= _named("cookie", cookies.items())
    named |= _named(
        "header",
        (
            (name[5:].replace("_", "-").lower(), value)
            for name, value in headers.items()
            if name[:5] == "HTTP_" and name not in _PASSED_OVER
        ),
    )
    kept = list(named.items())[:MOST_ATTRIBUTES]
    return tuple(sorted((name, hashes.text(value)) for name, value in kept))


def _named(kind: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        # A name that has no value may be one itself (`?alice@example.com`), and none leaves the process.
        key = f"{kind}:{name[:_LONGEST_NAME] if value else ''}"
        value = value or name
        # `?tag=a&tag=b` hangs on both.
        found[key] = f"{found[key]}&{value}" if key in found else value
    return found


def bare(query: str) -> str:
    """Return a query without tracking parameters and in one order; what cannot be read stays as it is.

    Parameters of one name keep theirs: a view takes the last one.
    """
    pairs = _pairs(query)
    if pairs is None:
        return query
    return urlencode(
        sorted((pair for pair in pairs if not is_tracking(pair[0])), key=itemgetter(0))
    )


def _pairs(query: str) -> list[tuple[str, str]] | None:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return None


def host_of(headers: dict[str, str]) -> str:
    """Return the host that a request says it is for."""
    return headers.get("HTTP_HOST", headers.get("SERVER_NAME", ""))


def is_mobile(user_agent: str) -> bool:
    """Tell telephones and tablets, by a word in what a browser calls itself."""
    lower = user_agent.lower()
    return any(word in lower for word in MOBILE)
