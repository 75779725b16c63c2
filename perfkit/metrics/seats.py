"""Which routes a worker keeps apart: those that take the most time, and not simply the first ones.

A new route finds a free seat at once. When none is free it is counted among the others, and becomes a
candidate: at the end of a minute a candidate that took twice the time of the least of the seated gets
that one's seat. Time fades by half each minute. So junk that came first does not keep a busy route
out for long, and routes of equal weight do not take turns: a series that comes and goes is worth
little, and each costs a file in Graphite.
"""

from __future__ import annotations

from typing import Final

#: How much more than a seated route a candidate must take.
_CLEARLY: Final = 2.0
_FADING: Final = 0.5


class Seats:
    """The routes kept apart, at most so many, and candidates, at most twice as many.

    When there are more candidates, the half with less time is forgotten: of very many routes none
    earns a seat, and one that does has soon taken more time than those that come by once.

    Args:
        most: seats.
    """

    __slots__ = ("_candidates", "_most", "_seated")

    def __init__(self, most: int) -> None:
        self._most = most
        self._seated: dict[str, float] = {}
        self._candidates: dict[str, float] = {}

    def admit(self, route: str, took_ms: float) -> bool:
        """Count a request, and tell whether its route is kept apart.

        Args:
            route: its label.
            took_ms: what it took, in milliseconds.
        """
        seated = self._seated
        if route in seated:
            seated[route] += took_ms
            return True
        if len(seated) < self._most:
            seated[route] = took_ms
            return True
        candidates = self._candidates
        candidates[route] = candidates.get(route, 0.0) + took_ms
        if len(candidates) > 2 * self._most:
            most_time_first = sorted(candidates, key=candidates.__getitem__, reverse=True)
            self._candidates = {each: candidates[each] for each in most_time_first[: self._most]}
        return False

    def end_minute(self) -> None:
        """Give seats to candidates that clearly earn them, and let time fade."""
        rising = sorted(self._candidates, key=self._candidates.__getitem__, reverse=True)
        falling = sorted(self._seated, key=self._seated.__getitem__)
        for candidate, weakest in zip(rising, falling, strict=False):
            if self._candidates[candidate] <= _CLEARLY * self._seated[weakest]:
                break
            self._candidates[weakest] = self._seated.pop(weakest)
            self._seated[candidate] = self._candidates.pop(candidate)
        self._seated = {route: took * _FADING for route, took in self._seated.items()}
        self._candidates = {route: took * _FADING for route, took in self._candidates.items()}
