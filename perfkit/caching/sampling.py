"""Which requests are noted when there are too many: all of the commonest addresses, a share of the rest.

Popularity follows Zipf's law: a sample of addresses alone misses or doubles the few that matter. So
the commonest of each route are found by Space-Saving (Metwally and others, 2005) and noted whole; of
the others an address is noted whole, or not at all, by its hash, the same in every worker. An address
of that sample stands for ``1 / R`` addresses. The commonest are counted by route because each route is
judged by itself: a route of few addresses is noted whole however busy the others are. R is halved when a minute had too many events, so that what was kept at
one rate is kept at every higher one, and doubled when there is room again.
"""

from __future__ import annotations

from typing import Final

#: Addresses of a route that are noted whole, and routes that are told apart: the rest are counted together.
TOP: Final = 64
_MOST_ROUTES: Final = 500

#: Events that a worker notes in a minute at most, nearly: 30 a second are below 1 % of a CPU.
MOST_A_MINUTE: Final = 1_800

_HASHES: Final = 1 << 64
#: Noted requests after which their own count is trusted more than the rate.
_STEADY: Final = 30
_LEAST_RATE: Final = 1 / 1024


class Sampling:
    """One worker's choice.

    Args:
        most_a_minute: events noted in a minute at most, nearly.

    Attributes:
        rate: share of the other addresses that is noted.
    """

    def __init__(self, most_a_minute: int = MOST_A_MINUTE) -> None:
        self._most = most_a_minute
        self.rate = 1.0
        self._minute = 0
        self._noted = 0
        self._tops: dict[str, _Top] = {}

    def weight(self, route: str, url: int, at: float) -> float:
        """Return for how many requests one stands; 0.0 when it is not noted.

        Args:
            route: its label.
            url: hash of the address.
            at: ``time.time()`` of the request.
        """
        minute = int(at // 60)
        if minute != self._minute:
            self._begin(minute)
        if route not in self._tops and len(self._tops) >= _MOST_ROUTES:
            route = ""
        top = self._tops.setdefault(route, _Top())
        is_top = top.count(url)
        if self.rate >= 1.0 or is_top:
            self._noted += 1
            return 1.0
        weight = top.weight(self.rate, noted=url < self.rate * _HASHES)
        self._noted += weight > 0
        return weight

    def _begin(self, minute: int) -> None:
        self._minute = minute
        if self._noted > self._most and self.rate > _LEAST_RATE:
            self.rate /= 2
        elif self._noted < self._most / 4 and self.rate < 1.0:
            self.rate *= 2
        self._noted = 0


class _Top:
    """Counts the commonest addresses of a route."""

    __slots__ = ("_counts", "_errors", "_passed", "_stood_for")

    def __init__(self) -> None:
        #: Requests for other addresses, and for how many of them those that were noted stand.
        self._passed = self._stood_for = 0.0
        self._counts: dict[int, int] = {}
        #: Counts that were taken over from an address that was thrown out: how wrong one may be.
        self._errors: dict[int, int] = {}

    def count(self, url: int) -> bool:
        """Count an address; tell whether it is surely among the commonest."""
        counts, errors = self._counts, self._errors
        if url in counts:
            counts[url] += 1
        elif len(counts) < TOP:
            counts[url], errors[url] = 1, 0
        else:
            rarest = min(counts, key=counts.__getitem__)
            least = counts.pop(rarest)
            del errors[rarest]
            counts[url], errors[url] = least + 1, least
        # A newcomer has taken over the count of whom it threw out; its own must be the larger part.
        return counts[url] > 2 * errors[url]

    def weight(self, rate: float, *, noted: bool) -> float:
        """Return for how many requests one for another address stands, 0.0 when it is not noted.

        That is ``1 / rate`` on the whole. Where the sample has caught more than its share so far it is
        less, so that together they stand for as many requests as there were.
        """
        self._passed += 1
        if not noted:
            return 0.0
        most = _STEADY / rate
        weight = (self._passed + most) / (self._stood_for + most) / rate
        self._stood_for += 1 / rate
        return weight
