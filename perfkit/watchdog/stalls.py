"""The trees that grow now, and what becomes of them: a line in the log, a sample for the store."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from perfkit.metrics.sample import Sample
from perfkit.watchdog.hour import LastHour
from perfkit.watchdog.stall import Name, Stall

logger = logging.getLogger("perfkit")

#: Samples that wait for a flush; further ones are counted as dropped.
MOST_WAITING = 100


class Stalls:
    """One tree for each route and method that hangs.

    Args:
        per_hour: samples kept for each in an hour.
        is_accepted: tells whether the team lives with a route that hangs.
    """

    def __init__(self, per_hour: int, is_accepted: Callable[[Name], bool]) -> None:
        self.dropped = 0
        self.samples: deque[Sample] = deque()
        self._per_hour = per_hour
        self._is_accepted = is_accepted
        # With no samples wanted there is still the log.
        self._hour = LastHour(max(per_hour, 1))
        self._growing: dict[Name, Stall] = {}

    def is_silent(self, name: Name, now: float) -> bool:
        """Tell whether no more is wanted of a route for now."""
        return self._hour.is_full(name, now) or self._is_accepted(name)

    def of(self, name: Name) -> Stall | None:
        """Return the tree of a route, if one grows."""
        return self._growing.get(name)

    def growing(self) -> list[Stall]:
        """Return all trees that grow."""
        return list(self._growing.values())

    def begin(self, name: Name, began: float, now: float) -> Stall:
        """Return the tree of a route, a new one if none grows.

        Args:
            name: the route and the method.
            began: when the request began that hangs, Unix seconds.
            now: seconds of the watchdog's clock.
        """
        return self._growing.setdefault(name, Stall(name, began, now))

    def end(self, stall: Stall, now: float) -> None:
        """Make a sample of a tree, if one more is wanted, and log the first in an hour."""
        self._growing.pop(stall.name, None)
        if self.is_silent(stall.name, now):
            return
        is_first = not self._hour.told(stall.name, now)
        self._hour.tell(stall.name, now)
        if is_first:
            logger.warning("perfkit: %s", stall.describe())
        if not self._per_hour:
            return
        if len(self.samples) >= MOST_WAITING:
            self.dropped += 1
        else:
            self.samples.append(stall.to_sample())
