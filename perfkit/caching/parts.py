"""How much of a page two visitors share where they get different ones: what a template fragment could keep."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from typing import Final, NamedTuple

#: Lines, tags and items of lists end so.
_ENDS: Final = re.compile(rb"(?<=[\n>,])")

#: Bytes that are looked at of a body, and routes of which one is kept.
_LONGEST: Final = 128_000
_MOST_ROUTES: Final = 32

#: Seconds between two comparisons of a route: one takes up to some milliseconds.
_APART_S: Final = 5.0

#: A share of all, as it is written down.
WHOLE: Final = 255


class _Kept(NamedTuple):
    url: int
    who: int
    masked: int
    body: bytes
    compared_at: float


class Parts:
    """Keeps the latest body of each route, and compares the next one that somebody else gets instead."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def shared(self, route: str, url: int, who: int, masked: int, body: bytes, at: float) -> int:
        """Return how much of an answer was in the last one of its address, 1 to 255; 0 for not compared.

        Args:
            route: its label.
            url: hash of its address.
            who: its principal.
            masked: hash of what it says.
            body: as sent.
            at: Unix seconds.
        """
        if len(body) > _LONGEST:
            return 0
        kept = self._kept.get(route)
        found, compared_at = 0, 0.0 if kept is None else kept.compared_at
        if kept is not None and kept.url == url:
            if kept.masked == masked or kept.who == who:
                return 0
            if abs(at - kept.compared_at) >= _APART_S:
                found, compared_at = max(round(likeness(kept.body, body) * WHOLE), 1), at
        self._kept[route] = _Kept(url, who, masked, body, compared_at)
        self._kept.move_to_end(route)
        if len(self._kept) > _MOST_ROUTES:
            self._kept.popitem(last=False)
        return found


def likeness(one: bytes, other: bytes) -> float:
    """Return the share of bytes of two bodies that stand in pieces which both have, 0 to 1."""
    first, second = Counter(_ENDS.split(one)), Counter(_ENDS.split(other))
    every = _bytes(first | second)
    return _bytes(first & second) / every if every else 1.0


def _bytes(pieces: Counter[bytes]) -> int:
    return sum(len(piece) * number for piece, number in pieces.items())
