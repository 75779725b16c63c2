"""Which requests are analyzed: a route's first ones of each interval, then one in ten.

The hundredth look at the same page tells what the first ones told. Requests, times and statement
counts are taken from every request; findings, and the counts of repeats, come from the analyzed
ones, each of which stands for those passed over since the one before.
"""

from __future__ import annotations

#: Requests of a route and method that are analyzed in each interval before any is passed over.
FIRST = 5

#: From then on, one in so many.
ONE_IN = 10


#: Routes and methods remembered at most; a further one is analyzed each time, or stood for less.
MOST_ROUTES = 4_000


class Thinning:
    """Takes turns for each route; ``begin_interval`` lets it look closely again."""

    __slots__ = ("_passed", "_seen")

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}
        self._passed: dict[tuple[str, str], int] = {}

    def begin_interval(self) -> None:
        """Look closely at every route again; those passed over so far stay to be stood for."""
        self._seen.clear()
        if len(self._passed) > MOST_ROUTES:
            self._passed.clear()

    def weight(self, route: str, method: str, *, always: bool = False) -> int:
        """Return how many requests the next one stands for: 0 when it is passed over.

        Args:
            route: its label.
            method: its method.
            always: it is analyzed out of turn, and then stands for itself.
        """
        if always:
            return 1
        key = (route, method)
        if len(self._seen) >= MOST_ROUTES and key not in self._seen:
            return 1
        seen = self._seen.get(key, 0) + 1
        self._seen[key] = seen
        if seen > FIRST and (seen - FIRST) % ONE_IN:
            self._passed[key] = self._passed.get(key, 0) + 1
            return 0
        return 1 + self._passed.pop(key, 0)
