"""Names of routes: one bounded label for what was asked.

A label is the text of the URL pattern with a slash before it, so that a reader finds it in the
URLconf: ``/products/<int:pk>/``, ``/`` for the root. Labels that begin otherwise are no patterns:
``_404`` (nothing matched) and ``_unrouted`` (answered before a URL was looked up).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

from django.urls import ResolverMatch
from django.urls.resolvers import LocalePrefixPattern, RegexPattern
from django.utils import translation

NOT_FOUND: Final = "_404"
UNROUTED: Final = "_unrouted"

METHODS: Final = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
)

#: Characters of a label; what a longer pattern says beyond them is in its hash.
LABEL_LIMIT: Final = 200

#: Routes x languages kept; a site has fewer, and one that makes URLconfs on the fly stays bounded.
_CACHE_LIMIT: Final = 4096
_labels: dict[tuple[str, bool, bool], str] = {}

#: The end of a regular expression that must match to the end of the path.
_ANCHORED: Final = re.compile(r"(?<!\\)(?:\\\\)*(\$|\\[Zz])\Z")


def route_label(match: ResolverMatch | None, status: int) -> str:
    """Name the route of a request; patterns with the same text share a label. Thread-safe.

    The language before ``i18n_patterns`` is folded to ``<lang>``, translated patterns to the text
    in the URLconf. Django itself tells that a route went through ``i18n_patterns``: the last entry
    of ``ResolverMatch.tried`` is the chain of patterns that matched, and there the first one is a
    ``LocalePrefixPattern``. Nothing is guessed from the text, so a literal ``en/`` stays, and any
    thread may ask later, whatever its language. (A pattern translated outside ``i18n_patterns``
    has a label for each language: there Django cannot tell its routes apart either.)

    Args:
        match: ``request.resolver_match``.
        status: HTTP status; 404 without a match is ``_404``.
    """
    if match is None:
        return NOT_FOUND if status == 404 else UNROUTED
    chain: Sequence[Any] = match.tried[-1] if match.tried else ()
    localized = bool(chain) and isinstance(chain[0].pattern, LocalePrefixPattern)
    regex = bool(chain) and isinstance(chain[-1].pattern, RegexPattern)
    key = (match.route or "", localized, regex)
    label = _labels.get(key)
    if label is None:
        if len(_labels) >= _CACHE_LIMIT:
            _labels.clear()
        label = _labels[key] = _label(_localized_route(chain) if localized else key[0], regex)
    return label


def method_label(method: str | None) -> str:
    """Return an HTTP method as it is, or ``_OTHER``: a client may send any word."""
    return method if method in METHODS else "_OTHER"


def _localized_route(chain: Sequence[Any]) -> str:
    """Join the patterns below ``i18n_patterns`` as the URLconf has them, in no language."""
    with translation.override(None):
        parts = [str(resolver.pattern) for resolver in chain[1:]]
    # Django too drops the `^` of a pattern that is included below another.
    return "<lang>/" + "".join(part.removeprefix("^") for part in parts)


def _label(route: str, regex: bool) -> str:
    """Write a route as a path: a regular expression without its anchors, an open end shown."""
    anchor = _ANCHORED.search(route) if regex or route.startswith("^") else None
    if anchor is not None:
        route = route[: anchor.start(1)]
    elif regex:
        # `^docs/` matches all that begins so, and is not the route `docs/`.
        route += ".*"
    label = "/" + route.removeprefix("^")
    if len(label) <= LABEL_LIMIT and label.isprintable():
        return label
    readable = " ".join("".join(c if c.isprintable() else " " for c in label).split())
    return f"{readable[: LABEL_LIMIT - 13]}~{_digest(label)}"


def _digest(text: str) -> str:
    """Return 12 hexadecimal digits, the same in every process."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
