"""Replays a route's requests as if its answers had been cached: what would have been a hit, and right.

The view has answered each request for real, so of each hit the fresh body and its cost are known.

A policy's requests are laid out key by key, in the order of time within a key. A request whose next
one of the same key comes too late for any hit need not be looked at; from each other one the replay
jumps to the end of what its entry serves, and what lies between are hits, summed up by differences
of running sums. Where keys hang on each other (a HEAD, an address whose answers vary on different
headers) requests are replayed one by one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, pairwise
from operator import and_, mul, not_
from typing import Any

from perfkit.caching.columns import Columns
from perfkit.caching.layout import laid_out, tells
from perfkit.caching.policy import NO_PART, Policy, keyed, mixed
from perfkit.caching.stepwise import Lane, Step
from perfkit.caching.tangle import Tangle, tangled


@dataclass(slots=True)
class Outcome:
    """What a policy with a timeout would have done; sums stand for all requests, sampled or not.

    Attributes:
        timeout_s: seconds.
        all_requests: that came to the route, and ``requests`` that took part.
        hits: answered by the cache.
        stores: answers stored.
        at_once: misses while an answer to the same was being made.
        wrong: hits with a body that says something else than the fresh one.
        saved_ms: what the hits would have cost: the view's time at the view, all of it outside.
    """

    timeout_s: float
    all_requests: float = 0.0
    requests: float = 0.0
    hits: float = 0.0
    stores: float = 0.0
    at_once: float = 0.0
    wrong: float = 0.0
    saved_ms: float = 0.0

    @property
    def hit_ratio(self) -> float:
        """Hits of all requests of the route."""
        return self.hits / self.all_requests if self.all_requests else 0.0

    @property
    def stale_share(self) -> float:
        """Share of the hits that say something else than the fresh answer."""
        return self.wrong / self.hits if self.hits else 0.0

    def add(self, step: Step, columns: Columns, cost: Sequence[float]) -> None:
        """Count what became of one request.

        Args:
            step: of the replay request by request.
            columns: the events it is about.
            cost: milliseconds that a hit saves, of each event.
        """
        weight = columns.weight[step.event]
        if step.stored >= 0:
            self.hits += weight
            self.saved_ms += weight * cost[step.event]
            differs = columns.masked[step.event] != columns.masked[step.stored]
            if differs and tells(columns.status[step.event]):
                self.wrong += weight
        elif step.ready:
            self.stores += weight


class Replay:
    """A route's requests under one policy, laid out to be replayed with any timeout.

    Args:
        columns: the route's events.
        policy: how it would be cached.
        shared: whether all workers have one cache; else each has its own.
        one_by_one: requests do not overlap, as in a test that makes one after the other.
        heads: let a HEAD take part too.
    """

    def __init__(
        self,
        columns: Columns,
        policy: Policy,
        *,
        shared: bool = True,
        one_by_one: bool = False,
        heads: bool = False,
    ) -> None:
        self.columns = columns
        self._what = what = keyed(columns, policy, heads=heads)
        self._policy = policy
        self._heads = heads
        self._one_by_one = one_by_one
        self._shared = shared
        #: What a hit saves of each event, in milliseconds.
        self.cost: Sequence[float] = columns.view_ms if policy.at_view else columns.total_ms
        addresses = tangled(columns, what, heads=heads)
        names = what.keys if shared else _apart(what.keys, columns.worker)
        self._tangle: Tangle | None = None
        if addresses:
            inside = bytearray(url in addresses for url in what.urls)
            self._tangle = self._tangled(inside)
            names = array("Q", map(mul, names, map(not_, inside)))
        plain = self._plainly = laid_out(columns, names, one_by_one)
        self._costs = plain.running(self.cost)
        self._stored = bytes(plain.ordered(what.stored))
        #: Running sums of what would be stored, were it not a hit.
        self._storable = plain.weights
        if 0 in self._stored:
            stored_weights = map(mul, plain.ordered(columns.weight), self._stored)
            self._storable = array("d", accumulate(stored_weights, initial=0.0))
        weights: Any = columns.weight
        if not heads and "HEAD" in columns.methods:
            weights = compress(weights, (method != "HEAD" for method in columns.methods))
        tangled_weight = self._tangle.laid.weights[-1] if self._tangle is not None else 0.0
        #: All requests of the route, and those that take part.
        self.sums = (sum(weights), plain.weights[-1] + tangled_weight)

    def changes(self) -> tuple[int, float]:
        """Count the changes of what is answered, and the seconds in which; see ``Layout.changes``."""
        return self._plainly.changes()

    def outcome(self, timeout_s: float) -> Outcome:
        """Replay with a timeout, in seconds."""
        made = Outcome(timeout_s, *self.sums)
        plain, costs = self._plainly, self._costs
        weights, storable = plain.weights, self._storable
        hits = saved = kept = wrong = 0.0
        for latest, begin, end in self._plain(timeout_s, made):
            hits += weights[end] - weights[begin]
            saved += costs[end] - costs[begin]
            kept += storable[end] - storable[begin]
            wrong += plain.wrong(latest, begin, end)
        made.hits, made.saved_ms, made.wrong = hits, saved, wrong
        made.stores += storable[-1] - kept
        if self._tangle is not None:
            self._add_tangle(self._tangle, made)
        return made

    def _tangled(self, inside: bytearray) -> Tangle:
        """Lay out the requests for addresses whose keys hang on each other."""
        columns, what = self.columns, self._what
        lane = Lane(columns, what, 0.0, (), self._shared, self._one_by_one)
        urls = what.urls if self._shared else mixed(what.urls, columns.worker)
        takes_part = map(and_, inside, map(bool, what.keys))
        return Tangle(lane, array("Q", map(mul, urls, takes_part)))

    def _add_tangle(self, tangle: Tangle, made: Outcome) -> None:
        laid, stored = tangle.laid, tangle.stored
        weights, masked = laid.weights, laid.masked
        costs = laid.running(self.cost)
        telling = laid.telling
        made.stores += tangle.all_stored
        for place, source in tangle.hits(made.timeout_s):
            weight = weights[place + 1] - weights[place]
            made.hits += weight
            made.saved_ms += costs[place + 1] - costs[place]
            if stored[place]:
                made.stores -= weight
            if masked[place] != masked[source]:
                made.wrong += telling[place + 1] - telling[place]

    def _plain(self, timeout_s: float, made: Outcome) -> Iterator[tuple[int, int, int]]:
        """Yield (place stored, first hit, end of the hits) for each entry that has hits."""
        plain = self._plainly
        at, takes_ms, ends, weights = plain.at, plain.takes_ms, plain.ends, plain.weights
        stored = self._stored
        is_start = bytes(map(float(timeout_s).__gt__, plain.slack))
        latest = is_start.find(1)
        while latest >= 0:
            if not stored[latest]:
                latest = is_start.find(1, latest + 1)
                continue
            place, end = latest + 1, ends[latest]
            ready = first_ready = at[latest] + takes_ms[latest] / 1000
            while place < end and at[place] < first_ready:
                # Made at the same time; who ends last is the one whose answer stays.
                made.at_once += weights[place + 1] - weights[place]
                if stored[place]:
                    own = at[place] + takes_ms[place] / 1000
                    first_ready = min(first_ready, own)
                    if own >= ready:
                        latest, ready = place, own
                place += 1
            last = bisect_left(at, ready + timeout_s, place, end)
            if last > place:
                yield latest, place, last
                place = last
            latest = is_start.find(1, place)

    def stores(self, timeout_s: float) -> Iterator[tuple[float, int]]:
        """Yield (when it is ready, event) of every answer that is stored."""
        plain = self._plainly
        is_hit = bytearray(len(plain))
        for _, begin, end in self._plain(timeout_s, Outcome(timeout_s)):
            is_hit[begin:end] = b"\1" * (end - begin)
        for place, event in enumerate(plain.order):
            if self._stored[place] and not is_hit[place]:
                yield plain.at[place] + plain.takes_ms[place] / 1000, event
        if (tangle := self._tangle) is not None:
            hits = {place for place, _ in tangle.hits(timeout_s)}
            for place, event in enumerate(tangle.laid.order):
                if tangle.stored[place] and place not in hits:
                    yield tangle.ready(place), event

    def key_of(self, event: int) -> tuple[int, int]:
        """Return what tells an event's entry from all others: its cache and its key."""
        return (0 if self._shared else self.columns.worker[event], self._what.keys[event])

    def lane(self, timeout_s: float) -> Lane:
        """Return the route to be replayed request by request, where room is short: with every HEAD."""
        what = keyed(self.columns, self._policy, heads=True)
        events = [event for event, key in enumerate(what.keys) if key != NO_PART]
        return Lane(self.columns, what, timeout_s, events, self._shared, self._one_by_one)

    def counts(self, event: int) -> bool:
        """Tell whether an event is one of the requests that are counted."""
        return self._heads or self.columns.methods[event] != "HEAD"

    def by_key(self, timeout_s: float) -> list[tuple[float, float]]:
        """Return (requests, hits) of each key: the units that an interval is drawn from."""
        ends, weights = self._plainly.ends, self._plainly.weights
        hits: dict[int, float] = defaultdict(float)
        for _, begin, end in self._plain(timeout_s, Outcome(timeout_s)):
            hits[ends[begin]] += weights[end] - weights[begin]
        found, begin = [], 0
        while begin < len(ends):
            end = ends[begin]
            found.append((weights[end] - weights[begin], hits.get(end, 0.0)))
            begin = end
        if (tangle := self._tangle) is not None:
            ends, weights, hits = tangle.laid.ends, tangle.laid.weights, defaultdict(float)
            for place, _ in tangle.hits(timeout_s):
                hits[ends[place]] += weights[place + 1] - weights[place]
            begins = (0, *dict.fromkeys(ends))
            for begin, end in pairwise(begins):
                found.append((weights[end] - weights[begin], hits.get(end, 0.0)))
        return found


def _apart(keys: Any, workers: Any) -> array[int]:
    """Make keys that differ between workers too."""
    apart = mixed(keys, workers)
    return array("Q", (key and new for key, new in zip(keys, apart, strict=True)))
