"""Names of routes: one bounded label for what was asked, one metric name for each label.

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


# Metric names ------------------------------------------------------------------------------------

#: Nodes longer than this are too long for some file systems once Graphite adds to them.
_NODE_LIMIT: Final = 180

_LITERAL: Final = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")
_PARAMETER: Final = re.compile(
    r"<(?:(?P<converter>[A-Za-z0-9_]+):)?(?P<name>[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*)>"
)
_SPECIAL: Final = re.compile(r"_[a-z0-9]+")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9]+")


def metric_name(label: str, limit: int = 150) -> str:
    """Encode a label as dotted nodes of ``[A-Za-z0-9_-]``, differently for each label.

    ``/`` is ``_root``, ``/api/things/<int:pk>/`` is ``api.things._pk_``, ``<slug:tag>`` is
    ``_slug-tag_``, ``<tag>`` is ``_-tag_``, the language of i18n ``_lang_``, and a missing slash at
    the end is a ``_`` there. What this cannot say (a dot, a regular expression, other alphabets,
    great length) gets ``--`` and 48 bits of hash behind as much of it as can be read.

    Args:
        label: any text.
        limit: characters of the name at most, 24 or more.

    Raises:
        ValueError: `limit` leaves no room for the hash.
    """
    if limit < 24:
        raise ValueError(f"A metric name needs at least 24 characters, not {limit!r}.")
    if label == "/":
        return "_root"
    name = _reversible_name(label)
    if name and len(name) <= limit and max(map(len, name.split("."))) <= _NODE_LIMIT:
        return name
    nodes = (_UNSAFE.sub("_", node)[:_NODE_LIMIT].strip("_") for node in label.split("/"))
    readable = ".".join(node for node in nodes if node)[: limit - 14].rstrip("._") or "_"
    return f"{readable}--{_digest(label)}"


def _reversible_name(label: str) -> str | None:
    """Encode a label of plain words and parameters; None where two labels could meet.

    A word neither begins nor ends with ``_``, so the marks at either end are ours alone, and no
    two ``-`` follow each other, so that nothing here looks like a hash.
    """
    if _SPECIAL.fullmatch(label):
        return None if label == "_root" else label
    if not label.startswith("/"):
        return None
    *segments, last = label[1:].split("/")
    closed = not last
    nodes = [_node(segment) for segment in (segments if closed else [*segments, last])]
    if None in nodes or (nodes and segments[:1] == ["<int:lang>"]):
        return None
    if segments[:1] == ["<lang>"]:
        nodes[0] = "_lang_"
    return ".".join(map(str, nodes)) + ("" if closed else "_")


def _node(segment: str) -> str | None:
    if _LITERAL.fullmatch(segment):
        return segment
    if found := _PARAMETER.fullmatch(segment):
        converter, name = found["converter"], found["name"]
        if converter == "int":
            return f"_{name}_"
        return f"_{converter or ''}-{name}_"
    return None


def _digest(text: str) -> str:
    """Return 12 hexadecimal digits, the same in every process."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
