"""A route's requests laid out key by key, so that a replay can jump: built without a loop of our own.

A million requests are laid out in about a second, because every step is one call into C: the keys are
numbered in the order in which they first come, requests sorted by those small numbers, and what the
replay sums up is held in running sums.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain, count, repeat
from math import inf
from operator import mul, ne, sub
from typing import Any

from perfkit.caching.columns import Columns
from perfkit.caching.policy import NO_PART


class Layout:
    """Requests in the order of their keys, and of time within a key; a place is an index into that.

    Args:
        columns: the route's events.
        keys: of each event, ``NO_PART`` for those to leave out.
        one_by_one: requests do not overlap.

    Attributes:
        order: the event at each place.
        at: when it came; ``takes``: how many seconds its answer took.
        ends: one behind the last place of the same key.
        slack: how long a timeout must be, in seconds, for the next request of the key to be a hit.
        weights: running sums of the weights, from 0 on; one longer than the others.
        masked: hashes of the bodies.
    """

    def __init__(self, columns: Columns, keys: Sequence[int], one_by_one: bool) -> None:
        numbers = dict(zip(dict.fromkeys(chain((NO_PART,), keys)), count()))
        key = array("I", map(numbers.__getitem__, keys))
        del numbers
        left_out = key.count(0)
        places = sorted(range(len(key)), key=key.__getitem__)[left_out:]
        order = self.order = array("I", places)
        del places
        self.at: list[float] = list(map(columns.at.__getitem__, order))
        self.takes = array("d", bytes(8 * len(order)))
        if not one_by_one:
            self.takes = array(
                "d", map(mul, map(columns.view_ms.__getitem__, order), repeat(0.001))
            )
        self.masked = array("Q", map(columns.masked.__getitem__, order))
        for place in _silent(columns.status, order):
            self.masked[place] = self.masked[place - 1] if place else 0
        self._changes = array("I", _differs(self.masked))
        key = array("I", map(key.__getitem__, order))
        self.slack = array("d", map(sub, map(sub, self.at[1:], self.at), self.takes))
        if order:
            self.slack.append(inf)
        self.ends = array("I")
        begin = 0
        for end in (*_differs(key), len(order)):
            if end > begin:
                self.slack[end - 1] = inf
            self.ends.extend(repeat(end, end - begin))
            begin = end
        self.weights = self.running(columns.weight)

    def __len__(self) -> int:
        return len(self.order)

    def running(self, values: Sequence[float], times: Any = None) -> Sequence[float]:
        """Return running sums of a column in this order, from 0 on.

        Args:
            values: of each event.
            times: weights to multiply them by, of each event.
        """
        ordered: Any = map(values.__getitem__, self.order)
        if times is not None:
            ordered = map(mul, ordered, map(times.__getitem__, self.order))
        return array("d", chain((0.0,), accumulate(ordered)))

    def changes(self) -> int:
        """Count the answers that say something else than the one before of the same key."""
        return sum(self.ends[place - 1] != place for place in self._changes)

    def same_until(self, place: int) -> int:
        """Return the place at which the body is another one, at this key or a later one."""
        at = bisect_right(self._changes, place)
        return self._changes[at] if at < len(self._changes) else len(self.order)


def tells(status: int) -> bool:
    """Tell whether an answer's body says what the page says: an error's and "not modified" do not."""
    return status < 500 and status != 304


def _silent(status: Sequence[int], order: Sequence[int]) -> list[int]:
    """Return the places whose body tells nothing, so that a hit in their place is right."""
    if all(map(tells, set(status))):
        return []
    return [place for place, event in enumerate(order) if not tells(status[event])]


def _differs(values: Sequence[int]) -> list[int]:
    """Return the places whose value differs from the one before."""
    return [place for place, new in enumerate(map(ne, values[1:], values), 1) if new]
