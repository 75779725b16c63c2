"""The highest ranks so far, at most so many, and what a newcomer must beat."""

from __future__ import annotations

from heapq import heappush, heapreplace


class Best:
    """Ranks above 0, of which the highest are remembered; equal ones do not replace each other.

    Attributes:
        floor: a rank is among the best when it is above this.
    """

    __slots__ = ("_most", "_ranks", "floor")

    def __init__(self, most: int) -> None:
        self._most = most
        self._ranks: list[float] = []
        self.floor = 0.0

    def add(self, rank: float) -> None:
        """Remember a rank that is above ``floor``."""
        if len(self._ranks) < self._most:
            heappush(self._ranks, rank)
        else:
            heapreplace(self._ranks, rank)
        if len(self._ranks) == self._most:
            self.floor = self._ranks[0]
