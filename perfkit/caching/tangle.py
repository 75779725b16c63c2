"""Addresses whose keys hang on each other: replayed request by request, as no jump is possible.

Django remembers for an address what its latest stored answer varied on, and looks every request for it up
by that: where some answers vary on the cookie and others do not, one answer decides what the next request
finds. A HEAD looks for the page of a GET first, then for its own, and its page helps no GET.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import compress

from perfkit.caching.columns import Columns
from perfkit.caching.layout import laid_out
from perfkit.caching.policy import NO_PART, Keyed
from perfkit.caching.stepwise import Lane


class Tangle:
    """The requests for such addresses, laid out address by address.

    Args:
        lane: the route as it is cached.
        addresses: of each event, ``NO_PART`` for those to leave out; differs by worker where each has a
            cache of its own.

    Attributes:
        laid: their places.
        stored: whether the answer at each place would be stored, and ``all_stored`` how many would.
    """

    def __init__(self, lane: Lane, addresses: array[int]) -> None:
        laid = self.laid = laid_out(lane.columns, addresses, lane.one_by_one)
        self.stored = bytes(laid.ordered(lane.what.stored))
        self.all_stored = sum(compress(laid.ordered(lane.columns.weight), self.stored))
        self._varies = array("H", laid.ordered(lane.what.varies))
        self._keys = {
            varies: array("Q", laid.ordered(lane.keys(varies))) for varies in set(self._varies)
        }
        self._is_head = bytes(laid.ordered([each == "HEAD" for each in lane.columns.methods]))

    def ready(self, place: int) -> float:
        """Return when an answer is in the cache; ``time.time()``."""
        return self.laid.at[place] + self.laid.takes_ms[place] / 1000

    def hits(self, timeout_s: float) -> Iterator[tuple[int, int]]:
        """Yield (place, place of the answer that it gets) of every request that the cache answers.

        Where the next request for an address comes too late for whatever is stored, all is over by then.
        """
        is_start = bytes(map(float(timeout_s).__gt__, self.laid.slack))
        start = is_start.find(1)
        while start >= 0:
            end = is_start.find(0, start) + 1
            yield from self._hits_between(start, end, timeout_s)
            start = is_start.find(1, end)

    def _hits_between(self, begin: int, end: int, timeout_s: float) -> Iterator[tuple[int, int]]:
        at, takes_ms, stored, is_head = self.laid.at, self.laid.takes_ms, self.stored, self._is_head
        # What keys are made of, until when; and the pages by key, those of a HEAD by its complement.
        keys, names_end = self._keys[self._varies[begin]], 0.0
        pages: dict[int, tuple[float, int]] = {}
        making: list[tuple[float, int]] = []
        for place in range(begin, end):
            now = at[place]
            while making and making[0][0] <= now:
                ready, made = heappop(making)
                keys, names_end = self._keys[self._varies[made]], ready + timeout_s
                key = keys[made]
                pages[~key if is_head[made] else key] = (names_end, made)
            if now < names_end:
                page = pages.get(keys[place])
                if is_head[place] and (page is None or page[0] <= now):
                    page = pages.get(~keys[place])
                if page is not None and now < page[0]:
                    yield place, page[1]
                    continue
            if stored[place]:
                heappush(making, (now + takes_ms[place] / 1000, place))


def tangled(columns: Columns, what: Keyed, *, heads: bool) -> set[int]:
    """Return the addresses whose keys hang on each other."""
    found: set[int] = set()
    if heads and "HEAD" in columns.methods:
        found.update(
            url for url, method in zip(what.urls, columns.methods, strict=True) if method == "HEAD"
        )
    if len(set(what.varies)) > 1:
        first: dict[int, int] = {}
        for url, key, stored, varies in zip(
            what.urls, what.keys, what.stored, what.varies, strict=True
        ):
            if stored and key != NO_PART and first.setdefault(url, varies) != varies:
                found.add(url)
    return found
