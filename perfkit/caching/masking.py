"""Blanks out what differs in a body from request to request though it says the same: tokens, nonces, ids.

One pattern over a whole page takes milliseconds. Each kind of noise has a word that it cannot do
without; looking for those takes microseconds, and patterns are tried only where one stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple


class Noise(NamedTuple):
    """A kind of noise: words in lower case of which one precedes it, and the pattern from there on.

    The pattern's one group is what is blanked.
    """

    words: tuple[bytes, ...]
    pattern: re.Pattern[bytes]


def _pattern(text: str) -> re.Pattern[bytes]:
    return re.compile(text.encode(), re.IGNORECASE)


_IDS: Final = ("request", "correlation", "trace", "span", "transaction", "store")

NOISE: Final = (
    # Django's CSRF token in JavaScript and JSON, and right behind its name in a tag.
    Noise(
        (b"csrf",),
        _pattern(
            r"""csrf[\w-]*["']?\s*(?:(?:value|content)\s*=|[:=])\s*["']([A-Za-z0-9+/=_-]{16,128})"""
        ),
    ),
    # The nonce of a Content-Security-Policy.
    Noise((b"nonce",), _pattern(r"""nonce["']?\s*[:=]\s*["']?([A-Za-z0-9+/=_-]{8,128})""")),
    # What a request, a trace or a span is known by; the toolbar's handle of the page.
    # A span is also a tag, of which a page is full: that word is looked for with what follows.
    Noise(
        (
            *(word.encode() for word in _IDS if word != "span"),
            *(f"span{join}id".encode() for join in ("", "-", "_", " ")),
        ),
        _pattern(
            rf"""(?:{"|".join(_IDS)})[-_ ]?id["']?\s*(?:content\s*=|[:=])\s*["']?([A-Za-z0-9-]{{8,64}})"""
        ),
    ),
    Noise(
        (b"traceparent",),
        _pattern(r"""traceparent["']?\s*(?:content\s*=|[:=])\s*["']?([0-9a-f-]{20,64})"""),
    ),
)

#: A tag is looked at whole, as its attributes may stand in any order.
_IN_TAG: Final = _pattern(r"""\b(?:value|content)\s*=\s*["']([A-Za-z0-9+/=_-]{16,128})["']""")
_LONGEST_TAG: Final = 400

#: Places looked at in one body; a page with more of them is made of something else.
_MOST_PLACES: Final = 200


class Masks:
    """All that is noise in a body: ours and the site's own.

    Args:
        further: regular expressions of the site's, ``CACHE_MASKS``; they match text as UTF-8.
    """

    __slots__ = ("_own",)

    def __init__(self, further: Iterable[str] = ()) -> None:
        self._own = tuple(re.compile(each.encode()) for each in further)

    def masked(self, body: bytes) -> bytes:
        """Return the body with what is noise blanked; the same object where nothing is."""
        spans = sorted(set(_spans(body)))
        if spans:
            parts, end = [], 0
            for start, stop in spans:
                if start >= end:  # one place may be found by two words
                    parts += [body[end:start], b"*"]
                    end = stop
            body = b"".join([*parts, body[end:]])
        for pattern in self._own:
            body = pattern.sub(b"*", body)
        return body


def _spans(body: bytes) -> Iterator[tuple[int, int]]:
    lower = body.lower()
    for words, pattern in NOISE:
        for word in words:
            at = lower.find(word)
            for _ in range(_MOST_PLACES):
                if at < 0:
                    break
                found = pattern.match(body, at)
                if found is None and word == b"csrf":
                    found = _in_tag(body, at)
                if found is not None:
                    yield found.span(1)
                at = lower.find(word, at + len(word))


def _in_tag(body: bytes, at: int) -> re.Match[bytes] | None:
    start = body.rfind(b"<", max(at - _LONGEST_TAG, 0), at)
    end = body.find(b">", at, at + _LONGEST_TAG)
    if start < 0 or end < 0 or b">" in body[start:at]:
        return None
    return _IN_TAG.search(body, start, end)
