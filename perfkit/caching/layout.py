"""A route's requests laid out key by key, so that a replay can jump: built without a loop of our own.

A million requests are laid out in about a second, because every step is one call into C: the keys are
numbered in the order in which they first come, requests sorted by those small numbers, and what the
replay sums up is held in running sums.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, count, pairwise, repeat
from math import inf
from operator import mul, ne, sub
from typing import Any

from perfkit.caching.columns import Columns
from perfkit.caching.policy import NO_PART


def laid_out(columns: Columns, keys: Sequence[int], one_by_one: bool) -> Layout:
    """Lay requests out; two policies in turn whose keys part them alike have one layout.

    Args:
        columns: the route's events.
        keys: of each event, ``NO_PART`` for those to leave out.
        one_by_one: requests do not overlap.
    """
    numbers = dict(zip(dict.fromkeys(chain((NO_PART,), keys)), count()))
    key = array("I", map(numbers.__getitem__, keys))
    del numbers
    if columns.layout is not None:
        latest: Layout
        latest, *made_of = columns.layout
        if made_of == [key, one_by_one]:
            return latest
        columns.layout = None
    made = Layout(columns, key, one_by_one)
    columns.layout = made, key, one_by_one
    return made


class Layout:
    """Requests in the order of their keys, and of time within a key; a place is an index into that.

    Args:
        columns: the route's events.
        key: number of each event's key, from 1 on; 0 for those to leave out.
        one_by_one: requests do not overlap.

    Attributes:
        order: the event at each place.
        at: when it came; ``takes_ms``: how many milliseconds its answer took.
        ends: one behind the last place of the same key.
        slack: how long a timeout must be, in seconds, for the next request of the key to be a hit.
        weights: running sums of the weights, from 0 on; one longer than the others.
        telling: the same of those whose body says what the page says.
        masked: hashes of the bodies.
        run_starts: the places from which on the body is another one, and the end.
    """

    def __init__(self, columns: Columns, key: array[int], one_by_one: bool) -> None:
        left_out = key.count(0)
        places = sorted(range(len(key)), key=key.__getitem__)[left_out:]
        order = self.order = array("I", places)
        del places
        self.at: list[float] = list(map(columns.at.__getitem__, order))
        self._spent = columns.view_ms
        self.takes_ms = array("f", bytes(4 * len(order)))
        if not one_by_one:
            self.takes_ms = array("f", map(self._spent.__getitem__, order))
        self._one_by_one = one_by_one
        self.masked = array("Q", map(columns.masked.__getitem__, order))
        silent = _silent(columns.status, order)
        for place in silent:
            self.masked[place] = self.masked[place - 1] if place else 0
        self.run_starts = array("I", (0, *_differs(self.masked), len(order)))
        key = array("I", map(key.__getitem__, order))
        takes_s = map(mul, self.takes_ms, repeat(0.001))
        self.slack = array("d", map(sub, map(sub, self.at[1:], self.at), takes_s))
        if order:
            self.slack.append(inf)
        self.ends = array("I")
        begin = 0
        for end in (*_differs(key), len(order)):
            if end > begin:
                self.slack[end - 1] = inf
            self.ends.extend(repeat(end, end - begin))
            begin = end
        # Nothing is sampled most of the time; then a running sum of weights is the place itself.
        self._weights = None if _all_one(columns.weight) else columns.weight
        self.weights: Sequence[float] = range(len(order) + 1)
        if self._weights is not None:
            self.weights = array("d", accumulate(self.ordered(self._weights), initial=0.0))
        self.telling = self.weights
        if silent:
            told = array("d", map(sub, self.weights[1:], self.weights))
            for place in silent:
                told[place] = 0.0
            self.telling = array("d", accumulate(told, initial=0.0))

    def __len__(self) -> int:
        return len(self.order)

    def running(self, values: Any) -> Sequence[float]:
        """Return running sums of a column in this order, times its weights, from 0 on."""
        if values is self._spent and not self._one_by_one:
            ordered: Any = self.takes_ms
        else:
            ordered = self.ordered(values)
        if self._weights is not None:
            ordered = map(mul, ordered, self.ordered(self._weights))
        return array("d", accumulate(ordered, initial=0.0))

    def ordered(self, values: Any) -> Iterator[Any]:
        """Yield a column in this order."""
        return map(values.__getitem__, self.order)

    def wrong(self, source: int, begin: int, end: int) -> float:
        """Sum up who would be told something else by an answer.

        Args:
            source: the place of the answer.
            begin: the first place of those who get it.
            end: one behind the last.
        """
        body, masked, telling, starts = (
            self.masked[source],
            self.masked,
            self.telling,
            self.run_starts,
        )
        found = 0.0
        run = bisect_right(starts, begin)
        while begin < end:
            until = min(starts[run], end)
            if masked[begin] != body:
                found += telling[until] - telling[begin]
            begin = until
            run += 1
        return found

    def changes(self) -> tuple[int, float]:
        """Count the answers that say something else than the one before of the same key.

        And the seconds in which such could be seen: from the first to the last request of each key.
        """
        changed = sum(self.ends[place - 1] != place for place in self.run_starts[1:-1])
        begins = (0, *dict.fromkeys(self.ends))
        seen_s = sum(self.at[end - 1] - self.at[begin] for begin, end in pairwise(begins))
        return changed, seen_s


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


def _all_one(weights: Sequence[float]) -> bool:
    return weights.count(1.0) == len(weights)
